import ArgumentParser
import BackupJob

/// `snapshot verify`.
struct SnapshotVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Proves stored backups again: checksums, structure, counts, digest.",
    discussion: "Without an id, all backups. Exit 1 when one is damaged or could not be verified.")

  @OptionGroup var options: JobOptions
  @Argument(help: "Backups: ids, their beginnings, or latest.") var ids: [String] = []
  @Flag(help: "Decode every value and compare the digest.") var deep = false
  @Option(help: "Only the n-th of t parts, as 1/7: seven such runs verify everything.") var subset:
    String?
  @Option(help: "checksum, structure or full; --deep means full.") var level: String?

  private struct Answer: Encodable {
    struct Backup: Encodable {
      var id: String
      var ok: Bool
      var level: String
      var problems: [String]
      var couldNotVerify: [String]
    }
    var ok: Bool
    var backups: [Backup]
  }

  private func part() throws -> (Int, Int)? {
    guard let subset else { return nil }
    let numbers = subset.split(separator: "/").map { Int($0) }
    guard numbers.count == 2, let number = numbers[0], let parts = numbers[1], parts > 0,
      (1...parts).contains(number)
    else { throw ValidationError("--subset takes n/t with n from 1 to t, as 1/7") }
    return (number, parts)
  }

  func validate() throws {
    _ = try part()
    if let level, VerificationLevel(rawValue: level) == nil {
      throw ValidationError("--level takes checksum, structure or full")
    }
  }

  func run() throws {
    let wanted = try part()
    var isGood = true
    try options.run { context throws(JobError) in
      let verification = VerifyBackup(context)
      let level = deep ? .full : level.flatMap(VerificationLevel.init(rawValue:)) ?? .structure
      var answer = Answer(ok: true, backups: [])
      for id in try verification.choose(ids, subset: wanted) {
        let report = try verification.run(id, level: level)
        isGood = isGood && report.isGood
        answer.backups.append(
          .init(
            id: id, ok: report.isGood, level: report.level.rawValue, problems: report.problems,
            couldNotVerify: report.couldNot))
        guard !options.json else { continue }
        if report.isGood {
          if !options.quiet { Swift.print("\(id)  ok (\(level.rawValue))") }
        } else {
          for problem in report.problems { Swift.print("\(id)  DAMAGED  \(problem)") }
          for problem in report.couldNot { Swift.print("\(id)  NOT VERIFIED  \(problem)") }
        }
      }
      answer.ok = isGood
      if options.json { options.print(json: answer) }
    }
    if !isGood { throw ExitCode(1) }
  }
}
