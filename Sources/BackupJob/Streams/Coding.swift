/// How a stored file is compressed.
public enum Compression: Sendable, Equatable {
  case none
  /// gzip with a level from 1 to 9.
  case gzip(level: Int)
  /// zstd with a level from 1 to 19.
  case zstd(level: Int)

  /// The name in the record and the configuration.
  package var name: String {
    switch self {
    case .none: "none"
    case .gzip: "gzip"
    case .zstd: "zstd"
    }
  }

  /// What is added to a stored file's name.
  package var suffix: String {
    switch self {
    case .none: ""
    case .gzip: ".gz"
    case .zstd: ".zst"
    }
  }
}

/// Encryption with the `age` program (https://age-encryption.org), to public keys.
public struct AgeSettings: Sendable, Equatable {
  /// Public keys (`age1…` or `ssh-…`).
  public var recipients: [String]
  /// A file of public keys, one a line.
  public var recipientsFile: String?
  /// A file of private keys; only restoring, verifying and drilling need it.
  public var identityFile: String?
  /// The program.
  public var program: String

  /// Settings for the `age` in `PATH`.
  public init(
    recipients: [String] = [], recipientsFile: String? = nil, identityFile: String? = nil,
    program: String = "age"
  ) {
    self.recipients = recipients
    self.recipientsFile = recipientsFile
    self.identityFile = identityFile
    self.program = program
  }

  /// Whether files are encrypted when they are stored.
  public var encrypts: Bool { !recipients.isEmpty || recipientsFile != nil }
}

/// Builds the chains of sinks between plain bytes and stored bytes.
package struct FileCoding: Sendable {
  package var compression: Compression
  package var age: AgeSettings
  package var bytesPerSecond: Int64?

  package init(compression: Compression, age: AgeSettings, bytesPerSecond: Int64? = nil) {
    self.compression = compression
    self.age = age
    self.bytesPerSecond = bytesPerSecond
  }

  /// The stored name of a file.
  package func storedName(_ name: String) -> String {
    name.split(separator: "/").joined(separator: "_") + compression.suffix
      + (age.encrypts ? ".age" : "")
  }

  /// A sink for plain bytes that compresses, encrypts, counts and hashes what reaches `target`.
  package func encoder(into target: any ByteSink) throws(JobError) -> (
    plain: HashingSink, stored: HashingSink
  ) {
    var paced = target
    if let bytesPerSecond { paced = RateLimitSink(bytesPerSecond: bytesPerSecond, target) }
    let stored = HashingSink(paced)
    var next: any ByteSink = stored
    if age.encrypts {
      var arguments = ["--encrypt"]
      for recipient in age.recipients { arguments += ["--recipient", recipient] }
      if let file = age.recipientsFile { arguments += ["--recipients-file", file] }
      next = try ProgramSink(
        age.program, arguments, step: "encrypt", remedy: "Check repository.age-recipients.", next)
    }
    switch compression {
    case .none: break
    case .gzip(let level): next = GzipSink(level: level, next)
    case .zstd(let level): next = ZstdSink(level: level, next)
    }
    return (HashingSink(next), stored)
  }

  /// A sink for stored bytes that decrypts and decompresses them as `record` says.
  package static func decoder(
    of record: BackupRecord, place: String, age: AgeSettings, into target: any ByteSink
  ) throws(JobError) -> any ByteSink {
    var next = target
    switch record.compression {
    case "gzip": next = GunzipSink(place: place, next)
    case "zstd": next = UnzstdSink(place: place, next)
    default: break
    }
    if record.encryption == "age" {
      guard let identity = age.identityFile else {
        throw JobError(
          .usage, step: "decrypt", place: place,
          "the backup is encrypted and no private key is configured",
          remedy: "Name the file with the age identity: repository.age-identity-file.")
      }
      next = try ProgramSink(
        age.program, ["--decrypt", "--identity", identity], step: "decrypt",
        remedy: "Check repository.age-identity-file; a damaged file fails here too.", next)
    }
    return next
  }
}
