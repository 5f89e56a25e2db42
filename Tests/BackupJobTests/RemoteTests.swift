import Foundation
import TestSupport
import Testing

@testable import BackupJob

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Repositories behind rclone and encrypted ones.
@Suite(.serialized) struct RemoteTests {
  /// The one that `scripts/bootstrap test` installs into, where there is one, else the system's.
  private static let python: String = {
    let own = PackageRoot.url.appendingPathComponent(".venv/bin/python").path
    let answer = try? Shell.run(own, ["-c", "import moto.server"])
    return answer?.status == 0 ? own : "python3"
  }()

  private func has(_ program: String, _ arguments: [String], test: String) -> Bool {
    if (try? Shell.run(program, arguments))?.status == 0 { return true }
    print("SKIPPED: \(test) needs \(program)")
    return false
  }

  private func expectRestores(
    _ context: JobContext, _ id: String, keys: Int64, _ directory: TemporaryDirectory
  ) throws {
    let outcome = try RestoreBackup(context).run(id, into: directory.file("out"))
    let server = try LoopbackServer(options: ["--dir", outcome.directories[0]])
    defer { server.keep() }
    #expect(try server.call("DBSIZE").number == keys)
    #expect(try server.call("DEBUG", "DIGEST").text == outcome.record.parts[0].digest)
  }

  @Test func anS3ServerThroughRclone() throws {
    guard has("rclone", ["version"], test: "anS3ServerThroughRclone"),
      has(Self.python, ["-c", "import moto.server"], test: "anS3ServerThroughRclone")
    else { return }
    // rclone can not bring its own certificates together with such a bundle; this server is plain HTTP.
    unsafe unsetenv("AWS_CA_BUNDLE")
    let port = freePort()
    let moto = try ChildProcess(
      Self.python, ["-m", "moto.server", "-H", "127.0.0.1", "-p", "\(port)"], step: "test")
    Watchdog.shared.watch(process: moto.processID)
    defer {
      moto.terminate(patience: .zero)
      Watchdog.shared.release(process: moto.processID)
    }
    try waitFor("the S3 server answers", within: 30) {
      (try? Transport(.tcp(host: "127.0.0.1", port: port), tls: nil, timeout: .seconds(1))) != nil
    }
    let directory = try TemporaryDirectory()
    let rclone = try directory.write(
      """
      [s3]
      type = s3
      provider = Other
      access_key_id = test
      secret_access_key = test
      endpoint = http://127.0.0.1:\(port)
      force_path_style = true
      """, to: "rclone.conf")
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(2000)
    let text = """
      source:
        url: redis://127.0.0.1:\(server.port)
        wait: 0s
      repository:
        rclone: s3:backups/redis
        rclone-config: \(rclone)
        min-free: 0
      retention:
        keep-last: 2
      """
    let context = try makeContext(text, directory)
    var ids: [String] = []
    for _ in 0..<3 {
      ids.append(try CreateBackup(context).run().record.id)
      pause(.milliseconds(1100))
    }
    #expect(try context.store.published() == Array(ids.suffix(2)))
    #expect(try VerifyBackup(context).run(ids[2], level: .full).isGood)
    try expectRestores(context, ids[2], keys: 2000, directory)
    // A flipped byte in the bucket is found.
    let remote = "s3:backups/redis/\(ids[2])/dump.rdb.zst"
    let script =
      "rclone --config \(rclone) cat \(remote) | tr 'a' 'b' | rclone --config \(rclone) rcat \(remote)"
    _ = try Shell.run("sh", ["-c", script])
    let report = try VerifyBackup(context).run(ids[2], level: .checksum)
    #expect(report.problems.count == 1)
    #expect(report.problems.first?.hasPrefix("dump.rdb.zst:") == true)
  }

