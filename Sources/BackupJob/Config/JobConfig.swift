/// The whole configuration of a job, read and checked.
public struct JobConfig: Sendable {
  /// How the data is taken.
  public enum Method: String, Sendable {
    /// As a replica would.
    case replication
    /// By the documented procedure for the append-only files, next to a running server.
    case aof
    /// By copying files of a volume, with or without a running server.
    case file
  }

  /// Where backups are kept.
  public enum Place: Sendable, Equatable {
    case directory(String)
    case rclone(remote: String, program: String, configuration: String?)
  }

  /// The limits on waiting.
  public struct Timeouts: Sendable {
    /// A connection attempt.
    public var connect: Duration
    /// One Sentinel's answer.
    public var sentinel: Duration
    /// One command.
    public var command: Duration
    /// Silence during a transfer.
    public var idle: Duration
    /// A whole transfer.
    public var transfer: Duration
  }

  /// `name`.
  public var name: String
  /// `state-dir`, or its default; nil for remote repositories.
  public var stateDirectory: String?
  /// `source.url`; nil when only files of a volume are taken.
  public var url: ServerURL?
  /// The ACL user.
  public var user: String?
  /// The password, from wherever it was found.
  public var password: Secret?
  /// The ACL user of the Sentinels.
  public var sentinelUser: String?
  /// The password of the Sentinels.
  public var sentinelPassword: Secret?
  /// `source.tls`; used when the URL asks for TLS.
  public var tls: TLSSettings
  /// `source.prefer` and the limits on lag.
  public var policy: SourcePolicy
  /// `source.wait`.
  public var wait: Duration
  /// `source.method`.
  public var method: Method
  /// `source.data-dir`.
  public var dataDirectory: String?
  /// `source.db-filename`.
  public var dumpName: String
  /// `source.append-dir-name`.
  public var appendDirectoryName: String
  /// `source.shard`.
  public var shard: Int?
  /// `source.parallel`.
  public var parallel: Int
  /// The limits on waiting.
  public var timeouts: Timeouts
  /// Where backups are kept.
  public var place: Place
  /// `repository.compression` with its level.
  public var compression: Compression
  /// The settings of encryption.
  public var age: AgeSettings
  /// `repository.rate-limit`, bytes a second.
  public var rateLimit: Int64?
  /// `repository.min-free`, bytes.
  public var minFree: Int64
  /// `repository.lock-wait`.
  public var lockWait: Duration
  /// `verify.level`.
  public var level: VerificationLevel
  /// The retention rules.
  public var retention: RetentionRules
  /// `drill.server`.
  public var drillServer: String?
  /// `drill.timeout`.
  public var drillTimeout: Duration
  /// `status.max-age`.
  public var maxAge: Duration
  /// `metrics.textfile`.
  public var metricsFile: String?
  /// `metrics.push-url`.
  public var pushURL: String?
  /// The operator's own commands.
  public var hooks: Hooks
  /// `healthcheck.url`.
  public var healthcheckURL: String?
  /// Whether the log is written as JSON.
  public var logsJSON: Bool

  /// Reads `path` and the environment. Throws `.missing` when the file does not exist, `.usage`
  /// with file and line when it is wrong.
  public init(path: String, environment: [String: String]) throws(JobError) {
    let bytes = try Files.readAll(path, limit: 1 << 20, step: "read configuration")
    try self.init(
      yaml: String(decoding: bytes, as: UTF8.self), file: path, environment: environment)
  }

