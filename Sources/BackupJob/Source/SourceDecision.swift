/// Which node a backup may be taken from.
public struct SourcePolicy: Sendable, Equatable {
  /// The preference between roles.
  public enum Preference: String, Sendable, CaseIterable {
    /// A healthy replica; the master when there is none.
    case replica
    /// The master; a healthy replica when it can not be reached.
    case master
    /// A healthy replica, or no backup.
    case replicaOnly = "replica-only"
  }

  /// The preference between roles.
  public var prefer: Preference
  /// A replica that has not heard of its master for longer is not healthy.
  public var maxLag: Duration
  /// A replica that is more bytes behind the master is not healthy.
  public var maxLagBytes: Int64

  /// A policy; the defaults are those of the configuration.
  public init(
    prefer: Preference = .replica, maxLag: Duration = .seconds(30), maxLagBytes: Int64 = 64 << 20
  ) {
    self.prefer = prefer
    self.maxLag = maxLag
    self.maxLagBytes = maxLagBytes
  }
}

/// One node that was considered: what it said, or why it said nothing.
public struct SourceCandidate: Sendable, Equatable {
  /// The node.
  public var endpoint: Endpoint
  /// What it said about itself, or why it could not be asked.
  public var answer: Result<NodeFacts, JobError>
  /// The flags Sentinel or the cluster gives it (`s_down`, `o_down`, `fail`, …).
  public var flags: Set<String>

  /// A candidate.
  public init(_ endpoint: Endpoint, _ answer: Result<NodeFacts, JobError>, flags: Set<String> = [])
  {
    self.endpoint = endpoint
    self.answer = answer
    self.flags = flags
  }
}

/// The choice of a source, with the reason for it and for every node that was passed over.
public struct SourceDecision: Sendable, Equatable {
  /// The chosen node.
  public var node: NodeFacts
  /// Why it was chosen.
  public var reason: String
  /// The other nodes with the reason against each.
  public var passedOver: [String]

  /// Chooses among `candidates` by `policy`. This is a pure function of what was gathered.
  ///
  /// A replica is healthy when it answers, calls itself a replica, its link is up, it is neither
  /// syncing nor loading, it heard of its master within `maxLag`, is at most `maxLagBytes` behind,
  /// and holds the same history as the master (when that one answers). Among healthy replicas those
  /// without a running save win, then the lowest `replica-priority` (0 last), then the highest
  /// offset, then the endpoint's text, so that the choice is always the same.
  ///
  /// `named` is the master that Sentinels name: it is used only when the node itself agrees. Throws
  /// `.tryLater` when no node fits now, `.permission` when every node refused the login.
  public static func choose(
    _ candidates: [SourceCandidate], named: Endpoint?, policy: SourcePolicy
  ) throws(JobError) -> SourceDecision {
    var passedOver: [String] = []
    var masters: [NodeFacts] = []
    var replicas: [NodeFacts] = []
    for candidate in candidates {
      switch candidate.answer {
      case .failure(let error):
        passedOver.append("\(candidate.endpoint): \(error.step): \(error.message)")
      case .success(let facts):
        let down = candidate.flags.intersection([
          "s_down", "o_down", "fail", "disconnected", "handshake",
        ])
        if !down.isEmpty {
          passedOver.append(
            "\(candidate.endpoint): marked \(down.sorted().joined(separator: ", "))")
        } else if facts.role == .master {
          masters.append(facts)
        } else {
          replicas.append(facts)
        }
      }
    }
    let master = currentMaster(masters, named: named, replicas: replicas)
    for other in masters where other.endpoint != master?.endpoint {
      passedOver.append(
        "\(other.endpoint): calls itself master, but is not the one that is followed")
    }
    var healthy: [NodeFacts] = []
    for replica in replicas {
      if let reason = objection(to: replica, master: master, policy) {
        passedOver.append("\(replica.endpoint): \(reason)")
      } else {
        healthy.append(replica)
      }
    }
    healthy.sort(by: isBetter)
    var usableMaster = master
    if let node = master, node.isLoading {
      passedOver.append("\(node.endpoint): still loading its files")
      usableMaster = nil
    }
    let replicaChoice = healthy.first.map { ($0, "healthy replica, \(merits($0))") }
    let masterChoice = usableMaster.map { ($0, "the master, as it says itself") }
    let chosen =
      switch policy.prefer {
      case .replica:
        replicaChoice ?? masterChoice.map { ($0.0, "the master, since no replica is healthy") }
      case .master: masterChoice ?? replicaChoice
      case .replicaOnly: replicaChoice
      }
    guard let (node, reason) = chosen else {
      throw nothingFits(candidates, passedOver, policy)
    }
    for other in healthy where other.endpoint != node.endpoint {
      passedOver.append(
        "\(other.endpoint): healthy, but \(node.endpoint) is preferred (\(merits(other)))")
    }
    if let usableMaster, usableMaster.endpoint != node.endpoint {
      passedOver.append(
        "\(usableMaster.endpoint): the master is spared (prefer: \(policy.prefer.rawValue))")
    }
    return SourceDecision(node: node, reason: reason, passedOver: passedOver)
  }

