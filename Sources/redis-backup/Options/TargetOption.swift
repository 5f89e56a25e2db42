import Operations
import RDB

/// `--target SERVER`, the same in every command that has it.
enum TargetOption {
  /// The release that `text` names; nil when the option was not given.
  static func parse(_ text: String?) throws(ToolError) -> RDBTarget? {
    guard let text else { return nil }
    guard let release = RDBTarget(text) else {
      throw .usage(
        "--target \(text) names no release",
        remedy: "Try: --target redis:7.2 or --target valkey:9.0")
    }
    return release
  }
}
