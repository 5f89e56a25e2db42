internal import Bytes
internal import Keyspace
public import Operations
internal import RDB

// Lost keys go back to a server while it works. Nothing newer is overwritten, by these checks, which
// the server makes itself in one step with the writing:
//
// | key                               | sent                                            | left alone on |
// |-----------------------------------|-------------------------------------------------|---------------|
// | gone                              | RESTORE key ttl payload ABSTTL                  | BUSYKEY       |
// | gone, as commands                 | WATCH, EXISTS = 0; MULTI, commands, EXEC        | nil           |
// | as the accident left it, or made  | WATCH, DUMP = what the log ends with; MULTI,    | nil           |
// |   by it                           |   RESTORE … REPLACE or DEL, EXEC                |               |
// | newer, only when told so          | RESTORE … REPLACE                               |               |
//
// A server that refuses a payload (its version, a renamed RESTORE) gets the value as plain commands.

/// Puts lost keys back on a running server.
public final class ApplyRecovery {
  /// Keys of one batch at most.
  private static let mostKeys = 256
  /// Bytes of the values of one batch, about.
  private static let mostBytes = 1 << 20
  /// Values above this are not compared with what the server holds.
  private static let mostCompared = 48 << 20

  let connection: Connection
  private let facts: NodeFacts
  private let plan: RecoveryPlan
  /// What the server is.
  private let own: ServerTarget
  /// What values are written for.
  private let target: ServerTarget
  private let dumpTarget: RDBTarget
  let timeout = Duration.seconds(60)
  private let decoder = PayloadDecoder()
  private(set) var report = ApplyReport()
  private var selected = -1

  /// Looks at the server behind `connection`. A target in `plan` counts instead of its version.
  ///
  /// - Throws: `JobError` when it is a replica, still loading, or can't be asked.
  package init(_ connection: Connection, _ plan: RecoveryPlan) throws(JobError) {
    self.connection = connection
    self.plan = plan
    facts = try NodeFacts.ask(connection)
    let place = connection.endpoint.description
    guard facts.role == .master else {
      throw JobError(
        .usage, step: "apply", place: place, "this is a replica, which takes no writes",
        remedy: "Apply to its master\(facts.master.map { ", \($0)" } ?? "").")
    }
    if facts.isLoading {
      throw JobError(
        .tryLater, step: "apply", place: place, "the server is loading its data",
        remedy: "Try again when it has.")
    }
    let numbers = facts.version.split(separator: ".").prefix(2).map { Int($0) ?? 0 }
    var server = ServerTarget(
      dialect: facts.product == "valkey" ? .valkey : .redis,
      version: (numbers.first ?? 0) * 100 + min(numbers.dropFirst().first ?? 0, 99))
    own = server
    if let target = plan.target {
      server = ServerTarget(
        dialect: target.family, version: target.major * 100 + min(target.minor, 99))
    }
    guard let dump = RDBTarget(server.dialect, server.version / 100, server.version % 100) else {
      throw JobError(
        .usage, step: "apply", place: place, "its version \(facts.version) is not known",
        remedy: "Name one with --target, such as redis:7.0.")
    }
    target = server
    dumpTarget = dump
    report.server = place
    report.version = "\(facts.product) \(facts.version)"
  }

  /// Puts `lost` back as the plan says.
  ///
  /// - Throws: `JobError` when the connection is lost or the server takes no writes; what was put
  ///   back until then stays, and is left alone by another run. Before anything is written when the
  ///   server is a node of a cluster and keys belong to others.
  public func run(_ lost: LostKeys) throws(JobError) -> ApplyReport {
    var gone: [RecoverableKey] = []
    var others: [RecoverableKey] = []
    for key in lost.keys where plan.scope.includes(key) {
      if key.fate == .gone { gone.append(key) } else { others.append(key) }
    }
    if facts.isClusterNode { try checkSlots(gone + others) }
    do throws(JobError) {
      let isPlain = plan.form == .commands || !target.takesPayloads
      for batch in batches(gone) {
        if isPlain { try transact(batch, .commands) } else { try restore(batch) }
      }
      for batch in batches(others) { try transact(batch, isPlain ? .commands : .payloads) }
    } catch {
      var error = error
      error.message += " (\(report.done) keys were put back before)"
      error.remedy += " Run the same command again; what is back already is left alone."
      throw error
    }
    return report
  }

