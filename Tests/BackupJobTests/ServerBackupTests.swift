import Foundation
import TestSupport
import Testing

@testable import BackupJob

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The BACKUP commands of Redis 8.10, of which no server could be had here: a script before a real
/// server of 7.0 answers them as they are described, and hands everything else on.
@Suite(.serialized) struct ServerBackupTests {
  /// `argv`: own port, the server's port, its directory, a file that says how to misbehave.
  private static let script = #"""
    import os, shutil, socket, sys, threading
    port, real, root, mode_file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    target, state, polls, calls = os.path.join(root, 'backupdir'), 'none', 0, open(sys.argv[5], 'a', 1)

    def read(f):
        line = f.readline()
        if not line: return None
        if line[:1] == b'*': return [read(f) for _ in range(int(line[1:]))]
        if line[:1] == b'$':
            n = int(line[1:])
            return None if n < 0 else f.read(n + 2)[:-2]
        return line

    def raw(f):
        line = f.readline()
        if line[:1] == b'*': return line + b''.join(raw(f) for _ in range(max(0, int(line[1:]))))
        if line[:1] == b'$' and int(line[1:]) >= 0: return line + f.read(int(line[1:]) + 2)
        return line

    def bulk(words):
        return b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words)

    def backup(what):
        global state, polls
        mode = open(mode_file).read().strip()
        calls.write(what + '\n')
        if what == 'START':
            if mode == 'refuse': return b'-ERR a backup exists\r\n'
            state, polls = 'pending', 0
        elif what == 'STATUS':
            polls += 1
            if state == 'pending' and polls > 1: state = 'snapshotting'
            elif state == 'snapshotting':
                if mode == 'fail':
                    return bulk([b'state', b'failed', b'error', b'disk full'])
                state = 'incrementing'
            elif state == 'sealing': state = 'sealed'
            shown = 'incrementing' if state == 'sealing' else state
            return bulk([b'state', shown.encode(), b'error', b'', b'start_time', b'1', b'end_time', b'0'])
        elif what == 'SEAL':
            if state != 'incrementing': return b'-ERR not incrementing\r\n'
            shutil.copytree(os.path.join(root, 'appendonlydir'), target)
            state = 'sealing'
        elif what == 'LIST':
            names = sorted(os.listdir(target))
            if mode == 'short': names = [n for n in names if not n.endswith('.incr.aof')]
            return bulk([os.path.join(target, n).encode() for n in names])
        elif what in ('CLEANUP', 'ABORT'):
            shutil.rmtree(target, ignore_errors=True)
            state = 'none'
        return b'+OK\r\n'

    def serve(client):
        server = socket.create_connection(('127.0.0.1', real))
        asked, answered = client.makefile('rb'), server.makefile('rb')
        while True:
            words = read(asked)
            if not words: break
            if words[0].upper() == b'BACKUP':
                client.sendall(backup(words[1].decode().upper()))
            else:
                server.sendall(bulk(words))
                client.sendall(raw(answered))

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('127.0.0.1', port))
    listener.listen(16)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()
    """#

  private final class Scene {
    let server: LoopbackServer
    let directory: TemporaryDirectory
    let context: JobContext
    let log = LogLines()
    private let child: ChildProcess

    init(_ mode: String) throws {
      server = try LoopbackServer(options: [
        "--appendonly", "yes", "--auto-aof-rewrite-percentage", "61",
      ])
      directory = try TemporaryDirectory()
      try server.fill(200)
      let port = freePort()
      let script = try directory.write(ServerBackupTests.script, to: "server.py")
      child = try ChildProcess(
        "python3",
        [
          script, "\(port)", "\(server.port)", server.data,
          try directory.write(mode, to: "mode"), try directory.write("", to: "calls"),
        ], step: "test")
      Watchdog.shared.watch(process: child.processID)
      try waitFor("the script answers") {
        (try? Connection(.tcp(host: "127.0.0.1", port: port), ConnectionSettings())) != nil
      }
      context = try makeContext(
        yaml(
          "redis://127.0.0.1:\(port)", source: "method: aof\ndata-dir: \(server.data)",
          more: "state-dir: $DIR/state\ndrill:\n  server: \(try RealServer.Version.redis7_0.path())"
        ),
        directory, log: log)
    }

    deinit {
      child.terminate(patience: .zero)
      Watchdog.shared.release(process: child.processID)
    }

    func calls() throws -> [String] {
      String(decoding: try directory.read("calls"), as: UTF8.self).split(separator: "\n").map(
        String.init
      ).filter { $0 != "STATUS" }
    }

    var isClean: Bool {
      Files.status("\(server.data)/backupdir") == nil && tree(directory.file("state")).isEmpty
    }
  }

  @Test func theServerMakesTheCopy() throws {
    let scene = try Scene("good")
    defer { scene.server.keep() }
    let record = try CreateBackup(scene.context).run().record
    #expect(try scene.calls() == ["START", "SEAL", "LIST", "CLEANUP"])
    #expect(scene.isClean)
    #expect(!scene.log.text.contains("holding AOF rewrites"))
    #expect(record.keys == 200)
    #expect(Set(record.files.map(\.kind)) == ["base", "incr", "manifest"])
    #expect(record.files.allSatisfy { $0.name.hasPrefix("appendonlydir/") })
    let drill = try Drill(scene.context).run(record.id)
    #expect(drill.isGood, "\(drill.differences)")
  }

  /// Errors end in ABORT; nothing is published and nothing stays.
  @Test(arguments: ["fail", "short"]) func anErrorAborts(_ mode: String) throws {
    let scene = try Scene(mode)
    defer { scene.server.keep() }
    let error = jobError { _ = try CreateBackup(scene.context).run() }
    #expect(error?.kind == .unavailable)
    #expect(error?.message.contains(mode == "fail" ? "disk full" : "not listed") == true)
    #expect(try scene.calls().contains("ABORT"))
    #expect(scene.isClean)
    #expect(try scene.context.store.published().isEmpty)
  }

  /// A server that refuses to begin is taken by the procedure with rewrites off.
  @Test func aRefusalLeadsToTheOtherProcedure() throws {
    let scene = try Scene("refuse")
    defer { scene.server.keep() }
    #expect(try CreateBackup(scene.context).run().record.keys == 200)
    #expect(scene.log.text.contains("holding AOF rewrites"))
    #expect(try scene.calls() == ["START"])
    #expect(scene.isClean)
  }

  /// What a killed run has begun is ended by the next.
  @Test func aKilledRunIsCleanedUp() throws {
    let scene = try Scene("good")
    defer { scene.server.keep() }
    try FileManager.default.createDirectory(
      atPath: scene.directory.file("state"), withIntermediateDirectories: true)
    let name = scene.context.config.url.flatMap { url -> String? in
      guard case .node(let endpoint) = url.target else { return nil }
      return endpoint.description.replacingOccurrences(of: ":", with: "_")
    }
    try scene.directory.write("", to: "state/backup-\(try #require(name)).mark")
    _ = try CreateBackup(scene.context).run()
    #expect(try scene.calls() == ["ABORT", "CLEANUP", "START", "SEAL", "LIST", "CLEANUP"])
    #expect(scene.isClean)
  }
}
