/// What the Sentinels say about one master. It is a claim, to be held against what the nodes say
/// themselves.
package struct SentinelView: Sendable, Equatable {
  /// The Sentinel that gave this view.
  package var sentinel: Endpoint
  /// The address it gives for the master.
  package var master: Endpoint
  /// Its flags for the master: `master`, `s_down`, `o_down`, `failover_in_progress`, …
  package var masterFlags: Set<String>
  /// The replicas it knows, with their flags.
  package var replicas: [(endpoint: Endpoint, flags: Set<String>)]

  package static func == (first: SentinelView, second: SentinelView) -> Bool {
    first.sentinel == second.sentinel && first.master == second.master
      && first.masterFlags == second.masterFlags
      && first.replicas.elementsEqual(second.replicas) { $0 == $1 }
  }

  /// Whether this Sentinel itself doubts the address it gives.
  package var isDoubtful: Bool {
    !masterFlags.isDisjoint(with: ["s_down", "o_down", "failover_in_progress", "disconnected"])
  }
}

/// Asks Sentinels in order.
package struct Sentinels: Sendable {
  package var endpoints: [Endpoint]
  package var master: String
  package var settings: ConnectionSettings

  package init(endpoints: [Endpoint], master: String, settings: ConnectionSettings) {
    self.endpoints = endpoints
    self.master = master
    self.settings = settings
  }

  /// The view of the first Sentinel that answers and does not doubt its own answer; a doubtful one
  /// when there is no other.
  ///
  /// `notes` receives one line for each Sentinel that was passed over. Throws `.unavailable` when
  /// none answers, `.missing` when those that answer do not know the master, `.permission` when
  /// they refuse the login.
  package func view(notes: inout [String]) throws(JobError) -> SentinelView {
    var doubtful: SentinelView?
    var errors: [JobError] = []
    for endpoint in endpoints {
      do throws(JobError) {
        let view = try ask(endpoint)
        if !view.isDoubtful { return view }
        notes.append(
          "Sentinel \(endpoint): names \(view.master), but marks it \(view.masterFlags.sorted().joined(separator: ","))"
        )
        if doubtful == nil { doubtful = view }
      } catch {
        notes.append("Sentinel \(endpoint): \(error.step): \(error.message)")
        errors.append(error)
      }
    }
    if let doubtful { return doubtful }
    if let error = errors.first(where: { $0.kind == .missing })
      ?? errors.first(where: { $0.kind == .permission })
    {
      throw error
    }
    throw JobError(
      .unavailable, step: "ask Sentinels",
      place: endpoints.map(\.description).joined(separator: ", "),
      "none of \(endpoints.count) Sentinels answers (\(errors.first?.message ?? "none is named"))",
      remedy: "Check source.url and that the Sentinels run.")
  }

  private func ask(_ endpoint: Endpoint) throws(JobError) -> SentinelView {
    let connection = try Connection(endpoint, settings)
    defer { connection.close() }
    let address = try connection.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master)
    guard let parts = address.elements, parts.count == 2,
      let named = Self.endpoint(host: parts[0].text, port: parts[1].text)
    else {
      throw JobError(
        .missing, step: "SENTINEL GET-MASTER-ADDR-BY-NAME", place: endpoint.description,
        "this Sentinel knows no master named \(master)",
        remedy: "Check the name at the end of source.url.")
    }
    var flags: Set<String> = []
    if case .array(let masters) = try connection.exchange(["SENTINEL", "MASTERS"]) {
      for entry in masters.compactMap(\.table) where entry["name"] == master {
        flags = Self.flags(entry)
      }
    }
    var reply = try connection.exchange(["SENTINEL", "REPLICAS", master])
    // The word before Redis 5.
    if case .error = reply { reply = try connection.exchange(["SENTINEL", "SLAVES", master]) }
    if case .error(let text) = reply { throw connection.refused(["SENTINEL", "REPLICAS"], text) }
    let replicas = (reply.elements ?? []).compactMap(\.table).compactMap { entry in
      Self.endpoint(host: entry["ip"], port: entry["port"]).map { ($0, Self.flags(entry)) }
    }
    return SentinelView(sentinel: endpoint, master: named, masterFlags: flags, replicas: replicas)
  }

  private static func flags(_ entry: [String: String]) -> Set<String> {
    Set((entry["flags"] ?? "").split(separator: ",").map(String.init))
  }

  private static func endpoint(host: String?, port: String?) -> Endpoint? {
    guard let host, !host.isEmpty, let port = port.flatMap({ UInt16($0) }), port > 0 else {
      return nil
    }
    return .tcp(host: host, port: port)
  }
}
