internal import Bytes
internal import Keyspace
public import Operations
public import RDB

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Lets a real server load files, and compares what the server then holds with the file: by its
/// DEBUG DIGEST, by a dump that it saves, and by what it answers about single keys.
public struct ServerProof: LoadingServer {
  /// `redis-server 7.0.15`
  public let name: String
  /// What it can load.
  public let target: RDBTarget
  private let program: String
  private let timeout: Duration

  /// The server `program`, a path or a name in `PATH`.
  ///
  /// - Throws: ``JobError`` when it does not start.
  public init(_ program: String, timeout: Duration = .seconds(600)) throws(JobError) {
    self.program = program
    self.timeout = timeout
    let (version, isValkey) = try PrivateServer.version(of: program)
    name = "\(Files.name(of: program)) \(version)"
    let numbers = version.split(separator: ".").map { Int($0) ?? 0 }
    guard numbers.count >= 2,
      let target = RDBTarget(isValkey ? .valkey : .redis, numbers[0], numbers[1])
    else {
      throw JobError(
        .usage, step: "verify", place: program, "it is no server of Redis or Valkey",
        remedy: "Name the path of a redis-server or valkey-server.")
    }
    self.target = target
  }

  /// Loads the file and compares.
  public func load(
    _ path: String, as form: Convert.Form, comparedWith state: ComparedState,
    allowing allowed: StateAspects
  ) throws(ToolError) -> LoadedState {
    do throws(JobError) {
      let scratch = try Drill.scratchDirectory()
      defer { try? Files.removeTree(scratch, step: "verify") }
      return try load(path, form, state, allowed, scratch)
    } catch {
      guard error.kind == .negative, let text = error.message.firstRange(of: "matching module")
      else {
        throw ToolError(error)
      }
      var loaded = LoadedState()
      let name = error.message[text.upperBound...].prefix { $0 != "." && $0 != "/" }
      loaded.obstacle = "\(self.name) lacks the module\(name)"
      return loaded
    }
  }

  private func load(
    _ path: String, _ form: Convert.Form, _ state: ComparedState,
    _ allowed: StateAspects, _ scratch: String
  ) throws(JobError) -> LoadedState {
    let data = "\(scratch)/data"
    try Files.makeDirectory(data, step: "verify")
    let name =
      switch form {
      case .rdb: "dump.rdb"
      case .aof, .resp: "appendonly.aof"
      case .multiPart: "appendonlydir"
      }
    guard let whole = try? SystemFileSystem().realPath(path),
      unsafe symlink(whole, "\(data)/\(name)") == 0
    else { throw Files.failure(errno, step: "verify", path: path) }
    let highest = try highestDatabase(state)
    let server = try PrivateServer(
      program, directory: data, scratch: scratch, loadsLog: form != .rdb,
      databases: max(16, highest + 1), timeout: timeout)
    defer { server.end() }
    var loaded = LoadedState()
    try compareDigest(server.connection, path, state, &loaded)
    try compareState(server, directory: data, state, allowing: allowed, &loaded)
    return loaded
  }

  /// Compares all but the digest with a server that runs already and has loaded `state`: what it
  /// answers about single keys, its functions, and the dump that it saves. That dump is written as
  /// `dump.rdb` into `directory`, the server's own, so that `state` must be read from elsewhere.
  func compareState(
    _ server: PrivateServer, directory: String, _ state: ComparedState,
    allowing allowed: StateAspects, _ loaded: inout LoadedState
  ) throws(JobError) {
    try compareAnswers(server, state, allowed, &loaded)
    try compareFunctions(server, state, &loaded)
    // Last, since it writes into the directory.
    try compareSaved(server.connection, directory, state, allowed, &loaded)
  }

  private func highestDatabase(_ state: ComparedState) throws(JobError) -> Int {
    var highest = 0
    do throws(ToolError) {
      try LiveComparison.forEachHead(of: state) { db in highest = max(highest, db) }
    } catch { throw JobError(error) }
    return highest
  }

