internal import Bytes
public import Operations
internal import RDB

/// Compares a file with a running server, key by key, by SCAN and DUMP, in batches and no faster than
/// it is told to.
///
/// A key that is not the same is looked at again after a pause:
///
/// | what is seen | what it is |
/// |---|---|
/// | both looks differ, or the second is the same as the file | written right now: changed since |
/// | the same both times, used after the file was made (`OBJECT IDLETIME`) | touched since: may be changed or only read |
/// | the same both times, not used since, or nobody can tell | different |
/// | in the file only, and its time has passed | expired since |
/// | in the file only | missing: deleted since, or lost |
/// | on the server only, used after the file was made | new |
///
/// Nothing is written to the server. `DUMP` does not count as a use of a key where the server has
/// `CLIENT NO-TOUCH` (7.2).
public struct LiveServerCheck: Sendable {
  /// How.
  public struct Options: Sendable {
    /// What does not count.
    public var ignored: StateAspects = .usage
    /// At most so many keys a second.
    public var keysPerSecond = 20_000
    /// So long between the two looks at a key.
    public var pause = Duration.seconds(2)
    /// So many keys that differ are told one by one.
    public var mostKeys = 20
    /// Keys of a batch.
    public var batch = 100

    /// 20,000 keys a second, two seconds between looks.
    public init() {}
  }

  /// What was found.
  public struct Report: Sendable {
    /// The server.
    public var server = ""
    /// Keys of the file.
    public var keys = 0
    /// Keys that the server gave.
    public var keysOfServer = 0
    /// Keys that are the same.
    public var equal = 0
    /// Keys that are different and were not used since.
    public var different = 0
    /// Keys of the file that the server does not have.
    public var missing = 0
    /// Keys that were written between the two looks.
    public var changing = 0
    /// Keys that are different and were used since the file was made.
    public var touched = 0
    /// Keys that expired since.
    public var expired = 0
    /// Keys that only the server has.
    public var new = 0
    /// The first keys that are different or missing.
    public var differences: [ContentDifference] = []
    /// Sentences for the user.
    public var notes: [String] = []

    /// Whether nothing is different and nothing is missing.
    public var isGood: Bool { different == 0 && missing == 0 }
  }

  private let options: Options

  /// With these options.
  public init(_ options: Options = Options()) { self.options = options }

  /// Compares `state` with the server at `url`.
  ///
  /// - Throws: `ToolError`: the server can't be reached or refuses, the file can't be read.
  public func run(
    _ state: ComparedState, _ url: ServerURL, _ settings: ConnectionSettings
  ) throws(ToolError) -> Report {
    guard case .node(let endpoint) = url.target else {
      throw .usage("one server is compared, not Sentinels", remedy: "Try: redis://HOST:PORT")
    }
    do throws(JobError) {
      let connection = try Connection(endpoint, settings)
      defer { connection.close() }
      var run = try Run(state, connection, options)
      return try run.report()
    } catch { throw ToolError(error) }
  }

  /// A key that was not the same at first sight.
  private struct Suspect {
    var key: LiveComparison.Key
    var idle: Int64?
    var isNew: Bool
  }

  /// One comparison.
  private struct Run {
    private let state: ComparedState
    private let connection: Connection
    private let options: Options
    private let live: LiveComparison
    private let hasExpireTime: Bool
    private let hasFunctions: Bool
    private let age: Int64?
    private var result = Report()
    private var suspects: [Suspect] = []

    init(
      _ state: ComparedState, _ connection: Connection, _ options: Options
    ) throws(JobError) {
      self.state = state
      self.connection = connection
      self.options = options
      let info = try connection.info("server")
      let isValkey = info["valkey_version"] != nil
      let version = info["valkey_version"] ?? info["redis_version"] ?? "0"
      let major = Int(version.prefix { $0 != "." }) ?? 0
      hasExpireTime = isValkey || major >= 7
      hasFunctions = hasExpireTime
      result.server = "\(isValkey ? "Valkey" : "Redis") \(version) at \(connection.endpoint)"
      var ignored = options.ignored
      if !hasExpireTime {
        ignored.insert(.expiry)
        result.notes.append(
          "a server before 7.0 does not tell exactly when keys expire: not compared")
      }
      age = state.madeAt.map { UTCTime.now.seconds - $0 }
      if age == nil { result.notes.append("the file does not say when it was made") }
      do throws(ToolError) { live = try LiveComparison(state, ignoring: ignored) } catch {
        throw JobError(error)
      }
      // Older servers do not know it; then every look counts as a use, and the first comes first.
      _ = try connection.exchange(["CLIENT", "NO-TOUCH", "ON"])
      result.keys = live.keys
    }

    mutating func report() throws(JobError) -> Report {
      for db in try databases() { try scan(db) }
      try compareFunctions()
      try lookAgain()
      try lookForMissing()
      return result
    }

    private func databases() throws(JobError) -> [Int] {
      try connection.info("keyspace").keys.compactMap { name in
        name.hasPrefix("db") ? Int(name.dropFirst(2)) : nil
      }.sorted()
    }

