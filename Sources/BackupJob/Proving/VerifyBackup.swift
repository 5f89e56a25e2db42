internal import Keyspace

/// Proves stored backups again: every byte, every file, and with `--deep` every value.
public struct VerifyBackup: Sendable {
  /// What was found about one backup.
  public struct Report: Sendable {
    /// The backup.
    public var id: String
    /// One problem a line: file and reason. Empty when everything is as recorded.
    public var problems: [String]
    /// Why something could not be verified (no key, program missing). Never a success.
    public var couldNot: [String]
    /// What was proven.
    public var level: VerificationLevel

    /// Whether everything that was asked for was proven.
    public var isGood: Bool { problems.isEmpty && couldNot.isEmpty }
  }

  private let context: JobContext
  private var store: any BackupStore { context.store }

  /// Verification by a configuration.
  public init(_ context: JobContext) { self.context = context }

  /// The ids to verify: those given (`latest` is one), or all, or with `subset` (n, t) every t-th
  /// beginning with the n-th, so that t runs with n = 1…t read everything once.
  public func choose(_ wanted: [String], subset: (Int, Int)?) throws(JobError) -> [String] {
    var ids = try store.published()
    if !wanted.isEmpty {
      ids = try wanted.map { name throws(JobError) in try Self.find(name, in: ids, store) }
    }
    if let (number, parts) = subset {
      ids = ids.enumerated().filter { $0.offset % parts == number - 1 }.map(\.element)
    }
    return ids
  }

  /// The backup that `name` means: `latest`, an id, or the unique beginning of one.
  static func find(_ name: String, in ids: [String], _ store: any BackupStore) throws(JobError)
    -> String
  {
    if name == "latest", let last = ids.last { return last }
    let matches = ids.contains(name) ? [name] : ids.filter { $0.hasPrefix(name) }
    guard matches.count == 1, !name.isEmpty else {
      throw JobError(
        .missing, step: "find backup", place: store.place,
        matches.isEmpty
          ? "there is no backup \(name)" : "\(matches.count) backups begin with \(name)",
        remedy: "Name one that `snapshot list` shows.")
    }
    return matches[0]
  }

  /// Verifies one backup and remembers the outcome for retention.
  public func run(_ id: String, level: VerificationLevel) throws(JobError) -> Report {
    var report = Report(id: id, problems: [], couldNot: [], level: level)
    try check(id, level, &report)
    if report.problems.isEmpty {
      if report.couldNot.isEmpty { try store.removeNote("damaged/\(id)") }
    } else {
      try store.writeNote(
        "damaged/\(id)", Array((report.problems.joined(separator: "\n") + "\n").utf8))
    }
    context.say(
      report.isGood ? "verified" : "not verified",
      ["id": id, "level": level.rawValue, "problems": "\(report.problems.count)"])
    return report
  }

  private func check(_ id: String, _ level: VerificationLevel, _ report: inout Report)
    throws(JobError)
  {
    let json: [UInt8]
    let record: BackupRecord
    do throws(JobError) {
      json = try store.contents("backup.json", of: id)
      record = try BackupRecord(json: json, id: id)
    } catch {
      report.problems.append("backup.json: \(error.message)")
      return
    }
    try checkFolder(record, json, &report)
    let present = Set(try store.files(of: id).map(\.name))
    for part in record.parts {
      for file in part.files where present.contains(file.stored) {
        checkFile(file, of: record, in: part, level, &report)
      }
      if level == .full, report.isGood, !part.files.contains(where: { $0.kind == "rdb" }) {
        checkLog(part, of: record, &report)
      }
    }
  }

