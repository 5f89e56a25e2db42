// The BACKUP commands of Redis 8.10: the server makes the copy itself, in a directory of its own, so
// that rewrites need not be held.
//
//   BACKUP START                begins; refused when one is there already
//   BACKUP STATUS               state: pending, snapshotting, incrementing, sealed; error
//   BACKUP SEAL                 ends the increments, once it is incrementing
//   BACKUP LIST                 absolute paths: base, increments and manifest
//   BACKUP CLEANUP, ABORT       removes the files
//
// No server with them could be installed where this was written: it is proven with a scripted server
// only. So whatever is not as described leads back to the procedure with rewrites off, as long as
// nothing was begun.

/// Lets a server make a sealed backup, and holds its files open.
struct ServerBackup {
  private let connection: Connection
  /// Stands while a backup of ours may exist on the server.
  private let mark: String

  /// What a server may be doing.
  private enum State: String {
    case pending, snapshotting, incrementing, sealed
  }

  /// Nil when the server has no such commands, or does not let us use them.
  init?(_ connection: Connection, stateDirectory: String) throws(JobError) {
    let reply = try connection.exchange(["BACKUP", "STATUS"])
    guard reply.table?["state"] != nil else { return nil }
    self.connection = connection
    let safe = String(
      connection.endpoint.description.map { $0.isLetter || $0.isNumber || $0 == "." ? $0 : "_" })
    mark = "\(stateDirectory)/backup-\(safe).mark"
    try Files.makeDirectory(stateDirectory, step: "state directory")
    if Files.status(mark) != nil {
      // A run that was killed has left it.
      _ = try connection.exchange(["BACKUP", "ABORT"])
      _ = try connection.exchange(["BACKUP", "CLEANUP"])
      try Files.remove(mark, step: "remove state")
    }
  }

  /// Makes the backup and pins its files, which are gone from the server's directory afterwards.
  /// Nil when the server refuses to begin.
  ///
  /// - Parameters:
  ///   - directory: the server's directory as it is mounted here.
  ///   - name: the directory of the log when it is restored.
  func take(directory: String, name: String, timeout: Duration) throws(JobError) -> PinnedFiles? {
    // Ours alone may be cleaned up, so the mark is there before the server begins.
    try Files.writeAtomically([], to: mark, step: "write state")
    if case .error = try connection.exchange(["BACKUP", "START"]) {
      try Files.remove(mark, step: "remove state")
      return nil
    }
    do throws(JobError) {
      let deadline = Deadline(after: timeout)
      try wait(for: .incrementing, deadline)
      _ = try connection.call("BACKUP", "SEAL")
      try wait(for: .sealed, deadline)
      let reply = try connection.call("BACKUP", "LIST")
      let paths = (reply.elements ?? []).compactMap(\.text)
      guard let manifest = paths.first(where: { $0.hasSuffix(".manifest") }) else {
        throw bad("BACKUP LIST", "no manifest among \(paths.count) files")
      }
      let pinned = try PinnedFiles.log(
        directory: try local(Files.parent(of: manifest), directory), name: name)
      let told = Set(paths.map(Files.name(of:)))
      if let file = pinned.files.first(where: { !told.contains(Files.name(of: $0.name)) }) {
        throw bad("BACKUP LIST", "\(file.name) of the manifest is not listed")
      }
      _ = try connection.call("BACKUP", "CLEANUP")
      try Files.remove(mark, step: "remove state")
      return pinned
    } catch {
      // When this fails too, the mark tells the next run.
      if let reply = try? connection.exchange(["BACKUP", "ABORT"]) {
        _ = try? connection.exchange(["BACKUP", "CLEANUP"])
        if case .error = reply {} else { try? Files.remove(mark, step: "remove state") }
      }
      throw error
    }
  }

  private func wait(for wanted: State, _ deadline: Deadline) throws(JobError) {
    while true {
      try Interruption.check("wait for BACKUP")
      let table = try connection.call("BACKUP", "STATUS").table ?? [:]
      let text = table["state"] ?? ""
      if text == wanted.rawValue { return }
      if let error = table["error"], !error.isEmpty { throw bad("BACKUP STATUS", error) }
      guard State(rawValue: text) != nil else { throw bad("BACKUP STATUS", "state \(text)") }
      guard !deadline.hasPassed else {
        throw JobError(
          .tryLater, step: "BACKUP", place: connection.endpoint.description,
          "it is still \(text)", remedy: "Run the job again later, or raise its timeout.")
      }
      pause(.milliseconds(100))
    }
  }

  /// A path of the server as it is here.
  private func local(_ path: String, _ directory: String) throws(JobError) -> String {
    guard let root = try connection.call("CONFIG", "GET", "dir").table?["dir"],
      path == root || path.hasPrefix(root.hasSuffix("/") ? root : root + "/")
    else {
      if Files.status(path)?.isDirectory == true { return path }
      throw bad("BACKUP LIST", "\(path) lies outside of the server's directory")
    }
    return directory + path.dropFirst(root.count)
  }

  private func bad(_ step: String, _ message: String) -> JobError {
    JobError(
      .unavailable, step: step, place: connection.endpoint.description, message,
      remedy: "Look into the server's log; source.method replication works without BACKUP.")
  }
}
