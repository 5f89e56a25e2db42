import AOF
import Bytes
import RDB
import Testing

@testable import Keyspace

/// Postponing commands must not change what they amount to.
@Suite struct LazinessTests {
  /// A log of random commands on few keys, so that types collide and chains are cut.
  static func log(seed: UInt64, commands: Int) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func random(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
    var bytes: [UInt8] = []
    func add(_ words: [String]) {
      bytes += Array("*\(words.count)\r\n".utf8)
      for word in words { bytes += Array("$\(word.utf8.count)\r\n\(word)\r\n".utf8) }
    }
    // An entry of the table tells short names whole, and of long ones a part.
    let names = ["k", "name:", "a longer name:", "one that is too long for its entry:"]
    func key() -> String {
      let number = random(9)
      return "\(names[number % names.count])\(number)"
    }
    var open = false
    for step in 0..<commands {
      switch random(34) {
      case 0, 1: add(["SET", key(), "\(random(100))"])
      case 2:
        // As servers write it, and as they don't.
        let word = ["SET", "SET", "set"][step % 3]
        add([word, key(), "v\(step)", "PXAT", "\(1_900_000_000_000 + step)"])
      case 3: add(["INCR", key()])
      case 4: add(["APPEND", key(), "x\(step)"])
      case 5, 6: add(["HSET", key(), "f\(random(5))", "\(step)"])
      case 7: add(["HDEL", key(), "f\(random(5))", "f\(random(5))"])
      case 8, 9: add(["RPUSH", key(), "\(step)", "e"])
      case 10: add(["LPOP", key()])
      case 11: add(["SADD", key(), "m\(random(6))"])
      case 12: add(["SREM", key(), "m\(random(6))"])
      case 13: add(["ZADD", key(), "\(random(8))", "m\(random(6))"])
      case 14: add(["ZREM", key(), "m\(random(6))"])
      case 15: add(["DEL", key()])
      case 16: add(["UNLINK", key(), key()])
      case 17: add(["PEXPIREAT", key(), "\(1_900_000_000_000 + step)"])
      case 18: add(["PERSIST", key()])
      case 19: add(["RENAME", key(), key()])
      case 20: add(["COPY", key(), key(), "REPLACE"])
      case 21: add(["MOVE", key(), "1"])
      case 22: add(["SUNIONSTORE", key(), key(), key()])
      case 23: add(["RPOPLPUSH", key(), key()])
      case 24: add(["MSET", key(), "1", key(), "2"])
      case 25 where random(8) == 0: add(["SWAPDB", "0", "1"])
      case 26 where random(20) == 0: add(["FLUSHDB"])
      case 27: add(["SELECT", "\(random(2))"])
      case 28 where !open:
        add(["MULTI"])
        open = true
      case 29 where open:
        add(["EXEC"])
        open = false
      case 30: add(["SETRANGE", key(), "\(random(12))", "abc"])
      case 31: add(["XADD", key(), "\(step + 1)-1", "f", "v\(step)"])
      case 32: add(["ZINCRBY", key(), "1.5", "m\(random(6))"])
      default: add(["LPUSH", key(), "\(step)"])
      }
    }
    if open && random(2) == 0 { add(["EXEC"]) }
    return bytes
  }

  static func replay(_ bytes: [UInt8], eager: Bool) throws -> Keyspace {
    let keyspace = Keyspace(now: 1_700_000_000_000, eager: eager)
    let memory = KeptBytes()
    let slice = bytes.withByteSlice { memory.keep($0) }
    do throws(ReplayError) {
      _ = try keyspace.replay(ByteCursor(slice, owner: memory))
    } catch {
      // A transaction without its EXEC at the end is not executed.
      guard case .log(let inner) = error.kind, inner.isTruncation else { throw error }
    }
    return keyspace
  }

  static func hash(_ keyspace: Keyspace) -> StateHash {
    var hash = StateHash()
    for database in keyspace.databases {
      keyspace.forEachKey(in: database) { key, state in hash.add(key, database, state) }
    }
    return hash
  }

  @Test(arguments: 1...60)
  func sameStateLazilyAndEagerly(seed: Int) throws {
    let bytes = Self.log(seed: UInt64(seed), commands: seed * 40)
    let lazy = try Self.replay(bytes, eager: false)
    let eager = try Self.replay(bytes, eager: true)
    let first = Self.hash(lazy)
    #expect(first == Self.hash(eager))
    #expect(first.keys > 0)
    // Looking changes nothing.
    #expect(first == Self.hash(lazy))
    // What an eager replay refuses includes all that a lazy one meets.
    #expect(lazy.faultCount <= eager.faultCount)
  }

