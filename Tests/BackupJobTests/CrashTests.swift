import Foundation
import TestSupport
import Testing

@testable import BackupJob

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Kills, full disks and broken programs: what is listed is whole, and the next run cleans up.
@Suite(.serialized) struct CrashTests {
  private func configuration(
    _ server: LoopbackServer, _ directory: TemporaryDirectory, _ method: String
  ) throws -> String {
    try directory.write(
      yaml(
        "redis://127.0.0.1:\(server.port)", source: "method: \(method)\ndata-dir: \(server.data)",
        repository: "rate-limit: 30MB",
        more: "state-dir: \(directory.path)/state\nretention:\n  keep-last: 3"
      ).replacingOccurrences(of: "$DIR", with: directory.path), to: "\(method).yaml")
  }

  /// Sixty kills at random moments of the real program, half of them of the method that holds AOF rewrites
  /// for a moment; `HoldCrashTests` meets that moment.
  @Test func sixtyKillsUnderWriteLoad() throws {
    let server = try LoopbackServer(options: [
      "--appendonly", "yes", "--auto-aof-rewrite-percentage", "61",
    ])
    defer { server.keep() }
    try server.fill(60000)
    let isEnded = Flag()
    let writer = Worker<Int>("writer") { () throws(JobError) in
      let connection = try Connection(
        server.endpoint, ConnectionSettings(commandTimeout: .seconds(60)))
      var count = 0
      while !isEnded.isSet {
        _ = try connection.exchange(["SET", "w\(count % 1000)", "\(count)"])
        count += 1
      }
      return count
    }
    let directory = try TemporaryDirectory()
    let methods = ["replication", "aof"]
    let files = try methods.map { try configuration(server, directory, $0) }
    // Half of the kills for each way of taking a backup.
    let clock = ContinuousClock()
    var moments: [KillMoments] = []
    for (which, file) in files.enumerated() {
      let length = try clock.measure {
        let result = try Shell.run(
          PackageRoot.redisBackup, ["snapshot", "create", "-q", "-c", file])
        #expect(result.status == 0, "\(result.errorText)")
      }
      moments.append(KillMoments(length: length, seed: UInt64(60 + which)))
    }
    var wasHeld = 0
    var tries = 0
    while moments.contains(where: { $0.hits < 30 }), tries < 300 {
      let which = moments[0].hits <= moments[1].hits ? 0 : 1
      tries += 1
      let child = try ChildProcess(
        PackageRoot.redisBackup, ["snapshot", "create", "-q", "-c", files[which]], step: "test")
      pause(moments[which].next())
      moments[which].met(running: child.wait(until: Deadline(after: .zero)) == nil)
      kill(child.processID, SIGKILL)
      _ = child.wait()
      if !tree(directory.file("state")).isEmpty { wasHeld += 1 }
      // Nothing that is listed is unverified: each of them proves whole.
      let context = try makeContext(
        try String(contentsOfFile: files[0], encoding: .utf8), directory)
      let ids = try context.store.published()
      for id in ids.suffix(1) {
        let report = try VerifyBackup(context).run(id, level: .structure)
        #expect(report.isGood, "try \(tries): \(report.problems)")
      }
    }
    let killed = moments.reduce(0) { $0 + $1.hits }
    #expect(killed == 60, "all kills hit a running program")
    // The next run of each kind recovers everything.
    for file in files.reversed() {
      let result = try Shell.run(PackageRoot.redisBackup, ["snapshot", "create", "-q", "-c", file])
      #expect(result.status == 0, "\(result.errorText)")
    }
    _ = isEnded.first()
    #expect(try writer.value() > 0)
    #expect(
      try server.call("CONFIG", "GET", "auto-aof-rewrite-percentage").elements?.last?.text == "61")
    let left = tree(directory.file("repo")).filter {
      $0.contains("unfinished") || $0.contains("tmp") || $0.hasPrefix("locks/")
    }
    #expect(left.isEmpty, "\(left)")
    #expect(tree(directory.file("state")).isEmpty)
    let context = try makeContext(try String(contentsOfFile: files[0], encoding: .utf8), directory)
    for id in try context.store.published() {
      #expect(try VerifyBackup(context).run(id, level: .full).isGood)
    }
    print(
      "\(tries) kills: \(killed) hit a running program, \(wasHeld) left rewrites held until the next run"
    )
  }

  @Test func beingToldToEndLeavesNothing() throws {
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(60000)
    let directory = try TemporaryDirectory()
    let file = try directory.write(
      yaml("redis://127.0.0.1:\(server.port)", repository: "rate-limit: 100KB\ncompression: none")
        .replacingOccurrences(
          of: "$DIR", with: directory.path), to: "c.yaml")
    let child = try ChildProcess(
      PackageRoot.redisBackup, ["snapshot", "create", "-q", "-c", file], step: "test")
    try waitFor("it stores") { tree(directory.file("repo")).contains { $0.hasSuffix("dump.rdb") } }
    kill(child.processID, SIGTERM)
    #expect(child.wait(until: Deadline(after: .seconds(10))) == 75)
    #expect(tree(directory.file("repo")) == ["locks"])
  }

  /// A small tmpfs as repository: the disk fills at every phase, from the lock to the record.
  @Test func diskFullAtEachPhase() throws {
    let directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: directory.file("repo"), withIntermediateDirectories: true)
    let mounted = try Shell.run(
      "mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", directory.file("repo")])
    guard mounted.status == 0 else {
      print("SKIPPED: diskFullAtEachPhase needs the right to mount a tmpfs: \(mounted.errorText)")
      return
    }
    defer { _ = try? Shell.run("umount", [directory.file("repo")]) }
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(20000)
    let context = try makeContext(
      yaml("redis://127.0.0.1:\(server.port)", repository: "compression: none"), directory)
    let need = try CreateBackup(context).run().record.storedBytes
    #expect(need < 2 << 20)
    let good = try context.store.published()
    // Fill the rest but for some bytes, in steps over the size of a whole backup.
    var failures = 0
    for free in stride(from: 0, through: Int(need) + 65536, by: max(4096, (Int(need) + 65536) / 24))
    {
      let room = Int(try Files.freeBytes(at: directory.file("repo"), step: "test"))
      let filler = directory.file("repo/filler")
      try Data(count: max(0, room - free)).write(to: URL(fileURLWithPath: filler))
      let error = jobError {
        let record = try CreateBackup(context).run().record
        try context.store.remove(record.id)
      }
      try FileManager.default.removeItem(atPath: filler)
      if let error {
        failures += 1
        #expect(error.exitCode == 74, "\(error)")
      }
      #expect(try context.store.published() == good)
      let left = tree(directory.file("repo")).filter {
        $0.contains("unfinished") || $0.contains("tmp") || $0.hasPrefix("locks/")
      }
      #expect(left.isEmpty, "\(free) free: \(left)")
    }
    #expect(failures > 10)
    #expect(try VerifyBackup(context).run(good[0], level: .full).isGood)
  }

  @Test func theFreeSpaceIsLookedAtBefore() throws {
    let server = try LoopbackServer()
    defer { server.keep() }
    let directory = try TemporaryDirectory()
    let text = yaml("redis://127.0.0.1:\(server.port)").replacingOccurrences(
      of: "min-free: 0", with: "min-free: 9000TB")
    let error = jobError { _ = try CreateBackup(makeContext(text, directory)).run() }
    #expect(error?.exitCode == 74)
    #expect(error?.step == "free space")
  }

  /// rclone that fails at its n-th call, whatever that call is.
  @Test func rcloneFailingMidway() throws {
    guard (try? Shell.run("rclone", ["version"]))?.status == 0 else {
      print("SKIPPED: rcloneFailingMidway needs rclone")
      return
    }
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(500)
    let directory = try TemporaryDirectory()
    let wrapper = try directory.write(
      """
      #!/bin/sh
      count=$(cat "\(directory.path)/count" 2>/dev/null || echo 0)
      count=$((count + 1))
      echo $count > "\(directory.path)/count"
      if [ "$count" = "$(cat "\(directory.path)/fail")" ]; then
        [ "$1" = rcat ] && head -c 100 | rclone "$@"
        echo "broken on purpose" >&2
        exit 1
      fi
      exec rclone "$@"
      """, to: "rclone-wrapper")
    unsafe chmod(wrapper, 0o755)
    try directory.write("0", to: "fail")
    let text = """
      source:
        url: redis://127.0.0.1:\(server.port)
        wait: 0s
      repository:
        rclone: ":local:\(directory.path)/remote"
        rclone-program: \(wrapper)
        min-free: 0
      """
    let context = try makeContext(text, directory)
    let first = try CreateBackup(context).run().record.id
    let calls =
      try Int(
        String(decoding: directory.read("count"), as: UTF8.self).trimmingCharacters(
          in: .whitespacesAndNewlines)) ?? 0
    #expect(calls > 5)
    var failures = 0
    for call in 1...calls {
      try directory.write("0", to: "count")
      try directory.write("\(call)", to: "fail")
      let error = jobError { _ = try CreateBackup(context).run() }
      if let error {
        failures += 1
        #expect(error.exitCode == 69 || error.exitCode == 75, "call \(call): \(error)")
      }
      try directory.write("0", to: "fail")
      for id in try context.store.published() {
        #expect(try VerifyBackup(context).run(id, level: .full).isGood, "call \(call)")
      }
    }
    #expect(failures > 3)
    // A lock that could not be removed belongs to this process, which counts as gone for the next
    // run.
    _ = try CreateBackup(context).run()
    #expect(try context.store.unfinished().isEmpty)
    #expect(try context.store.published().contains(first))
  }

  @Test func aFailingPreHookStopsAndTheOthersAreTold() throws {
    let server = try LoopbackServer()
    defer { server.keep() }
    let directory = try TemporaryDirectory()
    let hooks = """
      hooks:
        pre: 'exit $(cat "$DIR/code")'
        post: 'echo "$REDIS_BACKUP_ID $REDIS_BACKUP_KEYS" > "$DIR/post"'
        on-failure: 'echo "$REDIS_BACKUP_PHASE $REDIS_BACKUP_EXIT_CODE" > "$DIR/failure"'
      metrics:
        textfile: $DIR/metrics.prom
      """
    let context = try makeContext(yaml("redis://127.0.0.1:\(server.port)", more: hooks), directory)
    try directory.write("3", to: "code")
    let error = jobError { _ = try CreateBackup(context).run() }
    #expect(error?.message.contains("status 3") == true)
    #expect(try String(decoding: directory.read("failure"), as: UTF8.self) == "prepare 69\n")
    #expect(
      try String(decoding: directory.read("metrics.prom"), as: UTF8.self).contains(
        "phase=\"prepare\"} 1"))
    try directory.write("0", to: "code")
    let record = try CreateBackup(context).run().record
    #expect(try String(decoding: directory.read("post"), as: UTF8.self) == "\(record.id) 0\n")
    let metrics = try String(decoding: directory.read("metrics.prom"), as: UTF8.self)
    #expect(metrics.contains("phase=\"prepare\"} 1"))
    #expect(metrics.contains("redis_backup_backups{job_name=\"test\"} 1"))
  }
}
