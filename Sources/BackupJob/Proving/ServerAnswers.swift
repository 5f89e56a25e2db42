internal import Bytes
internal import Operations
internal import RDB

/// What a server tells of single keys by commands for their types, compared with what a file says of
/// them: a second witness beside DUMP and SAVE, which we decode ourselves.
///
/// | what | command |
/// |---|---|
/// | when a key expires | `PEXPIRETIME` (Redis 7.0), else `PTTL`, to the second |
/// | when fields expire | `HPEXPIRETIME` (Redis 7.4, Valkey 9) |
/// | numbers, groups, consumers, pending entries of streams | `XINFO STREAM … FULL COUNT 0` (Redis 6.0) |
///
/// Keys whose time has passed are not asked for: a replica does not show them.
struct ServerAnswers {
  private let connection: Connection
  private let hasExpireTime: Bool
  private let hasFieldExpiry: Bool
  private let now: Int64
  /// How many keys, fields and streams were compared.
  private(set) var expiries = 0
  private(set) var fields = 0
  private(set) var streams = 0
  /// What differs: the first of it.
  private(set) var contradictions: [String] = []
  private(set) var contradictionCount = 0

  private struct Question {
    var words: [[UInt8]]
    var check: (RESPValue) -> String?
    var label: String
  }
  private var questions: [Question] = []
  private var db = -1

  private let allowed: StateAspects

  init(_ server: PrivateServer, now: Int64, allowing allowed: StateAspects) {
    self.allowed = allowed
    connection = server.connection
    let numbers = server.version.split(separator: ".").map { Int($0) ?? 0 } + [0, 0]
    hasExpireTime = server.isValkey || numbers[0] >= 7
    hasFieldExpiry = server.isValkey ? numbers[0] >= 9 : (numbers[0], numbers[1]) >= (7, 4)
    self.now = now
  }

  /// Compares a key; answers come in batches, so call ``finish()`` behind the last.
  mutating func take(_ value: FlatValue) throws(JobError) {
    guard value.db >= 0 else { return }
    if let time = value.expiresAt, time <= now + 60_000 { return }
    if value.db != db {
      try flush()
      db = value.db
      _ = try connection.call("SELECT", "\(db)")
    }
    let label = "db \(db) \(KeyText.quoted(value.key))"
    if let time = value.expiresAt { askExpiry(value.key, time, label) }
    if value.type == .hash && hasFieldExpiry { askFields(value, label) }
    if value.type == .stream { askStream(value, label) }
    if questions.count >= 256 { try flush() }
  }

  /// Waits for the last answers.
  mutating func finish() throws(JobError) { try flush() }

  private mutating func flush() throws(JobError) {
    if questions.isEmpty { return }
    let replies = try connection.exchange(all: questions.map(\.words))
    for (question, reply) in zip(questions, replies) {
      guard let problem = question.check(reply) else { continue }
      contradictionCount += 1
      if contradictions.count < 10 { contradictions.append("\(question.label): \(problem)") }
    }
    questions.removeAll(keepingCapacity: true)
  }

  private static func words(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }

  private mutating func askExpiry(_ key: [UInt8], _ time: Int64, _ label: String) {
    expiries += 1
    let name = hasExpireTime ? "PEXPIRETIME" : "PTTL"
    let exact = hasExpireTime
    let start = now
    questions.append(
      Question(
        words: Self.words(name) + [key],
        check: { reply in
          guard let told = reply.number else { return "\(name) answers \(reply)" }
          if exact { return told == time ? nil : "PEXPIRETIME \(told), file \(time)" }
          let passed = UTCTime.now.milliseconds - start
          let late = time - start - told
          return -1000...passed + 1000 ~= late ? nil : "PTTL \(told), file \(time)"
        }, label: label))
  }

  private mutating func askFields(_ value: FlatValue, _ label: String) {
    let timed = value.items.filter {
      $0.expiresAt != ValueElement.never && $0.expiresAt > now + 60_000
    }
    for start in stride(from: 0, to: timed.count, by: 100) {
      let some = timed[start..<min(start + 100, timed.count)]
      fields += some.count
      let wanted = some.map(\.expiresAt)
      questions.append(
        Question(
          words: Self.words("HPEXPIRETIME") + [value.key]
            + Self.words("FIELDS", "\(some.count)") + some.map { value.first($0).bytes },
          check: { reply in
            let told = reply.elements?.map { $0.number ?? -99 } ?? []
            return told == wanted ? nil : "HPEXPIRETIME \(told.prefix(5)), file \(wanted.prefix(5))"
          }, label: label))
    }
  }

