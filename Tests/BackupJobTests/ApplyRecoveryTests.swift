import Foundation
import TestSupport
import Testing

@testable import BackupJob

/// `undo --apply` over TLS and to nodes of a cluster, with real servers.
@Suite struct ApplyRecoveryTests {
  private static let keys = 40

  /// A log in which keys are lost; its path.
  private func accident(_ directory: TemporaryDirectory) throws -> String {
    var text = ""
    func add(_ words: String...) {
      text += "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }
    add("SELECT", "0")
    for number in 0..<Self.keys {
      if number % 2 == 0 {
        add("SET", "key:\(number)", "v\(number)")
      } else {
        add("HSET", "key:\(number)", "f", "\(number)")
        add("PEXPIREAT", "key:\(number)", "4102444800000")
      }
    }
    add("FLUSHALL")
    return try directory.write(text, to: "accident.aof")
  }

  private func apply(_ log: String, _ words: [String]) throws -> Shell.Result {
    try Shell.run(
      PackageRoot.redisBackup, ["undo", log, "--command", "FLUSHALL", "--json"] + words)
  }

  private func restored(_ result: Shell.Result) throws -> Int? {
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any],
      "\(result.text) \(result.errorText)")
    let applied = json["applied"] as? [String: Any]
    #expect((applied?["failed"] as? [Any])?.isEmpty == true)
    #expect((applied?["leftAlone"] as? [Any])?.isEmpty == true)
    return applied?["restored"] as? Int
  }

  @Test func overTLS() throws {
    let directory = try TemporaryDirectory()
    let script = """
      set -e
      cd "\(directory.path)"
      for ca in ca other; do
        openssl req -x509 -newkey rsa:2048 -nodes -keyout $ca.key -out $ca.pem -subj /CN=$ca -days 30 2>/dev/null
      done
      openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server 2>/dev/null
      printf 'subjectAltName=IP:127.0.0.1' > server.ext
      openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -extfile server.ext -days 30 2>/dev/null
      """
    let made = try Shell.run("sh", ["-c", script])
    #expect(made.status == 0, "\(made.errorText)")
    let settings = ConnectionSettings(
      tls: TLSSettings(caFile: directory.file("ca.pem"), verifiesPeer: true))
    let server = try LoopbackServer(
      .redis7_0,
      options: [
        "--port", "0", "--tls-cert-file", directory.file("server.pem"), "--tls-key-file",
        directory.file("server.key"), "--tls-ca-cert-file", directory.file("ca.pem"),
        "--tls-auth-clients", "no",
      ], settings: settings, plainPort: false)
    let log = try accident(directory)
    let url = "rediss://127.0.0.1:\(server.port)"
    let connection = try Connection(server.endpoint, settings)
    defer { connection.close() }
    _ = try connection.call("SET", "key:0", "newer")

    // A certificate that nobody vouches for, and a plain connection: nothing is sent.
    let untrusted = try apply(log, ["--apply", url, "--ca-file", directory.file("other.pem")])
    #expect(untrusted.status == 69)
    #expect(untrusted.errorText.contains("certificate"), "\(untrusted.errorText)")
    let plain = try apply(log, ["--apply", "redis://127.0.0.1:\(server.port)"])
    #expect(plain.status != 0 && plain.output.isEmpty)
    #expect(try connection.call("DBSIZE").number == 1)

    let patch = directory.file("patch")
    let result = try apply(
      log, ["--patch", patch, "--apply", url, "--ca-file", directory.file("ca.pem")])
    #expect(result.status == 0, "\(result.errorText)")
    #expect(FileManager.default.fileExists(atPath: patch))
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any])
    let applied = try #require(json["applied"] as? [String: Any])
    #expect(applied["restored"] as? Int == Self.keys - 1)
    #expect((applied["failed"] as? [Any])?.isEmpty == true)
    let left = try #require(applied["leftAlone"] as? [[String: Any]])
    #expect(left.map { $0["key"] as? String } == ["key:0"])
    #expect(try connection.call("DBSIZE").number == Int64(Self.keys))
    #expect(try connection.call("GET", "key:0").text == "newer")
    #expect(try connection.call("GET", "key:2").text == "v2")
    #expect(try connection.call("HGET", "key:3", "f").text == "3")
    #expect(try connection.call("PEXPIRETIME", "key:3").number == 4_102_444_800_000)
  }

  @Test(arguments: [RealServer.Version.redis7_0, .valkey9_1])
  func toNodesOfACluster(_ version: RealServer.Version) throws {
    let nodes = try (0..<2).map { _ in
      try LoopbackServer(version, options: ["--cluster-enabled", "yes"], inCluster: true)
    }
    defer { nodes.forEach { $0.keep() } }
    let directory = try TemporaryDirectory()
    let log = try accident(directory)
    let urls = nodes.map { "redis://127.0.0.1:\($0.port)" }

    // While the cluster is not whole, nothing is written either.
    try nodes[0].call("CLUSTER", "ADDSLOTSRANGE", "0", "8191")
    let down = try apply(log, ["--apply", urls[0]])
    #expect(down.status == 75, "\(down.errorText)")
    #expect(down.errorText.contains("CLUSTERDOWN"), "\(down.errorText)")

    try nodes[1].call("CLUSTER", "ADDSLOTSRANGE", "8192", "16383")
    try nodes[0].call("CLUSTER", "MEET", "127.0.0.1", "\(nodes[1].port)")
    try waitFor("cluster is whole") {
      try nodes.allSatisfy {
        try $0.call("CLUSTER", "INFO").text?.contains("cluster_state:ok") == true
          && $0.call("CLUSTER", "SLOTS").elements?.count == 2
      }
    }
    func sizes() throws -> [Int64?] { try nodes.map { try $0.call("DBSIZE").number } }
    #expect(try sizes() == [0, 0])

    let both = try apply(log, ["--apply", urls[0]])
    #expect(both.status == 64)
    #expect(both.output.isEmpty)
    let text = both.errorText
    #expect(text.contains("of \(Self.keys) keys belong to other nodes of the cluster"), "\(text)")
    #expect(text.contains("nothing was written"), "\(text)")
    #expect(text.contains("to 127.0.0.1:\(nodes[1].port) (slots 8192-16383)"), "\(text)")
    #expect(text.contains("this one serves slots 0-8191"), "\(text)")
    #expect(try sizes() == [0, 0])

    // As it says.
    let first = try apply(log, ["--apply", urls[0], "--slot", "0-8191"])
    let second = try apply(log, ["--apply", urls[1], "--slot", "8192-16383"])
    #expect(first.status == 0 && second.status == 0, "\(first.errorText) \(second.errorText)")
    let counts = [try restored(first), try restored(second)]
    #expect(counts.allSatisfy { ($0 ?? 0) > 0 })
    #expect((counts[0] ?? 0) + (counts[1] ?? 0) == Self.keys)
    #expect(try sizes() == counts.map { $0.map { Int64($0) } })
  }
}
