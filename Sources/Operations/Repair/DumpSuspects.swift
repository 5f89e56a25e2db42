internal import Bytes
internal import RDB

/// Names keys of a damaged dump that hold bytes which hardly any other key holds.
///
/// A byte that was changed inside a text leaves everything around it right, so the structure can't
/// give it away. But the texts of a dump are much alike: where nearly all names and values are
/// letters, a zero or a control character in one of them is worth a look. It is a hint and no
/// proof: such keys are kept, and named. A changed letter among letters stays unseen. Others say for
/// their own reasons that a key is worth a look.
struct DumpSuspects {
  /// A byte that more keys hold is none of damage.
  private static let mostKeys = 32
  /// One key in so many may hold it.
  private static let share = 200
  /// Keys that are named.
  private static let most = 1000

  /// A key that holds a byte.
  private struct Place {
    var range: Range<Int>
    var db: Int
    var key: [UInt8]
  }

  /// What is known of the 256 bytes, of names or of values.
  private struct Alphabet {
    var counts = InlineArray<256, Int>(repeating: 0)
    /// The number of the key that was the last to hold it.
    var last = InlineArray<256, Int>(repeating: 0)
    var places: [UInt8: [Place]] = [:]
    /// Those that are to be noted of the current key.
    var fresh: [UInt8] = []
    /// 1 for those that may still be rare.
    private var mayBeRare = InlineArray<256, UInt8>(repeating: 1)

    /// Takes a text of the key with this number.
    @inline(__always) mutating func add(_ text: ByteSlice, _ number: Int) {
      // Nearly all texts consist of bytes that many keys hold.
      var isOdd: UInt8 = 0
      for index in 0..<text.count { isOdd |= mayBeRare[Int(text[index])] }
      if isOdd != 0 { note(text, number) }
    }

    @inline(never) private mutating func note(_ text: ByteSlice, _ number: Int) {
      for index in 0..<text.count {
        let byte = Int(text[index])
        if mayBeRare[byte] == 0 || last[byte] == number { continue }
        last[byte] = number
        counts[byte] += 1
        if counts[byte] <= DumpSuspects.mostKeys {
          fresh.append(UInt8(byte))
        } else {
          // How many more does not matter.
          mayBeRare[byte] = 0
        }
      }
    }

    mutating func endKey(_ range: Range<Int>, _ db: Int, _ key: ByteSlice) {
      if fresh.isEmpty { return }
      let place = Place(range: range, db: db, key: key.prefix(min(key.count, 4096)).bytes)
      for byte in fresh { places[byte, default: []].append(place) }
      fresh.removeAll(keepingCapacity: true)
    }

    /// The places of bytes that few keys of `all` hold, the rarest first.
    func rare(of all: Int) -> [(byte: UInt8, place: Place)] {
      let bytes = places.keys.filter {
        let count = counts[Int($0)]
        return count <= DumpSuspects.mostKeys && count * DumpSuspects.share <= all
      }
      let sorted = bytes.sorted { (counts[Int($0)], $0) < (counts[Int($1)], $1) }
      return sorted.flatMap { byte in (places[byte] ?? []).map { (byte, $0) } }
    }
  }

  /// Keys that are worth a look for another reason, by the first bytes of their records, and the reason.
  private var noted: [Int: String] = [:]
  private var notedPlaces: [Place] = []
  private var names = Alphabet()
  private var values = Alphabet()
  private var keys = 0

  /// The keys of `pieces` that are worth a look, in the order of the file.
  static func find(
    _ pieces: DumpPieces, of file: String, _ bytes: ByteSlice, _ pages: MappedPages,
    _ header: RDBHeader, _ noted: [Int: String]...
  ) -> [RepairReport.Suspect] {
    var suspects = DumpSuspects()
    for one in noted { suspects.noted.merge(one) { first, _ in first } }
    var element = ValueElement()
    pieces.forEachKey(bytes, pages, header) { reader, at, piece in
      suspects.read(&reader, &element, at, pieces.groups[piece.group].db)
    }
    return suspects.answer(file)
  }

  /// Reads one key; false when it can't be read.
  private mutating func read(
    _ reader: inout RDBReader, _ element: inout ValueElement, _ at: Int, _ db: Int
  ) -> Bool {
    keys += 1
    let key = reader.key
    names.add(key.key, keys)
    // Elements of other types leave the second part as it was.
    let isHash = key.type.logical == .hash
    do throws(RDBError) {
      if isOpaque(key.type) {
        try reader.skipValue()
      } else {
        while try reader.nextElement(&element) {
          values.add(element.first, keys)
          if isHash { values.add(element.second, keys) }
        }
      }
    } catch { return false }
    let range = at..<reader.offset
    if !noted.isEmpty, noted[at] != nil {
      notedPlaces.append(
        Place(range: range, db: db, key: key.key.prefix(min(key.key.count, 4096)).bytes))
    }
    names.endKey(range, db, key.key)
    values.endKey(range, db, key.key)
    return true
  }

  /// Whether the type has no elements that are texts.
  private func isOpaque(_ type: ValueType) -> Bool {
    type.logical == .stream || type.logical == .module
  }

  private func answer(_ file: String) -> [RepairReport.Suspect] {
    var found: [Int: RepairReport.Suspect] = [:]
    for place in notedPlaces.prefix(DumpSuspects.most) {
      found[place.range.lowerBound] = RepairReport.Suspect(
        file: file, offset: place.range.lowerBound, length: place.range.count, database: place.db,
        key: place.key, reason: noted[place.range.lowerBound] ?? "")
    }
    for (part, alphabet) in [("name", names), ("value", values)] {
      for (byte, place) in alphabet.rare(of: keys) where found.count < DumpSuspects.most {
        if found[place.range.lowerBound] != nil { continue }
        let hex = RepairReport.hex(byte)
        found[place.range.lowerBound] = RepairReport.Suspect(
          file: file, offset: place.range.lowerBound, length: place.range.count,
          database: place.db, key: place.key,
          reason: "its \(part) holds the byte 0x\(hex), which hardly any other \(part) holds")
      }
    }
    return found.values.sorted { $0.offset < $1.offset }
  }
}

extension RepairReport {
  /// Two hex digits.
  fileprivate static func hex(_ byte: UInt8) -> String {
    let text = String(byte, radix: 16)
    return text.count < 2 ? "0" + text : text
  }
}
