internal import AOF
internal import Bytes

// The replay of the rest: commands of the verbatim part are noted and passed.

extension VerbatimPart {
  /// Takes a command outside of transactions into the verbatim part when it belongs there.
  ///
  /// - Returns: whether it is passed; if not, it is executed for the rest, too.
  func takes(
    _ a: Arguments, _ number: Int, _ command: AOFCommand, _ position: Int
  ) -> Bool {
    switch touches.role(number) {
    case .one:
      let key = touches.touched(a[1], command.database)
      guard keys.holds(key) else { return false }
      keys.note(key)
    // `SELECT`s are written anew.
    case .some(.keyless), .select, .verbatimScript: return false
    default:
      switch touches.read(a, number, command) {
      case .nothing, .verbatimScript: return false
      case .unknown:
        noteUnknown(command, a.name)
        keep(command, position, isKnown: false)
        return true
      case .scripts: break
      case .everything:
        keep(command, position, isKnown: true)
        return false
      case .keys:
        guard keptKeys() > 0 else { return false }
      case .deletion:
        let kept = keptKeys()
        guard kept > 0 else { return false }
        keep(command, position, isKnown: true)
        return kept == touches.keys.count
      }
    }
    keep(command, position, isKnown: true)
    return true
  }

  /// How many of the keys that the command read last touches are kept; notes them.
  private func keptKeys() -> Int {
    var kept = 0
    for index in 0..<touches.keys.count where keys.holds(touches.keys[index]) {
      keys.note(touches.keys[index])
      kept += 1
    }
    return kept
  }

  /// Whether the command, one of a transaction, makes it stay whole.
  func keepsTransaction(_ a: Arguments, _ number: Int, _ command: AOFCommand) -> Bool {
    switch touches.read(a, number, command) {
    case .nothing, .verbatimScript: return false
    case .unknown, .scripts, .everything: return true
    case .keys, .deletion:
      for index in 0..<touches.keys.count where keys.holds(touches.keys[index]) { return true }
      return false
    }
  }

  /// Takes a command of a transaction that stays whole.
  ///
  /// - Returns: whether it is passed; if not, it is executed for the rest, too.
  func takesPart(
    _ a: Arguments, _ number: Int, _ command: AOFCommand, _ position: Int
  ) -> Bool {
    if touches.role(number) == .select { return true }
    let touch = touches.read(a, number, command)
    if case .unknown = touch {
      noteUnknown(command, a.name)
      keep(command, position, isKnown: false)
      return true
    }
    if case .keys = touch { _ = keptKeys() }
    if case .deletion = touch { _ = keptKeys() }
    keep(command, position, isKnown: true)
    if case .everything = touch { return false }
    return true
  }
}

extension Keyspace {
  /// Takes the transaction that ends with `exec` into the verbatim part when it belongs there.
  ///
  /// - Returns: whether it does.
  func verbatimTakes(
    _ verbatim: VerbatimPart, _ exec: AOFCommand, _ bytes: ByteSlice, _ start: Int
  ) throws(ReplayError) -> Bool {
    var isKept = false
    for place in 0..<held.count where !isKept {
      let (part, number) = readHeld(place, exec, bytes)
      isKept = verbatim.keepsTransaction(heldWords.arguments, number, part)
    }
    guard isKept else { return false }
    verbatim.keep(verbatim.multi, start + verbatim.multi.offset, isKnown: true)
    for place in 0..<held.count {
      let (part, number) = readHeld(place, exec, bytes)
      if verbatim.touches.role(number) == .verbatimScript { throw ReplayError(.script, part) }
      let isTaken = verbatim.takesPart(
        heldWords.arguments, number, part, start + part.offset)
      if !isTaken { try dispatch(heldWords.arguments, number, part, bytes, start) }
    }
    verbatim.keep(exec, start + exec.offset, isKnown: true)
    return true
  }
}
