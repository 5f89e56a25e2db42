import Bytes
import RDB

extension KeyspaceReport {
  /// Reads `input` once and tells what takes the room.
  ///
  /// - Throws: ``ToolError``.
  public init(_ input: consuming DataInput, _ options: Options) throws(ToolError) {
    let isLog = input.log != nil
    let builder = try KeyListing.give(
      input, selection: options.selection, expiredBefore: options.expiredBefore,
      to: ReportBuilder(options))
    self = builder.report()
    self.isLog = isLog
  }
}

/// Adds up rows.
private struct ReportBuilder: RowTaker, ~Copyable {
  private let options: KeyspaceReport.Options
  private var total = KeyTally()
  private var modules = 0
  private var databases: [KeyspaceReport.Database] = []
  private var lastDatabase = -1
  private var types = [KeyTally](
    repeating: KeyTally(), count: 1 + Int(LogicalType.allCases.map(\.rawValue).max() ?? 0))
  private var encodings: [(type: LogicalType, name: StaticString, tally: KeyTally)] = []
  private var expiries = [KeyTally](repeating: KeyTally(), count: ExpiryClass.names.count)
  private var sizes = [KeyTally](repeating: KeyTally(), count: SizeClass.names.count)
  private var unprefixed = KeyTally()
  private var levels: KeyLevels
  private var prefixes: PrefixCounter
  private var biggest: KeptRows

  init(_ options: KeyspaceReport.Options) {
    self.options = options
    levels = KeyLevels(
      KeyLevels.Style(
        separators: options.separators, depth: options.depth, isLiteral: options.isLiteral))
    prefixes = PrefixCounter(places: options.places)
    let order: KeyListing.Order =
      switch options.ranking {
      case .memory: .memory
      case .size: .size
      case .elements: .elements
      }
    biggest = KeptRows(order, limit: options.top)
  }

  mutating func take(_ row: KeyRow) {
    total.add(row)
    if row.type == .module { modules &+= 1 }
    types[Int(row.type.rawValue)].add(row)
    addDatabase(row)
    addEncoding(row)
    expiries[ExpiryClass.of(row.expiresAt, now: options.now)].add(row)
    let size = options.ranking == .size || row.type == .module ? row.bytes : row.memory
    sizes[SizeClass.of(size)].add(row)
    biggest.add(row)
    let weight =
      switch options.ranking {
      case .memory: row.memory
      case .size: row.bytes
      case .elements: Int(clamping: row.elements)
      }
    levels.read(row.key)
    let count = levels.count
    if count == 0 { unprefixed.add(row) }
    for index in 0..<count {
      prefixes.add(
        levels[index], isWhole: levels.endsWhole && index == count - 1, depth: index + 1, row,
        weight: weight)
    }
  }

  @inline(__always) private mutating func addDatabase(_ row: KeyRow) {
    if lastDatabase < 0 || databases[lastDatabase].db != row.db {
      lastDatabase = databases.firstIndex { $0.db == row.db } ?? databases.count
      if lastDatabase == databases.count {
        databases.append(KeyspaceReport.Database(db: row.db))
      }
    }
    databases[lastDatabase].tally.add(row)
  }

  @inline(__always) private mutating func addEncoding(_ row: KeyRow) {
    let name = ByteSlice(row.encoding)
    for index in 0..<encodings.count
    where encodings[index].type == row.type && name == ByteSlice(encodings[index].name) {
      encodings[index].tally.add(row)
      return
    }
    var tally = KeyTally()
    tally.add(row)
    encodings.append((row.type, row.encoding, tally))
  }

  /// What was found.
  consuming func report() -> KeyspaceReport {
    var report = KeyspaceReport()
    report.ranking = options.ranking
    report.now = options.now
    report.total = total
    report.modules = modules
    report.databases = databases.sorted { $0.db < $1.db }
    let ranking = options.ranking
    let heavier = { (a: KeyTally, b: KeyTally) in
      (ranking.weight(a), a.bytes, a.keys) > (ranking.weight(b), b.bytes, b.keys)
    }
    report.types = LogicalType.allCases.map {
      KeyspaceReport.Row(name: "\($0.name)", tally: types[Int($0.rawValue)])
    }.filter { $0.tally.keys > 0 }.sorted { heavier($0.tally, $1.tally) }
    report.encodings = encodings.map {
      KeyspaceReport.Encoding(type: $0.type, name: "\($0.name)", tally: $0.tally)
    }.sorted { heavier($0.tally, $1.tally) }
    report.expiries = rows(ExpiryClass.names, expiries)
    report.sizes = rows(SizeClass.names, sizes)
    report.unprefixed = unprefixed
    report.prefixBound = prefixes.bound
    report.prefixes = ranked(ranking)
    biggest.sort()
    for index in 0..<biggest.count {
      let row = biggest[index]
      report.biggest.append(
        KeyspaceReport.Key(
          db: row.db, key: row.key.bytes, type: row.type, encoding: "\(row.encoding)",
          elements: row.elements, bytes: row.bytes, memory: row.memory, expiresAt: row.expiresAt))
    }
    return report
  }

  private func rows(_ names: [String], _ tallies: [KeyTally]) -> [KeyspaceReport.Row] {
    zip(names, tallies).map { KeyspaceReport.Row(name: $0, tally: $1) }
      .filter { $0.tally.keys > 0 }
  }

  /// The prefixes that take most, without those that a longer one with the same keys makes needless.
  private func ranked(_ ranking: KeyspaceReport.Ranking) -> [KeyspaceReport.Prefix] {
    // By name, so that what stands below a prefix follows it.
    let order = (0..<prefixes.count).sorted { prefixes.name($0).compare(prefixes.name($1)) < 0 }
    var needless = [Bool](repeating: false, count: prefixes.count)
    var above: [Int] = []
    for index in order {
      let name = prefixes.name(index)
      while let last = above.last, !isBelow(name, last) { above.removeLast() }
      if let last = above.last {
        let (upper, lower) = (prefixes[last], prefixes[index])
        if upper.tally == lower.tally && upper.missed == lower.missed { needless[last] = true }
      }
      if !prefixes[index].isWhole { above.append(index) }
    }
    // Equal ones stay in the order of their names.
    let first = order.enumerated().filter { !needless[$0.element] }
      .map { (place: $0.element, rank: -$0.offset, tally: prefixes[$0.element].tally) }
      .sorted {
        (ranking.weight($0.tally), $0.tally.keys, $0.rank)
          > (ranking.weight($1.tally), $1.tally.keys, $1.rank)
      }
      .prefix(options.top)
    return first.map { prefix($0.place) }
  }

  private func isBelow(_ name: ByteSlice, _ place: Int) -> Bool {
    let upper = prefixes.name(place)
    return name.count >= upper.count && name.prefix(upper.count) == upper
  }

  private func prefix(_ place: Int) -> KeyspaceReport.Prefix {
    let entry = prefixes[place]
    let name = prefixes.name(place).bytes
    var glob: [UInt8] = []
    for byte in name {
      if options.isLiteral, #"\*?["#.utf8.contains(byte) { glob.append(UInt8(ascii: "\\")) }
      glob.append(byte)
    }
    if !entry.isWhole { glob.append(UInt8(ascii: "*")) }
    return KeyspaceReport.Prefix(
      name: name, isWhole: entry.isWhole, depth: entry.depth, tally: entry.tally,
      missed: entry.missed, glob: glob)
  }
}
