internal import AOF
internal import Bytes
internal import RDB

/// Two states that one reading of a log amounts to: with all of its commands, and with some of them
/// left out.
///
/// Only keys touched by a command that is left out, and what follows from them, can differ. So the
/// second state is kept as a layer over the first (`Keyspace+Layer.swift`): it has entries for those
/// keys only. A command that touches none of them is postponed as usual and costs one look into the
/// layer. One on a single key that may differ is postponed, too, and executed in both states when
/// somebody needs the key; all others are executed in both at once. How each acts in the two states is
/// compared then. Before the first command that is left out there is no cost at all.
///
/// Which keys those are does not hang on tables of commands: whatever a command that is left out
/// writes below is kept above first, and what a command of several keys reads above and is not there
/// is read below.
package final class TwinReplay {
  /// A command that is left out.
  package struct Removal {
    /// Its number in the log, from 1.
    package let index: Int
    /// The places of the keys it loses; empty when all of it is left out.
    package let places: [Int]

    package init(index: Int, places: [Int] = []) {
      self.index = index
      self.places = places
    }
  }

  /// What is done about later commands that act differently.
  package enum Policy: Sendable {
    /// They are told of.
    case report
    /// From the first of them on, the key is what it is in the log as it stands.
    case keepLater
    /// They go, and all later ones of the key with them.
    case keepRestored
  }

  /// The state with all commands; replay the log into it.
  package let before: Keyspace
  /// The layer over it.
  let after: Keyspace
  let removals: [Removal]
  var nextRemoval = 0
  let policy: Policy
  /// Whether commands on keys that may differ are postponed: only while conflicts are told of and
  /// nothing else, so that what becomes of a command does not hang on those before it.
  let postpones: Bool
  let commands = CommandTable.shared
  /// Whether the functions differ; they are copied then.
  var functionsDiffer = false
  /// Whether the layer has entries.
  var isDivided = false
  /// Later commands that act differently, in the order of the log; at most ``mostConflicts``. Known
  /// when the replay has ended (``conclude(_:)``), like all that is said of them.
  package internal(set) var conflicts: [TwinConflict] = []
  /// How many there are; more than are kept, maybe.
  package internal(set) var conflictCount = 0
  /// What has to become of later commands, in the order of the log.
  package internal(set) var amendments: [TwinAmendment] = []
  /// Keys whose state can't be written as commands, so that their conflict stays.
  package internal(set) var unsolved = 0
  /// Whether there were conflicts that lose writes among those that were not kept.
  package internal(set) var losesMoreWrites = false
  /// An entry of the layer.
  struct Slot: Hashable {
    let table: ObjectIdentifier
    let index: Int
  }
  /// All conflicts, in the order in which they were met; each key's are linked to its entry.
  @safe @exclusivity(unchecked) var met = PODArray<Met>()
  /// Keys that are kept as they were restored.
  var pinned: Set<Slot> = []
  /// Tables of the layer that were dropped, so that no other one gets their identity.
  var retired: [KeyTable] = []
  /// What is to be known of each command of the registry to tell how it acts.
  let traits: [ConflictTrait]
  /// Commands to be executed on a key in both states, the latest first.
  @safe @exclusivity(unchecked) var collected = PODArray<Operation>()
  /// Collects the commands of the next keys below, while one is looked at.
  @safe @exclusivity(unchecked) var walk = ChainWalk()
  /// The entries they probably have.
  @safe @exclusivity(unchecked) var candidates = PODArray<Int>(repeating: 0, count: 32)
  /// Collections for what keys hold below, when they are looked at in passing.
  @safe @exclusivity(unchecked) var spare = SpareValues()
  var reducedWords = ArgumentTable()
  var touched: [TouchedKey] = []

  /// Two states of a log. `removals` are in the order of the log; `now` is what relative times in it
  /// refer to, in unix milliseconds. Without `postponing` everything is executed in its order, which
  /// takes longer and must amount to the same.
  package init(
    _ removals: [Removal], policy: Policy = .report, now: Int64, postponing: Bool = true
  ) {
    self.removals = removals
    self.policy = policy
    postpones = postponing && policy == .report
    before = Keyspace(now: now)
    after = Keyspace(now: now, eager: true)
    after.lower = before
    traits = before.registry.entries.map { ConflictTrait(ByteSlice($0.name)) }
    before.twinFrom = removals.first?.index ?? Int.max
    before.twin = self
  }

  /// Ends the replay: breaks the circle of references, so that memory is given back later.
  package func finish() {
    before.flushQueue()
    before.twin = nil
    before.twinIsDivided = false
    before.pairs = nil
    after.pairs = nil
  }

  /// What both states do with a command; false when it is none of the twin's business.
  func takes(
    _ arguments: Arguments, _ number: Int, _ command: AOFCommand, _ raw: ByteSlice, position: Int
  ) -> Bool {
    while nextRemoval < removals.count, removals[nextRemoval].index < command.index {
      nextRemoval += 1
    }
    let step = Step(
      arguments: arguments, number: number, command: command, raw: raw, position: position)
    if nextRemoval < removals.count, removals[nextRemoval].index == command.index {
      let places = removals[nextRemoval].places
      nextRemoval += 1
      if !isDivided {
        before.flushQueue()
        before.twinFrom = 0
        after.generation = before.generation
        isDivided = true
        before.twinIsDivided = true
        if postpones {
          before.pairs = self
          after.pairs = self
        }
      }
      before.twinRemoval = followingRemoval
      return leaveOut(step, places)
    }
    before.twinRemoval = followingRemoval
    guard isDivided else {
      before.twinFrom = followingRemoval
      return false
    }
    switch before.registry.entries[number].action {
    case .key(let handler), .overwrite(let handler):
      guard let table = after.tables[command.database] else { return false }
      let hash = KeyTable.hash(arguments[1])
      guard let index = table.find(arguments[1], hash: hash),
        table[index].base.kind != .elsewhere
      else { return false }
      before.flushQueue()
      if postpones { settle(arguments[1], command.database) }
      executeOnKey(step, handler, table, index, hash, Int.max)
      return true
    case .delete: return delete(step)
    case .keyspace: return executeOnMany(step)
    case .nothing, .select, .multi, .exec, .script, .unsupported: return false
    }
  }

  /// The number of the next command that is left out.
  private var followingRemoval: Int {
    nextRemoval < removals.count ? removals[nextRemoval].index : Int.max
  }

  // MARK: - Commands that are left out

  /// Executes a command below only.
  private func leaveOut(_ step: Step, _ places: [Int]) -> Bool {
    let arguments = step.arguments
    let database = step.command.database
    before.flushQueue()
    var keeps = places.isEmpty
    switch before.registry.entries[step.number].action {
    case .nothing, .select, .multi, .exec, .script, .unsupported: return false
    case .key, .overwrite: after.preserve(arguments[1], database)
    case .delete:
      if places.isEmpty {
        for place in 1..<arguments.count { after.preserve(arguments[place], database) }
      } else {
        for place in places { after.preserve(arguments[place], database) }
        keeps = executeRest(step, without: places)
      }
    case .keyspace:
      if step.isFunction {
        divideFunctions()
      } else if !places.isEmpty {
        for place in places { after.preserve(arguments[place], database) }
        keeps = executeRest(step, without: places)
      }
    }
    executeBelow(step, keeping: keeps)
    return true
  }

  private func divideFunctions() {
    if !functionsDiffer { after.functions = before.functions }
    functionsDiffer = true
  }

  /// Executes above what is left of a command without the keys at `places`, if one of those left
  /// may differ, or if those left out may be why it was refused; false when it was not executed.
  func executeRest(_ step: Step, without places: [Int]) -> Bool {
    let arguments = step.arguments
    let isDelete = step.isDelete
    let width = isDelete ? 1 : 2
    let isCounted = arguments.name.equalsIgnoringCase("MSETEX")
    reducedWords.clear()
    var mayDiffer = !isDelete && !arguments.name.equalsIgnoringCase("MSET")
    var place = 0
    var next = 0
    while place < arguments.count {
      if next < places.count, places[next] == place {
        next += 1
        place += width
        continue
      }
      if isCounted, place == 1 {
        let pairs = (DecimalText.unsigned(arguments[1]).map { Int($0) } ?? 0) - places.count
        var text = ScratchBuffer(capacity: 24)
        text.append(decimal: Int64(pairs))
        reducedWords.append(after.context.keep(text.slice))
      } else {
        if place > 0, after.own(arguments[place], step.command.database) != nil { mayDiffer = true }
        reducedWords.append(arguments[place])
      }
      place += 1
    }
    guard mayDiffer, reducedWords.count > 1 else { return false }
    after.database = step.command.database
    _ = after.execute(reducedWords.arguments, number: step.number, raw: ByteSlice())
    return true
  }

  /// Executes a command below; with `keeping`, what it changes is kept above first.
  @discardableResult
  func executeBelow(_ step: Step, keeping: Bool = false) -> Execution {
    before.database = step.command.database
    before.upper = keeping ? after : nil
    defer { before.upper = nil }
    let result = before.execute(step.arguments, number: step.number, raw: step.raw)
    if case .fault(let fault) = result {
      before.note(fault, step.position, step.command.index, step.command.database)
    }
    return result
  }

  /// Executes a command on one key in one of the states.
  func execute(
    _ step: Step, _ handler: KeyHandler, in keyspace: Keyspace, _ table: KeyTable, _ index: Int
  ) -> Execution {
    keyspace.database = step.command.database
    keyspace.context.command = step.raw
    do throws(CommandFault) {
      return .done(try keyspace.execute(step.arguments, handler, table, index))
    } catch { return .fault(error) }
  }

  /// Executes a command above.
  func executeAbove(_ step: Step) -> Execution {
    after.database = step.command.database
    return after.execute(step.arguments, number: step.number, raw: step.raw)
  }
}

/// A command on its way through both states.
struct Step {
  let arguments: Arguments
  let number: Int
  let command: AOFCommand
  let raw: ByteSlice
  /// Where it begins in all files together.
  let position: Int

  var isFunction: Bool { arguments.name.equalsIgnoringCase("FUNCTION") }
  var isDelete: Bool {
    arguments.name.equalsIgnoringCase("DEL") || arguments.name.equalsIgnoringCase("UNLINK")
  }
}

/// A key of a command on several keys.
struct TouchedKey {
  let key: ByteSlice
  let database: Int
  /// Its place among the words; 0 when it has none of its own.
  let place: Int
}
