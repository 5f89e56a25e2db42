import AOF
import Bytes
import Foundation
import Operations
import RDB
import TestSupport

/// Damages bytes as disks, transfers and people do, the same way for the same seed.
struct Damager {
  /// What happens to bytes.
  enum Kind: CaseIterable {
    case flip, zero, random, cut, insert, duplicate, overwrite
    /// Whether everything else stays at its place.
    var isInPlace: Bool { self == .flip || self == .zero || self == .random || self == .overwrite }
  }

  /// One damage: a range of the original, empty for insertions.
  struct Damage {
    var kind: Kind
    var range: Range<Int>
    /// How many bytes were put in.
    var inserted = 0
    /// Where they stand in the original, if they do.
    var source: Int?
  }

  /// The damaged bytes.
  var bytes: [UInt8]
  /// The original with only those damages that leave everything at its place.
  var inPlace: [UInt8]
  /// What was done.
  var damages: [Damage] = []

  init(_ original: [UInt8], count: Int, most: Int, kinds: [Kind], seed: UInt64) {
    var random = SplitMix64(seed: seed)
    bytes = original
    inPlace = original
    var places = (0..<count).map { _ in 1 + random.below(original.count - 2) }
    places = Array(Set(places)).sorted(by: >)
    var end = original.count
    for place in places {
      let kind = kinds[random.below(kinds.count)]
      let lengths = [1, 1, 2, 8, 64, 512, 4096, 1 + random.below(most)]
      let length = min(lengths[random.below(lengths.count)], most, end - place - 1)
      if length < 1 { continue }
      let range = place..<place + length
      let from = random.below(original.count - length)
      switch kind {
      case .flip:
        for _ in 0..<[1, 1, 2, 8][random.below(4)] {
          let at = place + random.below(length)
          let bit = UInt8(1) << UInt8(random.below(8))
          bytes[at] ^= bit
          inPlace[at] ^= bit
          damages.append(Damage(kind: kind, range: at..<at + 1))
        }
      case .zero: put([UInt8](repeating: 0, count: length), range, kind)
      case .random: put((0..<length).map { _ in UInt8(random.below(256)) }, range, kind)
      case .overwrite:
        put(Array(original[from..<from + length]), range, kind)
        damages[damages.count - 1].source = from
      case .cut:
        bytes.removeSubrange(range)
        damages.append(Damage(kind: kind, range: range))
      case .insert:
        bytes.insert(contentsOf: (0..<length).map { _ in UInt8(random.below(256)) }, at: place)
        damages.append(Damage(kind: kind, range: place..<place, inserted: length))
      case .duplicate:
        bytes.insert(contentsOf: original[from..<from + length], at: place)
        damages.append(Damage(kind: kind, range: place..<place, inserted: length, source: from))
      }
      end = place
    }
  }

  private mutating func put(_ new: [UInt8], _ range: Range<Int>, _ kind: Kind) {
    bytes.replaceSubrange(range, with: new)
    inPlace.replaceSubrange(range, with: new)
    damages.append(Damage(kind: kind, range: range))
  }

  /// The damages that touch a range of the original.
  func damages(in range: Range<Int>) -> [Damage] {
    damages.filter {
      $0.range.isEmpty
        ? range.lowerBound < $0.range.lowerBound && $0.range.lowerBound < range.upperBound
        : $0.range.overlaps(range)
    }
  }

  /// The ranges of the original that are whole, and where they stand in the damaged bytes.
  var whole: [(original: Range<Int>, damaged: Int)] {
    var all: [(original: Range<Int>, damaged: Int)] = []
    var at = 0
    var shift = 0
    let end = inPlace.count
    for damage in damages.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      let from = damage.range.lowerBound
      if from > at { all.append((at..<from, at + shift)) }
      at = max(at, damage.range.upperBound)
      shift += damage.inserted
      if damage.kind == .cut { shift -= damage.range.count }
    }
    if at < end { all.append((at..<end, at + shift)) }
    return all
  }

  /// The borders between records of the original, in the damaged bytes: between them a change can't be
  /// seen from outside.
  func borders(_ borders: [Int]) -> Set<Int> {
    var all: Set<Int> = []
    var index = 0
    for part in whole {
      while index < borders.count, borders[index] < part.original.lowerBound { index += 1 }
      var next = index
      while next < borders.count, borders[next] <= part.original.upperBound {
        all.insert(borders[next] - part.original.lowerBound + part.damaged)
        next += 1
      }
    }
    // Those within bytes that were written twice are as good.
    var shift = 0
    for damage in damages.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      if let source = damage.source {
        let count = max(damage.inserted, damage.range.count)
        let place = damage.range.lowerBound + shift
        for border in borders where source...source + count ~= border {
          all.insert(border - source + place)
        }
      }
      shift += damage.inserted
      if damage.kind == .cut { shift -= damage.range.count }
    }
    return all
  }

  /// Whether `record` stands in the damaged bytes from a border between records of the original to
  /// another one, so that nothing around it tells that it was changed.
  func isSeamless(_ record: [UInt8], _ borders: Set<Int>) -> Bool {
    bytes.withByteSlice { all in
      record.withByteSlice { needle in
        var at = 0
        while let hit = all.firstRange(of: needle, from: at) {
          if borders.contains(hit) && borders.contains(hit + needle.count) { return true }
          at = hit + 1
        }
        return false
      }
    }
  }

  /// Where a range of the original stands in the damaged bytes; nil when it was touched.
  func place(of range: Range<Int>) -> Range<Int>? {
    for part in whole where part.original.contains(range.lowerBound) {
      guard range.upperBound <= part.original.upperBound else { return nil }
      let start = range.lowerBound - part.original.lowerBound + part.damaged
      return start..<start + range.count
    }
    return nil
  }

  /// The bytes of a range as they are now, when everything in it stayed at its place.
  func changed(_ range: Range<Int>) -> [UInt8]? {
    let touching = damages(in: range)
    guard !touching.isEmpty, touching.allSatisfy(\.kind.isInPlace) else { return nil }
    return Array(inPlace[range])
  }
}

