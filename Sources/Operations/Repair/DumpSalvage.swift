internal import Bytes
internal import RDB

/// Goes through a damaged dump, and decides what is kept.
///
/// * Every value is checked to its last element. One that is damaged inside, while its length is
///   right, costs its key only.
/// * Where a record can't be read, reading goes on at the next place that is one for certain
///   (``DumpProbe``). The length of the value before it may be wrong; unless that value proves its own
///   end, its key goes too.
/// * The first key behind a damage goes when its attributes (expiry time) may have been lost.
/// * To which database the keys behind a damage belong is decided by ``DumpDatabases``.
struct DumpSalvage: ~Copyable {
  /// The end of a dump.
  struct Ending {
    /// Where the EOF byte stands.
    var offset: Int
    /// Where the dump ends, checksum included.
    var end: Int
    /// The checksum in the file; nil for dumps without.
    var stored: UInt64?
  }

  /// A record that was read lately.
  private struct Recent {
    var range: Range<Int>
    /// Whether its length is proven by its own content.
    var isProven: Bool
    /// Whether its key does not look like the others, or its length is a new one.
    var isStrange: Bool
    /// Whether its key does not look like the others.
    var isUnlike: Bool
    var key: [UInt8]
    var expires: Bool
    var group: Int
    var type: ValueType
  }

  let file: String
  let bytes: ByteSlice
  let start: Int
  let strict: Bool
  var pieces = DumpPieces()
  private(set) var lost: [RepairReport.Lost] = []
  var doubts: [String] = []
  /// Keys kept.
  private(set) var keys = 0
  /// How the dump ends; nil when its end was lost.
  private(set) var ending: Ending?
  /// Where its bytes end, whatever they are.
  private(set) var end = 0
  /// Hashes of all keys kept.
  private(set) var filter = KeyFilter()
  /// The types that were read, for the version of a header that was lost.
  private(set) var types: Set<ValueType> = []
  /// Keys that are kept and worth a look: where their records begin, and why.
  private(set) var noted: [Int: String] = [:]
  /// The server that made it, when a fact tells.
  private(set) var target: RDBTarget?

  private var checker = ValueChecker()
  private var probe: DumpProbe
  private var model = KeyModel()
  private var recent: [Recent] = []
  private var isStopping = false
  /// Whether there are size hints.
  private var hasSizes = false
  /// Where one may stand: behind the selection of a database, which may have been lost.
  private var sizesMayStand = -1
  /// Where reading began again behind lost bytes.
  private var resumedAt = -1
  /// Whether the bytes are known to be other ones than were written.
  private let distrusts: Bool

  init(
    _ file: String, _ bytes: ByteSlice, from start: Int, _ header: RDBHeader, mayBeLog: Bool,
    strict: Bool, distrusts: Bool
  ) {
    self.file = file
    self.bytes = bytes
    self.start = start
    self.strict = strict
    self.distrusts = distrusts
    probe = DumpProbe(bytes, header, mayBeLog: mayBeLog)
    end = bytes.count
  }

  /// Why a record goes.
  private enum Trouble: Error {
    case unreadable(RDBError)
    case strange
  }

  /// Reads to the end of the dump. `reader` stands behind the header.
  mutating func run(_ reader: inout RDBReader) throws(ToolError) {
    while !isStopping {
      let at = reader.offset
      do throws(Trouble) {
        if try step(&reader, at) { break }
      } catch {
        if case .unreadable(let inner) = error, case .unreadable(let system) = inner.kind {
          throw ToolError(system, file: file)
        }
        if !recover(&reader, at, error) { break }
      }
    }
  }

  // MARK: - Records

