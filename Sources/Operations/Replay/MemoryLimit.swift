import AOF
import Bytes
import Keyspace

/// Where the tables of a replay live.
enum MemoryLimit {
  /// A key takes up to 120 bytes of tables while they grow, a command that waits 32, and the shortest
  /// command that makes a key has 27 bytes (`SET a b`): the tables stay below so many times the log.
  static let tablesPerByte = 6

  /// Files when the tables might need more than the limit; memory otherwise.
  static func backing(
    for input: borrowing Input, _ options: ReplayedLog.Options, _ fileSystem: any FileSystem
  ) -> PageBacking {
    guard let limit = options.memoryLimit else { return .memory }
    let bytes = size(of: input, fileSystem)
    if let bytes, bytes <= limit / tablesPerByte { return .memory }
    return .file(in: options.temporaryDirectory)
  }

  /// Bytes of the log; nil when they are known at its end only.
  private static func size(of input: borrowing Input, _ fileSystem: any FileSystem) -> Int? {
    switch input.kind {
    case .empty: return 0
    case .rdb, .aof: return input.facts.isCompressed ? nil : input.facts.bytesOnDisk
    case .multiPart(let manifest):
      var sum = 0
      for part in manifest.loaded {
        let file = FilePath.join(input.facts.logDirectory, part.name)
        guard let status = try? fileSystem.status(of: file, followLinks: true) else { return nil }
        sum += status.size
      }
      return sum
    }
  }
}
