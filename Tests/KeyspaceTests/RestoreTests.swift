import Bytes
import Foundation
import TestSupport
import Testing

@testable import Keyspace

/// RESTORE and functions, with payloads made by servers.
@Suite struct RestoreTests {
  @Test(arguments: StringFamilyTests.versions)
  func payloadsOfEveryType(_ version: RealServer.Version) throws {
    let server = try RealServer(version)
    defer { server.kill() }
    var commands: [[String]] = [
      ["SET", "s", "text"], ["SET", "i", "123"],
      ["SET", "long", String(repeating: "ab", count: 400)],
      ["RPUSH", "l", "a", "1", "b"], ["SADD", "si", "1", "2", "70000"], ["SADD", "sm", "a", "b"],
      ["ZADD", "z", "1.5", "a", "-inf", "b"], ["HSET", "h", "f", "1", "g", "x"],
      ["XADD", "x", "5-1", "f", "v"], ["XADD", "x", "6-1", "f", "w"],
      ["XGROUP", "CREATE", "x", "g", "5-1"],
    ]
    for index in 0..<600 {
      commands.append(["RPUSH", "lbig", "element \(index)"])
      commands.append(["SADD", "sbig", "member \(index)"])
      commands.append(["ZADD", "zbig", "\(index)", "member \(index)"])
      commands.append(["HSET", "hbig", "field \(index)", "value"])
    }
    for command in commands { try server.call(command.map { Array($0.utf8) }) }
    let expected = try ServerPicture.take(server)
    let digest = try server.debugDigest()
    var log = CommandLog()
    var plain = CommandLog()
    let names = try server.call("KEYS", "*").items?.compactMap(\.bytes) ?? []
    for name in names {
      let payload = try server.call([Array("DUMP".utf8), name]).bytes ?? []
      log.add([Array("RESTORE".utf8), name, Array("0".utf8), payload])
      plain.add([Array("RESTORE".utf8), name, Array("0".utf8), payload])
      // Refused, all of them.
      log.add([Array("RESTORE".utf8), name, Array("0".utf8), payload])
      log.add([Array("RESTORE".utf8), name, Array("-1".utf8), payload, Array("REPLACE".utf8)])
      log.add([Array("RESTORE".utf8), name, Array("x".utf8), payload, Array("REPLACE".utf8)])
      var damaged = payload
      damaged[0] ^= 1
      log.add([Array("RESTORE".utf8), name, Array("0".utf8), damaged, Array("REPLACE".utf8)])
      log.add(
        [
          Array("RESTORE".utf8), Array("copy of ".utf8) + name, Array("9000000000000".utf8),
          payload,
        ] + ["ABSTTL", "idletime", "5", "REPLACE"].map { Array($0.utf8) })
    }
    let keyspace = try Differential.replay(log.bytes, now: Differential.now)
    let ours = Differential.picture(keyspace, without: 0)
    var builder = DigestBuilder(style: version == .valkey9_1 ? .valkey : .redis70)
    try Differential.replay(plain.bytes, now: Differential.now).feed(&builder)
    let made = builder.finish().text
    #expect(made == digest)
    #expect(keyspace.faultCount == names.count * 4)
    #expect(Differential.differences(ours.filter { !$0.key.contains("copy") }, expected).isEmpty)
    #expect(ours.count == expected.count * 2)
    #expect(ours["0/copy of hbig"]?.expiresAt == 9_000_000_000_000)
    #expect(try Differential.loading(log, version).isEmpty)
  }

  @Test(arguments: StringFamilyTests.versions)
  func functions(_ version: RealServer.Version) throws {
    func library(_ name: String, _ value: Int) -> String {
      "#!lua name=\(name)\nredis.register_function('f\(name)', function() return \(value) end)\n"
    }
    let server = try RealServer(version)
    defer { server.kill() }
    try server.call("FUNCTION", "LOAD", library("a", 1))
    try server.call("FUNCTION", "LOAD", library("b", 1))
    let dump = try server.call("FUNCTION", "DUMP").bytes ?? []
    try server.call("FUNCTION", "FLUSH")
    let empty = try server.call("FUNCTION", "DUMP").bytes ?? []

    var log = CommandLog()
    let lists: [[[String]]] = [
      [["LOAD", library("a", 2)], ["LOAD", library("c", 2)]],
      [["LOAD", library("a", 3)]],  // exists
      [["LOAD", "replace", library("a", 4)], ["LOAD", "WHAT", library("z", 1)]],
      [["LOAD", "no shebang"], ["LOAD", "#!lua\nx"], ["LOAD", "#!lua name=a b\nx"]],
      [["DELETE", "c"], ["DELETE", "nosuch"]],
    ]
    for list in lists.joined() { log.add(["FUNCTION".utf8Bytes] + list.map(\.utf8Bytes)) }
    func restore(_ payload: [UInt8], _ policy: String?) {
      log.add(
        ["FUNCTION".utf8Bytes, "RESTORE".utf8Bytes, payload] + (policy.map { [$0.utf8Bytes] } ?? [])
      )
    }
    func check(_ expected: [String]) throws {
      let keyspace = try Differential.replay(log.bytes, now: Differential.now)
      let codes = keyspace.functions.map(\.code.text).sorted()
      #expect(codes == expected.sorted())
      let folder = try TemporaryDirectory()
      let loader = try RealServer.loading(
        aof: try folder.write(log.bytes, to: "appendonly.aof"), version)
      defer { loader.kill() }
      let items = try loader.call("FUNCTION", "LIST", "WITHCODE").items ?? []
      let theirs = items.map { item in
        let parts = item.items ?? []
        let at = parts.firstIndex { $0.text == "library_code" } ?? -2
        return parts[at + 1].text ?? ""
      }
      #expect(theirs.sorted() == codes)
    }
    try check([library("a", 4)])
    restore(dump, nil)  // "a" is there
    try check([library("a", 4)])
    restore(empty, nil)
    restore(dump, "REPLACE")
    try check([library("a", 1), library("b", 1)])
    log.add("FUNCTION", "LOAD", library("d", 1))
    restore(dump, "what")
    restore(Array(dump.dropLast()), "FLUSH")
    try check([library("a", 1), library("b", 1), library("d", 1)])
    restore(dump, "FLUSH")
    try check([library("a", 1), library("b", 1)])
    restore(empty, "FLUSH")
    try check([])
    restore(dump, "APPEND")
    log.add("FLUSHALL")
    try check([library("a", 1), library("b", 1)])
    log.add("FUNCTION", "FLUSH", "SYNC")
    try check([])
  }
}

extension String {
  /// The bytes of its UTF-8 form.
  var utf8Bytes: [UInt8] { Array(utf8) }
}