  /// Reads one record; true at the end of the dump.
  private mutating func step(_ reader: inout RDBReader, _ at: Int) throws(Trouble) -> Bool {
    let record: RDBRecord
    do throws(RDBError) { record = try reader.next() } catch { throw .unreadable(error) }
    switch record {
    case .key: try take(&reader, at)
    case .selectDB(let db):
      // Since 3.2 a size hint follows each.
      if distrusts, hasSizes, reader.offset < bytes.count, bytes[reader.offset] != Opcode.resizeDB {
        throw .strange
      }
      pieces.groups.append(DumpPieces.Group(db: db))
      pieces.append(at..<reader.offset)
      sizesMayStand = reader.offset
    case .resizeDB(let keys, let expires):
      // Elsewhere it is what is left of other bytes.
      if distrusts, at != sizesMayStand { throw .strange }
      hasSizes = true
      let last = pieces.groups.count - 1
      if pieces.groups[last].keys == 0, !pieces.groups[last].isUncertain {
        pieces.groups[last].announced = (keys, expires)
      }
      pieces.append(at..<reader.offset, .sizes)
    case .function(let code, let preRelease):
      if distrusts, !DumpProbe.isFunction(code, preRelease) { throw .strange }
      pieces.append(at..<reader.offset)
    case .moduleAux, .slotInfo, .slotImport:
      // Little is written in them that could be wrong.
      if distrusts, !probe.reads(reader.offset, reader.db) { throw .strange }
      pieces.append(at..<reader.offset)
    case .aux(let name, let text):
      if distrusts, name.count < 2 || !KeyModel.isPrintable(name) { throw .strange }
      if let told = RDBTarget(auxiliary: name, text) { target = told }
      pieces.append(at..<reader.offset)
    case .hashTemplate:
      probe.takeTemplates(of: reader)
      pieces.append(at..<reader.offset)
    case .end:
      if distrusts, hasRecords(behind: reader.offset, reader.db) { throw .strange }
      end = reader.offset
      let hasChecksum = reader.header.hasChecksum
      let mark = end - (hasChecksum ? 9 : 1)
      ending = Ending(
        offset: mark, end: end,
        stored: hasChecksum ? bytes.load(at: mark + 1, as: UInt64.self) : nil)
      return true
    }
    if case .key = record {} else { recent.removeAll(keepingCapacity: true) }
    return false
  }

  private mutating func take(_ reader: inout RDBReader, _ at: Int) throws(Trouble) {
    let key = reader.key
    let accepted = model.accepts(key) && !(distrusts && model.isShort(key.key))
    do throws(RDBError) { try checker.check(&reader) } catch { throw .unreadable(error) }
    // Where bytes are known to be damaged, a strange key counts only when others follow it; zeros in it
    // are of the damage, and so are two in a row.
    if distrusts && !accepted && model.count > 100,
      key.key.isEmpty || model.isTextAlone || recent.last?.isUnlike == true
        || DumpSalvage.holdsZeros(key.key)
        || !probe.reads(reader.offset, reader.db)
    {
      throw .strange
    }
    if distrusts, hasLostTime(key, at) || isZeros(at..<reader.offset) { throw .strange }
    // The lost bytes may reach into the expiry time.
    if at == resumedAt, let time = key.expiresAt {
      if distrusts, !model.hasSeen(time) { throw .strange }
      noted[at] = "its expiry time stands behind lost bytes, which may reach into it"
    }
    if distrusts, swallows(key, upTo: reader.offset, reader.db) { throw .strange }
    let range = at..<reader.offset
    pieces.append(range)
    let last = pieces.groups.count - 1
    pieces.groups[last].keys += 1
    if key.expiresAt != nil { pieces.groups[last].expires += 1 }
    keys += 1
    types.insert(key.type)
    // Copies may land in another database.
    filter.add(KeyFilter.hash(key.key, db: 0))
    let isStrange = !accepted || model.isOfNewLength(key.key)
    if accepted { model.learn(key, length: range.count) }
    if recent.count == 4 { recent.removeFirst() }
    // Only now and then is the name needed; the bytes tell it again.
    recent.append(
      Recent(
        range: range, isProven: DumpSalvage.provesLength(key.type),
        isStrange: isStrange, isUnlike: !accepted, key: [], expires: key.expiresAt != nil,
        group: last,
        type: key.type))
  }

  /// Whether an expiry time stands in front of a key that has none, where nothing proves that the bytes
  /// before it are of something else: its opcode was lost, or is taken for the end of another value.
  private func hasLostTime(_ key: KeyHeader, _ at: Int) -> Bool {
    guard at >= 17, key.expiresAt == nil, bytes[at] < Opcode.hashTemplate else { return false }
    if let last = recent.last, last.range.upperBound == at,
      last.isProven || last.type == .setIntset
    {
      return false
    }
    let time = bytes.load(at: at - 8, as: Int64.self)
    return KeyModel.plausible ~= time
  }

