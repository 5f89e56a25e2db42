internal import Bytes
package import Keyspace
package import RDB

/// What of a key could not be written.
package struct RecoveryLoss {
  /// For people.
  package var words: String
  /// Whether nothing of the key was written.
  package var isWhole: Bool
}

/// Writes the commands that put lost keys back.
///
/// A payload is decoded again before it is written, and must give what was meant.
package struct RecoveryWriter: ~Copyable {
  /// Writes SELECT and plain commands; its output is where everything goes.
  package var commands: CommandWriter
  private var payloads: RestoreWriter
  private let decoder = PayloadDecoder()
  private var ownCommands = 0
  private let form: RecoveryPlan.Form
  private let dumpTarget: RDBTarget
  private let isInferred: Bool
  /// When set, times to live are written relative to this moment (unix ms): for servers without
  /// ABSTTL that get the commands at once.
  package var relativeTo: Int64?

  /// A writer without an output; `likely` counts when the plan names no target.
  ///
  /// - Throws: ``ToolError`` when there is no such target.
  package init(
    _ plan: RecoveryPlan, likely: ServerTarget, isFamilyKnown: Bool = true
  ) throws(ToolError) {
    var server = likely
    if let target = plan.target {
      server = ServerTarget(
        dialect: target.family, version: target.major * 100 + min(target.minor, 99))
    }
    var payloadVersion = server.version
    // A log without a dump does not say whose it is, and Valkey takes no payloads of Redis 7.4; both
    // take those of 7.0. What these can't hold is written as commands.
    if plan.target == nil && !isFamilyKnown { payloadVersion = min(payloadVersion, 700) }
    guard let dump = RDBTarget(server.dialect, payloadVersion / 100, payloadVersion % 100) else {
      throw .usage("no values can be written for this server")
    }
    isInferred = plan.target == nil
    dumpTarget = dump
    // Before 2.6 there was no RESTORE.
    form = server.takesPayloads ? plan.form : .commands
    commands = CommandWriter(OutputBuffer(NullTarget(), capacity: 0), target: server)
    payloads = RestoreWriter(target: dump)
  }

  /// The server it is for, as `redis:7.0`.
  package var targetName: String { dumpTarget.description }

  /// Removes what the accident made.
  package mutating func remove(_ key: RecoverableKey) {
    commands.select(key.database)
    delete(key.key)
  }

  /// How many commands were written, SELECT included.
  package var commandCount: Int { ownCommands + commands.commandCount }

  private mutating func delete(_ key: ByteSlice) {
    ownCommands += 1
    commands.output.write(commandOf: 2)
    commands.output.write(bulk: "DEL")
    commands.output.write(bulk: key)
  }

  /// SELECT, unless that database is selected.
  package mutating func select(_ database: Int) { commands.select(database) }

  /// Puts the good state back; with `replacing`, in the place of what is there.
  ///
  /// - Returns: what the target can't hold.
  package mutating func put(_ key: RecoverableKey, replacing: Bool) -> RecoveryLoss? {
    commands.select(key.database)
    return form == .payloads ? restore(key, replacing) : make(key, replacing)
  }

  /// The value as commands.
  private mutating func make(_ key: RecoverableKey, _ replacing: Bool) -> RecoveryLoss? {
    if replacing { delete(key.key) }
    commands.losses = EmissionLosses()
    let before = commands.commandCount
    commands.key(key.key, key.good)
    guard !commands.losses.isEmpty else { return nil }
    return RecoveryLoss(
      words: commands.losses.sentences.joined(separator: ", "),
      isWhole: commands.commandCount == before)
  }

  /// The value as a payload.
  private mutating func restore(_ key: RecoverableKey, _ replacing: Bool) -> RecoveryLoss? {
    if case .module(let module)? = key.good.value {
      guard dumpTarget.copies(module.type) else {
        return RecoveryLoss(words: "values of this module", isWhole: true)
      }
      payloads.take(module.type, rawValue: module.bytes)
    } else {
      key.good.feed(&payloads, key: key.key, database: key.database)
    }
    let loss = payloads.loss
    if isInferred && (loss.contains(.key) || !loss.sentences(inferred: true).isEmpty) {
      return make(key, replacing)
    }
    if loss.contains(.key) { return RecoveryLoss(words: loss.words, isWhole: true) }
    let told = loss.sentences(inferred: isInferred)
    if told.isEmpty && !readsBack(key) {
      return RecoveryLoss(words: "this value (its payload does not read back)", isWhole: true)
    }
    write(key, replacing)
    return told.isEmpty
      ? nil : RecoveryLoss(words: told.joined(separator: ", "), isWhole: false)
  }

  private func readsBack(_ key: RecoverableKey) -> Bool {
    do throws(RDBError) {
      let state = try decoder.state(payloads.payload, expiresAt: key.good.expiresAt)
      return state.isSame(as: key.good, StateHash.View(payloadsFor: dumpTarget))
    } catch { return false }
  }

  private mutating func write(_ key: RecoverableKey, _ replacing: Bool) {
    let time = key.good.expiresAt ?? 0
    let isAbsolute = key.good.expiresAt != nil && commands.target.takesAbsoluteTimes
    let replaces = replacing && commands.target.restoresOver
    if replacing && !replaces { delete(key.key) }
    ownCommands += 1
    commands.output.write(commandOf: 4 + (replaces ? 1 : 0) + (isAbsolute ? 1 : 0))
    commands.output.write(bulk: "RESTORE")
    commands.output.write(bulk: key.key)
    if isAbsolute {
      commands.output.write(bulkDecimal: time)
    } else if time != 0, let now = relativeTo {
      commands.output.write(bulkDecimal: max(1, time - now))
    } else {
      commands.output.write(bulk: "0")
    }
    commands.output.write(bulk: payloads.payload)
    if isAbsolute { commands.output.write(bulk: "ABSTTL") }
    if replaces { commands.output.write(bulk: "REPLACE") }
    if time != 0 && !isAbsolute && relativeTo == nil {
      ownCommands += 1
      commands.output.write(commandOf: 3)
      commands.output.write(bulk: "PEXPIREAT")
      commands.output.write(bulk: key.key)
      commands.output.write(bulkDecimal: time)
    }
  }
}

extension ServerTarget {
  /// RESTORE.
  package var takesPayloads: Bool { dialect == .valkey || version >= 206 }
  /// RESTORE with REPLACE.
  var restoresOver: Bool { dialect == .valkey || version >= 300 }
  /// RESTORE with ABSTTL.
  package var takesAbsoluteTimes: Bool { dialect == .valkey || version >= 500 }
}

extension StateHash.View {
  /// What payloads for `target` carry.
  package init(payloadsFor target: RDBTarget) {
    self.init()
    streamNumbers = target.header.version >= 10
  }
}
