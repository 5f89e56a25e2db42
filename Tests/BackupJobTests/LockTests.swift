import Foundation
import TestSupport
import Testing

@testable import BackupJob

@Suite struct LockTests {
  private func store(_ directory: TemporaryDirectory) throws -> DirectoryStore {
    let store = DirectoryStore(directory.file("repo"))
    try store.prepare()
    return store
  }

  private func take(
    _ store: DirectoryStore, patience: Duration = .zero, _ log: (String) -> Void = { _ in }
  ) throws
    -> RepositoryLock
  {
    try RepositoryLock.take(
      store, purpose: "test", patience: patience, heartbeat: .milliseconds(100), log: log)
  }

  private func write(_ store: DirectoryStore, host: String, pid: Int32, heartbeat: UTCTime) throws {
    let content = RepositoryLock.Content(
      host: host, pid: pid, token: "other", started: heartbeat, heartbeat: heartbeat,
      purpose: "create")
    try store.writeNote("locks/other.json", Array(try JSONEncoder().encode(content)))
  }

  @Test func aLiveLockOfAnotherHostIsRespectedAndNamed() throws {
    try withTemporaryDirectory { directory in
      let store = try store(directory)
      try write(store, host: "elsewhere", pid: 77, heartbeat: .now)
      let error = jobError { _ = try take(store) }
      #expect(error?.exitCode == 75)
      #expect(error?.message.contains("process 77 on elsewhere") == true)
      #expect(try store.notes(in: "locks") == ["other.json"])
    }
  }

  @Test func staleLocksAreTakenOver() throws {
    try withTemporaryDirectory { directory in
      let store = try store(directory)
      try write(
        store, host: "elsewhere", pid: 1,
        heartbeat: UTCTime(milliseconds: UTCTime.now.milliseconds - 91_000))
      var lines: [String] = []
      let lock = try take(store) { lines.append($0) }
      #expect(lines.contains { $0.contains("no heartbeat for 91 s") })
      lock.release()
      // A process of this host that is gone.
      let child = try ChildProcess("true", [], step: "test")
      _ = child.wait()
      try write(
        store, host: ProcessInfo.processInfo.hostName, pid: child.processID, heartbeat: .now)
      try take(store).release()
      try store.writeNote("locks/broken.json", Array("{".utf8))
      try take(store).release()
      #expect(try store.notes(in: "locks").isEmpty)
    }
  }

  @Test func theHeartbeatIsRenewedAndALostLockIsNoticed() throws {
    try withTemporaryDirectory { directory in
      let store = try store(directory)
      let lock = try take(store)
      let name = try #require(store.notes(in: "locks").first)
      let before = try store.readNote("locks/\(name)")
      try waitFor("heartbeat") { try store.readNote("locks/\(name)") != before }
      try lock.confirm()
      try store.removeNote("locks/\(name)")
      #expect(jobError { try lock.confirm() }?.exitCode == 75)
      lock.release()
      #expect(try store.notes(in: "locks").isEmpty)
    }
  }

  /// Many contenders on threads of their own: never two at once.
  @Test func neverTwoAtOnce() throws {
    try withTemporaryDirectory { directory in
      let store = try store(directory)
      let inside = Counter()
      let workers = (0..<6).map { number in
        Worker<Int>("contender \(number)") { () throws(JobError) in
          var taken = 0
          for _ in 0..<4 {
            guard
              let lock = try? RepositoryLock.take(
                OtherHost(base: store, number: number), purpose: "t", patience: .seconds(20),
                log: { _ in })
            else { continue }
            taken += 1
            inside.enter()
            pause(.milliseconds(5))
            inside.leave()
            lock.release()
          }
          return taken
        }
      }
      let taken = try workers.map { try $0.value() }.reduce(0, +)
      #expect(taken > 0)
      #expect(inside.most == 1)
    }
  }

  /// The threads of one process look like processes of several hosts.
  private struct OtherHost: BackupStore {
    let base: DirectoryStore
    let number: Int
    var place: String { base.place }
    func prepare() throws(JobError) {}
    func published() throws(JobError) -> [String] { [] }
    func unfinished() throws(JobError) -> [String] { [] }
    func removeUnfinished(_ name: String) throws(JobError) {}
    func begin(_ id: String) throws(JobError) {}
    func file(_ name: String, of id: String) throws(JobError) -> any ByteSink { NullSink() }
    func read(_ name: String, of id: String, isPublished: Bool, into sink: any ByteSink)
      throws(JobError)
    {}
    func files(of id: String) throws(JobError) -> [(name: String, size: Int64)] { [] }
    func publish(_ id: String, record: [UInt8]) throws(JobError) {}
    func remove(_ id: String) throws(JobError) {}
    func freeBytes() throws(JobError) -> Int64? { nil }
    func notes(in folder: String) throws(JobError) -> [String] { try base.notes(in: folder) }
    func removeNote(_ name: String) throws(JobError) { try base.removeNote(name) }
    func writeNote(_ name: String, _ bytes: [UInt8]) throws(JobError) {
      let text = String(decoding: bytes, as: UTF8.self)
      let host = ProcessInfo.processInfo.hostName
      try base.writeNote(
        name, Array(text.replacingOccurrences(of: "\"\(host)\"", with: "\"host\(number)\"").utf8))
    }
    func readNote(_ name: String) throws(JobError) -> [UInt8]? { try base.readNote(name) }
  }

  private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var now = 0
    private(set) var most = 0
    func enter() {
      lock.lock()
      now += 1
      most = max(most, now)
      lock.unlock()
    }
    func leave() {
      lock.lock()
      now -= 1
      lock.unlock()
    }
  }
}