  @Test func anAgeEncryptedDirectory() throws {
    guard has("age", ["--version"], test: "anAgeEncryptedDirectory") else { return }
    let directory = try TemporaryDirectory()
    let made = try Shell.run("age-keygen", ["-o", directory.file("key")])
    #expect(made.status == 0)
    let recipient = try #require(
      String(decoding: directory.read("key"), as: UTF8.self).split(separator: "\n").first {
        $0.contains("public key")
      }?
      .split(separator: " ").last)
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(2000)
    let url = "redis://127.0.0.1:\(server.port)"
    let sealed = try makeContext(yaml(url, repository: "age-recipients: [\(recipient)]"), directory)
    let record = try CreateBackup(sealed).run().record
    #expect(record.encryption == "age")
    #expect(record.verification.readBack == false)
    let stored = try directory.read("repo/\(record.id)/dump.rdb.zst.age")
    #expect(stored.starts(with: Array("age-encryption.org".utf8)))
    // Without the private key the content can not be verified, and that is no success.
    let blind = try VerifyBackup(sealed).run(record.id, level: .full)
    #expect(!blind.isGood)
    #expect(blind.problems.isEmpty)
    #expect(blind.couldNot.count == 1)
    #expect(try VerifyBackup(sealed).run(record.id, level: .checksum).isGood)
    #expect(
      jobError { _ = try RestoreBackup(sealed).run(record.id, into: directory.file("no")) }?
        .exitCode == 64)
    let open = try makeContext(
      yaml(url, repository: "age-recipients: [\(recipient)]\nage-identity-file: $DIR/key"),
      directory)
    #expect(try VerifyBackup(open).run(record.id, level: .full).isGood)
    #expect(try CreateBackup(open).run().record.verification.readBack)
    try expectRestores(open, record.id, keys: 2000, directory)
    // No plain copy anywhere.
    #expect(
      tree(directory.file("repo")).filter { $0.hasSuffix(".rdb") || $0.hasSuffix(".zst") }.isEmpty)
  }

  @Test func healthChecksAndPushedMetrics() throws {
    guard has("python3", ["--version"], test: "healthChecksAndPushedMetrics") else { return }
    let directory = try TemporaryDirectory()
    let script = try directory.write(
      """
      import http.server, sys
      class H(http.server.BaseHTTPRequestHandler):
        def any(self):
          body = self.rfile.read(int(self.headers['Content-Length']))
          open(sys.argv[2], 'ab').write(('%s %s %d\\n' % (self.command, self.path, len(body))).encode())
          self.send_response(200); self.end_headers()
        do_POST = do_PUT = any
      http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()
      """, to: "server.py")
    let port = freePort()
    let web = try ChildProcess(
      "python3", [script, "\(port)", directory.file("requests")], step: "test")
    Watchdog.shared.watch(process: web.processID)
    defer {
      web.terminate(patience: .zero)
      Watchdog.shared.release(process: web.processID)
    }
    try waitFor("the web server answers") {
      (try? Transport(.tcp(host: "127.0.0.1", port: port), tls: nil, timeout: .seconds(1))) != nil
    }
    let server = try LoopbackServer()
    defer { server.keep() }
    let more = """
      metrics:
        push-url: http://127.0.0.1:\(port)/metrics/job/redis
      healthcheck:
        url: http://127.0.0.1:\(port)/ping
      """
    _ = try CreateBackup(
      makeContext(yaml("redis://127.0.0.1:\(server.port)", more: more), directory)
    ).run()
    #expect(
      jobError {
        _ = try CreateBackup(makeContext(yaml("redis://127.0.0.1:1", more: more), directory)).run()
      } != nil)
    let requests = String(decoding: try directory.read("requests"), as: UTF8.self).split(
      separator: "\n")
    #expect(requests.count == 4)
    #expect(requests.contains { $0.hasPrefix("POST /ping ") })
    #expect(requests.contains { $0.hasPrefix("POST /ping/fail ") })
    #expect(requests.filter { $0.hasPrefix("PUT /metrics/job/redis ") }.count == 2)
  }
}
