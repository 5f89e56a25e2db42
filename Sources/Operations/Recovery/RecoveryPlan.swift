public import Bytes
package import Keyspace
public import RDB

/// What is done about lost keys: which come back, and how.
public struct RecoveryPlan {
  /// Which keys, beyond those that are gone.
  public struct Scope: Sendable {
    /// Keys that hold what the accident left are replaced.
    public var changed = false
    /// Keys that the accident made are removed.
    public var made = false
    /// Keys that hold something newer are replaced as well.
    public var newer = false

    /// Only keys that are gone.
    public init() {}

    /// Everything that the accident did, newer values aside.
    public static let accident: Scope = {
      var scope = Scope()
      scope.changed = true
      scope.made = true
      return scope
    }()

    /// Whether keys of that fate are acted upon.
    package func includes(_ key: RecoverableKey) -> Bool {
      switch key.fate {
      case .gone: true
      case .changed: changed || newer
      case .made: made || newer
      case .newer: newer
      case .expired: false
      }
    }
  }

  /// How values are written.
  public enum Form: Sendable {
    /// `RESTORE` of a payload: the whole value in one command.
    case payloads
    /// The commands that make the value: for servers to which payloads mean nothing.
    case commands
  }

  /// Which keys.
  public var scope = Scope()
  /// How.
  public var form = Form.payloads
  /// The server it is for; nil for the one that seems to have written the log.
  public var target: RDBTarget?
  /// Leave out what the target can't hold instead of refusing.
  public var lossy = false

  /// Payloads for keys that are gone.
  public init() {}
}

/// What was put back, and what was not.
public struct RecoveryReport: Sendable {
  /// How many keys come back that were gone.
  public var restored = 0
  /// How many are replaced by what they were.
  public var replaced = 0
  /// How many are removed that the accident made.
  public var removed = 0
  /// Bytes of the commands.
  public var bytes = 0
  /// Whom the commands are for.
  public var target = ""
  /// What the target can't hold: key and reason.
  public var lost: [(database: Int, key: [UInt8], what: String)] = []

  /// How many keys the commands are about.
  public var keys: Int { restored + replaced + removed }

  /// Nothing.
  public init() {}
}

extension LostKeys {
  /// The server that seems to have written the log.
  package var likelyServer: ServerTarget {
    present.keyspace.likelyTarget(isMultiPart: present.isMultiPart)
  }

  /// Writes the commands that carry out `plan`.
  ///
  /// - Throws: ``ToolError`` when the target can't hold something and the plan is not lossy.
  public func write(
    _ plan: RecoveryPlan, to output: inout OutputBuffer
  ) throws(ToolError) -> RecoveryReport {
    var writer = try RecoveryWriter(
      plan, likely: likelyServer, isFamilyKnown: present.keyspace.producer.dialect != nil)
    let start = output.count
    swap(&writer.commands.output, &output)
    var report = write(plan, &writer)
    swap(&writer.commands.output, &output)
    report.bytes = output.count - start
    try source.checkDamage()
    if let first = report.lost.first, !plan.lossy {
      let more = report.lost.count > 1 ? "; \(report.lost.count - 1) more keys like it" : ""
      throw ToolError(
        .refused(.badData, "\(report.target) can not hold \(first.what)\(more)"),
        file: present.facts.path, database: first.database, key: first.key,
        remedy: "Try: a newer --target, or --lossy to leave it out")
    }
    return report
  }

  private func write(_ plan: RecoveryPlan, _ writer: inout RecoveryWriter) -> RecoveryReport {
    var report = RecoveryReport()
    report.target = writer.targetName
    for key in keys where plan.scope.includes(key) {
      if !key.good.exists {
        writer.remove(key)
        report.removed += 1
        continue
      }
      if let loss = writer.put(key, replacing: key.present.exists) {
        report.lost.append((key.database, key.key.bytes, loss.words))
        if loss.isWhole { continue }
      }
      if key.present.exists { report.replaced += 1 } else { report.restored += 1 }
      if writer.commands.output.failure != nil { break }
    }
    return report
  }
}