  /// The master among the nodes that call themselves so: the one Sentinel names, else the one most
  /// replicas follow.
  private static func currentMaster(
    _ masters: [NodeFacts], named: Endpoint?, replicas: [NodeFacts]
  ) -> NodeFacts? {
    if let named, let agreed = masters.first(where: { $0.endpoint == named }) { return agreed }
    return masters.max { first, second in
      let followers = { (node: NodeFacts) in
        replicas.count { $0.linkUp && $0.replicationID == node.replicationID }
      }
      return (followers(first), first.offset, second.endpoint.description)
        < (followers(second), second.offset, first.endpoint.description)
    }
  }

  private static func objection(to node: NodeFacts, master: NodeFacts?, _ policy: SourcePolicy)
    -> String?
  {
    if node.isLoading { return "still loading its files" }
    if node.isSyncing { return "still receiving its first copy from the master" }
    if !node.linkUp { return "its link to the master is down" }
    if let seconds = node.secondsSinceMaster, .seconds(seconds) > policy.maxLag {
      return "heard of its master \(seconds) s ago, more than the limit of \(policy.maxLag.text)"
    }
    guard let master else { return nil }
    if node.replicationID != master.replicationID {
      return
        "holds another history (\(node.replicationID.prefix(8))) than the master (\(master.replicationID.prefix(8)))"
    }
    let behind = master.offset - node.offset
    if behind > policy.maxLagBytes {
      return "\(behind) bytes behind the master, more than the limit of \(policy.maxLagBytes)"
    }
    return nil
  }

  private static func isBetter(_ first: NodeFacts, _ second: NodeFacts) -> Bool {
    func rank(_ node: NodeFacts) -> (Int, Int, Int64, String) {
      (
        node.isSaving ? 1 : 0, node.priority == 0 ? Int.max : node.priority, -node.offset,
        node.endpoint.description
      )
    }
    return rank(first) < rank(second)
  }

  private static func merits(_ node: NodeFacts) -> String {
    "priority \(node.priority), offset \(node.offset)"
      + (node.isSaving ? ", a save is running" : ", no save running")
  }

  private static func nothingFits(
    _ candidates: [SourceCandidate], _ reasons: [String], _ policy: SourcePolicy
  ) -> JobError {
    let place = candidates.map(\.endpoint.description).joined(separator: ", ")
    let errors = candidates.compactMap {
      if case .failure(let error) = $0.answer { error } else { nil }
    }
    if errors.count == candidates.count, let first = errors.first {
      var error = first
      if let denied = errors.first(where: { $0.kind == .permission }) { error = denied }
      if errors.count > 1 {
        error.message += " (and no other node can be used: \(reasons.joined(separator: "; ")))"
      }
      return error
    }
    return JobError(
      .tryLater, step: "choose source", place: place,
      "no node fits (prefer: \(policy.prefer.rawValue)): \(reasons.joined(separator: "; "))",
      remedy: "Wait for the replicas, or allow another node with source.prefer.")
  }
}
