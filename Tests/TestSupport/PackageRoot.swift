package import Foundation

/// Where the package, its fixtures and its built program are.
package enum PackageRoot {
  /// The folder that holds `Package.swift`.
  package static let url = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The built `redis-backup` beside the running test bundle; `REDIS_BACKUP_BINARY` names another.
  package static let redisBackup: String = {
    if let named = ProcessInfo.processInfo.environment["REDIS_BACKUP_BINARY"] { return named }
    var places = Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
    if let executable = Bundle.main.executableURL {
      places.append(executable.deletingLastPathComponent())
    }
    places.append(URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent())
    let candidates = places.map { $0.appendingPathComponent("redis-backup").path }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? candidates[0]
  }()
}