  private func compareDigest(
    _ connection: Connection, _ path: String, _ state: ComparedState,
    _ loaded: inout LoadedState
  ) throws(JobError) {
    let reply = try connection.exchange(["DEBUG", "DIGEST"], timeout: timeout)
    guard case .simple(let digest) = reply else {
      loaded.compared.append("no digest: \(reply.text ?? "the server refuses DEBUG")")
      return
    }
    loaded.digest = digest
    let info = try connection.info("server")
    let name: StaticString = info["valkey_version"] == nil ? "redis-ver" : "valkey-ver"
    let version = Array((info["valkey_version"] ?? info["redis_version"] ?? "").utf8)
    let style = version.withByteSlice { DigestStyle(auxiliary: ByteSlice(name), $0) }
    do throws(ToolError) {
      let mine = try Digest.of(DataInput(path), style: style, now: UTCTime.now.milliseconds)
      if mine.digest == digest {
        loaded.compared.append("digest")
      } else if try LiveComparison.hasNegativeZero(state) {
        loaded.compared.append("no digest: the sign of a zero is lost on the way into a server")
      } else {
        loaded.contradictions.append("DEBUG DIGEST \(digest), file \(mine.digest)")
      }
    } catch { loaded.compared.append("no digest of the file: \(error.line)") }
  }

  private func compareAnswers(
    _ server: PrivateServer, _ state: ComparedState, _ allowed: StateAspects,
    _ loaded: inout LoadedState
  ) throws(JobError) {
    var answers = ServerAnswers(
      server, now: UTCTime.now.milliseconds, allowing: allowed)
    var failure: JobError?
    do throws(ToolError) {
      try LiveComparison.forEachValue(of: state) { value in
        do throws(JobError) { try answers.take(value) } catch {
          failure = error
          return ToolError(error)
        }
        return nil
      }
    } catch { throw failure ?? JobError(error) }
    try answers.finish()
    loaded.compared.append(
      "\(answers.expiries) expiry times, \(answers.fields) of fields, \(answers.streams) streams")
    loaded.contradictions += answers.contradictions
    if answers.contradictionCount > answers.contradictions.count {
      loaded.contradictions.append("and \(answers.contradictionCount) in all")
    }
  }

  private func compareFunctions(
    _ server: PrivateServer, _ state: ComparedState, _ loaded: inout LoadedState
  ) throws(JobError) {
    guard target.hasFunctions else { return }
    let reply = try server.connection.exchange(["FUNCTION", "LIST", "WITHCODE"])
    var told: Set<[UInt8]> = []
    for library in reply.elements ?? [] {
      let parts = library.elements ?? []
      for index in stride(from: 0, to: parts.count - 1, by: 2)
      where parts[index].text == "library_code" {
        if case .bulk(let code) = parts[index + 1] { told.insert(code) }
      }
    }
    var mine: Set<[UInt8]> = []
    do throws(ToolError) {
      try LiveComparison.forEachFunction(of: state) { mine.insert($0) }
    } catch { throw JobError(error) }
    loaded.compared.append("\(mine.count) libraries of functions")
    if told != mine {
      loaded.contradictions.append(
        "FUNCTION LIST: \(told.count) libraries, file \(mine.count); \(told.symmetricDifference(mine).count) differ"
      )
    }
  }

  private func compareSaved(
    _ connection: Connection, _ data: String, _ state: ComparedState, _ allowed: StateAspects,
    _ loaded: inout LoadedState
  ) throws(JobError) {
    // The name is that of the link to the file, which is replaced, not the file behind it.
    _ = try connection.call("SAVE", timeout: timeout)
    do throws(ToolError) {
      let saved = try ComparedState("\(data)/dump.rdb")
      var options = Verify.Options()
      options.excused = allowed
      let report = try Verify.run(state, saved, options)
      loaded.keys = report.keysOfB
      loaded.differing = report.differing
      loaded.differences = report.differences
      loaded.compared.append("all that the server saves, \(report.keysOfB) keys")
      loaded.compared += report.excused.map { "not held: \($0)" }
    } catch { throw JobError(error) }
  }
}

extension ToolError {
  /// The error of a part of the job.
  init(_ error: JobError) {
    self = .refused(
      ToolStatus(rawValue: error.exitCode) ?? .ioError, error.message, file: error.place,
      remedy: error.remedy)
  }
}

extension JobError {
  /// An error of reading a file.
  init(_ error: ToolError) {
    self.init(.badData, step: "verify", place: error.file ?? "-", error.line, remedy: "")
  }
}