  /// Whether a text whose name is longer or shorter than all before holds records: it is the rest of
  /// another one, read as a record, which happens to end where one does.
  private mutating func swallows(_ key: KeyHeader, upTo end: Int, _ db: Int) -> Bool {
    guard key.type == .string, end - key.valueOffset > 1024, model.isOfNewLength(key.key) else {
      return false
    }
    return probe.next(
      from: key.valueOffset + 1, upTo: end, db: db, model, keysExpire: false) != nil
  }

  /// Whether records follow what was taken for the end of the dump.
  mutating func endsBeforeRecords() -> Bool {
    ending != nil && hasRecords(behind: end, pieces.groups[pieces.groups.count - 1].db)
  }

  /// Whether what reads as the end of the dump is none, since records follow.
  private mutating func hasRecords(behind end: Int, _ db: Int) -> Bool {
    if end == bytes.count || probe.holdsCommands(at: end) { return false }
    let next = probe.next(from: max(start, end - 8), db: db, model, keysExpire: false)
    guard let next else { return false }
    if case .commands = next.found { return false }
    return true
  }

  /// Whether a record is zeros alone, which read as a key without a name.
  private func isZeros(_ range: Range<Int>) -> Bool {
    if range.count > 16 { return false }
    for index in range where bytes[index] != 0 { return false }
    return true
  }

  /// Whether four zeros stand in a row in `name`.
  private static func holdsZeros(_ name: ByteSlice) -> Bool {
    var zeros = 0
    for index in 0..<name.count {
      zeros = name[index] == 0 ? zeros + 1 : 0
      if zeros == 4 { return true }
    }
    return false
  }

  /// Whether the content of a value tells its end once more, so that bytes put in or cut out inside would
  /// have been found: these have a mark at their end, and each element tells its length twice.
  static func provesLength(_ type: ValueType) -> Bool {
    switch type {
    case .hashListpack, .setListpack, .zsetListpack, .hashListpackEx, .hashZiplist, .zsetZiplist,
      .listZiplist:
      true
    default: false
    }
  }

  // MARK: - Damage

  /// Finds where reading can go on.
  ///
  /// - Returns: false when it can't.
  private mutating func recover(
    _ reader: inout RDBReader, _ at: Int, _ trouble: Trouble
  ) -> Bool {
    var reason = "a key that does not look like the others"
    var seen: [UInt8]?
    var begins = false
    if case .unreadable(let error) = trouble {
      reason = error.what
      if error.activity == .value, reader.key.valueOffset > at, model.accepts(reader.key) {
        begins = true
        seen = reader.key.key.bytes
      }
      if error.activity == .aux || error.activity == .function { begins = true }
      if reader.canSkipValue, begins, let end = behindValue(&reader, from: at) {
        lose(at..<end, "damaged value: \(reason)", db: reader.db, keys: seen.map { [$0] } ?? [])
        pieces.groups[pieces.groups.count - 1].lostBefore += end - at
        if !strict { reader.resume(at: end, db: reader.db) }
        return !strict
      }
    }
    let db = reader.db
    var from = at
    var names = seen.map { [$0] } ?? []
    if !strict {
      // Whose length is wrong? Also a record that begins well may stand inside the last value, which
      // has taken the place of what follows it: so the one before it goes too.
      var dropped = 0
      while let suspect = recent.popLast(), suspect.range.upperBound == from {
        if suspect.isProven && !suspect.isStrange { break }
        drop(suspect)
        from = suspect.range.lowerBound
        names.append(nameOfKey(at: suspect.range.lowerBound, reader))
        if !suspect.isStrange { dropped += 1 }
        if dropped == 2 { break }
      }
    }
    recent.removeAll(keepingCapacity: true)
    guard !strict else {
      lose(at..<bytes.count, "everything from the first damage on (--strict): \(reason)", db: db)
      end = bytes.count
      return false
    }
    return goOn(&reader, from, at, reason, names, db)
  }