  /// Keys of one database each.
  private func batches(_ keys: [RecoverableKey]) -> [ArraySlice<RecoverableKey>] {
    var all: [ArraySlice<RecoverableKey>] = []
    var start = 0
    var bytes = 0
    for index in keys.indices {
      if index > start,
        keys[index].database != keys[start].database || index - start >= Self.mostKeys
          || bytes > Self.mostBytes
      {
        all.append(keys[start..<index])
        start = index
        bytes = 0
      }
      bytes += max(keys[index].bytes, keys[index].present.value?.byteCount ?? 0)
    }
    if start < keys.count { all.append(keys[start...]) }
    return all
  }

  // MARK: - Keys that are gone

  /// Sends RESTORE for each key, which refuses by itself when the key is there.
  private func restore(_ keys: ArraySlice<RecoverableKey>) throws(JobError) {
    try Interruption.check("apply")
    try select(keys[keys.startIndex].database)
    var sent: [RecoverableKey] = []
    let now = target.takesAbsoluteTimes ? nil : try time()
    let bytes = try write(keys, .payloads, relativeTo: now, into: &sent)
    let deadline = Deadline(after: timeout)
    try connection.send(raw: bytes, deadline)
    var again: [RecoverableKey] = []
    // The batch begins with a SELECT of its own.
    _ = try reply(deadline)
    for key in sent {
      let answer = try reply(deadline)
      guard case .error(let text) = answer else {
        report.restored += 1
        continue
      }
      if text.hasPrefix("BUSYKEY") {
        leave(key, "is there again")
      } else if isRefusedPayload(text) {
        again.append(key)
      } else {
        try refuse(key, text)
      }
    }
    for batch in batches(again) { try transact(batch, .commands) }
  }

  /// Whether plain commands may do what RESTORE could not.
  private func isRefusedPayload(_ text: String) -> Bool {
    text.contains("payload version or checksum") || text.contains("Bad data format")
      || text.contains("unknown command") || text.hasPrefix("NOPERM")
  }

  // MARK: - Keys that are looked at first

  /// Looks at the keys and writes them, unless something changes one of them in between.
  private func transact(
    _ keys: ArraySlice<RecoverableKey>, _ form: RecoveryPlan.Form
  ) throws(JobError) {
    try Interruption.check("apply")
    // Keys of one transaction in a cluster have to be of one slot.
    if facts.isClusterNode && keys.count > 1 {
      for index in keys.indices { try transact(keys[index...index], form) }
      return
    }
    try select(keys[keys.startIndex].database)
    guard try watch(keys) else { return }
    let good = try look(keys)
    var sent: [RecoverableKey] = []
    let now = target.takesAbsoluteTimes ? nil : try time()
    let counted = try writeCounted(good[...], form, relativeTo: now, into: &sent)
    guard !sent.isEmpty else {
      _ = try connection.exchange(["UNWATCH"], timeout: timeout)
      return
    }
    let deadline = Deadline(after: timeout)
    try connection.send(
      raw: Self.command("MULTI") + counted.bytes + Self.command("EXEC"), deadline)
    _ = try reply(deadline)
    var refusal: String?
    for _ in 0..<counted.commands {
      if case .error(let text) = try reply(deadline) { refusal = refusal ?? text }
    }
    let outcome = try reply(deadline)
    if let refusal {
      try again(sent, form, refusal)
    } else if case .null = outcome {
      if sent.count > 1 {
        for key in sent { try transact([key], form) }
      } else {
        leave(sent[0], "was changed meanwhile")
      }
    } else if case .array(let results) = outcome {
      try take(results, sent, counted.perKey, form)
    } else if case .error(let text) = outcome {
      try again(sent, form, text)
    }
  }

  /// A transaction was not executed at all.
  private func again(
    _ keys: [RecoverableKey], _ form: RecoveryPlan.Form, _ text: String
  ) throws(JobError) {
    if form == .payloads && isRefusedPayload(text) {
      for batch in batches(keys) { try transact(batch, .commands) }
    } else if keys.count > 1 {
      for key in keys { try transact([key], form) }
    } else {
      try refuse(keys[0], text)
    }
  }

