/// One key of the configuration: its name, what it takes, its default and what it means. The
/// documentation, the environment overrides, `config check` and the reader all follow this table.
public struct ConfigKey: Sendable {
  /// What a key takes.
  public enum Kind: Sendable, Equatable {
    /// Any text.
    case text
    /// The path of a file or directory.
    case path
    /// `yes` or `no`.
    case flag
    /// A whole number in a range.
    case number(ClosedRange<Int64>)
    /// A time span: `90s`, `15m`, `26h`, `7d`.
    case duration
    /// A size: `500000`, `64KB`, `2GB` (powers of 1024).
    case size
    /// One of these words.
    case choice([String])
    /// A list of texts; in the environment, separated by commas.
    case list
  }

  /// The name with its sections: `source.url`.
  public let name: String
  /// What it takes.
  public let kind: Kind
  /// The default as text; nil when there is none.
  public let standard: String?
  /// What it means, one sentence.
  public let meaning: String

  init(_ name: String, _ kind: Kind, _ standard: String?, _ meaning: String) {
    self.name = name
    self.kind = kind
    self.standard = standard
    self.meaning = meaning
  }

  /// The environment variable that overrides it: `REDIS_BACKUP_SOURCE_URL`.
  public var variable: String {
    "REDIS_BACKUP_" + name.uppercased().map { $0 == "." || $0 == "-" ? "_" : String($0) }.joined()
  }