    private mutating func scan(_ db: Int) throws(JobError) {
      _ = try connection.call("SELECT", "\(db)")
      var cursor = "0"
      repeat {
        try Interruption.check("verify")
        let start = ContinuousClock.now
        let reply = try connection.call("SCAN", cursor, "COUNT", "\(options.batch)")
        guard let parts = reply.elements, parts.count == 2, let next = parts[0].text else {
          throw connection.refused(["SCAN"], "an answer without cursor")
        }
        cursor = next
        var keys: [[UInt8]] = []
        for key in parts[1].elements ?? [] { if case .bulk(let bytes) = key { keys.append(bytes) } }
        for suspect in try look(at: keys, db, counting: true) { suspects.append(suspect) }
        // No faster than allowed.
        let due = Duration.seconds(Double(keys.count) / Double(max(options.keysPerSecond, 1)))
        let spent = start.duration(to: .now)
        if spent < due { BackupJob.pause(due - spent) }
      } while cursor != "0"
    }

    /// Looks at keys; gives back those that are not the same.
    private mutating func look(
      at keys: [[UInt8]], _ db: Int, counting: Bool
    ) throws(JobError) -> [Suspect] {
      var commands: [[[UInt8]]] = []
      func words(_ texts: String..., key: [UInt8]) -> [[UInt8]] {
        texts.map { Array($0.utf8) } + [key]
      }
      for key in keys {
        commands.append(words("OBJECT", "IDLETIME", key: key))
        commands.append(words(hasExpireTime ? "PEXPIRETIME" : "PTTL", key: key))
        commands.append(words("DUMP", key: key))
      }
      let replies = try connection.exchange(all: commands)
      var found: [Suspect] = []
      for (index, key) in keys.enumerated() {
        let dump = replies[index * 3 + 2]
        guard case .bulk(let payload) = dump else {
          if case .error(let text) = dump { throw connection.refused(["DUMP"], text) }
          continue
        }
        var time = replies[index * 3 + 1].number
        if time ?? -1 < 0 || !hasExpireTime { time = nil }
        let known = LiveComparison.Key(db: db, key: key, payload: payload, expiresAt: time)
        let verdict: LiveComparison.Verdict
        do throws(RDBError) { verdict = try live.compare(known) } catch {
          throw JobError(ToolError(error, file: nil, database: db))
        }
        if counting { result.keysOfServer += 1 }
        if case .equal = verdict {
          if counting { result.equal += 1 }
          continue
        }
        var idle: Int64?
        if case .integer(let seconds) = replies[index * 3] { idle = seconds }
        found.append(Suspect(key: known, idle: idle, isNew: verdict == .unknown))
      }
      return found
    }

    private mutating func compareFunctions() throws(JobError) {
      guard hasFunctions else { return }
      let reply = try connection.exchange(["FUNCTION", "LIST", "WITHCODE"])
      if case .error(let text) = reply {
        result.notes.append("functions were not compared: \(text)")
        return
      }
      for library in reply.elements ?? [] {
        let parts = library.elements ?? []
        for index in stride(from: 0, to: parts.count - 1, by: 2)
        where parts[index].text == "library_code" {
          guard case .bulk(let code) = parts[index + 1] else { continue }
          if live.compare(function: code) != .equal {
            result.different += 1
            result.notes.append("a library of functions on the server is not that of the file")
          }
        }
      }
    }

    /// Looks a second time at what was not the same.
    private mutating func lookAgain() throws(JobError) {
      if suspects.isEmpty { return }
      BackupJob.pause(options.pause)
      var different: [LiveComparison.Key] = []
      for (db, group) in Dictionary(grouping: suspects, by: \.key.db).sorted(by: { $0.key < $1.key }
      ) {
        _ = try connection.call("SELECT", "\(db)")
        for start in stride(from: 0, to: group.count, by: options.batch) {
          let first = group[start..<min(start + options.batch, group.count)]
          var second: [[UInt8]: Suspect] = [:]
          for suspect in try look(at: first.map(\.key.key), db, counting: false) {
            second[suspect.key.key] = suspect
          }
          for suspect in first { judge(suspect, second[suspect.key.key], &different) }
        }
      }
      guard !different.isEmpty else { return }
      do throws(ToolError) {
        result.differences += try live.details(of: different, excusing: [], mostParts: 20)
      } catch { throw JobError(error) }
    }

    private mutating func judge(
      _ first: Suspect, _ second: Suspect?, _ different: inout [LiveComparison.Key]
    ) {
      guard let second, second.key.payload == first.key.payload,
        second.key.expiresAt == first.key.expiresAt
      else {
        result.changing += 1
        return
      }
      let isUsed = age.flatMap { age in first.idle.map { $0 < age } } ?? false
      if first.isNew {
        result.new += 1
      } else if isUsed {
        result.touched += 1
      } else {
        result.different += 1
        if different.count < options.mostKeys { different.append(first.key) }
      }
    }

    private mutating func lookForMissing() throws(JobError) {
      let now = UTCTime.now.milliseconds
      do throws(ToolError) {
        result.expired = try live.missing(most: 0) { db, time in
          db >= 0 && time.map { $0 <= now } ?? false
        }.count
        let missing = try live.missing(most: options.mostKeys) { db, time in
          db >= 0 && !(time.map { $0 <= now } ?? false)
        }
        result.missing = missing.count
        result.differences += missing.keys.prefix(
          max(0, options.mostKeys - result.differences.count))
        if hasFunctions {
          let functions = try live.missing(most: options.mostKeys) { db, _ in db == -1 }
          result.missing += functions.count
          result.differences += functions.keys
        }
      } catch { throw JobError(error) }
    }
  }
}
