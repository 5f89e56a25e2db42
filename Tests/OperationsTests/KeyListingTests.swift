import Bytes
import Foundation
import Keyspace
import Operations
import RDB
import TestSupport
import Testing

@Suite struct KeyListingTests {
  struct Row: Equatable {
    var db: Int
    var key: [UInt8]
    var type: LogicalType
    var elements: UInt64
    var bytes: Int
    var memory: Int
    var expiresAt: Int64?
  }

  static func list(
    _ name: String, order: KeyListing.Order? = nil, top: Int? = nil
  ) throws -> (rows: [Row], passed: Int) {
    var rows: [Row] = []
    let passed = try KeyListing.list(DataInput(Fixture.path(name)), order: order, top: top) {
      row throws(ToolError) in
      rows.append(
        Row(
          db: row.db, key: row.key.bytes, type: row.type, elements: row.elements,
          bytes: row.bytes, memory: row.memory, expiresAt: row.expiresAt))
    }
    return (rows, passed)
  }

  /// Counts without decoding are those of the exported values.
  @Test(arguments: DumpCase.all) func countsAgreeWithTheExport(_ dump: DumpCase) throws {
    let rows = try KeyListingTests.list(dump.name + ".rdb").rows
    var options = Export.Options()
    options.base64 = true
    let objects = try ExportTests.objects(
      ExportTests.export(Fixture.path(dump.name + ".rdb"), options))
    #expect(rows.count == objects.count)
    for (row, object) in zip(rows, objects) {
      #expect(Data(row.key).base64EncodedString() == object["key"].text)
      let count =
        switch object["value"] {
        case .array(let list): list.count
        case .object(let parts): (parts["entries"] ?? parts["items"] ?? .null).items.count
        default: 1
        }
      #expect(Int(row.elements) == count, "\(object["key"])")
      #expect(row.memory > row.key.count)
    }
    // Every byte of the keys is counted once.
    let size = try Fixture.bytes(dump.name + ".rdb").count
    #expect(rows.reduce(0) { $0 + $1.bytes } < size)
  }

  @Test func orders() throws {
    let all = try KeyListingTests.list("live/live_7.4.rdb").rows
    for order in KeyListing.Order.allCases {
      let (sorted, passed) = try KeyListingTests.list("live/live_7.4.rdb", order: order)
      #expect(passed == all.count && sorted.count == all.count)
      let top = try KeyListingTests.list("live/live_7.4.rdb", order: order, top: 5)
      #expect(top.rows == Array(sorted.prefix(5)))
      #expect(top.passed == all.count)
      let pairs = zip(sorted, sorted.dropFirst())
      switch order {
      case .size: #expect(pairs.allSatisfy { $0.bytes >= $1.bytes })
      case .memory: #expect(pairs.allSatisfy { $0.memory >= $1.memory })
      case .elements: #expect(pairs.allSatisfy { $0.elements >= $1.elements })
      case .ttl: #expect(pairs.allSatisfy { $0.expiresAt ?? .max <= $1.expiresAt ?? .max })
      case .key:
        #expect(
          pairs.allSatisfy {
            $0.db < $1.db || $0.db == $1.db && $0.key.lexicographicallyPrecedes($1.key)
          })
      }
    }
    #expect(try KeyListingTests.list("live/live_7.4.rdb", top: 3).rows == Array(all.prefix(3)))
  }

  /// What `MEMORY USAGE k SAMPLES 0` of Redis 7.0.15 answered for keys of `r7.0/types.rdb`.
  @Test func memoryIsThatOfAServer() throws {
    let rows = try KeyListingTests.list("r7.0/types.rdb").rows
    let answers = [
      ("lzf:16383", 20536),
      ("rep:254", 376),
      ("k,comma;semi", 72),
      ("str:0", 64),
      ("int:8191", 56),
      ("cnt", 48),
      ("xs:one", 680),
      ("xs:emptied", 380),
      ("hash:ht", 4848),
      ("set:ht", 2944),
      ("set:large", 20208),
      ("hash:zl:strs", 1336),
      ("hash:zl:lens", 24632),
      ("zset:zl", 824),
      ("geo", 688),
      ("set:is16b", 88),
      ("set:is32", 248),
    ]
    for (key, memory) in answers {
      let row = try #require(rows.first { $0.key == Array(key.utf8) }, "\(key)")
      #expect(row.memory == memory, "\(key)")
    }
  }
}