/// A log in which no two commands are the same.
enum LogSample {
  /// A command of a log, SELECT, MULTI and EXEC apart.
  struct Command {
    var range: Range<Int>
    var database: Int
  }

  static func make(bytes size: Int, databases: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    func text(_ most: Int) -> String {
      let letters = Array("abcdefgh ".utf8)
      return String(
        decoding: (0..<random.below(most) + 1).map { _ in letters[random.below(9)] }, as: UTF8.self)
    }
    var log = command("SELECT", "0")
    var database = 0
    var number = 0
    while log.count < size {
      number += 1
      let unique = String(10_000_000 + number)
      let key = "user:\(database):\(random.below(2000))"
      switch random.below(databases > 1 ? 101 : 100) {
      case ..<40: log += command("SET", key, unique + text(200))
      case ..<60: log += command("HSET", "h" + key, "f" + unique, text(60))
      case ..<70: log += command("RPUSH", "l" + key, unique, "a\r\nb")
      case ..<80: log += command("ZADD", "z" + key, "\(number)", unique)
      case ..<90: log += command("PEXPIREAT", key, "\(1_990_000_000_000 + number)")
      case ..<95: log += stamp(1_790_000_000 + number) + command("SADD", "s" + key, unique)
      case ..<100:
        log += command("MULTI") + command("SET", key, unique + "m")
        log += command("INCRBY", "n" + key, "\(number)") + command("EXEC")
      default:
        database = random.below(databases)
        log += command("SELECT", "\(database)")
      }
    }
    return log
  }

  static func commands(_ bytes: [UInt8]) throws -> [Command] {
    try bytes.withByteSlice { slice in
      var reader = AOFReader(ByteCursor(slice))
      var all: [Command] = []
      while try reader.next() {
        let command = reader.command
        if command.word.isSelect || command.word.isMulti || command.word.isExec { continue }
        all.append(
          Command(range: command.offset..<command.end, database: command.database))
      }
      return all
    }
  }
}

/// What a repair of a generated file did, counted.
struct Salvaged: CustomStringConvertible {
  /// What was not touched by damage.
  var undamaged = 0
  /// How many of it were kept.
  var kept = 0
  /// Kept though changed, in a way that no reader of the format can see: inside a word or text.
  var hidden = 0
  /// Of ``hidden`` those of which the report names the key.
  var named = 0
  /// Kept, and neither the original nor such a change.
  var wrong: [String] = []
  /// Bytes that are not in the result, but in no range that was reported.
  var unreported = 0
  /// Of ``hidden`` those that lie in no range which the report calls doubtful.
  var unsuspected = 0

  static func += (a: inout Salvaged, b: Salvaged) {
    a.undamaged += b.undamaged
    a.kept += b.kept
    a.hidden += b.hidden
    a.named += b.named
    a.wrong += b.wrong
    a.unreported += b.unreported
    a.unsuspected += b.unsuspected
  }

  var share: Double { undamaged > 0 ? Double(kept) / Double(undamaged) : 1 }
  var description: String {
    let percent = (share * 100_00).rounded() / 100
    return "\(kept) of \(undamaged) undamaged kept (\(percent) %), \(wrong.count) wrong, "
      + "\(hidden) changed where no reader can see it (\(named) of them named), \(unsuspected) of them not called doubtful, "
      + "\(unreported) bytes lost without a word"
  }
}

extension RepairReport {
  /// `bytes`, the input, without the ranges that are reported as lost.
  func remaining(of bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var at = 0
    for range in lost.map({ $0.offset..<$0.offset + $0.length }).sorted(by: {
      $0.lowerBound < $1.lowerBound
    }) {
      if range.lowerBound > at { result += bytes[at..<range.lowerBound] }
      at = max(at, range.upperBound)
    }
    return result + bytes[min(at, bytes.count)...]
  }

  /// Whether `command` is one of which line ends were put right, by this report.
  func corrects(_ command: [UInt8], in bytes: [UInt8]) -> Bool {
    let wanted = command.filter { $0 != 0x0D && $0 != 0x0A }
    return corrected.contains { correction in
      bytes[correction.offset...].lazy.filter { $0 != 0x0D && $0 != 0x0A }
        .prefix(wanted.count).elementsEqual(wanted)
    }
  }

  /// Whether `record` stands in `bytes`, the input, within a range that is called doubtful.
  func suspects(_ record: [UInt8], in bytes: [UInt8]) -> Bool {
    bytes.withByteSlice { all in
      record.withByteSlice { needle in
        var at = 0
        while let hit = all.firstRange(of: needle, from: at) {
          let end = hit + needle.count
          if doubtful.contains(where: { $0.offset <= hit && end <= $0.offset + $0.length }) {
            return true
          }
          at = hit + 1
        }
        return false
      }
    }
  }
}