  @Test(arguments: 1...20)
  func writtenCommandsGiveTheState(seed: Int) throws {
    let bytes = Self.log(seed: UInt64(seed + 1000), commands: 2000)
    let keyspace = try Self.replay(bytes, eager: false)
    let target = ServerTarget(dialect: .redis, version: 702)
    let memory = MemoryTarget()
    var writer = CommandWriter(OutputBuffer(memory), target: target)
    var hash = StateHash(StateHash.View(target))
    _ = keyspace.write(to: &writer, hash: &hash)
    var output = writer.finish()
    try output.flush()
    let again = try Self.replay(memory.bytes, eager: false)
    #expect(Self.hash(again) == Self.hash(keyspace))
    // The cheap way of reading back sees the same.
    let check = Keyspace(now: 0, eager: true)
    let kept = KeptBytes()
    let slice = memory.bytes.withByteSlice { kept.keep($0) }
    var found = StateHash(StateHash.View(target))
    try check.pass(ByteCursor(slice, owner: kept), into: &found)
    #expect(found == hash)
    #expect(check.faultCount == 0)
    // And it sees a difference.
    var damaged = memory.bytes
    let place = try #require(damaged.lastIndex { $0 >= 0x30 && $0 <= 0x38 })
    damaged[place] += 1
    let other = damaged.withByteSlice { kept.keep($0) }
    var wrong = StateHash(StateHash.View(target))
    let second = Keyspace(now: 0, eager: true)
    do {
      try second.pass(ByteCursor(other, owner: kept), into: &wrong)
      #expect(wrong != hash || second.faultCount > 0)
    } catch {}
  }

  @Test(arguments: 1...20)
  func writtenDumpGivesTheState(seed: Int) throws {
    let bytes = Self.log(seed: UInt64(seed + 2000), commands: 2000)
    let keyspace = try Self.replay(bytes, eager: false)
    let target = try #require(RDBTarget("redis:7.2"))
    let memory = MemoryTarget()
    var output = OutputBuffer(memory)
    var writer = RDBWriter(taking: &output, target: target)
    var hash = StateHash()
    let written = keyspace.write(dump: &writer, hash: &hash)
    writer.finish(returning: &output)
    try output.flush()
    #expect(written.loss.isEmpty && written.keys > 0)
    #expect(hash == Self.hash(try Self.replay(bytes, eager: true)))
    let kept = KeptBytes()
    let slice = memory.bytes.withByteSlice { kept.keep($0) }
    var found = StateHash()
    try Keyspace.pass(dump: ByteCursor(slice, owner: kept), into: &found)
    #expect(found == hash)
  }

  /// A time to live that a key is given again and again is the last one, also where something else came
  /// between.
  @Test func repeatedTimesToLive() throws {
    var bytes: [UInt8] = []
    func add(_ words: String...) {
      bytes += Array("*\(words.count)\r\n".utf8)
      for word in words { bytes += Array("$\(word.utf8.count)\r\n\(word)\r\n".utf8) }
    }
    for round in 1...9 {
      add("SET", "a", "\(round)", "PXAT", "190000000000\(round)")
      add("SET", "b", "\(round)", "PXAT", "190000000000\(round)")
      add(round % 2 == 0 ? "INCR" : "PERSIST", "b")
      add("SET", "c", "\(round)", "PXAT", "190000000000\(round)")
      if round % 3 == 0 { add("DEL", "c") }
      add("SET", "d", "\(round)", "PXAT", "\(round)")
    }
    let keyspace = try Self.replay(bytes, eager: false)
    #expect(Self.hash(keyspace) == Self.hash(try Self.replay(bytes, eager: true)))
    var seen: [String: Int64?] = [:]
    keyspace.forEachKey(in: 0) { key, state in seen[key.text] = state.expiresAt }
    #expect(seen == ["a": 1_900_000_000_009, "b": Int64?.none, "d": 9])
  }

  @Test func longChainsAreFolded() throws {
    var bytes: [UInt8] = []
    for step in 0..<1000 {
      bytes += Array("*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$4\r\n\(1000 + step)\r\n".utf8)
      bytes += Array("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n".utf8)
    }
    let keyspace = try Self.replay(bytes, eager: false)
    let state = ByteSlice("l").withState(keyspace)
    guard case .list(let list)? = state.value else {
      Issue.record("no list")
      return
    }
    #expect(list.count == 1000)
    #expect(list[999].text == "1999")
    guard case .string(let number)? = ByteSlice("n").withState(keyspace).value else {
      Issue.record("no number")
      return
    }
    #expect(number.integer == 1000)
  }
}

extension ByteSlice {
  fileprivate func withState(_ keyspace: Keyspace) -> KeyState { keyspace.state(of: self) }
}