  // MARK: - Streams

  private mutating func askStream(_ value: FlatValue, _ label: String) {
    streams += 1
    let allowed = allowed
    questions.append(
      Question(
        words: Self.words("XINFO", "STREAM") + [value.key] + Self.words("FULL", "COUNT", "0"),
        check: { Self.compare(value, $0, allowed) }, label: label))
  }

  /// A flat array of names and values.
  private static func table(_ reply: RESPValue) -> [String: RESPValue] {
    var table: [String: RESPValue] = [:]
    let elements = reply.elements ?? []
    for index in stride(from: 0, to: elements.count - 1, by: 2) {
      if let name = elements[index].text { table[name] = elements[index + 1] }
    }
    return table
  }

  private static func bytes(_ reply: RESPValue?) -> [UInt8] {
    if case .bulk(let bytes)? = reply { return bytes }
    return []
  }

  private static func text(_ id: StreamID) -> String { "\(id.ms)-\(id.seq)" }

  private static func compare(
    _ value: FlatValue, _ reply: RESPValue, _ allowed: StateAspects
  ) -> String? {
    if case .error(let text) = reply { return "XINFO STREAM FULL: \(text)" }
    let told = table(reply)
    func differs(_ name: String, _ mine: String) -> String? {
      guard let other = told[name]?.text else { return nil }
      return other == mine ? nil : "\(name) \(other), file \(mine)"
    }
    let numbers = value.numbers
    if let problem = differs("length", "\(value.entries.count)")
      ?? differs("last-generated-id", text(numbers.lastID))
    {
      return problem
    }
    if !allowed.contains(.streamNumbers),
      let problem = differs("max-deleted-entry-id", text(numbers.maxDeletedID))
        ?? differs("entries-added", "\(numbers.entriesAdded)")
    {
      return problem
    }
    let groups = told["groups"]?.elements ?? []
    guard groups.count == value.groups.count else {
      return "\(groups.count) groups, file \(value.groups.count)"
    }
    for group in groups {
      let table = table(group)
      let name = bytes(table["name"])
      guard let mine = value.groups.first(where: { $0.name == name }) else {
        return "group \(KeyText.quoted(name)) is not in the file"
      }
      if let problem = compare(mine, table, allowed) {
        return "group \(KeyText.quoted(name)): \(problem)"
      }
    }
    return nil
  }

  private static func compare(
    _ group: FlatValue.Group, _ told: [String: RESPValue], _ allowed: StateAspects
  ) -> String? {
    if let last = told["last-delivered-id"]?.text, last != text(group.lastDelivered) {
      return "last-delivered-id \(last), file \(text(group.lastDelivered))"
    }
    if !allowed.contains(.entriesRead), let read = told["entries-read"], group.entriesRead >= 0,
      read.number != group.entriesRead
    {
      return "entries-read \(read.text ?? "unknown"), file \(group.entriesRead)"
    }
    var pending: Set<String> = []
    for entry in group.pending {
      let owner = entry.owner < 0 ? [] : group.consumers[entry.owner].name
      pending.insert(
        "\(text(entry.id)) \(KeyText.quoted(owner)) \(entry.deliveredAt) \(entry.count)")
    }
    // id, consumer, delivery time, delivery count.
    var other: Set<String> = []
    let list = told["pel"]?.elements ?? told["pending"]?.elements ?? []
    for entry in list {
      guard let parts = entry.elements, parts.count == 4 else { continue }
      other.insert(
        "\(parts[0].text ?? "") \(KeyText.quoted(bytes(parts[1]))) "
          + "\(parts[2].number ?? -1) \(parts[3].number ?? -1)")
    }
    if pending != other {
      let one = pending.symmetricDifference(other).sorted().first ?? ""
      return "\(other.count) pending entries, file \(pending.count); one that differs: \(one)"
    }
    if allowed.contains(.consumers) { return nil }
    let consumers = Set(group.consumers.map(\.name))
    let names = Set((told["consumers"]?.elements ?? []).map { bytes(table($0)["name"]) })
    return consumers == names ? nil : "\(names.count) consumers, file \(consumers.count)"
  }
}
