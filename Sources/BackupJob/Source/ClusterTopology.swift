/// One shard of a cluster: its slots and its nodes.
package struct ClusterShard: Sendable, Equatable {
  /// The slots it serves, as inclusive ranges in ascending order.
  package var slots: [ClosedRange<Int>]
  /// Its nodes, the master first, with the flags the cluster gives them.
  package var nodes: [Node]

  /// One node of a shard.
  package struct Node: Sendable, Equatable {
    package var endpoint: Endpoint
    package var flags: Set<String>
  }

  /// The slots as text: `0-5460,6000`.
  package var slotsText: String {
    slots.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(
      separator: ",")
  }
}

/// The shards of a cluster as one of its nodes sees them.
package enum ClusterTopology {
  /// Asks a node by `CLUSTER SHARDS` (Redis 7, Valkey), else by `CLUSTER SLOTS`. Throws `.tryLater`
  /// when slots are not served.
  package static func ask(_ connection: Connection) throws(JobError) -> [ClusterShard] {
    let reply = try connection.exchange(["CLUSTER", "SHARDS"])
    let asked = connection.endpoint
    var shards: [ClusterShard]
    if let answer = reply.elements {
      shards = answer.compactMap { shard($0, asked: asked) }
    } else {
      let slots = try connection.call("CLUSTER", "SLOTS")
      shards = fromSlots(slots.elements ?? [], asked: asked)
    }
    shards.removeAll { $0.slots.isEmpty || $0.nodes.isEmpty }
    shards.sort { $0.slots[0].lowerBound < $1.slots[0].lowerBound }
    let covered = shards.reduce(0) { $0 + $1.slots.reduce(0) { $0 + $1.count } }
    guard covered == 16384 else {
      throw JobError(
        .tryLater, step: "CLUSTER SHARDS", place: asked.description,
        "only \(covered) of 16384 slots are served",
        remedy:
          "Repair the cluster first (redis-cli --cluster check); a backup would lack the other slots."
      )
    }
    return shards
  }

  /// One entry of `CLUSTER SHARDS`.
  package static func shard(_ entry: RESPValue, asked: Endpoint) -> ClusterShard? {
    guard let fields = pairs(entry) else { return nil }
    var shard = ClusterShard(slots: [], nodes: [])
    let bounds = (fields["slots"]?.elements ?? []).compactMap {
      $0.number.flatMap { Int(exactly: $0) }
    }
    for index in stride(from: 0, to: bounds.count - 1, by: 2)
    where bounds[index] >= 0 && bounds[index] <= bounds[index + 1] && bounds[index + 1] < 16384 {
      shard.slots.append(bounds[index]...bounds[index + 1])
    }
    shard.slots.sort { $0.lowerBound < $1.lowerBound }
    for node in (fields["nodes"]?.elements ?? []).compactMap(pairs) {
      guard let port = (node["port"] ?? node["tls-port"])?.number.flatMap({ UInt16(exactly: $0) })
      else {
        continue
      }
      var host = node["endpoint"]?.text ?? node["ip"]?.text ?? ""
      if host.isEmpty || host == "?" { host = node["ip"]?.text ?? "" }
      if host.isEmpty, case .tcp(let same, _) = asked { host = same }
      var flags: Set<String> = []
      if let health = node["health"]?.text, health != "online" { flags.insert(health) }
      let item = ClusterShard.Node(endpoint: .tcp(host: host, port: port), flags: flags)
      if node["role"]?.text == "master" {
        shard.nodes.insert(item, at: 0)
      } else {
        shard.nodes.append(item)
      }
    }
    return shard
  }

  /// The entries of `CLUSTER SLOTS`: start, end, master, replicas.
  package static func fromSlots(_ entries: [RESPValue], asked: Endpoint) -> [ClusterShard] {
    var shards: [ClusterShard] = []
    for entry in entries {
      guard let parts = entry.elements, parts.count >= 3,
        let first = parts[0].number.flatMap({ Int(exactly: $0) }),
        let last = parts[1].number.flatMap({ Int(exactly: $0) }), 0 <= first, first <= last,
        last < 16384
      else { continue }
      let nodes = parts[2...].compactMap { node -> ClusterShard.Node? in
        guard let fields = node.elements, fields.count >= 2,
          let port = fields[1].number.flatMap({ UInt16(exactly: $0) })
        else { return nil }
        var host = fields[0].text ?? ""
        if host.isEmpty, case .tcp(let same, _) = asked { host = same }
        return ClusterShard.Node(endpoint: .tcp(host: host, port: port), flags: [])
      }
      guard let master = nodes.first else { continue }
      if let index = shards.firstIndex(where: { $0.nodes[0].endpoint == master.endpoint }) {
        shards[index].slots.append(first...last)
      } else {
        shards.append(ClusterShard(slots: [first...last], nodes: nodes))
      }
    }
    for index in shards.indices { shards[index].slots.sort { $0.lowerBound < $1.lowerBound } }
    return shards
  }

  /// An array of names and values as a table.
  private static func pairs(_ value: RESPValue) -> [String: RESPValue]? {
    guard let elements = value.elements, elements.count % 2 == 0 else { return nil }
    var table: [String: RESPValue] = [:]
    for index in stride(from: 0, to: elements.count, by: 2) {
      guard let name = elements[index].text else { return nil }
      table[name] = elements[index + 1]
    }
    return table
  }
}
