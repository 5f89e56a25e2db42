internal import Bytes
internal import RDB

/// Finds keys of a damaged dump that were put in: bytes at a border between two records which read
/// as a key, so that the structure around them is right.
///
/// Two things may speak against them. RESIZEDB tells how many keys a database has. And the checksum
/// is of the bytes without them: when it comes out right once some keys are left out, these were
/// put in for certain, and everything else is as it was written. Tried are those that are least
/// like the others: by the length of their names, the first and last bytes, the type, and
/// whether they are text.
///
/// Where the checksum can't decide (other bytes were changed too), keys without a name and names
/// that are no text among texts go, if a database has more keys than was announced. Of others it
/// can't be told; the least likely ones are named.
struct DumpExcess {
  /// So many are tried one by one.
  private static let most = 32
  /// More strange names than that are none of damage.
  private static let mostStrange = 256

  private struct Candidate {
    var range: Range<Int>
    var db: Int
    var key: [UInt8]
    /// How unlike the others, about in bits.
    var score: Int
    /// Whether the name is empty, or no text where all others are.
    var isStrange: Bool
  }

  /// What the names of all keys are like.
  private struct Shapes: ~Copyable {
    var count = 0
    var texts = 0
    var empty = 0
    var lengths = InlineArray<256, Int>(repeating: 0)
    var types = InlineArray<256, Int>(repeating: 0)
    var lasts = InlineArray<256, Int>(repeating: 0)
    var starts = PODArray<Int>(repeating: 0, count: 1 << 16)

    mutating func add(_ key: KeyHeader) {
      count += 1
      types[Int(key.type.rawValue)] += 1
      lengths[min(key.key.count, 255)] += 1
      if key.key.isEmpty {
        empty += 1
        return
      }
      if KeyModel.isPrintable(key.key) { texts += 1 }
      lasts[Int(key.key[key.key.count - 1])] += 1
      starts[Shapes.start(key.key)] += 1
    }

    private static func start(_ name: ByteSlice) -> Int {
      Int(name[0]) << 8 | (name.count > 1 ? Int(name[1]) : 0)
    }

    /// How unlike the others a key is: for each trait how rare it is, in bits.
    func score(_ key: KeyHeader) -> Int {
      var bits = rarity(lengths[min(key.key.count, 255)]) + rarity(types[Int(key.type.rawValue)])
      if key.key.isEmpty { return bits + 3 * rarity(empty) }
      if !KeyModel.isPrintable(key.key) { bits += rarity(count - texts - empty) }
      return bits + rarity(lasts[Int(key.key[key.key.count - 1])])
        + rarity(starts[Shapes.start(key.key)])
    }

    private func rarity(_ same: Int) -> Int {
      let share = count / max(same, 1)
      return share > 0 ? Int.bitWidth - 1 - share.leadingZeroBitCount : 0
    }

    /// Whether a name is empty, or no text, while hardly any other is.
    func isStrange(_ key: KeyHeader) -> Bool {
      if key.key.isEmpty { return empty * 100 < count }
      return (count - texts - empty) * 100 < count && !KeyModel.isPrintable(key.key)
    }
  }

  /// Whether the checksum came out right, so that everything that is kept is proven.
  private(set) var isProven = false
  /// Keys that are kept and worth a look: where their records begin, and why.
  private(set) var noted: [Int: String] = [:]

  /// How many keys more than were announced the databases have; nil for those of which nothing was.
  private let excess: [Int: Int?]
  private var candidates: [Candidate] = []

  /// Looks for such keys in a dump whose checksum is wrong or missing, and takes them out.
  init(_ salvage: inout DumpSalvage, _ pages: MappedPages, _ header: RDBHeader) {
    excess = DumpExcess.count(salvage.pieces.groups)
    isProven = DumpExcess.proves(salvage, pages, without: [])
    if isProven || salvage.strict { return }
    // When no more keys are there than should be, none was put in.
    if excess.values.allSatisfy({ $0 == 0 }) { return }
    find(salvage, pages, header)
    if candidates.isEmpty || prove(&salvage, pages) { return }
    decide(&salvage)
  }

  /// How many keys of each database are too many.
  private static func count(_ groups: [DumpPieces.Group]) -> [Int: Int?] {
    var keys: [Int: Int] = [:]
    var announced: [Int: UInt64] = [:]
    for group in groups {
      keys[group.db, default: 0] += group.keys
      if let sizes = group.announced, announced[group.db] == nil {
        announced[group.db] = sizes.keys
      }
    }
    var excess: [Int: Int?] = [:]
    for (db, count) in keys where count > 0 {
      // Some writers announce nothing or nonsense.
      let told = announced[db].map { Int(clamping: $0) }.flatMap { $0 * 2 < count ? nil : $0 }
      excess[db] = .some(told.map { max(0, count - $0) })
    }
    return excess
  }

