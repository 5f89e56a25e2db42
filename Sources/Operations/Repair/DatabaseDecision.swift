internal import AOF
internal import Bytes

/// Decides in which database commands behind damage belong, up to the next SELECT: a SELECT may
/// have been among the lost bytes.
///
/// 1. A log that selects one database only leaves nothing to decide.
/// 2. Keys tell: keys of the commands in doubt that occur elsewhere in the log, in one database
///    only, vote for it. When all votes are for the same database, it is that.
/// 3. Otherwise `--assume-db` decides, or the commands go: in a wrong database they would destroy
///    what is right there.
struct DatabaseDecision {
  /// Keys of one stretch that are looked for.
  private static let mostKeys = 256
  /// Votes that are enough.
  private static let enoughVotes = 16

  /// Where a key was seen: the numbers of up to 64 databases as bits of their places in `databases`.
  private var seen: [UInt64: UInt64] = [:]
  private let databases: [Int]

  init(_ databases: Set<Int>) { self.databases = databases.sorted() }

  /// Adds the keys of a stretch.
  ///
  /// - Returns: their hashes.
  mutating func keys(
    of stretch: LogPlan.Stretch, _ pieces: LogPieces, _ cursor: borrowing ByteCursor
  ) -> [UInt64] {
    var hashes: [UInt64] = []
    var words = ArgumentTable()
    let end = min(stretch.range.upperBound, stretch.range.lowerBound + (1 << 20))
    pieces.forEachCommand(
      in: stretch.range.lowerBound..<end, of: cursor.wholeSlice, cursor.pages, &words
    ) { (_, words) in
      if hashes.count < DatabaseDecision.mostKeys {
        DatabaseDecision.forEachKey(words.arguments) { hashes.append($0) }
      }
    }
    for hash in hashes { seen[hash] = 0 }
    return hashes
  }

  private static func forEachKey(_ arguments: Arguments, _ body: (UInt64) -> Void) {
    guard let info = CommandTable.shared.find(CommandWord(arguments.name), arguments) else {
      return
    }
    var places = KeyPlaces(info.keys, arguments)
    while let place = places.pop() { body(arguments[place].fastHash) }
  }

  /// Looks for the keys in what is certain of a file.
  ///
  /// - Returns: whether enough is known now of `wanted`, lists of hashes.
  mutating func look(
    _ pieces: LogPieces, _ stretches: [LogPlan.Stretch], _ cursor: borrowing ByteCursor,
    _ wanted: [[UInt64]]
  ) -> Bool {
    let bytes = cursor.wholeSlice
    let pages = cursor.pages
    var words = ArgumentTable()
    var at = 0
    for index in 0...stretches.count {
      let end = index < stretches.count ? stretches[index].range.lowerBound : bytes.count
      var database = 0
      // Behind a stretch a SELECT follows, or damage and the next stretch.
      var place = databases.firstIndex(of: database)
      var count = 0
      var isEnough = false
      pieces.forEachCommand(in: at..<max(at, end), of: bytes, pages, &words) { (_, words) in
        if isEnough { return }
        let word = CommandWord(words[0])
        if word.isSelect, words.count > 1, let number = DecimalText.canonical(words[1]) {
          database = Int(clamping: number)
          place = databases.firstIndex(of: database)
          return
        }
        guard let place, place < 64 else { return }
        DatabaseDecision.forEachKey(words.arguments) { hash in
          if let mask = seen[hash] { seen[hash] = mask | 1 << UInt64(place) }
        }
        count += 1
        if count & 0xFFFF == 0 { isEnough = self.isEnough(wanted) }
      }
      if isEnough { return true }
      at = index < stretches.count ? stretches[index].range.upperBound : bytes.count
    }
    return isEnough(wanted)
  }

  private func isEnough(_ wanted: [[UInt64]]) -> Bool {
    wanted.allSatisfy { votes($0).values.reduce(0, +) >= DatabaseDecision.enoughVotes }
  }

  private func votes(_ hashes: [UInt64]) -> [Int: Int] {
    var votes: [Int: Int] = [:]
    for hash in Set(hashes) {
      guard let mask = seen[hash], mask.nonzeroBitCount == 1 else { continue }
      votes[databases[mask.trailingZeroBitCount], default: 0] += 1
    }
    return votes
  }

  /// The database that all votes are for; nil when there are none, or for several.
  func answer(_ hashes: [UInt64]) -> Int? {
    let votes = votes(hashes)
    return votes.count == 1 ? votes.keys.first : nil
  }

  /// Whether a command means the same in whatever database it is run.
  static func isIndependent(_ word: CommandWord, _ arguments: Arguments) -> Bool {
    if word.isMulti || word.isExec { return true }
    guard let info = CommandTable.shared.find(word, arguments) else { return false }
    switch info.effect {
    case .script: return info.keys == .none
    case .flush: return info.id == .flushall
    case .keyspace: return info.id == .swapdb
    default: return false
    }
  }
}
