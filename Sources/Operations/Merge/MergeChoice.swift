internal import Bytes
internal import Keyspace
internal import RDB

/// Which keys are in several inputs, and from which each is taken.
struct MergeChoice {
  private struct Name: Hashable {
    var database: Int
    var key: [UInt8]
  }

  private let policy: Merge.Policy
  private let paths: [String]
  /// Hashes of all keys, input after input.
  private var hashes: [[UInt64]] = []
  /// When each input was made, in seconds since 1970.
  private var times: [Int64] = []
  private var suspects: Set<UInt64> = []
  /// The input from which a key that is there more than once is taken.
  private var winners: [Name: Int] = [:]
  private(set) var duplicates: [Merge.Duplicate] = []
  private(set) var duplicateCount = 0

  init(_ policy: Merge.Policy, _ paths: [String]) {
    self.policy = policy
    self.paths = paths
  }

  /// Reads the names of the keys of an input.
  ///
  /// - Returns: the server that wrote it.
  mutating func readNames(
    _ path: String, _ index: Int, _ fileSystem: any FileSystem
  ) throws(ToolError) -> RDBTarget {
    var all: [UInt64] = []
    var made: Int64?
    let own = try MergeChoice.forEachKey(path, fileSystem) { (db, key) in
      all.append(KeyFilter.hash(key, db: db))
    } time: {
      made = $0
    }
    hashes.append(all)
    let status = try? fileSystem.status(of: path, followLinks: true)
    times.append(made ?? (status?.modified ?? 0) / 1_000_000_000)
    return own
  }

  /// Calls `body` with every key.
  private static func forEachKey(
    _ path: String, _ fileSystem: any FileSystem, _ body: (Int, ByteSlice) -> Void,
    time: (Int64) -> Void
  ) throws(ToolError) -> RDBTarget {
    var input = try DataInput(path, fileSystem: fileSystem)
    if let log = input.log {
      for db in log.keyspace.databases {
        log.keyspace.forEachKey(in: db) { (key, _) in body(db, key) }
      }
      let server = log.keyspace.likelyTarget(isMultiPart: log.isMultiPart)
      return RDBTarget(server.dialect, server.version / 100, server.version % 100)
        ?? RDBTarget.known("redis:7.2")
    }
    guard var reader = input.takeDump() else { preconditionFailure("an input is a dump or a log") }
    var told: RDBTarget?
    do throws(RDBError) {
      while true {
        switch try reader.next() {
        case .key: body(reader.key.db, reader.key.key)
        case .aux(let name, let text):
          if let target = RDBTarget(auxiliary: name, text) { told = target }
          if name.equals("ctime"), let seconds = DecimalText.canonical(text) { time(seconds) }
        case .end:
          let header = reader.header
          return told.flatMap { $0.header == header ? $0 : nil } ?? RDBTarget(writerOf: header)
        default: break
        }
      }
    } catch { throw ToolError(error, file: path, database: reader.key.db, key: reader.key.key) }
  }

  /// Finds the keys that are there more than once, and decides.
  mutating func findDuplicates(_ fileSystem: any FileSystem) throws(ToolError) {
    var filter = KeyFilter()
    for all in hashes { for hash in all { filter.add(hash) } }
    suspects = filter.takeSuspects()
    hashes = []
    if suspects.isEmpty { return }
    var places: [Name: [Int]] = [:]
    for (index, path) in paths.enumerated() {
      let suspects = suspects
      _ = try MergeChoice.forEachKey(path, fileSystem) { (db, key) in
        guard suspects.contains(KeyFilter.hash(key, db: db)) else { return }
        places[Name(database: db, key: key.bytes), default: []].append(index)
      } time: { _ in
      }
    }
    for (name, inputs) in places.sorted(by: {
      ($0.key.database, $0.key.key) < ($1.key.database, $1.key.key)
    })
    where inputs.count > 1 {
      duplicateCount += 1
      let winner = choose(inputs)
      winners[name] = winner
      guard duplicates.count < Merge.Report.mostDuplicates else { continue }
      duplicates.append(
        Merge.Duplicate(
          database: name.database, key: name.key, inputs: inputs.map { paths[$0] },
          taken: policy == .error ? nil : paths[winner]))
    }
  }

  private func choose(_ inputs: [Int]) -> Int {
    switch policy {
    case .first, .error: inputs[0]
    case .last: inputs[inputs.count - 1]
    case .newer: inputs.max { times[$0] < times[$1] } ?? inputs[0]
    }
  }

  /// Whether a key is taken from the input number `index`.
  func takes(_ key: ByteSlice, db: Int, from index: Int) -> Bool {
    if suspects.isEmpty || !suspects.contains(KeyFilter.hash(key, db: db)) { return true }
    return winners[Name(database: db, key: key.bytes)] ?? index == index
  }
}

private func < (a: (Int, [UInt8]), b: (Int, [UInt8])) -> Bool {
  a.0 != b.0 ? a.0 < b.0 : a.1.lexicographicallyPrecedes(b.1)
}
