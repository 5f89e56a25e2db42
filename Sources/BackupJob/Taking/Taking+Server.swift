/// Method `server`: the `BACKUP` commands of Redis 8.10 (unproven: no such server was at hand; the procedure is that of Redis's
/// documentation: START, STATUS until `incrementing`, LIST and copy, SEAL, STATUS until `sealed`, LIST and copy, CLEANUP).
extension Taking {
  func takeServerBackup(_ source: ChosenSource) throws(JobError) -> BackupRecord.Part {
    let node = source.decision.node
    let connection = try Connection(node.endpoint, context.config.nodeSettings)
    defer { connection.close() }
    let reply = try connection.exchange(["BACKUP", "STATUS"])
    if case .error(let text) = reply, text.hasPrefix("ERR unknown command") {
      throw JobError(
        .usage, step: "BACKUP STATUS", place: node.endpoint.description,
        "this server (\(node.product) \(node.version)) has no BACKUP commands",
        remedy: "Use source.method replication or aof.")
    }
    throw JobError(
      .usage, step: "BACKUP", place: node.endpoint.description,
      "this version of redis-backup can not drive BACKUP yet", remedy: "Use source.method replication or aof.")
  }
}