  /// Looks for the keys that are least like the others.
  private mutating func find(
    _ salvage: borrowing DumpSalvage, _ pages: MappedPages, _ header: RDBHeader
  ) {
    let (bytes, pieces) = (salvage.bytes, salvage.pieces)
    var shapes = Shapes()
    pieces.forEachKey(bytes, pages, header) { reader, _, _ in
      shapes.add(reader.key)
      return (try? reader.skipValue()) != nil
    }
    var (strange, others): ([Candidate], [Candidate]) = ([], [])
    var least = 0
    pieces.forEachKey(bytes, pages, header) { reader, at, piece in
      let key = reader.key
      let score = shapes.score(key)
      let isStrange = shapes.isStrange(key)
      guard (try? reader.skipValue()) != nil else { return false }
      let db = pieces.groups[piece.group].db
      guard isStrange || score > least, excess[db] != .some(0) else { return true }
      let candidate = Candidate(
        range: at..<reader.offset, db: db, key: key.key.prefix(min(key.key.count, 4096)).bytes,
        score: score, isStrange: isStrange)
      if isStrange {
        if strange.count < DumpExcess.mostStrange { strange.append(candidate) }
        return true
      }
      let place = others.firstIndex { $0.score < score } ?? others.count
      others.insert(candidate, at: place)
      if others.count > DumpExcess.most {
        others.removeLast()
        least = others[others.count - 1].score
      }
      return true
    }
    candidates = strange.sorted { $0.score > $1.score } + others
  }

  /// Tries without which keys the checksum comes out right.
  private mutating func prove(_ salvage: inout DumpSalvage, _ pages: MappedPages) -> Bool {
    guard salvage.ending?.stored ?? 0 != 0 else { return false }
    let strange = candidates.filter(\.isStrange)
    let many = excess.values.reduce(0) { $0 + ($1 ?? 0) }
    var sets: [[Candidate]] = []
    if strange.count > 1 { sets.append(strange) }
    if many > 1, many <= candidates.count { sets.append(Array(candidates.prefix(many))) }
    if many <= 1 { sets += candidates.prefix(DumpExcess.most).map { [$0] } }
    for set in sets where DumpExcess.proves(salvage, pages, without: set.map(\.range)) {
      for one in set {
        salvage.remove(
          one.range, "bytes that were put in and read as a key: without them the checksum is right",
          db: one.db, key: one.key)
      }
      isProven = true
      return true
    }
    return false
  }

  /// Takes out what can't be right, and names what may not be.
  private mutating func decide(_ salvage: inout DumpSalvage) {
    for (db, many) in excess.sorted(by: { $0.key < $1.key }) {
      let own = candidates.filter { $0.db == db }
      let strange = own.filter(\.isStrange)
      guard var left = many else {
        for one in strange { note(one, "its name is unlike those of all other keys") }
        continue
      }
      if left == 0 { continue }
      if strange.count <= left {
        for one in strange {
          salvage.remove(
            one.range,
            one.key.isEmpty
              ? "a key without a name, where more keys are than were announced"
              : "a key whose name is no text, where more keys are than were announced", db: db,
            key: one.key)
        }
        left -= strange.count
      }
      if left == 0 { continue }
      let rest = own.filter { !$0.isStrange || strange.count > left }
      for one in rest.prefix(left) {
        note(one, "more keys are there than were announced, and this one is least like the others")
      }
      salvage.doubts.append(
        "\(KeyText.fileName(salvage.file)): database \(db): \(left) \(left == 1 ? "key is" : "keys are") "
          + "there that RESIZEDB did not announce: bytes were put in that read as \(left == 1 ? "a key" : "keys")"
      )
    }
  }

  private mutating func note(_ one: Candidate, _ reason: String) {
    noted[one.range.lowerBound] = reason
  }

  /// Whether the checksum is that of the dump without what was lost, and without `ranges`.
  private static func proves(
    _ salvage: borrowing DumpSalvage, _ pages: MappedPages, without ranges: [Range<Int>]
  ) -> Bool {
    guard let ending = salvage.ending, let stored = ending.stored, stored != 0 else { return false }
    let gone = salvage.lost.map { $0.offset..<$0.offset + $0.length } + ranges
    if gone.isEmpty || gone.count > 10_000 { return false }
    var checksum: UInt64 = 0
    func add(_ range: Range<Int>) {
      pages.forEachPart(of: range) { part in
        checksum = CRC64.update(
          checksum, salvage.bytes.slice(at: part.lowerBound, count: part.count))
        return true
      }
    }
    var at = 0
    for range in gone.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > at { add(at..<min(range.lowerBound, ending.offset)) }
      at = max(at, range.upperBound)
      if at > ending.offset { return false }
    }
    add(at..<ending.offset + 1)
    return checksum == stored
  }
}
