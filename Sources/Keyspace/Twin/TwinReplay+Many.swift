internal import AOF
internal import Bytes

// Commands on several keys or on databases, when one of the keys may differ.

extension TwinReplay {
  /// Executes a command in both states; false when it touches nothing that may differ.
  func executeOnMany(_ step: Step) -> Bool {
    let info = commands.find(step.command.word, step.arguments)
    if step.isFunction {
      if functionsDiffer { _ = executeAbove(step) }
      return false
    }
    guard let info, info.keys != .none else {
      executeOnDatabases(step, info)
      return true
    }
    findKeys(step, info)
    var mayDiffer = ConflictRules.readsOtherKeys(info.id, step.arguments)
    for touch in touched where after.own(touch.key, touch.database) != nil {
      mayDiffer = true
      break
    }
    guard mayDiffer else { return false }
    before.flushQueue()
    if touched.contains(where: isPinned) {
      leavePinned(step, info)
    } else {
      compare(step, info)
    }
    return true
  }

  /// Puts the keys of the command into ``touched``.
  private func findKeys(_ step: Step, _ info: CommandInfo) {
    let arguments = step.arguments
    let database = step.command.database
    touched.removeAll(keepingCapacity: true)
    var places = KeyPlaces(info.keys, arguments)
    while let place = places.pop() {
      touched.append(TouchedKey(key: arguments[place], database: database, place: place))
    }
    // The same name, or another one, in another database.
    if info.id == .move, arguments.count > 2, let other = DecimalText.unsigned(arguments[2]) {
      touched.append(TouchedKey(key: arguments[1], database: Int(clamping: other), place: 0))
    } else if info.id == .copy {
      var index = 3
      while index + 1 < arguments.count {
        if arguments.isOption(index, "DB"), let other = DecimalText.unsigned(arguments[index + 1]) {
          touched.append(TouchedKey(key: arguments[2], database: Int(clamping: other), place: 0))
        }
        index += 1
      }
    }
  }

  private func slot(_ touch: TouchedKey) -> Slot? {
    guard let index = after.own(touch.key, touch.database),
      let table = after.tables[touch.database]
    else { return nil }
    return Slot(table: ObjectIdentifier(table), index: index)
  }

  private func isPinned(_ touch: TouchedKey) -> Bool {
    slot(touch).map { pinned.contains($0) } ?? false
  }

  /// A command on a key that stays as it was restored: it goes, or loses that key.
  private func leavePinned(_ step: Step, _ info: CommandInfo) {
    let places = touched.filter(isPinned).map(\.place)
    if ConflictRules.losesKeys(info.id), places.count < touched.count {
      let isExecuted = executeRest(step, without: places)
      executeBelow(step, keeping: isExecuted)
      amend(step, .drop(places: places))
    } else {
      executeBelow(step, keeping: true)
      amend(step, .drop(places: []))
    }
  }

  private func compare(_ step: Step, _ info: CommandInfo) {
    let keepsStates = policy != .report
    var aboveThen: [KeyState] = []
    var belowThen: [KeyState] = []
    var existed: [(above: Bool, below: Bool)] = []
    for touch in touched {
      let above = after.state(of: touch.key, in: touch.database)
      let below = before.state(of: touch.key, in: touch.database)
      existed.append((above.exists, below.exists))
      // What moved up with its table may have turned out to be nothing.
      if !above.exists, !below.exists { after.follow(touch.key, touch.database) }
      if keepsStates {
        aboveThen.append(above.copy())
        belowThen.append(below.copy())
      }
    }
    // Above first: what it does not hold it reads below, where nothing has changed yet.
    let resultAbove = executeAbove(step)
    // What only this one changes stays above as it was.
    let result = executeBelow(step, keeping: true)

    var kinds = [TwinConflict.Kind?](repeating: nil, count: touched.count)
    var fault: CommandFault?
    if case .fault(let problem) = resultAbove, result != resultAbove {
      fault = problem
      kinds[firstDiffering(existed)] = problem == .wrongType ? .wrongType : .fails
    } else if result == .done(.changed), resultAbove == .done(.unchanged),
      !ConflictRules.isIdempotent(info.id, step.arguments)
    {
      kinds[firstDiffering(existed)] = .refused
    } else {
      for (number, touch) in touched.enumerated()
      where existed[number].above && !existed[number].below {
        if before.exists(touch.key, in: touch.database) {
          kinds[number] = .recreated
        } else if !after.exists(touch.key, in: touch.database), info.effect != .rename {
          kinds[number] = .removedAgain
        }
      }
    }
    var isConflict = false
    for (number, kind) in kinds.enumerated() {
      guard let kind else { continue }
      isConflict = true
      let touch = touched[number]
      meet(kind, step, touch, fault)
    }
    if isConflict {
      switch policy {
      case .report: break
      case .keepRestored: restore(step, info, kinds, aboveThen)
      case .keepLater: followBelow(step, belowThen)
      }
    }
    for touch in touched {
      guard after.own(touch.key, touch.database) != nil else { continue }
      let above = after.state(of: touch.key, in: touch.database)
      let below = before.state(of: touch.key, in: touch.database)
      switch (above.value, below.value) {
      case (nil, nil): after.follow(touch.key, touch.database)
      case (.string, .string) where above.isSame(as: below):
        after.follow(touch.key, touch.database)
      default: break
      }
    }
  }

