import Foundation
import TestSupport
import Testing

@testable import BackupJob

/// Whatever is changed in a stored backup, verification names the file and the reason.
@Suite(.serialized) struct TamperingTests {
  private func backup(_ directory: TemporaryDirectory, _ repository: String = "") throws -> (
    JobContext, String, String
  ) {
    let server = try LoopbackServer()
    defer { server.keep() }
    try server.fill(200)
    let context = try makeContext(
      yaml("redis://127.0.0.1:\(server.port)", repository: repository), directory)
    let id = try CreateBackup(context).run().record.id
    return (context, id, directory.file("repo/\(id)"))
  }

  @Test(arguments: ["compression: none", "compression: gzip", "compression: zstd"])
  func everyByteRangeOfEveryFile(_ repository: String) throws {
    let directory = try TemporaryDirectory()
    let (context, id, folder) = try backup(directory, repository)
    let verification = VerifyBackup(context)
    #expect(try verification.run(id, level: .full).isGood)
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      let url = URL(fileURLWithPath: "\(folder)/\(name)")
      let whole = try Data(contentsOf: url)
      let step = max(1, whole.count / 60)
      for start in stride(from: 0, to: whole.count, by: step) {
        for level in [VerificationLevel.checksum, .full] {
          var changed = whole
          for index in start..<min(start + step, whole.count) { changed[index] ^= 0x41 }
          try changed.write(to: url)
          let report = try verification.run(id, level: level)
          #expect(!report.isGood, "\(name) \(start)")
          #expect(
            report.problems.contains { $0.hasPrefix("\(name):") },
            "\(name) \(start): \(report.problems)")
        }
      }
      // One bit.
      for start in stride(from: 0, to: whole.count, by: max(1, whole.count / 20)) {
        var changed = whole
        changed[start] ^= 1
        try changed.write(to: url)
        let report = try verification.run(id, level: .checksum)
        #expect(
          report.problems.contains { $0.hasPrefix("\(name):") },
          "\(name) \(start): \(report.problems)")
      }
      try whole.write(to: url)
    }
    #expect(try verification.run(id, level: .full).isGood)
  }

  @Test func truncatedMissingAndAddedFiles() throws {
    let directory = try TemporaryDirectory()
    let (context, id, folder) = try backup(directory)
    let verification = VerifyBackup(context)
    let url = URL(fileURLWithPath: "\(folder)/dump.rdb.zst")
    let whole = try Data(contentsOf: url)
    for count in [0, 1, whole.count / 2, whole.count - 1] {
      try whole.prefix(count).write(to: url)
      let report = try verification.run(id, level: .structure)
      #expect(
        report.problems.contains { $0.hasPrefix("dump.rdb.zst: it has \(count) bytes instead of") })
    }
    try FileManager.default.removeItem(at: url)
    #expect(try verification.run(id, level: .structure).problems == ["dump.rdb.zst: it is missing"])
    try whole.write(to: url)
    try Data("x".utf8).write(to: URL(fileURLWithPath: "\(folder)/extra"))
    #expect(
      try verification.run(id, level: .structure).problems == [
        "extra: it does not belong to this backup"
      ])
    try FileManager.default.removeItem(atPath: "\(folder)/extra")
    try FileManager.default.removeItem(atPath: "\(folder)/SHA256SUMS")
    #expect(try verification.run(id, level: .structure).problems == ["SHA256SUMS: it is missing"])
  }

  @Test func aTamperedBackupIsNeitherRestoredNorCountedAsGood() throws {
    let directory = try TemporaryDirectory()
    let (context, id, folder) = try backup(directory)
    let url = URL(fileURLWithPath: "\(folder)/dump.rdb.zst")
    var data = try Data(contentsOf: url)
    data[data.count / 2] ^= 0xFF
    try data.write(to: url)
    let error = jobError { _ = try RestoreBackup(context).run(id, into: directory.file("out")) }
    #expect(error?.exitCode == 1)
    #expect(!FileManager.default.fileExists(atPath: directory.file("out")))
    #expect(try directory.names().filter { $0.contains("restoring") }.isEmpty)
    _ = try VerifyBackup(context).run(id, level: .structure)
    #expect(try BackupListing(context).all()[0].problem != nil)
  }

  /// A record that was changed on purpose, sums included, can not lead out of the restored
  /// directory.
  @Test func namesThatLeadElsewhereAreRefused() throws {
    let directory = try TemporaryDirectory()
    let (context, id, folder) = try backup(directory)
    let url = URL(fileURLWithPath: "\(folder)/backup.json")
    let text = String(decoding: try Data(contentsOf: url), as: UTF8.self)
    for name in ["../dump.rdb", "/etc/x", "a/../../b", "..", "a//b", ""] {
      try Data(
        text.replacingOccurrences(of: "\"name\" : \"dump.rdb\"", with: "\"name\" : \"\(name)\"")
          .utf8
      ).write(to: url)
      let error = jobError { _ = try RestoreBackup(context).run(id, into: directory.file("out")) }
      #expect(error?.exitCode == 65, "\(name)")
    }
  }

  @Test func subsetsCoverEverythingOnce() throws {
    let directory = try TemporaryDirectory()
    let (context, _, _) = try backup(directory)
    let server = try LoopbackServer()
    defer { server.keep() }
    let other = try makeContext(yaml("redis://127.0.0.1:\(server.port)"), directory)
    for _ in 0..<4 { _ = try CreateBackup(other).run() }
    let verification = VerifyBackup(context)
    let all = try verification.choose([], subset: nil)
    #expect(all.count == 5)
    let parts = try (1...3).flatMap { try verification.choose([], subset: ($0, 3)) }
    #expect(parts.sorted() == all)
    #expect(try verification.choose(["latest"], subset: nil) == [all[4]])
    #expect(jobError { _ = try verification.choose(["2"], subset: nil) }?.kind == .missing)
  }

  @Test func restoringIsCareful() throws {
    let directory = try TemporaryDirectory()
    let (context, id, _) = try backup(directory)
    try FileManager.default.createDirectory(
      atPath: directory.file("full"), withIntermediateDirectories: true)
    try directory.write("x", to: "full/file")
    #expect(
      jobError { _ = try RestoreBackup(context).run(id, into: directory.file("full")) }?.exitCode
        == 73)
    let running = try LoopbackServer()
    defer { running.keep() }
    let used = jobError { _ = try RestoreBackup(context).run(id, into: running.data) }
    #expect(used?.exitCode == 73)
    #expect(used?.message.contains("running server") == true)
    for (form, expected) in [
      (RestoreBackup.Form.rdb, ["dump.rdb"]),
      (
        .multiPart,
        [
          "appendonlydir", "appendonlydir/appendonly.aof.1.base.rdb",
          "appendonlydir/appendonly.aof.1.incr.aof",
          "appendonlydir/appendonly.aof.manifest",
        ]
      ),
    ] {
      var options = RestoreBackup.Options()
      options.form = form
      let target = directory.file("out-\(form.rawValue)")
      let outcome = try RestoreBackup(context).run(id, into: target, options: options)
      #expect(tree(target) == expected)
      // A server that is started with the lines that were told holds the data.
      let server = try LoopbackServer(
        options: ["--dir", target]
          + outcome.configuration[0].dropFirst().flatMap { line in
            let words = line.split(separator: " ").map(String.init)
            return ["--\(words[0])", words[1]]
          })
      defer { server.keep() }
      #expect(try server.call("DBSIZE").number == 200)
    }
    let both = try RestoreBackup(context).run(id, into: directory.file("both"))
    for appendOnly in ["yes", "no"] {
      let server = try LoopbackServer(options: [
        "--dir", both.directories[0], "--appendonly", appendOnly,
      ])
      defer { server.keep() }
      #expect(try server.call("DBSIZE").number == 200, "appendonly \(appendOnly)")
    }
    #expect(try RestoreBackup(context).find(nil, at: UTCTime.now) == id)
    #expect(
      jobError { _ = try RestoreBackup(context).find(nil, at: UTCTime(seconds: 5)) }?.kind
        == .missing)
  }
}