  /// What EXEC answered: of SELECT, then of each key's commands.
  private func take(
    _ results: [RESPValue], _ keys: [RecoverableKey], _ perKey: [Int], _ form: RecoveryPlan.Form
  ) throws(JobError) {
    var place = 1
    for (key, count) in zip(keys, perKey) {
      var problem: String?
      for result in results.dropFirst(place).prefix(count) {
        if case .error(let text) = result { problem = problem ?? text }
      }
      place += count
      if let problem {
        if form == .payloads && isRefusedPayload(problem) {
          try transact([key], .commands)
        } else {
          try refuse(key, problem)
        }
        continue
      }
      if form == .commands && plan.form == .payloads && key.good.exists { report.asCommands += 1 }
      if !key.good.exists {
        report.removed += 1
      } else if key.present.exists {
        report.replaced += 1
      } else {
        report.restored += 1
      }
    }
  }

  /// Lets the server notice changes of the keys; false when it is none of its keys.
  private func watch(_ keys: ArraySlice<RecoverableKey>) throws(JobError) -> Bool {
    let deadline = Deadline(after: timeout)
    try connection.send(raw: Self.command("WATCH", keys.map { $0.key.bytes }), deadline)
    guard case .error(let text) = try reply(deadline) else { return true }
    guard keys.count == 1, let key = keys.first else {
      throw connection.refused(["WATCH"], text)
    }
    try refuse(key, text)
    return false
  }

  /// Those of the keys that may be written: still absent, or still what the log ends with.
  private func look(_ all: ArraySlice<RecoverableKey>) throws(JobError) -> [RecoverableKey] {
    var keys: [RecoverableKey] = []
    for key in all {
      let isCompared = key.fate == .changed || key.fate == .made
      if isCompared, (key.present.value?.byteCount ?? 0) > Self.mostCompared {
        leave(key, "is too large to be compared with the log")
      } else {
        keys.append(key)
      }
    }
    var bytes: [UInt8] = []
    let hasMoments = target.dialect == .valkey || target.version >= 700
    for key in keys {
      switch key.fate {
      case .gone: bytes += Self.command("EXISTS", [key.key.bytes])
      case .changed, .made:
        bytes += Self.command("DUMP", [key.key.bytes])
        bytes += Self.command(hasMoments ? "PEXPIRETIME" : "PTTL", [key.key.bytes])
      case .newer, .expired: break
      }
    }
    let now = hasMoments ? 0 : try time()
    let deadline = Deadline(after: timeout)
    try connection.send(raw: bytes, deadline)
    var good: [RecoverableKey] = []
    for key in keys {
      switch key.fate {
      case .newer, .expired: good.append(key)
      case .gone:
        if try reply(deadline).number == 0 {
          good.append(key)
        } else {
          leave(key, "is there again")
        }
      case .changed, .made:
        let dump = try reply(deadline)
        let expiry = try reply(deadline)
        if let reason = difference(key, dump, expiry, hasMoments ? nil : now) {
          leave(key, reason)
        } else {
          good.append(key)
        }
      }
    }
    return good
  }

  /// Why a key is not what the log ends with; nil when it is.
  private func difference(
    _ key: RecoverableKey, _ dump: RESPValue, _ expiry: RESPValue, _ now: Int64?
  ) -> String? {
    switch dump {
    case .bulk(let payload):
      var expiresAt = expiry.number.flatMap { $0 >= 0 ? $0 : nil }
      if let now, let left = expiresAt {
        // Told as what is left; when that fits the log to a second, it is the same.
        expiresAt = now + left
        if let wanted = key.present.expiresAt, abs(wanted - now - left) < 1000 {
          expiresAt = wanted
        }
      }
      let isSame = payload.withByteSlice { slice in
        guard let state = try? decoder.state(slice, expiresAt: expiresAt) else { return false }
        return state.isSame(as: key.present, StateHash.View(payloadsFor: dumpTarget))
      }
      return isSame ? nil : "was changed meanwhile"
    case .error(let text): return "can't be compared with the log: \(text)"
    default: return "is not there any more"
    }
  }

  // MARK: - Talking