@Suite struct LogListingTests {
  /// Without an order the rows of a log are given as they come and kept nowhere; whoever takes them
  /// may stop, and `top` limits what is given, not what is counted.
  @Test func rowsOfALogComeOneByOne() throws {
    try withTemporaryDirectory { directory in
      var bytes: [UInt8] = []
      for number in 10..<100 {
        bytes += Array("*3\r\n$3\r\nSET\r\n$3\r\nk\(number)\r\n$1\r\nv\r\n".utf8)
      }
      let path = try directory.write(bytes, to: "a.aof")
      var names: [String] = []
      var passed = try KeyListing.list(DataInput(path)) { row throws(ToolError) in
        names.append(row.key.text)
      }
      #expect(passed == 90)
      #expect(names == (10..<100).map { "k\($0)" })
      names = []
      passed = try KeyListing.list(DataInput(path), top: 3) { row throws(ToolError) in
        names.append(row.key.text)
      }
      #expect(passed == 90)
      #expect(names == ["k10", "k11", "k12"])
      var taken = 0
      let error = #expect(throws: ToolError.self) {
        try KeyListing.list(DataInput(path)) { row throws(ToolError) in
          taken += 1
          if taken == 7 { throw ToolError.usage("enough") }
        }
      }
      #expect(error?.line.contains("enough") == true)
      #expect(taken == 7)
    }
  }

  /// Keys of a log are measured by their elements, nearly as blobs of a dump are.
  @Test func memoryOfALog() throws {
    var commands = ""
    func add(_ words: [String]) {
      commands += "*\(words.count)\r\n"
      for word in words { commands += "$\(word.utf8.count)\r\n\(word)\r\n" }
    }
    add(["SELECT", "0"])
    add(["SET", "small", "value"])
    add(["SET", "large", String(repeating: "x", count: 12304)])
    add(["SET", "number", "12345"])
    add(["HSET", "hash", "field", "value"])
    let folder = try TemporaryDirectory()
    let file = folder.path + "/a.aof"
    try Data(commands.utf8).write(to: URL(fileURLWithPath: file))
    var memory: [String: Int] = [:]
    var encodings: [String: String] = [:]
    _ = try KeyListing.list(DataInput(file)) { row throws(ToolError) in
      memory[row.key.text] = row.memory
      encodings[row.key.text] = "\(row.encoding)"
    }
    // 8 for the key and 24 for its entry, then the object.
    #expect(memory["small"] == 8 + 24 + 32)
    #expect(memory["large"] == 8 + 24 + 16 + 14336)
    #expect(memory["number"] == 8 + 24 + 16)
    #expect(memory["hash"] == 8 + 24 + 16 + 32)
    #expect(
      encodings == ["small": "embstr", "large": "raw", "number": "int", "hash": "listpack"])
  }
}

@Suite struct GetTests {
  static func get(
    _ path: String, _ key: String, db: Int = 0, _ form: Get.Form
  ) throws -> (Get.Answer, String) {
    let target = MemoryTarget()
    var output = OutputBuffer(target)
    let answer = try Get.write(
      DataInput(path), key: Array(key.utf8), db: db, as: form, to: &output)
    return (answer, String(decoding: target.bytes, as: UTF8.self))
  }

  @Test func forms() throws {
    let path = Fixture.path("live/live_7.4.rdb")
    var (answer, text) = try GetTests.get(path, "h", db: 3, .readable)
    #expect(answer == .written)
    #expect(text.hasPrefix("hash (listpack), db 3\n1) "))
    (answer, text) = try GetTests.get(path, "h", .raw)
    #expect(answer == .elsewhere([3]) && text.isEmpty)
    (answer, text) = try GetTests.get(path, "nowhere", .raw)
    #expect(answer == .absent && text.isEmpty)
    (answer, text) = try GetTests.get(path, "db3", db: 3, .commands)
    #expect(text.hasPrefix("*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$3\r\nSET\r\n$3\r\ndb3\r\n"))
    (answer, text) = try GetTests.get(path, "is", .json(base64: false))
    let object = try JSONValue(text)
    #expect(object["encoding"].text == "intset")
    #expect(object["value"].items.count == 4)
  }

  /// The commands of all keys together make the same data.
  @Test(arguments: ["r2.8/types", "r7.0/types", "r8.8/types", "v9.1/types"])
  func commandsRecreateTheKeys(_ name: String) throws {
    var commands: [UInt8] = []
    for row in try KeyListingTests.list(name + ".rdb").rows {
      let target = MemoryTarget()
      var output = OutputBuffer(target)
      let answer = try Get.write(
        DataInput(Fixture.path(name + ".rdb")), key: row.key, db: row.db, as: .commands, to: &output
      )
      #expect(answer == .written)
      commands += target.bytes
    }
    let folder = try TemporaryDirectory()
    let file = folder.path + "/commands.aof"
    try Data(commands).write(to: URL(fileURLWithPath: file))
    let style = DumpCase(name: name).style
    let digest = try Digest.of(DataInput(file), style: style, now: DumpCase.now).digest
    #expect(try digest == String(Fixture.text(name + ".digest").prefix(40)))
    // The same from the log, in the forms for people.
    let row = try #require(try KeyListingTests.list(name + ".rdb").rows.first { $0.type == .zset })
    for form in [Get.Form.readable, .raw] {
      let target = MemoryTarget()
      var output = OutputBuffer(target)
      _ = try Get.write(DataInput(file), key: row.key, db: row.db, as: form, to: &output)
      #expect(!target.bytes.isEmpty)
    }
  }

  @Test func keysInQuotes() {
    #expect(KeyText.parse("plain") == Array("plain".utf8))
    #expect(KeyText.parse(#""a\x00\n\"b""#) == [0x61, 0, 0x0A, 0x22, 0x62])
    #expect(KeyText.parse(#""open"#) == nil)
    #expect(KeyText.parse(#""a"b"#) == nil)
    #expect(KeyText.parse(#""\xZZ""#) == nil)
    for bytes: [UInt8] in [[0, 1, 2, 255], Array("\"\\é\n".utf8), []] {
      #expect(KeyText.parse(KeyText.quoted(bytes)) == bytes)
    }
  }
}
