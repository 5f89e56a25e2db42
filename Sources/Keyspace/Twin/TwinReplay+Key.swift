internal import AOF
internal import Bytes

// Commands on one key, and DEL, when the key may differ.

extension TwinReplay {
  /// Executes a command on its key, which has entry `index` in the layer, in both states.
  func executeOnKey(_ step: Step, _ handler: KeyHandler, _ index: Int) {
    let key = step.arguments[1]
    let database = step.command.database
    guard let table = after.tables[database] else { return }
    let slot = Slot(table: ObjectIdentifier(table), index: index)
    let touched = TouchedKey(key: key, database: database, place: 1)
    if pinned.contains(slot) {
      executeBelow(step)
      amend(step, .drop(places: []))
      return
    }
    let above = after.state(of: key, in: database)
    let below = before.state(of: key, in: database)
    let info = commands.find(step.command.word, step.arguments)
    let usesOld = ConflictRules.usesOtherValue(info?.id, step.arguments, below, above)
    let aboveExisted = above.exists
    let belowExisted = below.exists
    let result = executeBelow(step)
    let belowNow = before.state(of: key, in: database)

    if policy == .keepRestored {
      // What is dropped must not be executed above, and a fault changes nothing anyway.
      let creates = aboveExisted && !belowExisted && belowNow.exists
      if usesOld != nil || creates {
        meet(usesOld ?? .recreated, step, touched, slot)
        pinned.insert(slot)
        amend(step, .drop(places: []))
        return
      }
      if aboveExisted, !belowExisted, ConflictRules.removes(info?.effect) {
        meet(.removedAgain, step, touched, slot)
        pinned.insert(slot)
        amend(step, .drop(places: []))
        return
      }
    }
    let resultAbove = executeAbove(step)
    let aboveNow = after.state(of: key, in: database)
    var kind = usesOld
    var fault: CommandFault?
    if case .fault(let problem) = resultAbove, result != resultAbove {
      kind = problem == .wrongType ? .wrongType : .fails
      fault = problem
    } else if result == .done(.changed), resultAbove == .done(.unchanged),
      !ConflictRules.isIdempotent(info?.id, step.arguments)
    {
      kind = .refused
    } else if ConflictRules.isPartlyRefused(info?.id, step.arguments, belowNow, aboveNow) {
      kind = .refused
    } else if aboveExisted && !belowExisted {
      if belowNow.exists {
        kind = kind ?? .recreated
      } else if !aboveNow.exists {
        kind = .removedAgain
      }
    }
    if let kind {
      meet(kind, step, touched, slot, fault)
      switch policy {
      case .report: break
      case .keepRestored:
        pinned.insert(slot)
        amend(step, .drop(places: []))
      case .keepLater:
        if kind == .removedAgain { break }
        if belowExisted {
          guard let bytes = commandsMaking(key, database, from: belowNow, in: database) else {
            unsolved += 1
            break
          }
          amend(step, .insert(bytes))
          amend(step, .drop(places: []))
        } else {
          amend(step, .insert(deletion(of: key, database, in: database)))
        }
        after.follow(key, database)
        return
      }
    }
    converge(key, database, belowNow, aboveNow, isOverwrite: info?.effect == .overwrite)
  }

  /// Lets a key go that is the same in both states again, as far as that is seen at little cost.
  private func converge(
    _ key: ByteSlice, _ database: Int, _ below: KeyState, _ above: KeyState, isOverwrite: Bool
  ) {
    if !below.exists && !above.exists {
      after.follow(key, database)
    } else if isOverwrite, case .string = below.value, below.isSame(as: above) {
      after.follow(key, database)
    }
  }

  /// DEL and UNLINK, key by key; false when none of them may differ.
  func delete(_ step: Step) -> Bool {
    let arguments = step.arguments
    let database = step.command.database
    guard after.tables[database] != nil else { return false }
    var mayDiffer = false
    for place in 1..<arguments.count where after.own(arguments[place], database) != nil {
      mayDiffer = true
      break
    }
    guard mayDiffer else { return false }
    before.flushQueue()
    before.database = database
    after.database = database
    var dropped: [Int] = []
    for place in 1..<arguments.count {
      let key = arguments[place]
      guard let index = after.own(key, database), let table = after.tables[database] else {
        before.forget(key)
        continue
      }
      let slot = Slot(table: ObjectIdentifier(table), index: index)
      let existed = before.remove(key, in: database)
      if pinned.contains(slot) {
        dropped.append(place)
        continue
      }
      if after.state(of: key, in: database).exists, !existed {
        meet(
          .removedAgain, step, TouchedKey(key: key, database: database, place: place), slot)
        if policy == .keepRestored {
          pinned.insert(slot)
          dropped.append(place)
          continue
        }
      }
      _ = after.remove(key, in: database)
      after.follow(key, database)
    }
    if !dropped.isEmpty {
      amend(step, .drop(places: dropped.count == arguments.count - 1 ? [] : dropped))
    }
    return true
  }

  // MARK: - What was met

  /// Notes a conflict, once for each key and kind.
  func meet(
    _ kind: TwinConflict.Kind, _ step: Step, _ touched: TouchedKey, _ slot: Slot,
    _ fault: CommandFault? = nil
  ) {
    if let place = known[slot]?[kind] {
      if place < conflicts.count { conflicts[place].commands += 1 }
      return
    }
    known[slot, default: [:]][kind] = conflictCount
    conflictCount += 1
    guard conflicts.count < TwinReplay.mostConflicts else {
      if kind == .refused || kind == .wrongType || kind == .fails { losesMoreWrites = true }
      return
    }
    conflicts.append(
      TwinConflict(
        kind: kind, command: step.command, key: touched.key, database: touched.database,
        fault: fault))
  }

  /// Notes what has to become of a command.
  func amend(_ step: Step, _ action: TwinAmendment.Action) {
    amendments.append(TwinAmendment(command: step.command, action: action))
  }

  // MARK: - Commands that solve conflicts

  /// `DEL key`, for a place where `current` is the database.
  func deletion(of key: ByteSlice, _ database: Int, in current: Int) -> [UInt8] {
    commandsMaking(key, database, from: KeyState(), in: current) ?? []
  }

  /// Commands that make `key` hold `state` whatever it held, for a place where `current` is the
  /// database; nil for what no command can make.
  func commandsMaking(
    _ key: ByteSlice, _ database: Int, from state: KeyState, in current: Int
  ) -> [UInt8]? {
    let memory = MemoryTarget()
    var writer = CommandWriter(
      OutputBuffer(memory, capacity: 4096), target: before.likelyTarget(isMultiPart: true))
    if database != current { writer.select(database) }
    writer.output.write(commandOf: 2)
    writer.output.write(bulk: "DEL")
    writer.output.write(bulk: key)
    writer.key(key, state)
    if database != current { writer.select(current) }
    guard writer.losses.isEmpty else { return nil }
    var output = writer.finish()
    // Memory never refuses.
    try? output.flush()
    return memory.bytes
  }
}
