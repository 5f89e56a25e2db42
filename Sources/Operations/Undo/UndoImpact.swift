import AOF
public import Bytes
package import Keyspace
import RDB

/// What an undo does to the data, key by key: the log is replayed once, with and without the
/// commands that go (`TwinReplay`), and both states are compared as a whole.
public struct UndoImpact {
  /// What is done about later commands that act differently then.
  public enum ConflictPolicy: String, Sendable, CaseIterable {
    /// They are told of. What would lose later writes is not written.
    case report
    /// A key keeps what was written later.
    case keepLater = "keep-later"
    /// A key keeps what it held before the commands that go, and later conflicting commands go, too.
    case keepRestored = "keep-restored"
  }

  /// Both states.
  package let twin: TwinReplay
  /// The keys that differ.
  package let differences: [KeyDifference]
  /// What was done about conflicts.
  public let policy: ConflictPolicy
  /// The number of the state as it is (16 hexadecimal digits, as `compact` tells it).
  public let digestBefore: String
  /// The number of the state without the commands.
  public let digestAfter: String
  /// How many keys there are.
  public let keysBefore: Int
  /// How many there are without the commands.
  public let keysAfter: Int
  /// How many keys were gone and are back.
  public let restored: Int
  /// How many keys hold something else.
  public let changed: Int
  /// How many keys are there no longer.
  public let gone: Int

  /// How many keys are what they were.
  public var unaffected: Int { keysBefore - changed - gone }

  /// Replays the log of `plan`.
  ///
  /// - Throws: ``ToolError``: a log whose effect can't be told (an unknown command, a verbatim
  ///   script), or damage.
  public init(
    _ plan: UndoPlan, policy: ConflictPolicy = .report, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    let twin = TwinReplay(
      UndoImpact.removals(plan), policy: policy.ofTwin, now: Moment.now.milliseconds)
    defer { twin.finish() }
    try LogReplay.read(plan.log, into: twin.before, fileSystem)
    var differences: [KeyDifference] = []
    var counts = [0, 0, 0]
    let ending = twin.conclude { difference in
      differences.append(difference)
      switch difference.kind {
      case .restored: counts[0] += 1
      case .changed: counts[1] += 1
      case .gone: counts[2] += 1
      }
    }
    if let damage = twin.before.damage {
      throw ToolError(
        .rdb(damage.error), file: plan.log.parts.first?.path, database: damage.database,
        key: damage.key)
    }
    self.twin = twin
    self.differences = differences
    self.policy = policy
    restored = counts[0]
    changed = counts[1]
    gone = counts[2]
    digestBefore = ending.before.text
    digestAfter = ending.after.text
    keysBefore = ending.before.keys
    keysAfter = ending.after.keys
  }

  /// The commands that go, whole or in part, in the order of the log.
  private static func removals(_ plan: UndoPlan) -> [TwinReplay.Removal] {
    var all: [TwinReplay.Removal] = []
    all.reserveCapacity(plan.removed.count + plan.partlyRemoved.count)
    var part = 0
    for removal in plan.removed {
      while part < plan.partlyRemoved.count,
        plan.partlyRemoved[part].command.index < removal.command.index
      {
        all.append(
          TwinReplay.Removal(
            index: plan.partlyRemoved[part].command.index, places: plan.partlyRemoved[part].places))
        part += 1
      }
      all.append(TwinReplay.Removal(index: removal.command.index))
    }
    for removal in plan.partlyRemoved[part...] {
      all.append(TwinReplay.Removal(index: removal.command.index, places: removal.places))
    }
    return all
  }

  /// Why a plan is not carried out with this policy; nil when it may be.
  public var refusal: ToolError? {
    if twin.unsolved > 0 {
      return .refused(
        .no,
        "\(twin.unsolved) keys hold what no command can write, so that their conflicts stay",
        remedy: "Try: leave them out with --not-key")
    }
    guard policy == .report else { return nil }
    let losing = twin.conflicts.filter(\.losesWrites)
    guard let first = losing.first else {
      return twin.losesMoreWrites ? UndoImpact.losesWrites(nil) : nil
    }
    return UndoImpact.losesWrites(first)
  }

  private static func losesWrites(_ conflict: TwinConflict?) -> ToolError {
    var reason = "later writes would be lost, so nothing is written"
    if let conflict {
      reason += " (first: command \(conflict.command.index), \(conflict.kind.text))"
    }
    return .refused(
      .no, reason,
      remedy:
        "Try: --on-conflict keep-later (later writes win), or keep-restored (what is brought back wins)"
    )
  }
}

extension UndoImpact.ConflictPolicy {
  var ofTwin: TwinReplay.Policy {
    switch self {
    case .report: .report
    case .keepLater: .keepLater
    case .keepRestored: .keepRestored
    }
  }
}

extension TwinConflict.Kind {
  /// The name in JSON.
  package var name: StaticString {
    switch self {
    case .recreated: "recreated"
    case .counter: "counter"
    case .position: "position"
    case .refused: "refused"
    case .wrongType: "wrong-type"
    case .fails: "fails"
    case .removedAgain: "removed-again"
    }
  }

  /// What a person is told.
  package var text: String {
    switch self {
    case .recreated: "made the key anew; now it meets the one that is back"
    case .counter: "works on the value that is there, which is another one now"
    case .position: "takes elements by their place, which are other ones now"
    case .refused: "its condition no longer holds, so that what it wrote is lost"
    case .wrongType: "WRONGTYPE: a server logs an error and what it wrote is lost"
    case .fails: "a server answers with an error, and what it wrote is lost"
    case .removedAgain: "removes what is back"
    }
  }
}
