internal import Foundation
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

// One run at a time changes a repository. A run writes `locks/<token>.json`, then looks whether
// another live lock is there; if so it takes its own back and gives up (or waits). Two that begin
// in the same moment may both give up; never do both go on. This needs nothing of the store but
// writing, listing and deleting, so it works on object stores too.
//
// The holder renews its heartbeat. A lock whose heartbeat is old, or whose process is gone from the
// same host, is stale and is removed by whoever meets it. A holder that finds its own lock gone
// loses the right to publish.

/// The lock of a repository, held until `release`.
package final class RepositoryLock: Sendable {
  /// What a lock file says.
  package struct Content: Codable, Sendable, Equatable {
    package var host: String
    package var pid: Int32
    package var token: String
    package var started: UTCTime
    package var heartbeat: UTCTime
    package var purpose: String
  }

  /// A lock is stale when its heartbeat is older.
  package static let staleAfter: Duration = .seconds(90)

  private let store: any BackupStore
  private let token: String
  private let content: Mutex<Content>
  private let isEnded = Mutex(false)
  private let isLost = Mutex(false)
  private let heart = Mutex<Worker<Void>?>(nil)
  private let wake = NSCondition()

  private var note: String { "locks/\(token).json" }

  private init(_ store: any BackupStore, _ content: Content) {
    self.store = store
    token = content.token
    self.content = Mutex(content)
  }

  /// Takes the lock, waiting up to `patience` for another holder; throws `.tryLater` naming that
  /// holder.
  ///
  /// `log` receives a line when a stale lock is removed.
  package static func take(
    _ store: any BackupStore, purpose: String, patience: Duration,
    heartbeat: Duration = .seconds(10),
    log: (String) -> Void
  ) throws(JobError) -> RepositoryLock {
    let deadline = Deadline(after: patience)
    while true {
      let now = UTCTime.now
      let content = Content(
        host: hostName, pid: getpid(),
        token: "\(now.compact)-\(UUID().uuidString.prefix(8).lowercased())",
        started: now, heartbeat: now, purpose: purpose)
      // Looking first spares the usual loser from writing at all.
      var other = try liveLock(store, except: "", log: log)
      if other == nil {
        let lock = RepositoryLock(store, content)
        try store.writeNote(lock.note, try encode(content))
        do throws(JobError) {
          other = try liveLock(store, except: content.token, log: log)
        } catch {
          try? store.removeNote(lock.note)
          throw error
        }
        if other == nil {
          lock.beat(every: heartbeat)
          return lock
        }
        try store.removeNote(lock.note)
      }
      guard other != nil, !deadline.hasPassed else {
        let holder =
          other.map { "process \($0.pid) on \($0.host) since \($0.started) (\($0.purpose))" }
          ?? "another run"
        throw JobError(
          .tryLater, step: "lock", place: store.place, "the repository is in use by \(holder)",
          remedy:
            "Wait for it to end; a lock without heartbeat is taken over after \(staleAfter.text).")
      }
      pause(.milliseconds(Int.random(in: 200...900)))
      try Interruption.check("lock")
    }
  }

  private static func liveLock(
    _ store: any BackupStore, except token: String, log: (String) -> Void
  )
    throws(JobError) -> Content?
  {
    for name in try store.notes(in: "locks")
    where name.hasSuffix(".json") && name != "\(token).json" {
      guard let bytes = try store.readNote("locks/\(name)") else { continue }
      guard let other = try? JSONDecoder().decode(Content.self, from: Data(bytes)) else {
        log("removing a lock that can not be read: \(name)")
        try store.removeNote("locks/\(name)")
        continue
      }
      guard let reason = staleness(of: other, now: .now) else { return other }
      log("taking over from process \(other.pid) on \(other.host): \(reason)")
      try store.removeNote("locks/\(name)")
    }
    return nil
  }

  /// Why a lock is stale; nil when it is alive.
  package static func staleness(of lock: Content, now: UTCTime) -> String? {
    if lock.host == hostName {
      // A process of the same number that is this very process did not write it: its token is
      // another.
      if lock.pid == getpid() { return "its process is gone" }
      if kill(lock.pid, 0) != 0, errno == ESRCH { return "its process is gone" }
    }
    let age = now.milliseconds - lock.heartbeat.milliseconds
    if age > Int64(staleAfter.inSeconds * 1000) { return "no heartbeat for \(age / 1000) s" }
    return nil
  }

  private static func encode(_ content: Content) throws(JobError) -> [UInt8] {
    do { return Array(try JSONEncoder().encode(content)) } catch {
      throw JobError(
        .inputOutput, step: "lock", place: "lock", "\(error)", remedy: "Report this as a defect.")
    }
  }

  private static let hostName = ProcessInfo.processInfo.hostName

  private func beat(every interval: Duration) {
    let worker = Worker<Void>("heartbeat") { [self] () throws(JobError) in
      while true {
        wake.lock()
        if !isEnded.withLock({ $0 }) {
          _ = wake.wait(until: Date(timeIntervalSinceNow: interval.inSeconds))
        }
        wake.unlock()
        if isEnded.withLock({ $0 }) { return }
        do throws(JobError) {
          if try store.readNote(note) == nil {
            isLost.withLock { $0 = true }
            return
          }
          let renewed = content.withLock {
            $0.heartbeat = .now
            return $0
          }
          try store.writeNote(note, try Self.encode(renewed))
        } catch {
          // One failed renewal is borne: the lock goes stale only after many, and `confirm` looks
          // again.
        }
      }
    }
    heart.withLock { $0 = worker }
  }

  /// Throws when the lock was lost: nothing may be published or removed then.
  package func confirm() throws(JobError) {
    let isThere = try store.readNote(note) != nil
    guard isThere, !isLost.withLock({ $0 }) else {
      throw JobError(
        .tryLater, step: "lock", place: store.place, "another run took the lock over",
        remedy: "Check that this host was not asleep; run the job again.")
    }
  }

  /// Gives the lock back.
  package func release() {
    wake.lock()
    isEnded.withLock { $0 = true }
    wake.broadcast()
    wake.unlock()
    _ = try? heart.withLock { $0 }?.value()
    try? store.removeNote(note)
  }
}