  /// The commands for `keys`, SELECT first; those that can be written are added to `sent`.
  private func write(
    _ keys: ArraySlice<RecoverableKey>, _ form: RecoveryPlan.Form, relativeTo now: Int64?,
    into sent: inout [RecoverableKey]
  ) throws(JobError) -> [UInt8] {
    try writeCounted(keys, form, relativeTo: now, into: &sent).bytes
  }

  /// The same, with the number of all commands and of those of each key.
  private func writeCounted(
    _ keys: ArraySlice<RecoverableKey>, _ form: RecoveryPlan.Form, relativeTo now: Int64?,
    into sent: inout [RecoverableKey]
  ) throws(JobError) -> (bytes: [UInt8], commands: Int, perKey: [Int]) {
    var plan = plan
    // Commands instead of refused payloads are those that the server itself knows.
    let isFallback = form == .commands && plan.form == .payloads
    plan.form = form
    if isFallback { plan.target = nil }
    var writer: RecoveryWriter
    do throws(ToolError) {
      writer = try RecoveryWriter(plan, likely: isFallback ? own : target)
    } catch {
      throw JobError(
        .usage, step: "apply", place: report.server, "no values can be written for its version",
        remedy: "Name another with --target.")
    }
    writer.relativeTo = now
    let memory = MemoryTarget()
    writer.commands.output = OutputBuffer(memory, capacity: 1 << 16)
    var perKey: [Int] = []
    if let first = keys.first { writer.select(first.database) }
    for key in keys {
      let before = writer.commandCount
      if !key.good.exists {
        writer.remove(key)
      } else if let loss = writer.put(key, replacing: key.fate != .gone),
        loss.isWhole || !plan.lossy
      {
        fail(key, "this server can not hold \(loss.words)")
        // What was written of it can't be taken back, so a batch with it is told anew.
        if writer.commandCount > before {
          let rest = keys.filter { $0.key != key.key }
          sent.removeAll()
          return try writeCounted(rest[...], form, relativeTo: now, into: &sent)
        }
        continue
      }
      sent.append(key)
      perKey.append(writer.commandCount - before)
    }
    // Memory never refuses.
    try? writer.commands.output.flush()
    return (memory.bytes, writer.commandCount, perKey)
  }

  func select(_ database: Int) throws(JobError) {
    guard selected != database else { return }
    _ = try connection.call("SELECT", "\(database)", timeout: timeout)
    selected = database
  }

  /// The server's clock in unix ms.
  private func time() throws(JobError) -> Int64 {
    let answer = try connection.call("TIME", timeout: timeout).elements ?? []
    guard answer.count == 2, let seconds = answer[0].number, let micros = answer[1].number else {
      return Moment.now.milliseconds
    }
    return seconds * 1000 + micros / 1000
  }

  func reply(_ deadline: Deadline) throws(JobError) -> RESPValue {
    try connection.reader.reply(deadline)
  }

  static func command(_ name: String, _ words: [[UInt8]] = []) -> [UInt8] {
    var bytes = Array("*\(words.count + 1)\r\n$\(name.utf8.count)\r\n\(name)\r\n".utf8)
    for word in words {
      bytes += "$\(word.count)\r\n".utf8
      bytes += word
      bytes += [0x0D, 0x0A]
    }
    return bytes
  }

  /// The server did not take a key. What concerns every key ends the run.
  private func refuse(_ key: RecoverableKey, _ text: String) throws(JobError) {
    switch text.prefix(while: { $0 != " " }) {
    case "MOVED", "ASK":
      let node = text.split(separator: " ").last.map(String.init) ?? "another node"
      leave(key, "belongs to another node of the cluster: \(node)")
    case "READONLY", "MISCONF", "OOM", "LOADING", "MASTERDOWN", "NOREPLICAS", "NOAUTH":
      throw connection.refused(["RESTORE"], text)
    default: fail(key, text)
    }
  }

  private func leave(_ key: RecoverableKey, _ reason: String) {
    report.leftAlone.append(
      ApplyReport.Rest(database: key.database, key: key.key.bytes, reason: reason))
  }

  private func fail(_ key: RecoverableKey, _ reason: String) {
    report.failed.append(
      ApplyReport.Rest(database: key.database, key: key.key.bytes, reason: reason))
  }
}
