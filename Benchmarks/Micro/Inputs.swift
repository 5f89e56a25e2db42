import RedisBackup

/// What the benchmarks read: bytes that follow from a seed.
enum Inputs {
  struct Random {
    var state: UInt64 = 42

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
  }

  static func noise(_ count: Int) -> [UInt8] {
    var random = Random()
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  /// Text that compresses to about a half.
  static func text(_ count: Int) -> [UInt8] {
    var random = Random()
    let words = "order customer address street invoice payment pending shipped".split(separator: " ")
    var text: [UInt8] = []
    while text.count < count {
      text += words[random.below(words.count)].utf8
      text += " \(random.below(100_000)) ".utf8
    }
    return Array(text.prefix(count))
  }

  static func command(_ words: [String]) -> [UInt8] {
    Array("*\(words.count)\r\n".utf8)
      + words.flatMap { Array("$\($0.utf8.count)\r\n\($0)\r\n".utf8) }
  }

  static func log(bytes: Int, keys: Int) -> [UInt8] {
    var random = Random()
    var log = command(["SELECT", "0"])
    while log.count < bytes {
      let key = random.below(keys)
      let value = String(repeating: "v", count: random.below(60))
      switch key % 4 {
      case 0: log += command(["SET", "user:\(key)", value, "PXAT", "1900000000000"])
      case 1: log += command(["HSET", "session:\(key)", "field\(random.below(10))", value])
      case 2: log += command(["RPUSH", "queue:\(key)", value, "\(random.below(1000))"])
      default: log += command(["ZADD", "scores:\(key)", "\(random.below(1000))", "player\(random.below(50))"])
      }
    }
    return log
  }

  /// A log in a file, made once a process.
  static func logFile(bytes: Int, keys: Int) throws -> String {
    let path = "/tmp/redis-backup-micro-\(bytes)-\(keys).aof"
    if (try? InputFile.open(path)) != nil { return path }
    var file = try AtomicOutput(path, replacing: true)
    file.buffer.write(log(bytes: bytes, keys: keys))
    try file.commit(replacing: true)
    return path
  }

  /// A dump of Redis 7.2 with small hashes, which are listpacks.
  static func dump(hashes: Int, fields: Int) -> [UInt8] {
    let memory = MemoryTarget()
    var output = OutputBuffer(memory)
    guard let target = RDBTarget("redis:7.2") else { return [] }
    var writer = RDBWriter(taking: &output, target: target)
    writer.selectDB(0)
    for number in 0..<hashes {
      Array("hash:\(number)".utf8).withByteSlice { name in
        var key = KeyDescription()
        key.key = name
        key.type = .hash
        writer.begin(key)
        for field in 0..<fields {
          Array("field\(field)".utf8).withByteSlice { first in
            Array("\(field * number)".utf8).withByteSlice { second in
              var element = ValueElement()
              element.first = first
              element.second = second
              writer.element(element)
            }
          }
        }
        writer.end()
      }
    }
    writer.finish(returning: &output)
    try? output.flush()
    return memory.bytes
  }
}
