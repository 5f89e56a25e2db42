import Foundation
import TestSupport
import Testing

@testable import BackupJob

/// Passwords, ACL users and TLS against real servers.
@Suite(.serialized) struct AccessTests {
  @Test func theWrongPasswordIsNoPermission() throws {
    let right = ConnectionSettings(password: Secret("right"))
    let server = try LoopbackServer(options: ["--requirepass", "right"], settings: right)
    defer { server.keep() }
    let directory = try TemporaryDirectory()
    let text = yaml("redis://127.0.0.1:\(server.port)")
    let wrong = jobError {
      _ = try CreateBackup(makeContext(text, directory, environment: ["REDISCLI_AUTH": "wrong"]))
        .run()
    }
    #expect(wrong?.exitCode == 77)
    #expect(wrong?.place == "127.0.0.1:\(server.port)")
    #expect(wrong?.description.contains("wrong\"") == false)
    let none = jobError { _ = try CreateBackup(makeContext(text, directory)).run() }
    #expect(none?.exitCode == 77)
    #expect(none?.remedy.contains("REDISCLI_AUTH") == true)
    #expect(
      try CreateBackup(makeContext(text, directory, environment: ["REDISCLI_AUTH": "right"])).run()
        .record.keys == 0)
  }

  /// The permissions that Documentation/backup-job.md names, read from there.
  private func documentedRules(_ method: String) throws -> [String] {
    let page = try String(
      contentsOf: PackageRoot.url.appendingPathComponent("Documentation/backup-job.md"),
      encoding: .utf8)
    let line = page.split(separator: "\n").first {
      $0.contains("ACL SETUSER backup") && $0.contains("# \(method)")
    }
    let rules = try #require(line).split(separator: "#")[0].split(separator: " ").dropFirst(3)
    return rules.map(String.init).map { $0 == ">PASSWORD" ? ">secret" : $0 }
  }

  @Test func theDocumentedPermissionsAreEnough() throws {
    for method in ["replication", "aof"] {
      let server = try LoopbackServer(options: ["--appendonly", "yes"])
      defer { server.keep() }
      try server.fill(50)
      let connection = try Connection(server.endpoint, ConnectionSettings())
      let reply = try connection.exchange(["ACL", "SETUSER", "backup"] + documentedRules(method))
      #expect(reply == .simple("OK"))
      let directory = try TemporaryDirectory()
      let text = yaml(
        "redis://backup@127.0.0.1:\(server.port)",
        source: "method: \(method)\ndata-dir: \(server.data)")
      let record = try CreateBackup(
        makeContext(text, directory, environment: ["REDISCLI_AUTH": "secret"])
      ).run().record
      #expect(record.keys == 50)
      // Each of them is needed.
      let settings = ConnectionSettings(user: "backup", password: Secret("secret"))
      let denied = try Connection(server.endpoint, settings).exchange(["GET", "key:1"])
      guard case .error(let message) = denied else { continue }
      #expect(message.hasPrefix("NOPERM"))
    }
  }

  @Test func aUserWithoutPermissionIsTold() throws {
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.call(
      "ACL", "SETUSER", "backup", "on", ">secret", "+ping", "+info", "+role", "+replconf")
    let directory = try TemporaryDirectory()
    let text = yaml("redis://backup@127.0.0.1:\(server.port)")
    let error = jobError {
      _ = try CreateBackup(makeContext(text, directory, environment: ["REDISCLI_AUTH": "secret"]))
        .run()
    }
    #expect(error?.exitCode == 77)
    #expect(error?.step.contains("PSYNC") == true)
    #expect(error?.remedy.contains("Documentation/backup-job.md") == true)
  }

  /// Makes a CA and server certificates with the openssl program.
  private func certificates(_ directory: TemporaryDirectory) throws {
    let script = """
      set -e
      cd "\(directory.path)"
      openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=testca -days 30 2>/dev/null
      make() { # name, subjectAltName, days
        openssl req -newkey rsa:2048 -nodes -keyout $1.key -out $1.csr -subj /CN=$1 2>/dev/null
        printf 'subjectAltName=%s' "$2" > $1.ext
        openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $1.pem -extfile $1.ext -days $3 2>/dev/null
      }
      make right IP:127.0.0.1,DNS:localhost 30
      make wrong DNS:elsewhere.example 30
      make expired IP:127.0.0.1 -1
      make client DNS:client 30
      """
    let result = try Shell.run("sh", ["-c", script])
    #expect(result.status == 0, "\(result.errorText)")
  }

  private func server(_ name: String, _ directory: TemporaryDirectory) throws -> LoopbackServer {
    let tls = TLSSettings(
      caFile: directory.file("ca.pem"), certificateFile: directory.file("client.pem"),
      keyFile: directory.file("client.key"),
      verifiesPeer: false)
    return try LoopbackServer(
      options: [
        "--port", "0", "--tls-cert-file", directory.file("\(name).pem"), "--tls-key-file",
        directory.file("\(name).key"),
        "--tls-ca-cert-file", directory.file("ca.pem"), "--tls-auth-clients", "yes",
      ], settings: ConnectionSettings(tls: tls), plainPort: false)
  }

  @Test func tlsWithRightWrongAndExpiredCertificates() throws {
    let directory = try TemporaryDirectory()
    try certificates(directory)
    let good =
      "tls:\n  ca-file: $DIR/ca.pem\n  cert-file: $DIR/client.pem\n  key-file: $DIR/client.key"
    func attempt(_ server: LoopbackServer, host: String = "127.0.0.1", _ tls: String) throws
      -> BackupRecord
    {
      try CreateBackup(makeContext(yaml("rediss://\(host):\(server.port)", source: tls), directory))
        .run().record
    }
    let right = try server("right", directory)
    #expect(try attempt(right, good).keys == 0)
    #expect(try attempt(right, host: "localhost", good).keys == 0)
    let untrusted = jobError {
      _ = try attempt(right, "tls:\n  cert-file: $DIR/client.pem\n  key-file: $DIR/client.key")
    }
    #expect(untrusted?.exitCode == 69)
    #expect(untrusted?.message.contains("certificate") == true)
    let withoutClient = jobError { _ = try attempt(right, "tls:\n  ca-file: $DIR/ca.pem") }
    #expect(withoutClient?.exitCode == 69)

    let wrong = try server("wrong", directory)
    let mismatch = jobError { _ = try attempt(wrong, good) }
    #expect(mismatch?.exitCode == 69)
    #expect(
      mismatch?.message.contains("IP address mismatch") == true, "\(String(describing: mismatch))")
    let name = jobError { _ = try attempt(wrong, host: "localhost", good) }
    #expect(name?.message.contains("hostname mismatch") == true, "\(String(describing: name))")
    #expect(try attempt(wrong, good + "\n  server-name: elsewhere.example").keys == 0)

    let expired = try server("expired", directory)
    let late = jobError { _ = try attempt(expired, good) }
    #expect(late?.message.contains("expired") == true, "\(String(describing: late))")
    #expect(try attempt(expired, good + "\n  verify: no").keys == 0)
  }

  @Test func unixSocketsAndDeadPorts() throws {
    let server = try RealServer(.redis7_0)
    let directory = try TemporaryDirectory()
    #expect(
      try CreateBackup(makeContext(yaml("unix://\(server.socket)"), directory)).run().record.keys
        == 0)
    let error = jobError {
      _ = try CreateBackup(makeContext(yaml("redis://127.0.0.1:\(freePort())"), directory)).run()
    }
    #expect(error?.exitCode == 69)
    let nobody = jobError {
      _ = try CreateBackup(makeContext(yaml("redis://no-such-host.invalid:1"), directory)).run()
    }
    #expect(nobody?.exitCode == 69)
  }
}
