import Foundation
import TestSupport
import Testing

@testable import BackupJob

/// Real masters, replicas and Sentinels on loopback.
@Suite(.serialized) struct SentinelTests {
  @Test func takesTheReplicaAndTheDataIsThere() throws {
    let set = try SentinelSet()
    defer { set.keep() }
    try set.master.fill(20000)
    try waitFor("replicated") {
      try set.replicas.allSatisfy { try $0.call("DBSIZE").number == 20000 }
    }
    let directory = try TemporaryDirectory()
    let log = LogLines()
    let outcome = try CreateBackup(makeContext(yaml(set.url), directory, log: log)).run()
    let part = outcome.record.parts[0]
    #expect(part.source.role == "replica")
    #expect(set.replicas.map(\.endpoint.description).contains(part.source.endpoint))
    #expect(part.keys == 20000)
    #expect(log.text.contains("the master is spared"))
    #expect(outcome.record.parts[0].source.reason?.contains("healthy replica") == true)
  }

  @Test func theSecondSentinelIsAskedWhenTheFirstIsDown() throws {
    let set = try SentinelSet(replicas: 1, sentinels: 2)
    defer { set.keep() }
    set.sentinels[0].stop()
    let directory = try TemporaryDirectory()
    let log = LogLines()
    let outcome = try CreateBackup(makeContext(yaml(set.url), directory, log: log)).run()
    #expect(outcome.record.parts[0].source.role == "replica")
    #expect(log.text.contains("Sentinel 127.0.0.1:\(set.sentinels[0].port): connect"))
  }

  @Test func noSentinelAndUnknownMasterAreToldApart() throws {
    let set = try SentinelSet(replicas: 0, sentinels: 1)
    defer { set.keep() }
    let directory = try TemporaryDirectory()
    let unknown = jobError {
      _ = try CreateBackup(
        makeContext(yaml(set.url.replacingOccurrences(of: "mymaster", with: "other")), directory)
      ).run()
    }
    #expect(unknown?.kind == .missing)
    #expect(unknown?.message.contains("no master named other") == true)
    set.sentinels[0].stop()
    let unreachable = jobError { _ = try CreateBackup(makeContext(yaml(set.url), directory)).run() }
    #expect(unreachable?.exitCode == 69)
    #expect(tree(directory.file("repo")) == ["locks"])
  }

  /// The master dies; for a moment the Sentinels go on naming it. The backup waits for the
  /// failover.
  @Test func aDeadMasterThatIsStillNamedIsNotBelieved() throws {
    let set = try SentinelSet()
    defer { set.keep() }
    try set.master.call("SET", "a", "1")
    try waitFor("replicated") { try set.replicas.allSatisfy { try $0.call("DBSIZE").number == 1 } }
    set.master.stop()
    let named = try set.sentinels[0].call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")
      .elements
    #expect(named?[1].text == "\(set.master.port)", "Sentinel still names the dead master")
    let directory = try TemporaryDirectory()
    let log = LogLines()
    var text = yaml(set.url)
    text = text.replacingOccurrences(of: "wait: 0s", with: "wait: 40s")
    let outcome = try CreateBackup(makeContext(text, directory, log: log)).run()
    let endpoint = outcome.record.parts[0].source.endpoint
    #expect(set.replicas.map(\.endpoint.description).contains(endpoint))
    #expect(outcome.record.keys == 1)
    #expect(log.text.contains("not yet"))
  }

  @Test func withoutPatienceADeadMasterMeansTryLater() throws {
    let set = try SentinelSet(replicas: 1, sentinels: 1)
    defer { set.keep() }
    set.master.stop()
    try waitFor("the replica sees it") {
      try set.replicas[0].info()["master_link_status"] == "down"
    }
    let directory = try TemporaryDirectory()
    let error = jobError {
      _ = try CreateBackup(makeContext(yaml(set.url, source: "prefer: replica-only"), directory))
        .run()
    }
    #expect(error?.exitCode == 75)
  }

  @Test func laggingReplicasFollowThePolicy() throws {
    let set = try SentinelSet(replicas: 1, sentinels: 1)
    defer { set.keep() }
    // A replica that is stopped still answers nothing; one whose link is cut answers that its link
    // is down.
    try set.replicas[0].call("REPLICAOF", "127.0.0.1", "1")
    try waitFor("the link is down") { try set.replicas[0].info()["master_link_status"] == "down" }
    let directory = try TemporaryDirectory()
    let outcome = try CreateBackup(makeContext(yaml(set.url), directory)).run()
    #expect(outcome.record.parts[0].source.role == "master")
    #expect(outcome.record.parts[0].source.reason?.contains("no replica is healthy") == true)
    let error = jobError {
      _ = try CreateBackup(makeContext(yaml(set.url, source: "prefer: replica-only"), directory))
        .run()
    }
    #expect(error?.exitCode == 75)
    #expect(error?.message.contains("link to the master is down") == true)
    #expect(tree(directory.file("repo")).filter { $0.contains("unfinished") }.isEmpty)
  }

  @Test func aFailoverDuringTheTransferDiscardsTheBackup() throws {
    let set = try SentinelSet()
    defer { set.keep() }
    try set.master.fill(200000)
    try waitFor("replicated") {
      try set.replicas.allSatisfy { try $0.call("DBSIZE").number == 200000 }
    }
    let directory = try TemporaryDirectory()
    var context = try makeContext(yaml(set.url), directory)
    let happened = Flag()
    context.progress = { _, _ in
      guard happened.first() else { return }
      _ = try? set.sentinels[0].call("SENTINEL", "FAILOVER", "mymaster")
      try? waitFor("failover", within: 30) {
        try set.sentinels[0].call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster").elements?[1]
          .text
          != "\(set.master.port)"
      }
    }
    let error = jobError { _ = try CreateBackup(context).run() }
    #expect(error?.exitCode == 75)
    #expect(
      error?.message.contains("discarded") == true
        || error?.message.contains("ended the copy") == true)
    #expect(try DirectoryStore(directory.file("repo")).published().isEmpty)
    #expect(tree(directory.file("repo")) == ["locks"])
  }
}

/// True once.
final class Flag: @unchecked Sendable {
  private let lock = NSLock()
  private var value = false

  var isSet: Bool {
    lock.lock()
    defer { lock.unlock() }
    return value
  }

  func first() -> Bool {
    lock.lock()
    defer { lock.unlock() }
    if value { return false }
    value = true
    return true
  }
}