  /// Every key, in the order of the documentation.
  public static let all: [ConfigKey] = [
    ConfigKey("name", .text, "redis", "The job's name: in backups, metrics and logs."),
    ConfigKey(
      "state-dir", .path, nil,
      "Where the job remembers what it must put back (method aof); by default `.state` in repository.path."
    ),
    ConfigKey(
      "source.url", .text, nil,
      "redis://, rediss://, unix:// or redis-sentinel://host1,host2/master. Required unless method is file."
    ),
    ConfigKey("source.username", .text, nil, "The ACL user; without it the default user."),
    ConfigKey(
      "source.password-file", .path, nil,
      "The file whose first line is the password. REDISCLI_AUTH and REDIS_PASSWORD_FILE work too."),
    ConfigKey("source.sentinel-username", .text, nil, "The ACL user of the Sentinels."),
    ConfigKey(
      "source.sentinel-password-file", .path, nil,
      "The password of the Sentinels; REDIS_SENTINEL_AUTH works too. Without both, none is sent."),
    ConfigKey(
      "source.prefer", .choice(["replica", "master", "replica-only"]), "replica",
      "Which role is taken: a healthy replica before the master, the master first, or never the master."
    ),
    ConfigKey(
      "source.max-lag", .duration, "30s",
      "A replica that has not heard of its master for longer is not healthy."),
    ConfigKey(
      "source.max-lag-bytes", .size, "64MB",
      "A replica that is further behind the master is not healthy."),
    ConfigKey(
      "source.wait", .duration, "30s",
      "How long to wait for a fit node while a failover runs or replicas load."),
    ConfigKey(
      "source.method", .choice(["replication", "aof", "file"]), "replication",
      "How the data is taken: as a replica would, by copying the append-only files beside the server, or by copying files of a volume."
    ),
    ConfigKey(
      "source.data-dir", .path, nil,
      "The server's `dir`, as this host sees it (methods aof and file)."),
    ConfigKey("source.db-filename", .text, "dump.rdb", "The server's `dbfilename` (method file)."),
    ConfigKey(
      "source.append-dir-name", .text, "appendonlydir",
      "The server's `appenddirname` (methods aof and file)."),
    ConfigKey(
      "source.shard", .number(0...16383), nil,
      "Only this shard of a cluster, counted from 0 by slots."),
    ConfigKey(
      "source.parallel", .number(1...64), "2",
      "How many shards of a cluster are taken at the same time."),
    ConfigKey(
      "source.connect-timeout", .duration, "3s", "The longest a connection attempt may take."),
    ConfigKey(
      "source.sentinel-timeout", .duration, "500ms", "The longest one Sentinel may take to answer."),
    ConfigKey("source.command-timeout", .duration, "10s", "The longest a command may take."),
    ConfigKey(
      "source.idle-timeout", .duration, "60s",
      "The longest silence during a transfer; keep-alives count as sound."),
    ConfigKey("source.transfer-timeout", .duration, "2h", "The longest a whole transfer may take."),
    ConfigKey(
      "source.tls.ca-file", .path, nil,
      "Trusted certificates (PEM); by default those of the system."),
    ConfigKey(
      "source.tls.ca-dir", .path, nil, "A directory of trusted certificates with hashed names."),
    ConfigKey("source.tls.cert-file", .path, nil, "The client's certificate chain (PEM)."),
    ConfigKey("source.tls.key-file", .path, nil, "The key of the client's certificate (PEM)."),
    ConfigKey(
      "source.tls.server-name", .text, nil,
      "The name the certificate must carry, also sent as SNI; by default the host."),
    ConfigKey(
      "source.tls.verify", .flag, "yes", "Whether certificates are verified; `no` is for tests."),
    ConfigKey(
      "repository.path", .path, nil,
      "The directory of the repository. This or repository.rclone is required."),
    ConfigKey(
      "repository.rclone", .text, nil, "The repository as rclone names it: `remote:bucket/path`."),
    ConfigKey("repository.rclone-program", .path, "rclone", "The rclone program."),
    ConfigKey("repository.rclone-config", .path, nil, "rclone's configuration file."),
    ConfigKey(
      "repository.compression", .choice(["none", "gzip", "zstd"]), "zstd",
      "How files are compressed."),
    ConfigKey(
      "repository.compression-level", .number(1...19), nil,
      "1 is fast; by default 3 for zstd, 6 for gzip (at most 9)."),
    ConfigKey(
      "repository.age-recipients", .list, nil, "Public keys of age; with them files are encrypted."),
    ConfigKey("repository.age-recipients-file", .path, nil, "A file of public keys."),
    ConfigKey(
      "repository.age-identity-file", .path, nil,
      "The private key; needed to verify, drill and restore only."),
    ConfigKey("repository.age-program", .path, "age", "The age program."),
    ConfigKey("repository.rate-limit", .size, nil, "At most so many bytes a second are stored."),
    ConfigKey(
      "repository.min-free", .size, "256MB",
      "So much space must stay free; checked before and while storing."),
    ConfigKey("repository.lock-wait", .duration, "0s", "How long to wait for another run."),
    ConfigKey(
      "verify.level", .choice(["checksum", "structure", "full"]), "full",
      "What must be proven before a backup is published."),
    ConfigKey(
      "retention.keep-last", .number(0...1_000_000), nil, "The newest so many backups stay."),
    ConfigKey(
      "retention.keep-hourly", .number(0...1_000_000), nil,
      "The newest of each of the last so many hours with backups."),
    ConfigKey("retention.keep-daily", .number(0...1_000_000), nil, "The same for days."),
    ConfigKey(
      "retention.keep-weekly", .number(0...1_000_000), nil,
      "The same for weeks, which begin on Monday."),
    ConfigKey("retention.keep-monthly", .number(0...1_000_000), nil, "The same for months."),
    ConfigKey("retention.keep-yearly", .number(0...1_000_000), nil, "The same for years."),
    ConfigKey(
      "retention.keep-within", .duration, nil,
      "Everything younger than this, counted from the newest backup."),
    ConfigKey(
      "retention.time-zone", .text, "UTC",
      "The time zone whose hours and days count, as `Europe/Berlin`."),
    ConfigKey(
      "drill.server", .path, nil,
      "The server program for drills; by default redis-server or valkey-server in PATH."),
    ConfigKey("drill.timeout", .duration, "30m", "The longest that server may take to load."),
    ConfigKey(
      "status.max-age", .duration, "26h",
      "`snapshot status` fails when the newest good backup is older."),
    ConfigKey("metrics.textfile", .path, nil, "The file for node_exporter's textfile collector."),
    ConfigKey(
      "metrics.push-url", .text, nil, "A Pushgateway's job URL; metrics are sent there by PUT."),
    ConfigKey(
      "hooks.pre", .text, nil, "A shell command before a backup; when it fails, none is taken."),
    ConfigKey("hooks.post", .text, nil, "A shell command after a published backup."),
    ConfigKey("hooks.on-failure", .text, nil, "A shell command after a failure."),
    ConfigKey("hooks.timeout", .duration, "5m", "The longest a hook may take."),
    ConfigKey(
      "healthcheck.url", .text, nil,
      "A URL asked after each success, and with /fail after each failure."),
    ConfigKey(
      "log.format", .choice(["text", "json"]), "text", "How the log is written, on stderr."),
  ]

  /// The key of a name.
  static func named(_ name: String) -> ConfigKey? { all.first { $0.name == name } }
}
