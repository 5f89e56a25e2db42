internal import Bytes
internal import RDB

/// Finds out what can be saved of a dump.
///
/// 1. It is read and checked to its last element. When nothing is wrong, that is all.
/// 2. When its checksum is wrong, and a change of a few bytes in one place explains that
///    (``CRC64/locate(difference:length:)``), these bytes are put right, and everything is checked
///    again: nothing is lost then. That is so for every single flipped bit or byte.
/// 3. Otherwise it is read again with more suspicion, and what can't be trusted is left out
///    (``DumpSalvage``).
struct DumpAnalysis {
  let file: String
  let head: DumpHead
  let options: Repair.Options
  private(set) var dump: FilePlan.Dump?
  private(set) var flips: CRC64.Burst?
  private(set) var lost: [RepairReport.Lost] = []
  private(set) var corrected: [RepairReport.Correction] = []
  private(set) var doubts: [String] = []
  /// Why nothing proves that the bytes which are kept are right; nil when the checksum does.
  private(set) var unproven: String?
  /// Keys that are worth a look, where nothing proves the bytes that are kept.
  private(set) var suspects: [RepairReport.Suspect] = []
  /// Where the bytes of the dump end.
  private(set) var end = 0

  init(_ file: String, _ head: DumpHead, _ options: Repair.Options) {
    self.file = file
    self.head = head
    self.options = options
  }

  /// Reads the dump that `input` begins with.
  ///
  /// - Returns: the input, with what was put right.
  mutating func run(_ input: consuming ByteCursor) throws(ToolError) -> ByteCursor {
    var cursor = input
    let bytes = cursor.wholeSlice
    var salvage = DumpSalvage(
      file, bytes, from: 0, head.header, mayBeLog: head.mayBeLog, strict: options.strict,
      distrusts: false)
    cursor = try DumpAnalysis.walk(cursor, head, &salvage)
    var state = Checksum(cursor, salvage.ending)
    // An end that no checksum proves is none when records follow it.
    let isProven = state.isThere && state.isRight
    let isClean =
      salvage.lost.isEmpty && head.isWhole
      && (isProven || options.strict || !salvage.endsBeforeRecords())
    if isClean && state.isRight {
      if !state.isThere {
        unproven =
          "the dump has no checksum: a change inside a text leaves everything around it right"
      }
      take(&salvage, cursor.pages)
      return cursor
    }
    if !options.strict {
      if state.difference == nil, salvage.ending == nil { state = Checksum(endOf: cursor, head) }
      if let better = try correct(&cursor, state, bytes) {
        self = better
        return cursor
      }
      if !isClean {
        salvage = DumpSalvage(
          file, bytes, from: 0, head.header, mayBeLog: head.mayBeLog, strict: false,
          distrusts: true)
        cursor = try DumpAnalysis.walk(cursor, head, &salvage)
      }
    }
    if !head.isWhole {
      salvage.lose(
        0..<RDBHeader.length, "the header is damaged; it is written anew", db: nil)
    }
    let excess = finish(&salvage, cursor.pages)
    if excess.isProven { return cursor }
    if lost.isEmpty, state.difference != nil {
      doubts.append(
        "\(KeyText.fileName(file)): the checksum is wrong, and nothing else is: a key or value may be "
          + "another one than was written, and which one can't be told")
    }
    unproven =
      "the checksum stands for the whole dump only: a change inside a text leaves everything around it right"
    if let dump, !options.strict {
      suspects = DumpSuspects.find(
        dump.pieces, of: file, bytes, cursor.pages, head.header, salvage.noted, excess.noted)
    }
    return cursor
  }

  private static func walk(
    _ cursor: consuming ByteCursor, _ head: DumpHead, _ salvage: inout DumpSalvage
  ) throws(ToolError) -> ByteCursor {
    var input = cursor
    input.seek(to: min(RDBHeader.length, salvage.bytes.count))
    var reader = RDBReader(resuming: input, header: head.header)
    try salvage.run(&reader)
    return reader.finish()
  }