  /// Reads YAML text.
  public init(yaml: String, file: String, environment: [String: String]) throws(JobError) {
    let text = try ConfigText(yaml: yaml, file: file, environment: environment)
    func missing(_ name: String, _ remedy: String) -> JobError {
      ConfigText.wrong(text.place(name), "\(name) is missing", remedy)
    }
    name = text.text("name") ?? "redis"
    guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C && $0 != 0x2F })
    else {
      throw ConfigText.wrong(
        text.place("name"), "name holds blanks or special characters",
        "Use letters, digits, - and _.")
    }
    method = Method(rawValue: text.text("source.method") ?? "") ?? .replication
    url = nil
    if let address = text.text("source.url") {
      do throws(JobError) { url = try ServerURL(address) } catch {
        throw ConfigText.wrong(
          text.place("source.url"), "source.url: \(error.message)", error.remedy)
      }
    } else if method != .file {
      throw missing("source.url", "Name the server or the Sentinels.")
    }
    dataDirectory = text.text("source.data-dir")
    if method != .replication, dataDirectory == nil {
      throw missing(
        "source.data-dir", "Method \(method.rawValue) reads files; name the server's directory.")
    }
    user = text.text("source.username") ?? url?.user
    password = try Self.secret(
      text, "source.password-file", url: url?.password, direct: "REDISCLI_AUTH",
      file: "REDIS_PASSWORD_FILE", environment)
    sentinelUser = text.text("source.sentinel-username")
    sentinelPassword = try Self.secret(
      text, "source.sentinel-password-file", url: nil, direct: "REDIS_SENTINEL_AUTH",
      file: "REDIS_SENTINEL_PASSWORD_FILE",
      environment)
    tls = TLSSettings(
      caFile: text.text("source.tls.ca-file"), caDirectory: text.text("source.tls.ca-dir"),
      certificateFile: text.text("source.tls.cert-file"), keyFile: text.text("source.tls.key-file"),
      serverName: text.text("source.tls.server-name"), verifiesPeer: text.flag("source.tls.verify"))
    policy = SourcePolicy(
      prefer: SourcePolicy.Preference(rawValue: text.text("source.prefer") ?? "") ?? .replica,
      maxLag: text.span("source.max-lag"), maxLagBytes: text.size("source.max-lag-bytes") ?? 0)
    wait = text.span("source.wait")
    dumpName = text.text("source.db-filename") ?? "dump.rdb"
    appendDirectoryName = text.text("source.append-dir-name") ?? "appendonlydir"
    shard = text.number("source.shard")
    parallel = text.number("source.parallel") ?? 2
    timeouts = Timeouts(
      connect: text.span("source.connect-timeout"), sentinel: text.span("source.sentinel-timeout"),
      command: text.span("source.command-timeout"), idle: text.span("source.idle-timeout"),
      transfer: text.span("source.transfer-timeout"))
    switch (text.text("repository.path"), text.text("repository.rclone")) {
    case (let path?, nil): place = .directory(path)
    case (nil, let remote?):
      guard remote.contains(":") else {
        throw ConfigText.wrong(
          text.place("repository.rclone"), "repository.rclone has no remote",
          "Write remote:path, as rclone does.")
      }
      place = .rclone(
        remote: remote, program: text.text("repository.rclone-program") ?? "rclone",
        configuration: text.text("repository.rclone-config"))
    case (nil, nil): throw missing("repository.path", "Name a directory, or repository.rclone.")
    default:
      throw ConfigText.wrong(
        text.place("repository.rclone"), "repository.path and repository.rclone are both given",
        "Keep one of them.")
    }
    let level = text.number("repository.compression-level")
    switch text.text("repository.compression") {
    case "gzip":
      guard level ?? 6 <= 9 else {
        throw ConfigText.wrong(
          text.place("repository.compression-level"), "gzip has no level above 9", "Use 1 to 9.")
      }
      compression = .gzip(level: level ?? 6)
    case "zstd": compression = .zstd(level: level ?? 3)
    default: compression = .none
    }
    age = AgeSettings(
      recipients: text.list("repository.age-recipients"),
      recipientsFile: text.text("repository.age-recipients-file"),
      identityFile: text.text("repository.age-identity-file"),
      program: text.text("repository.age-program") ?? "age")
    rateLimit = text.size("repository.rate-limit")
    minFree = text.size("repository.min-free") ?? 0
    lockWait = text.span("repository.lock-wait")
    stateDirectory = text.text("state-dir")
    if stateDirectory == nil, case .directory(let path) = place {
      stateDirectory = "\(path)/.state"
    }
    if method == .aof, stateDirectory == nil {
      throw missing(
        "state-dir", "Method aof with a remote repository needs a local directory for its state.")
    }
    self.level = VerificationLevel(rawValue: text.text("verify.level") ?? "") ?? .full
    retention = try RetentionRules(text)
    drillServer = text.text("drill.server")
    drillTimeout = text.span("drill.timeout")
    maxAge = text.span("status.max-age")
    metricsFile = text.text("metrics.textfile")
    pushURL = text.text("metrics.push-url")
    hooks = Hooks(
      pre: text.text("hooks.pre"), post: text.text("hooks.post"),
      onFailure: text.text("hooks.on-failure"),
      timeout: text.span("hooks.timeout"))
    healthcheckURL = text.text("healthcheck.url")
    logsJSON = text.text("log.format") == "json"
  }

  /// The password of a source, by precedence: its file in the configuration, the variables, the
  /// URL.
  private static func secret(
    _ text: ConfigText, _ key: String, url: Secret?, direct: String, file: String,
    _ environment: [String: String]
  ) throws(JobError) -> Secret? {
    if let path = text.text(key) { return try Secret.read(fromFile: path) }
    if let value = environment[direct], !value.isEmpty { return Secret(value) }
    if let path = environment[file], !path.isEmpty { return try Secret.read(fromFile: path) }
    return url
  }

  /// How nodes are connected to.
  package var nodeSettings: ConnectionSettings {
    ConnectionSettings(
      user: user, password: password, tls: url?.usesTLS == true ? tls : nil,
      connectTimeout: timeouts.connect,
      commandTimeout: timeouts.command)
  }

  /// How Sentinels are connected to.
  package var sentinelSettings: ConnectionSettings {
    ConnectionSettings(
      user: sentinelUser, password: sentinelPassword, tls: url?.usesTLS == true ? tls : nil,
      connectTimeout: timeouts.sentinel, commandTimeout: timeouts.sentinel)
  }

  /// The repository.
  package func openStore() -> any BackupStore {
    switch place {
    case .directory(let path): DirectoryStore(path)
    case .rclone(let remote, let program, let configuration):
      RcloneStore(remote: remote, program: program, configuration: configuration)
    }
  }
}
