import Foundation

/// A new empty folder that goes away, with all in it, when the last reference does; also when the test
/// process is killed.
package final class TemporaryDirectory: Sendable {
  /// The path of the folder; short enough for a socket in it.
  package let path: String

  package init() throws {
    let base = NSTemporaryDirectory()
    // A Unix socket's path has 103 bytes at most on some systems.
    let short = base.utf8.count > 60 ? "/tmp" : base
    let name = "rb-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    path = URL(fileURLWithPath: short).appendingPathComponent(name).path
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    Watchdog.shared.watch(directory: path)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
    Watchdog.shared.release(directory: path)
  }

  /// The path of a file in the folder.
  package func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file in the folder and gives its path.
  @discardableResult
  package func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }

  /// Writes a text file in the folder and gives its path.
  @discardableResult
  package func write(_ text: String, to name: String) throws -> String {
    try write(text.utf8, to: name)
  }

  /// The content of a file in the folder.
  package func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name))))
  }

  /// The names in the folder, sorted.
  package func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }
}

/// Runs `body` with a temporary folder that is gone afterwards.
package func withTemporaryDirectory<Result>(
  _ body: (TemporaryDirectory) throws -> Result
) throws -> Result {
  let directory = try TemporaryDirectory()
  return try withExtendedLifetime(directory) { try body(directory) }
}
