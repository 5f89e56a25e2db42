internal import AOF
internal import Bytes

// Commands on one key, and DEL, when the key may differ.

extension TwinReplay {
  /// Executes a command on its key, which has entry `index` in `table` of the layer, in both states.
  func executeOnKey(
    _ step: Step, _ handler: KeyHandler, _ table: KeyTable, _ index: Int, _ hash: UInt32,
    _ candidate: Int
  ) {
    let key = step.arguments[1]
    let database = step.command.database
    let slot = Slot(table: ObjectIdentifier(table), index: index)
    let touched = TouchedKey(key: key, database: database, place: 1)
    let lower = before.table(database)
    let place = lower.findOrAdd(key, hash: hash, candidate: candidate)
    if !pinned.isEmpty, pinned.contains(slot) {
      _ = executeBelow(step, handler, lower, place)
      amend(step, .drop(places: []))
      return
    }
    let above = after.settledState(table, index)
    let below = before.settledState(lower, place)
    let info = commands.find(step.command.word, step.arguments)
    let usesOld = ConflictRules.usesOtherValue(
      ConflictRules.use(info?.id), step.arguments, below, above)
    let existed = (below: below.exists, above: above.exists)
    // A condition for each member may hold for some, which then are not to be kept.
    let kept =
      policy == .keepRestored && ConflictRules.isConditional(info?.id, step.arguments)
      ? above.copy() : nil
    let result = executeBelow(step, handler, lower, place)
    let belowNow = before.settledState(lower, place)

    if policy == .keepRestored {
      // What is dropped must not be executed above, and a fault changes nothing anyway.
      let creates = existed.above && !existed.below && belowNow.exists
      if usesOld != nil || creates {
        meet(usesOld ?? .recreated, step, touched)
        pinned.insert(slot)
        amend(step, .drop(places: []))
        return
      }
      if existed.above, !existed.below, ConflictRules.removes(info?.effect) {
        meet(.removedAgain, step, touched)
        pinned.insert(slot)
        amend(step, .drop(places: []))
        return
      }
    }
    let resultAbove = execute(step, handler, in: after, table, index)
    let aboveNow = after.settledState(table, index)
    if let (kind, fault) = judge(
      step.arguments, info?.id, usesOld: usesOld, result: result, resultAbove: resultAbove,
      existed: existed, belowNow, aboveNow)
    {
      meet(kind, step, touched, fault)
      switch policy {
      case .report: break
      case .keepRestored:
        if let kept { after.plant(kept, key, database) }
        pinned.insert(slot)
        amend(step, .drop(places: []))
        return
      case .keepLater:
        if kind == .removedAgain { break }
        if existed.below {
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

  private func executeBelow(
    _ step: Step, _ handler: KeyHandler, _ table: KeyTable, _ index: Int
  ) -> Execution {
    let result = execute(step, handler, in: before, table, index)
    if case .fault(let fault) = result {
      before.note(fault, step.position, step.command.index, step.command.database)
    }
    return result
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
        meet(.removedAgain, step, TouchedKey(key: key, database: database, place: place))
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

  // MARK: - What has to become of commands

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
