import AOF
import Bytes
import RDB
import TestSupport
import Testing

/// What is done for each key and each command asks the heap for nothing: ten times as many keys take
/// just as many allocations.
///
/// Counted on 500 and 5,000 keys of every type, with short, long, numeric and compressed strings. The
/// buffers that grow with the largest key grow the same in both, since both have the same largest key.
@Suite(.enabled(if: Allocations.canBeCounted)) struct AllocationTests {
  /// How many keys the smaller input has.
  static let few = 500

  /// The counter counts: else nothing here could fail.
  @Test func arraysAreCounted() {
    var kept: [[UInt8]] = []
    let count = Allocations.count {
      for size in 1...1000 { kept.append([UInt8](repeating: 1, count: size)) }
    }
    #expect(count >= 1000 && count < 1100)
    #expect(kept.count == 1000)
  }

  @Test func walkingADumpAllocatesNothingForAKey() throws {
    try sameForTenTimesTheKeys { dump throws(RDBError) in
      var reader = try RDBReader(ByteCursor(dump))
      var keys = 0
      while true {
        switch try reader.next() {
        case .key: keys += 1
        case .end: return keys
        default: break
        }
      }
    }
  }

  @Test func decodingEveryElementAllocatesNothingForAKey() throws {
    try sameForTenTimesTheKeys { dump throws(RDBError) in
      var reader = try RDBReader(ByteCursor(dump))
      var element = ValueElement()
      var keys = 0
      var bytes = 0
      while true {
        switch try reader.next() {
        case .key:
          keys += 1
          while try reader.nextElement(&element) {
            bytes += element.first.count + element.second.count
          }
        case .end: return bytes > 0 ? keys : 0
        default: break
        }
      }
    }
  }

  @Test func rawValuesAllocateNothingForAKey() throws {
    try sameForTenTimesTheKeys { dump throws(RDBError) in
      var reader = try RDBReader(ByteCursor(dump))
      var keys = 0
      while true {
        switch try reader.next() {
        case .key: if try !reader.rawValue().isEmpty { keys += 1 }
        case .end: return keys
        default: break
        }
      }
    }
  }

  @Test func writingADumpAllocatesNothingForAKey() throws {
    for text in ["redis:2.8", "redis:6.2", "redis:7.2", "valkey:9.0"] {
      let target = try #require(RDBTarget(text))
      try sameForTenTimesTheKeys { dump throws(RDBError) in
        var reader = try RDBReader(ByteCursor(dump))
        var output = OutputBuffer(NullTarget())
        var writer = RDBWriter(taking: &output, target: target)
        var keys = 0
        reading: while true {
          switch try reader.next() {
          case .key:
            keys += 1
            try reader.drain(into: &writer)
          case .end: break reading
          default: break
          }
        }
        writer.finish(returning: &output)
        return output.count > 0 ? keys : 0
      }
    }
  }

  @Test func restorePayloadsAllocateNothingForAKey() throws {
    let target = try #require(RDBTarget("redis:6.2"))
    try sameForTenTimesTheKeys { dump throws(RDBError) in
      var reader = try RDBReader(ByteCursor(dump))
      var output = OutputBuffer(NullTarget())
      var payloads = RestoreWriter(target: target)
      var keys = 0
      while true {
        switch try reader.next() {
        case .key:
          keys += 1
          try reader.drain(into: &payloads)
          output.write(commandOf: 4)
          output.write(bulk: "RESTORE")
          output.write(bulk: reader.key.key)
          output.write(bulkDecimal: reader.key.expiresAt ?? 0)
          output.write(bulk: payloads.payload)
        case .end: return output.count > 0 ? keys : 0
        default: break
        }
      }
    }
  }

  @Test func readingCommandsAllocatesNothingForACommand() throws {
    func read(_ log: ByteSlice) throws(AOFError) -> Int {
      var reader = AOFReader(ByteCursor(log))
      var words = 0
      while try reader.next() { words += reader.arguments.count }
      return words
    }
    let few = AllocationTests.log(of: AllocationTests.few)
    let many = AllocationTests.log(of: AllocationTests.few * 10)
    var fewWords = 0
    var manyWords = 0
    let fewCounted = try few.withByteSlice { log in
      _ = try read(log)
      return try Allocations.count { () throws(AOFError) in fewWords = try read(log) }
    }
    let manyCounted = try many.withByteSlice { log in
      try Allocations.count { () throws(AOFError) in manyWords = try read(log) }
    }
    #expect(fewWords > AllocationTests.few && manyWords == fewWords * 10)
    #expect(fewCounted == manyCounted)
  }

  @Test func writingCommandsAllocatesNothingForACommand() {
    func write(_ count: Int) -> Int {
      var output = OutputBuffer(NullTarget())
      let words: [StaticString] = ["SET", "a key of some length", "EX"]
      for number in 0..<count {
        output.write(commandOf: 5)
        for word in words { output.write(bulk: word) }
        output.write(bulkDecimal: Int64(number))
        output.write(bulkDouble: Double(number) / 7)
      }
      return output.count
    }
    _ = write(1)
    var fewBytes = 0
    var manyBytes = 0
    let few = Allocations.count { fewBytes = write(AllocationTests.few) }
    let many = Allocations.count { manyBytes = write(AllocationTests.few * 1000) }
    #expect(manyBytes > fewBytes * 1000)
    #expect(few == many)
  }

  // MARK: - Input

  /// Expects that `work`, which returns how many keys it saw, allocates as often for ten times the keys.
  private func sameForTenTimesTheKeys(
    _ work: (ByteSlice) throws(RDBError) -> Int, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let counts = try [1, 10].map { factor in
      let keys = AllocationTests.few * factor
      return try AllocationTests.dump(of: keys).withByteSlice { dump in
        // What is made once in a process is made here.
        _ = try work(dump)
        var seen = 0
        let count = try Allocations.count { () throws(RDBError) in seen = try work(dump) }
        #expect(seen == keys, sourceLocation: sourceLocation)
        return count
      }
    }
    #expect(counts[0] == counts[1], sourceLocation: sourceLocation)
  }

  /// A dump with `count` keys of all types, whose largest is among the first ten.
  static func dump(of count: Int) -> [UInt8] {
    let memory = MemoryTarget()
    var output = OutputBuffer(memory)
    var writer = RDBWriter(taking: &output, target: RDBTarget(.redis, 7, 2) ?? RDBTarget.all[0])
    writer.selectDB(0)
    let long = [UInt8](repeating: 0x61, count: 5000)
    long.withByteSlice { long in
      for number in 0..<count {
        let name = Array("key:\(1_000_000 + number)".utf8)
        name.withByteSlice { name in
          var key = KeyDescription()
          key.key = name
          key.expiresAt = number % 3 == 0 ? 4_102_444_800_000 : nil
          key.type = [.string, .list, .set, .zset, .hash][number % 5]
          writer.begin(key)
          // Every twentieth is too large for a packed encoding.
          for part in 0..<(number % 5 == 0 ? 1 : number % 20 < 5 ? 600 : 8) {
            let text = Array((part % 2 == 0 ? "element \(part)" : "\(part * 977)").utf8)
            text.withByteSlice { text in
              var element = ValueElement()
              element.first = number % 10 == 5 ? long : text
              element.second = text
              element.score = Double(part) / 7
              writer.element(&element)
            }
          }
          writer.end()
        }
      }
    }
    writer.finish(returning: &output)
    try? output.flush()
    return memory.bytes
  }

  /// A log of `count` groups of commands of various lengths, in a transaction now and then.
  static func log(of count: Int) -> [UInt8] {
    let group =
      command("MULTI") + command("SET", "key", String(repeating: "x", count: 3000))
      + command("HSET", "hash", "a", "1", "b", "22", "c", "333") + command("EXEC")
      + command("DEL", "one", "two") + command("SELECT", "3")
    return Array(repeatElement(group, count: count).joined())
  }
}