  /// Searches the next record, and reports what lies before it.
  private mutating func goOn(
    _ reader: inout RDBReader, _ from: Int, _ at: Int, _ reason: String, _ names: [[UInt8]],
    _ db: Int
  ) -> Bool {
    let group = pieces.groups[pieces.groups.count - 1]
    let keysExpire = group.announced.map { $0.expires > 0 } ?? true
    var search = from + 1
    var doubtful = 0
    while true {
      guard let (offset, found) = probe.next(from: search, db: db, model, keysExpire: keysExpire)
      else {
        lose(from..<bytes.count, reason, db: db, keys: names)
        end = bytes.count
        return false
      }
      switch found {
      case .doubtful(let next) where offset != doubtful && next < bytes.count:
        // It goes, and what follows it is a place of its own, when it is one.
        doubtful = next
        search = next
        if !probe.holds(next, db, model) { search = offset + 1 }
        continue
      case .commands:
        lose(from..<offset, reason + ", with the end of the dump", db: db, keys: names)
        end = offset
        return false
      default: break
      }
      lose(
        from..<offset,
        doubtful > 0 ? reason + "; the key behind it may have lost its expiry time" : reason,
        db: db, keys: names)
      var fresh = DumpPieces.Group(db: db)
      fresh.isUncertain = true
      fresh.lostBefore = offset - from
      pieces.groups.append(fresh)
      sizesMayStand = offset
      resumedAt = offset
      reader.resume(at: offset, db: db)
      return true
    }
  }

  /// Where the value of the current key ends, when records follow there.
  private mutating func behindValue(_ reader: inout RDBReader, from start: Int) -> Int? {
    do throws(RDBError) { try reader.skipValue() } catch { return nil }
    let end = reader.offset
    guard probe.holds(end, reader.db, model) else { return nil }
    // A wrong length inside may have taken whole records with it.
    if end - start > 2048,
      let inner = probe.next(
        from: reader.key.valueOffset + 1, upTo: end, db: reader.db, model, keysExpire: false),
      inner.offset < end
    {
      return nil
    }
    return end
  }

  private mutating func drop(_ suspect: Recent) {
    pieces.remove(suspect.range)
    pieces.groups[suspect.group].keys -= 1
    if suspect.expires { pieces.groups[suspect.group].expires -= 1 }
    keys -= 1
  }

  /// The name of the key whose record begins at `offset`.
  private func nameOfKey(at offset: Int, _ reader: borrowing RDBReader) -> [UInt8] {
    var other = RDBReader(resuming: ByteCursor(bytes), header: reader.header)
    other.resume(at: offset, db: reader.db)
    guard case .key? = try? other.next() else { return [] }
    return other.key.key.bytes
  }

  mutating func lose(
    _ range: Range<Int>, _ reason: String, db: Int?, keys: [[UInt8]] = [], readable: Int = 0
  ) {
    var entry = RepairReport.Lost(
      file: file, offset: range.lowerBound, length: range.count, reason: reason)
    entry.database = db
    entry.keys = keys.filter { !$0.isEmpty }
    entry.readable = readable
    lost.append(entry)
    if strict { isStopping = true }
  }

  // MARK: - Later decisions

  /// Bytes of an average record.
  var average: Int { model.average }

  /// Takes out the keys of a group.
  mutating func removeGroup(_ group: Int, _ reason: String) {
    let count = pieces.groups[group].keys
    let range = pieces.groups[group].range
    keys -= count
    pieces.removeGroup(group)
    lose(range, reason, db: nil, readable: count)
  }

  /// Takes out one key.
  mutating func remove(_ range: Range<Int>, _ reason: String, db: Int, key: [UInt8]) {
    guard let group = pieces.all.first(where: { $0.range.overlaps(range) })?.group else { return }
    pieces.remove(range)
    pieces.groups[group].keys -= 1
    // Servers write the time first.
    if [Opcode.expiry, Opcode.expirySeconds].contains(bytes[range.lowerBound]) {
      pieces.groups[group].expires -= 1
    }
    keys -= 1
    lose(range, reason, db: db, keys: [key], readable: 1)
  }

  /// Hashes of keys that are there more than once.
  mutating func takeSuspects() -> Set<UInt64> { filter.takeSuspects() }
}
