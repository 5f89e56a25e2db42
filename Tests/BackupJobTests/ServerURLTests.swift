import Testing

@testable import BackupJob

@Suite struct ServerURLTests {
  @Test func readsEveryForm() throws {
    let plain = try ServerURL("redis://user:p%40ss@example.org:6380/0")
    #expect(plain.target == .node(.tcp(host: "example.org", port: 6380)))
    #expect(plain.user == "user")
    #expect(plain.password?.reveal == "p@ss")
    #expect(!plain.usesTLS)
    #expect(try ServerURL("redis://h").target == .node(.tcp(host: "h", port: 6379)))
    #expect(try ServerURL("redis://[::1]:7000").target == .node(.tcp(host: "::1", port: 7000)))
    #expect(try ServerURL("rediss://h").usesTLS)
    #expect(try ServerURL("unix:///run/redis.sock").target == .node(.unix(path: "/run/redis.sock")))
    #expect(try ServerURL("redis://:only@h").password?.reveal == "only")
    let sentinels = try ServerURL("redis-sentinel://a,b:26380,[::2]:1/my-master?tls=yes")
    #expect(
      sentinels.target
        == .sentinels(
          [.tcp(host: "a", port: 26379), .tcp(host: "b", port: 26380), .tcp(host: "::2", port: 1)],
          master: "my-master"))
    #expect(sentinels.usesTLS)
  }

  @Test(arguments: [
    "", "host", "http://h", "redis://", "redis://h:0", "redis://h:99999", "redis://h/x",
    "redis://h:p", "unix://relative",
    "redis-sentinel://a,b", "redis-sentinel://a,,b/m", "redis-sentinel:///m", "redis://a%zz@h",
    "redis://[::1", "redis://a b",
  ])
  func refuses(_ text: String) {
    #expect(throws: JobError.self) { try ServerURL(text) }
  }

  @Test func neverShowsThePassword() throws {
    let url = try ServerURL("rediss://u:topsecret@h:1")
    var dumped = ""
    dump(url, to: &dumped)
    for text in ["\(url)", String(reflecting: url), dumped] { #expect(!text.contains("topsecret")) }
    let error = jobError { _ = try ServerURL("redis://u:topsecret@h:99999") }
    #expect(error?.description.contains("topsecret") == false)
  }
}

@Suite struct RESPTests {
  /// Gives out bytes in chunks of one size.
  final class Scripted: ByteTransport {
    let peer = "scripted"
    var bytes: [UInt8]
    let chunk: Int
    init(_ text: String, chunk: Int) {
      bytes = Array(text.utf8)
      self.chunk = chunk
    }
    func read(into buffer: inout [UInt8], from offset: Int, deadline: Deadline) -> Int {
      let take = min(chunk, bytes.count, buffer.count - offset)
      buffer.replaceSubrange(offset..<offset + take, with: bytes[..<take])
      bytes.removeFirst(take)
      return take
    }
    func write(_ bytes: [UInt8], deadline: Deadline) {}
    func close() {}
  }

  @Test(arguments: [1, 2, 3, 7, 1000])
  func readsRepliesHoweverTheyArrive(_ chunk: Int) throws {
    let text =
      "+OK\r\n-ERR no\r\n:-12\r\n$5\r\na\r\nbc\r\n$-1\r\n*2\r\n*1\r\n:1\r\n$0\r\n\r\n*-1\r\n"
    let reader = RESPReader(Scripted(text, chunk: chunk), capacity: 4)
    let deadline = Deadline(after: .seconds(5))
    #expect(try reader.reply(deadline) == .simple("OK"))
    #expect(try reader.reply(deadline) == .error("ERR no"))
    #expect(try reader.reply(deadline) == .integer(-12))
    #expect(try reader.reply(deadline) == .bulk(Array("a\r\nbc".utf8)))
    #expect(try reader.reply(deadline) == .null)
    #expect(try reader.reply(deadline) == .array([.array([.integer(1)]), .bulk([])]))
    #expect(try reader.reply(deadline) == .null)
    #expect(throws: JobError.self) { try reader.reply(deadline) }
  }

  @Test(arguments: [
    "?\r\n", "\r\n", ":x\r\n", "$-2\r\n", "$99999999999\r\n", "$1\r\nabc", "*x\r\n", "$5\r\nab",
    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "*4000000000\r\n:1\r\n",
    String(repeating: "x", count: 70000),
  ])
  func refusesWhatIsNoReply(_ text: String) {
    let reader = RESPReader(Scripted(text, chunk: 4096))
    #expect(throws: JobError.self) { try reader.reply(Deadline(after: .seconds(5))) }
  }

  /// Any bytes end in a reply or an error, never in a trap.
  @Test func survivesRandomBytes() {
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("+-:$*0123456789\r\nab")
    for _ in 0..<20000 {
      let text = String(
        (0..<Int.random(in: 0...40, using: &random)).map { _ in
          alphabet.randomElement(using: &random) ?? "+"
        })
      let reader = RESPReader(Scripted(text, chunk: 3), capacity: 8)
      _ = try? reader.reply(Deadline(after: .seconds(5)))
    }
  }
}
