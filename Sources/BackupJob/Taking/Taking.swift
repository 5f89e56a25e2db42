/// Takes the data by the configured method and stores it.
struct Taking: Sendable {
  let context: JobContext
  let writer: BackupWriter
  private var config: JobConfig { context.config }

  private func finder(_ url: ServerURL) -> SourceFinder {
    let context = context
    return SourceFinder(
      url: url, node: config.nodeSettings, sentinel: config.sentinelSettings, policy: config.policy,
      patience: config.wait, shard: config.shard, log: { context.say($0) })
  }

  /// Chooses the nodes; empty when files of a volume are taken without a server.
  func sources() throws(JobError) -> [ChosenSource] {
    guard let url = config.url else { return [] }
    let sources = try finder(url).find()
    for source in sources {
      for line in source.decision.passedOver { context.say("passed over", ["why": line]) }
      context.say(
        "source chosen",
        ["node": source.decision.node.endpoint.description, "why": source.decision.reason])
    }
    if sources.count > 1, config.method != .replication {
      throw JobError(
        .usage, step: "choose source", place: "source.method",
        "a cluster of \(sources.count) shards can not be taken by method \(config.method.rawValue) at once",
        remedy: "Use source.method replication, or one job for each shard (source.shard).")
    }
    return sources
  }

  /// Asks every source again whether it still is what it was.
  func confirm(_ sources: [ChosenSource], _ parts: [BackupRecord.Part?]) throws(JobError) {
    guard let url = config.url else { return }
    for (source, part) in zip(sources, parts) {
      try finder(url).confirm(source, replicationID: part?.source.replicationID)
    }
  }

  /// Takes all parts, several at a time.
  func take(_ sources: [ChosenSource]) throws(JobError) -> [BackupRecord.Part] {
    switch config.method {
    case .file: return [try takeFiles(sources.first)]
    case .aof: return [try takeLog(sources[0])]
    case .replication: break
    }
    var parts: [BackupRecord.Part?] = Array(repeating: nil, count: sources.count)
    var running: [(Int, Worker<BackupRecord.Part>)] = []
    var failure: JobError?
    func collect() {
      let (index, worker) = running.removeFirst()
      do throws(JobError) { parts[index] = try worker.value() } catch { failure = failure ?? error }
    }
    for (index, source) in sources.enumerated() {
      if running.count == config.parallel { collect() }
      if failure != nil { break }
      let taking = self
      let prefix = sources.count > 1 || source.slots != nil ? Self.prefix(source) : ""
      running.append(
        (
          index,
          Worker("transfer \(index)") { () throws(JobError) in
            do throws(JobError) {
              return try taking.transfer(source, prefix: prefix)
            } catch {
              // A failover ends transfers in many ways; that it was one matters more than how it
              // ended this one.
              if error.kind == .unavailable { try taking.confirm([source], [nil]) }
              throw error
            }
          }
        ))
    }
    while !running.isEmpty { collect() }
    if let failure { throw failure }
    return parts.compactMap { $0 }
  }

  private static func prefix(_ source: ChosenSource) -> String {
    guard let first = source.slots?.first, let last = source.slots?.last else { return "" }
    return "slots-\(first.lowerBound)-\(last.upperBound)."
  }

  /// The source as it is recorded.
  func recorded(_ node: NodeFacts, reason: String) -> BackupRecord.Source {
    var source = BackupRecord.Source(endpoint: node.endpoint.description)
    source.role = node.role.rawValue
    source.product = node.product
    source.version = node.version
    source.runID = node.runID
    source.replicationID = node.replicationID
    source.reason = reason
    return source
  }

  /// One part by replication.
  private func transfer(_ source: ChosenSource, prefix: String) throws(JobError)
    -> BackupRecord.Part
  {
    let node = source.decision.node
    context.say("asking for a copy", ["node": node.endpoint.description])
    let connection = try Connection(node.endpoint, config.nodeSettings)
    defer { connection.close() }
    let progress = context.progress
    let transfer = ReplicationTransfer(
      idleTimeout: config.timeouts.idle, timeout: config.timeouts.transfer
    ) {
      progress?($0, $1)
    }
    var transferred = TransferFacts()
    let level = config.level
    let place = "\(node.endpoint) dump.rdb"
    let (file, facts) = try writer.store(
      name: "dump.rdb", kind: "rdb", prefix: prefix,
      inspect: { path throws(JobError) in
        try RDBInspection.run(path: path, place: place, level: level)
      }
    ) { sink throws(JobError) in
      transferred = try transfer.run(connection, into: sink)
    }
    if !transferred.replicationID.isEmpty, transferred.replicationID != node.replicationID,
      node.role == .replica || node.hasBacklog
    {
      throw JobError(
        .tryLater, step: "PSYNC", place: node.endpoint.description,
        "the copy belongs to another history than the node had when it was chosen; the backup is discarded",
        remedy: "Run the job again when the failover is over.")
    }
    var recordedSource = recorded(node, reason: source.decision.reason)
    if !transferred.replicationID.isEmpty {
      recordedSource.replicationID = transferred.replicationID
    }
    recordedSource.replicationOffset = transferred.offset ?? node.offset
    var part = BackupRecord.Part(
      slots: source.slots.map(Self.text), source: recordedSource, files: [file])
    part.take(facts)
    context.say(
      "copy received",
      [
        "node": node.endpoint.description, "bytes": "\(file.size)", "stored": "\(file.storedSize)",
        "keys": "\(part.keys)", "diskless": "\(transferred.wasDiskless)",
      ])
    return part
  }

  private static func text(_ slots: [ClosedRange<Int>]) -> String {
    ClusterShard(slots: slots, nodes: []).slotsText
  }
}

extension BackupRecord.Part {
  /// Takes over what the inspection found.
  mutating func take(_ facts: FileFacts?) {
    guard let facts else { return }
    if !facts.databases.isEmpty || facts.rdbVersion != nil {
      databases = facts.databases
      keys = facts.keys
    }
    if let version = facts.rdbVersion { rdbVersion = version }
    if let digest = facts.digest {
      self.digest = digest
      digestStyle = facts.digestStyle
    }
    if let time = facts.logTime {
      let from = min(
        UTCTime(seconds: time.lowerBound), logTime?.from ?? UTCTime(seconds: time.lowerBound))
      logTime = .init(from: from, to: UTCTime(seconds: time.upperBound))
    }
  }
}