  /// The key that a conflict of the whole command is told of.
  private func firstDiffering(_ existed: [(above: Bool, below: Bool)]) -> Int {
    existed.firstIndex { $0.above && !$0.below }
      ?? touched.firstIndex { after.own($0.key, $0.database) != nil } ?? 0
  }

  /// Takes a command, or its keys in conflict, out of the layer again.
  private func restore(
    _ step: Step, _ info: CommandInfo, _ kinds: [TwinConflict.Kind?], _ states: [KeyState]
  ) {
    let places = touched.indices.filter { kinds[$0] != nil }
    let isPart =
      ConflictRules.losesKeys(info.id) && places.count < touched.count
      && !places.contains { kinds[$0] == .refused || kinds[$0] == .fails }
    let taken = isPart ? places : Array(touched.indices)
    // The last state of a key that is named twice is that of the first time.
    for number in taken.reversed() {
      after.plant(states[number], touched[number].key, touched[number].database)
    }
    for number in places {
      if let slot = slot(touched[number]) { pinned.insert(slot) }
    }
    amend(step, .drop(places: isPart ? taken.map { touched[$0].place } : []))
  }

  /// Gives the keys of a command what they hold below, in front of it.
  private func followBelow(_ step: Step, _ states: [KeyState]) {
    var bytes: [UInt8] = []
    var done: [TouchedKey] = []
    for (number, touch) in touched.enumerated() where after.own(touch.key, touch.database) != nil {
      if done.contains(where: { $0.key == touch.key && $0.database == touch.database }) { continue }
      done.append(touch)
      guard
        let commands = commandsMaking(
          touch.key, touch.database, from: states[number], in: step.command.database)
      else {
        unsolved += 1
        return
      }
      bytes += commands
    }
    for touch in done { after.follow(touch.key, touch.database) }
    amend(step, .insert(bytes))
  }

  /// Commands on databases and slots: never dropped.
  private func executeOnDatabases(_ step: Step, _ info: CommandInfo?) {
    before.flushQueue()
    for database in after.tables.keys { settleAll(in: database) }
    retired += after.tables.values
    if info?.effect == .flush { noteRemoval(step) }
    _ = executeAbove(step)
    executeBelow(step)
  }

  /// Notes when keys that are back are removed by a command on databases, as one conflict.
  private func noteRemoval(_ step: Step) {
    let isAll = !step.arguments.name.equalsIgnoringCase("FLUSHDB")
    var first: TouchedKey?
    var count = 0
    for database in after.tables.keys.sorted() where isAll || database == step.command.database {
      guard let table = after.tables[database] else { continue }
      for index in 0..<table.count where table[index].base.kind != .elsewhere {
        let key = table[index].key
        guard !table[index].isVacant, !before.exists(key, in: database),
          after.settledState(table, index).exists
        else { continue }
        count += 1
        if first == nil { first = TouchedKey(key: key, database: database, place: 0) }
      }
    }
    guard let first else { return }
    setKeys(count, of: meetElsewhere(.removedAgain, step, first))
  }
}
