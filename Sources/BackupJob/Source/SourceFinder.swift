/// One source of a backup: the chosen node, and for a cluster the slots it stands for.
package struct ChosenSource: Sendable {
  package var decision: SourceDecision
  /// The slots, when this is a shard of a cluster.
  package var slots: [ClosedRange<Int>]?
  /// The master that Sentinel named when the choice was made.
  package var namedMaster: Endpoint?
}

/// Gathers the facts and lets `SourceDecision` choose.
package struct SourceFinder: Sendable {
  package var url: ServerURL
  package var node: ConnectionSettings
  package var sentinel: ConnectionSettings
  package var policy: SourcePolicy
  /// How long to go on asking when no node fits yet (a failover is running, replicas are loading).
  package var patience: Duration
  /// Only this shard of a cluster, counted from 0 in order of slots.
  package var shard: Int?
  /// Receives a line for each step.
  package var log: @Sendable (String) -> Void

  package init(
    url: ServerURL, node: ConnectionSettings, sentinel: ConnectionSettings, policy: SourcePolicy,
    patience: Duration, shard: Int? = nil, log: @escaping @Sendable (String) -> Void
  ) {
    self.url = url
    self.node = node
    self.sentinel = sentinel
    self.policy = policy
    self.patience = patience
    self.shard = shard
    self.log = log
  }

  /// The sources of one backup: one node, or one of each shard of a cluster.
  package func find() throws(JobError) -> [ChosenSource] {
    let deadline = Deadline(after: patience)
    while true {
      do throws(JobError) {
        return try findOnce()
      } catch {
        guard error.kind == .tryLater || error.kind == .unavailable, !deadline.hasPassed else {
          throw error
        }
        log("not yet: \(error.message); asking again until \(patience.text) have passed")
        pause(.milliseconds(min(1000, Int(deadline.millisecondsLeft) + 1)))
      }
    }
  }

  private func findOnce() throws(JobError) -> [ChosenSource] {
    switch url.target {
    case .sentinels(let endpoints, let master):
      var notes: [String] = []
      let sentinels = Sentinels(endpoints: endpoints, master: master, settings: sentinel)
      defer { notes.forEach(log) }
      let view = try sentinels.view(notes: &notes)
      log(
        "Sentinel \(view.sentinel) names \(view.master) as master \(master), with \(view.replicas.count) replicas"
      )
      var candidates = [candidate(view.master, flags: view.masterFlags)]
      for replica in view.replicas {
        candidates.append(candidate(replica.endpoint, flags: replica.flags))
      }
      // A master that was promoted a moment ago may know replicas that this Sentinel does not.
      if case .success(let facts) = candidates[0].answer {
        for endpoint in facts.replicas
        where !candidates.contains(where: { $0.endpoint == endpoint }) {
          candidates.append(candidate(endpoint, flags: []))
        }
      }
      let decision = try SourceDecision.choose(candidates, named: view.master, policy: policy)
      return [ChosenSource(decision: decision, slots: nil, namedMaster: view.master)]
    case .node(let endpoint):
      let connection = try Connection(endpoint, node)
      defer { connection.close() }
      let facts = try NodeFacts.ask(connection)
      guard facts.isClusterNode else { return [try single(facts)] }
      var shards = try ClusterTopology.ask(connection)
      log("cluster of \(shards.count) shards, as \(endpoint) sees it")
      if let shard {
        guard shards.indices.contains(shard) else {
          throw JobError(
            .usage, step: "choose shard", place: endpoint.description,
            "there is no shard \(shard): the cluster has \(shards.count)",
            remedy: "Count shards from 0 (source.shard, JOB_COMPLETION_INDEX).")
        }
        shards = [shards[shard]]
      }
      var chosen: [ChosenSource] = []
      for shard in shards {
        let candidates = shard.nodes.map { candidate($0.endpoint, flags: $0.flags) }
        let decision = try SourceDecision.choose(
          candidates, named: shard.nodes[0].endpoint, policy: policy)
        chosen.append(ChosenSource(decision: decision, slots: shard.slots, namedMaster: nil))
      }
      return chosen
    }
  }

  /// The one server that the URL names: it is used as it is, unless it is not fit or the policy
  /// forbids its role.
  private func single(_ facts: NodeFacts) throws(JobError) -> ChosenSource {
    var only = policy
    if policy.prefer == .master { only.prefer = .replica }
    var decision = try SourceDecision.choose(
      [SourceCandidate(facts.endpoint, .success(facts))], named: nil, policy: only)
    decision.reason = "the server that source.url names, a \(facts.role.rawValue)"
    return ChosenSource(decision: decision, slots: nil, namedMaster: nil)
  }

  private func candidate(_ endpoint: Endpoint, flags: Set<String>) -> SourceCandidate {
    do throws(JobError) {
      let connection = try Connection(endpoint, node)
      defer { connection.close() }
      return SourceCandidate(endpoint, .success(try NodeFacts.ask(connection)), flags: flags)
    } catch {
      return SourceCandidate(endpoint, .failure(error), flags: flags)
    }
  }

  /// Asks again after the transfer: throws `.tryLater` when the node is another kind of node or
  /// holds another history than when it was chosen, or when Sentinel names another master by now.
  ///
  /// `replicationID` is the one that came with the copy; nil for the one the node had when it was
  /// chosen.
  package func confirm(_ source: ChosenSource, replicationID: String? = nil) throws(JobError) {
    let before = source.decision.node
    func discarded(_ what: String) -> JobError {
      JobError(
        .tryLater, step: "check source again", place: before.endpoint.description,
        "\(what); the backup is discarded", remedy: "Run the job again when the failover is over.")
    }
    let after: NodeFacts
    do throws(JobError) {
      let connection = try Connection(before.endpoint, node)
      defer { connection.close() }
      after = try NodeFacts.ask(connection)
    } catch {
      if error.kind == .permission { throw error }
      throw discarded("the node does not answer any more (\(error.message))")
    }
    guard after.role == before.role else {
      throw discarded("it was a \(before.role.rawValue) and is a \(after.role.rawValue) now")
    }
    guard after.runID == before.runID else { throw discarded("the server was restarted meanwhile") }
    guard replicationID != nil || before.hasBacklog || before.role == .replica else { return }
    guard after.replicationID == replicationID ?? before.replicationID else {
      throw discarded("its replication id changed, so a failover happened")
    }
    guard let named = source.namedMaster, case .sentinels(let endpoints, let master) = url.target
    else { return }
    var notes: [String] = []
    let view = try Sentinels(endpoints: endpoints, master: master, settings: sentinel).view(
      notes: &notes)
    guard view.master == named else {
      throw discarded("Sentinel named \(named) as master before and \(view.master) now")
    }
  }
}
