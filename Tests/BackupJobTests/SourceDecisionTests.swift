import Testing

@testable import BackupJob

@Suite struct SourceDecisionTests {
  private let master = Endpoint.tcp(host: "m", port: 1)
  private let a = Endpoint.tcp(host: "a", port: 1)
  private let b = Endpoint.tcp(host: "b", port: 1)

  private func facts(
    _ endpoint: Endpoint, _ role: NodeFacts.Role, _ change: (inout NodeFacts) -> Void = { _ in }
  )
    -> SourceCandidate
  {
    var facts = NodeFacts(endpoint: endpoint, role: role)
    facts.replicationID = "id"
    facts.offset = 1000
    if role == .replica { facts.secondsSinceMaster = 0 }
    change(&facts)
    return SourceCandidate(endpoint, .success(facts))
  }

  private func choose(_ candidates: [SourceCandidate], _ prefer: SourcePolicy.Preference = .replica)
    throws -> SourceDecision
  {
    try SourceDecision.choose(candidates, named: master, policy: SourcePolicy(prefer: prefer))
  }

  @Test func takesAReplicaAndSaysWhy() throws {
    let decision = try choose([
      facts(master, .master), facts(a, .replica), facts(b, .replica) { $0.offset = 1001 },
    ])
    #expect(decision.node.endpoint == b)
    #expect(decision.reason.contains("healthy replica"))
    #expect(decision.passedOver.contains { $0.contains("a:1") })
    #expect(decision.passedOver.contains { $0.contains("spared") })
  }

  @Test(arguments: [
    "link", "syncing", "loading", "lag", "history", "bytes",
  ])
  func passesOverWhatIsNotHealthy(_ defect: String) throws {
    let bad = facts(a, .replica) { node in
      switch defect {
      case "link": node.linkUp = false
      case "syncing": node.isSyncing = true
      case "loading": node.isLoading = true
      case "lag": node.secondsSinceMaster = 31
      case "history": node.replicationID = "other"
      default: node.offset = 1000 - (65 << 20)
      }
    }
    #expect(try choose([facts(master, .master), bad, facts(b, .replica)]).node.endpoint == b)
    #expect(try choose([facts(master, .master), bad]).node.endpoint == master)
    let error = jobError { _ = try choose([facts(master, .master), bad], .replicaOnly) }
    #expect(error?.exitCode == 75)
    #expect(error?.message.contains("a:1") == true)
  }

  @Test func prefersByPriorityThenIdleThenOffset() throws {
    let low = facts(a, .replica) { $0.priority = 10 }
    let high = facts(b, .replica) { $0.priority = 100 }
    #expect(try choose([high, low, facts(master, .master)]).node.endpoint == a)
    let never = facts(a, .replica) { $0.priority = 0 }
    #expect(try choose([high, never, facts(master, .master)]).node.endpoint == b)
    let busy = facts(a, .replica) {
      $0.priority = 10
      $0.isSaving = true
    }
    #expect(try choose([busy, high, facts(master, .master)]).node.endpoint == b)
    #expect(try choose([busy, facts(master, .master)]).node.endpoint == a)
  }

  @Test func preferMasterTakesTheMasterAndFallsBack() throws {
    #expect(
      try choose([facts(master, .master), facts(a, .replica)], .master).node.endpoint == master)
    let dead = SourceCandidate(
      master, .failure(JobError(.unavailable, step: "connect", place: "m:1", "refused", remedy: ""))
    )
    #expect(try choose([dead, facts(a, .replica)], .master).node.endpoint == a)
  }

  @Test func doesNotBelieveTheNameAlone() throws {
    // Sentinel still names m, but b calls itself master and a follows b.
    let old = facts(master, .master) { $0.replicationID = "old" }
    let promoted = facts(b, .master) { $0.replicationID = "new" }
    let follower = facts(a, .replica) { $0.replicationID = "new" }
    let dead = SourceCandidate(
      master, .failure(JobError(.unavailable, step: "connect", place: "m:1", "refused", remedy: ""))
    )
    #expect(try choose([dead, promoted, follower]).node.endpoint == a)
    #expect(try choose([dead, promoted]).node.endpoint == b)
    // Named and answering as master: it is believed, and the follower of another history is not
    // healthy.
    let decision = try choose([old, promoted, follower])
    #expect(decision.node.endpoint == master)
    #expect(decision.passedOver.contains { $0.contains("calls itself master") })
  }

  @Test func flagsOfSentinelCount() throws {
    var down = facts(a, .replica)
    down.flags = ["slave", "s_down"]
    #expect(try choose([facts(master, .master), down]).node.endpoint == master)
  }

  @Test func permissionIsToldBeforeUnreachability() {
    let denied = SourceCandidate(
      a, .failure(JobError(.permission, step: "AUTH", place: "a:1", "refused", remedy: "")))
    let dead = SourceCandidate(
      b, .failure(JobError(.unavailable, step: "connect", place: "b:1", "refused", remedy: "")))
    #expect(jobError { _ = try choose([dead, denied]) }?.exitCode == 77)
    #expect(jobError { _ = try choose([dead]) }?.exitCode == 69)
  }

  @Test func theOrderOfCandidatesDoesNotMatter() throws {
    var all = [
      facts(master, .master), facts(a, .replica), facts(b, .replica) { $0.isSaving = true },
    ]
    let expected = try choose(all).node.endpoint
    for _ in 0..<20 {
      all.shuffle()
      #expect(try choose(all).node.endpoint == expected)
    }
  }
}
