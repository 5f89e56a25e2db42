/// What one node said about itself, as far as the choice of a source depends on it.
public struct NodeFacts: Sendable, Equatable {
  /// What a node takes itself for.
  public enum Role: String, Sendable, Codable {
    case master
    case replica
  }

  /// Where the node was asked.
  public var endpoint: Endpoint
  /// The role it named, by `ROLE` where allowed, else by `INFO`.
  public var role: Role
  /// Replica: whether its link to the master is up. Masters: true.
  public var linkUp = true
  /// Replica: whether it is receiving its first full copy.
  public var isSyncing = false
  /// Whether it is still loading its files.
  public var isLoading = false
  /// Replica: seconds since the master was last heard of.
  public var secondsSinceMaster: Int?
  /// The replication offset in bytes.
  public var offset: Int64 = 0
  /// `replica-priority`: lower is preferred, 0 means never to be promoted.
  public var priority = 100
  /// Whether a BGSAVE or BGREWRITEAOF runs or is scheduled.
  public var isSaving = false
  /// The replication id of the history it holds.
  public var replicationID = ""
  /// Whether it keeps a replication backlog. A master without one (it never had a replica, or lost
  /// them long ago) takes a new replication id when a copy is asked of it.
  public var hasBacklog = true
  /// Replica: the master it follows.
  public var master: Endpoint?
  /// Master: the replicas that are connected to it.
  public var replicas: [Endpoint] = []
  /// The version it names (`redis_version`, or `valkey_version`).
  public var version = ""
  /// `redis` or `valkey`.
  public var product = "redis"
  /// The id of this run of the server.
  public var runID = ""
  /// Whether it is a node of a cluster.
  public var isClusterNode = false
  /// Bytes of memory its data takes.
  public var usedMemory: Int64 = 0

  /// A node about which nothing but the role is known.
  public init(endpoint: Endpoint, role: Role) {
    self.endpoint = endpoint
    self.role = role
  }

  /// Reads the answers of `INFO` and `ROLE` (nil when the ACL does not allow it).
  package init(endpoint: Endpoint, info: [String: String], role answer: RESPValue?) {
    let name = answer?.elements?.first?.text ?? info["role"]
    self.init(endpoint: endpoint, role: name == "slave" || name == "replica" ? .replica : .master)
    isLoading = info["loading"] == "1" || info["async_loading"] == "1"
    isSaving =
      info["rdb_bgsave_in_progress"] == "1" || info["aof_rewrite_in_progress"] == "1"
      || info["aof_rewrite_scheduled"] == "1"
    replicationID = info["master_replid"] ?? ""
    hasBacklog = info["repl_backlog_active"] != "0"
    version = info["valkey_version"] ?? info["redis_version"] ?? ""
    product = info["server_name"] ?? (info["valkey_version"] == nil ? "redis" : "valkey")
    runID = info["run_id"] ?? ""
    isClusterNode = info["cluster_enabled"] == "1"
    usedMemory = info["used_memory"].flatMap { Int64($0) } ?? 0
    if role == .replica {
      linkUp = info["master_link_status"] == "up"
      isSyncing = info["master_sync_in_progress"] == "1"
      secondsSinceMaster = info["master_last_io_seconds_ago"].flatMap { Int($0) }.flatMap {
        $0 < 0 ? nil : $0
      }
      offset = info["slave_repl_offset"].flatMap { Int64($0) } ?? 0
      priority = info["slave_priority"].flatMap { Int($0) } ?? 100
      if let host = info["master_host"], let port = info["master_port"].flatMap({ UInt16($0) }) {
        master = .tcp(host: host, port: port)
      }
    } else {
      offset = info["master_repl_offset"].flatMap { Int64($0) } ?? 0
      if let list = answer?.elements, list.count > 2, let connected = list[2].elements {
        replicas = connected.compactMap { entry in
          guard let parts = entry.elements, parts.count > 1, let host = parts[0].text,
            let port = parts[1].number.flatMap({ UInt16(exactly: $0) }), port > 0
          else { return nil }
          return .tcp(host: host, port: port)
        }
      }
    }
  }

  /// Asks a node. The connection is left open.
  package static func ask(_ connection: Connection) throws(JobError) -> NodeFacts {
    let info = try connection.info()
    let role = try connection.exchange(["ROLE"])
    var answer: RESPValue? = role
    if case .error = role { answer = nil }
    return NodeFacts(endpoint: connection.endpoint, info: info, role: answer)
  }
}