  /// Puts the bytes right that the checksum gives away, when everything is well then.
  private func correct(
    _ cursor: inout ByteCursor, _ state: Checksum, _ bytes: ByteSlice
  ) throws(ToolError) -> DumpAnalysis? {
    guard let difference = state.difference else { return nil }
    var fixed = self
    let isChecksum = difference.bytesSet <= 2
    if !isChecksum {
      guard let found = CRC64.locate(difference: difference, length: state.length) else {
        return nil
      }
      fixed.flips = found
      guard cursor.overlay(found.flips, at: found.offset) else { return nil }
    }
    let bytes = cursor.wholeSlice
    var head = DumpHead(bytes)
    head.mayBeLog = self.head.mayBeLog
    var salvage = DumpSalvage(
      file, bytes, from: 0, head.header, mayBeLog: head.mayBeLog, strict: false,
      distrusts: false)
    var mine = ByteCursor(ByteSlice())
    swap(&mine, &cursor)
    mine = try DumpAnalysis.walk(mine, head, &salvage)
    swap(&mine, &cursor)
    let isWell =
      salvage.lost.isEmpty && head.isWhole
      && (isChecksum || Checksum(cursor, salvage.ending).isRight)
    guard isWell else {
      if let flips = fixed.flips { _ = cursor.overlay(flips.flips, at: flips.offset) }
      return nil
    }
    if let flips = fixed.flips {
      let now = (0..<flips.flips.count).map { bytes[flips.offset + $0] }
      fixed.corrected.append(
        RepairReport.Correction(
          file: file, offset: flips.offset, was: zip(now, flips.flips).map { $0 ^ $1 }, now: now,
          reason: "the checksum tells which bytes were changed, and to what"))
    } else {
      let was = withUnsafeBytesOf(state.stored)
      fixed.corrected.append(
        RepairReport.Correction(
          file: file, offset: state.length, was: was,
          now: withUnsafeBytesOf(state.stored ^ difference),
          reason: "only the checksum itself was changed"))
    }
    fixed.take(&salvage, cursor.pages)
    return fixed
  }

  /// The bytes of `value` as they stand in a file.
  private func withUnsafeBytesOf(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  /// Takes over what was decided.
  private mutating func take(_ salvage: inout DumpSalvage, _ pages: MappedPages) {
    decide(&salvage, pages)
    takeOver(salvage)
  }

  /// Takes over what was decided of a dump of which nothing proves the bytes, unless the answer does.
  private mutating func finish(
    _ salvage: inout DumpSalvage, _ pages: MappedPages
  ) -> DumpExcess {
    decide(&salvage, pages)
    let excess = DumpExcess(&salvage, pages, head.header)
    takeOver(salvage)
    return excess
  }

  private func decide(_ salvage: inout DumpSalvage, _ pages: MappedPages) {
    let suspects = salvage.takeSuspects()
    if !salvage.lost.isEmpty {
      DumpDuplicates.count(suspects, &salvage, pages, head.header)
      DumpDatabases.decide(&salvage, assumed: options.assumedDatabase, average: salvage.average)
      DumpDatabases.tellMissing(&salvage, average: salvage.average)
    }
    DumpDuplicates.remove(suspects, &salvage, pages, head.header)
  }

  private mutating func takeOver(_ salvage: borrowing DumpSalvage) {
    lost = salvage.lost
    doubts += salvage.doubts
    end = salvage.end
    var header = head.header
    if !head.isWhole, let target = salvage.target { header = target.header }
    dump = FilePlan.Dump(header: header, pieces: salvage.pieces, keys: salvage.keys)
  }

  /// What the checksum of a dump says.
  private struct Checksum {
    /// How many bytes it is of.
    var length = 0
    var stored: UInt64 = 0
    /// The right one XOR the one that stands there; nil when they are equal, or there is none.
    var difference: UInt64?
    /// Whether there is one at all.
    var isThere = false
    var isRight: Bool { difference == nil }

    init(_ cursor: borrowing ByteCursor, _ ending: DumpSalvage.Ending?) {
      guard let ending, let stored = ending.stored, stored != 0 else { return }
      set(cursor, ending.offset + 1, stored)
    }

    /// Takes the last bytes of a file for the end of the dump.
    init(endOf cursor: borrowing ByteCursor, _ head: DumpHead) {
      let bytes = cursor.wholeSlice
      guard head.header.hasChecksum, bytes.count > 18, bytes[bytes.count - 9] == Opcode.end
      else { return }
      let stored = bytes.load(at: bytes.count - 8, as: UInt64.self)
      if stored != 0 { set(cursor, bytes.count - 8, stored) }
    }

    private mutating func set(_ cursor: borrowing ByteCursor, _ length: Int, _ stored: UInt64) {
      self.length = length
      self.stored = stored
      isThere = true
      let bytes = cursor.wholeSlice
      var computed: UInt64 = 0
      cursor.pages.forEachPart(of: 0..<length) { part in
        computed = CRC64.update(computed, bytes.slice(at: part.lowerBound, count: part.count))
        return true
      }
      if computed != stored { difference = computed ^ stored }
    }
  }
}

extension UInt64 {
  /// How many of its bytes are not 0.
  fileprivate var bytesSet: Int {
    (0..<8).filter { self >> UInt64(8 * $0) & 0xFF != 0 }.count
  }
}