  /// Holds the folder's list and `SHA256SUMS` against the record.
  private func checkFolder(_ record: BackupRecord, _ json: [UInt8], _ report: inout Report)
    throws(JobError)
  {
    let listed = try store.files(of: record.id)
    let expected = Set(record.files.map(\.stored) + ["backup.json", "SHA256SUMS"])
    for (name, _) in listed where !expected.contains(name) {
      report.problems.append("\(name): it does not belong to this backup")
    }
    let names = Set(listed.map(\.name))
    for name in expected.sorted() where !names.contains(name) {
      report.problems.append("\(name): it is missing")
    }
    guard names.contains("SHA256SUMS") else { return }
    let sums = try store.contents("SHA256SUMS", of: record.id)
    var wanted = "\(SHA256.of(json))  backup.json\n"
    for file in record.files { wanted += "\(file.storedSHA256)  \(file.stored)\n" }
    guard sums != Array(wanted.utf8) else { return }
    let line = Array("\(SHA256.of(json))  backup.json\n".utf8)
    if sums.starts(with: line) {
      report.problems.append("SHA256SUMS: it was changed: its sums are not those of backup.json")
    } else {
      // Which of the two was changed can not be told.
      report.problems.append("backup.json: its SHA-256 is not the one in SHA256SUMS")
      report.problems.append("SHA256SUMS: it has another SHA-256 for backup.json")
    }
  }

  private func checkFile(
    _ file: BackupRecord.File, of record: BackupRecord, in part: BackupRecord.Part,
    _ level: VerificationLevel,
    _ report: inout Report
  ) {
    let place = "\(record.id)/\(file.stored)"
    let canDecode = record.encryption == "none" || context.config.age.identityFile != nil
    if level > .checksum, !canDecode {
      report.couldNot.append(
        "\(file.stored): it is encrypted and no private key is configured (repository.age-identity-file)"
      )
    }
    let decoding = level > .checksum && canDecode
    do throws(JobError) {
      guard decoding, file.kind != "manifest" else {
        try StoredFile.check(
          file, of: record, in: store, isPublished: true, age: context.config.age,
          decoding: decoding, into: NullSink())
        return
      }
      let isDump = file.kind == "rdb"
      let inspector = try InspectingSink(place: place) { path throws(JobError) in
        isDump
          ? try RDBInspection.run(path: path, place: place, level: level)
          : try LogInspection.run(path: path, place: place).facts
      }
      try StoredFile.check(
        file, of: record, in: store, isPublished: true, age: context.config.age, decoding: true,
        into: inspector)
      let facts = try inspector.facts()
      if isDump, facts.databases != part.databases {
        report.problems.append(
          "\(file.stored): it holds \(facts.keys) keys, and \(part.keys) were recorded")
      }
      if isDump, let digest = facts.digest, let recorded = part.digest, digest != recorded {
        report.problems.append(
          "\(file.stored): its digest is \(digest), and \(recorded) was recorded")
      }
    } catch {
      switch error.kind {
      case .negative, .badData: report.problems.append("\(file.stored): \(error.message)")
      case .missing where error.step == "read backup":
        report.problems.append("\(file.stored): it is missing")
      default: report.couldNot.append("\(file.stored): \(error.step): \(error.message)")
      }
    }
  }

  /// Replays a stored log from a private directory that is removed afterwards.
  private func checkLog(_ part: BackupRecord.Part, of record: BackupRecord, _ report: inout Report)
  {
    do throws(JobError) {
      let scratch = try Drill.scratchDirectory()
      defer { try? Files.removeTree(scratch, step: "verify") }
      var files: [LogReplay.File] = []
      for file in part.files where file.kind != "manifest" {
        let path = "\(scratch)/\(file.stored)"
        try StoredFile.check(
          file, of: record, in: store, isPublished: true, age: context.config.age, decoding: true,
          into: try FileSink(path, step: "verify"))
        files.append(LogReplay.File(path: path, size: Int(file.size)))
      }
      let facts = try LogReplay.run(
        files, of: part, place: record.id,
        style: part.digestStyle.flatMap(DigestStyle.init(rawValue:)))
      if !part.databases.isEmpty || part.digest != nil, facts.databases != part.databases {
        report.problems.append(
          "the log: replayed it holds \(facts.keys) keys, and \(part.keys) were recorded")
      }
      if let digest = facts.digest, let recorded = part.digest, digest != recorded {
        report.problems.append(
          "the log: replayed its digest is \(digest), and \(recorded) was recorded")
      }
    } catch {
      if error.kind == .negative || error.kind == .badData {
        report.problems.append("the log: \(error.message)")
      } else {
        report.couldNot.append("the log: \(error.step): \(error.message)")
      }
    }
  }
}
