/// Methods `file` and `aof`: the server's own files, from a volume that is mounted here.
extension Taking {
  private var directory: String { context.config.dataDirectory ?? "." }

  /// Method `file`: the multi-part AOF when there is one, else the old single AOF, else the dump,
  /// as the server itself chooses.
  func takeFiles(_ source: ChosenSource?) throws(JobError) -> BackupRecord.Part {
    let config = context.config
    let log = "\(directory)/\(config.appendDirectoryName)"
    let single = "\(directory)/appendonly.aof"
    let dump = "\(directory)/\(config.dumpName)"
    let pinned: PinnedFiles
    if Files.status(log)?.isDirectory == true {
      pinned = try PinnedFiles.log(directory: log, name: config.appendDirectoryName)
    } else if Files.status(single) != nil {
      pinned = try PinnedFiles.single(single, kind: "aof", name: "appendonly.aof")
    } else {
      pinned = try PinnedFiles.single(dump, kind: "rdb", name: "dump.rdb")
    }
    let recordedSource = source.map { recorded($0.decision.node, reason: $0.decision.reason) }
    return try store(pinned, source: recordedSource ?? BackupRecord.Source(endpoint: directory))
  }

  /// Method `aof`: the server's own BACKUP where it has it (Redis 8.10), else the documented
  /// procedure beside a running server. Rewrites are off only until all files are held open.
  func takeLog(_ source: ChosenSource) throws(JobError) -> BackupRecord.Part {
    let config = context.config
    let node = source.decision.node
    let connection = try Connection(node.endpoint, config.nodeSettings)
    defer { connection.close() }
    guard try connection.info("persistence")["aof_enabled"] == "1" else {
      throw JobError(
        .usage, step: "copy AOF", place: node.endpoint.description, "the server has appendonly off",
        remedy: "Use source.method replication for this server.")
    }
    let state = config.stateDirectory ?? directory
    if let own = try ServerBackup(connection, stateDirectory: state) {
      context.say("BACKUP of the server", ["node": node.endpoint.description])
      if let pinned = try own.take(
        directory: directory, name: config.appendDirectoryName, timeout: config.timeouts.transfer)
      {
        return try store(pinned, source: recorded(node, reason: source.decision.reason))
      }
      context.say("the server refuses BACKUP", ["node": node.endpoint.description])
    }
    context.say("holding AOF rewrites", ["node": node.endpoint.description])
    let hold = try RewriteHold(
      connection, directory: state, runID: node.runID, timeout: config.timeouts.transfer)
    let pinned: PinnedFiles
    do throws(JobError) {
      pinned = try PinnedFiles.log(
        directory: "\(directory)/\(config.appendDirectoryName)", name: config.appendDirectoryName)
    } catch {
      try? hold.release()
      throw error
    }
    try hold.release()
    context.say("AOF rewrites allowed again", ["node": node.endpoint.description])
    return try store(pinned, source: recorded(node, reason: source.decision.reason))
  }

  /// Stores files that are held open. The last file of a log is cut behind its last whole command.
  func store(_ pinned: PinnedFiles, source: BackupRecord.Source) throws(JobError)
    -> BackupRecord.Part
  {
    var part = BackupRecord.Part(slots: nil, source: source, files: [])
    let level = context.config.level
    let lastLog = pinned.files.lastIndex { $0.kind != "rdb" }
    for index in pinned.files.indices {
      let file = pinned.files[index]
      let place = file.path
      let isDump = file.kind == "rdb"
      if !isDump {
        let found = try LogInspection.run(
          path: pinned.reopenable(file), place: place, limit: Int(file.size))
        if index == lastLog {
          pinned.cut(index, to: Int64(found.goodBytes))
        } else if let ending = found.ending {
          throw JobError(
            .badData, step: "verify", place: place,
            "\(ending), and another file follows it in the log",
            remedy:
              "Look at it with `redis-backup check`; the server would refuse to start from it.")
        }
      }
      context.say("copying", ["file": file.name, "bytes": "\(pinned.files[index].size)"])
      let (stored, facts) = try writer.store(
        name: file.name, kind: file.kind,
        inspect: { path throws(JobError) in
          isDump
            ? try RDBInspection.run(path: path, place: place, level: level)
            : try LogInspection.run(path: path, place: place).facts
        }
      ) { sink throws(JobError) in
        try pinned.copy(pinned.files[index], into: sink)
      }
      part.files.append(stored)
      // An RDB at the head of a log tells the keys of that moment, not of the whole log.
      var told = facts
      if !isDump { told?.databases = [] }
      part.take(told)
    }
    if let manifest = pinned.manifest {
      let (stored, _) = try writer.store(name: pinned.manifestName, kind: "manifest", inspect: nil)
      { sink throws(JobError) in
        try sink.write(manifest.span)
      }
      part.files.append(stored)
    }
    if level == .full, lastLog != nil {
      // The whole log is replayed from the files that are still held open.
      context.say("replaying the log", ["files": "\(pinned.files.count)"])
      let files = pinned.files.map {
        LogReplay.File(path: pinned.reopenable($0), size: Int($0.size))
      }
      part.take(try LogReplay.run(files, of: part, place: source.endpoint, style: nil))
    }
    return part
  }
}
