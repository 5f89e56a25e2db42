internal import AOF
package import Bytes

/// Finds the commands of a log that are not known, and all keys that are kept because of them.
///
/// Reads the log once when it holds none, else once up to the first and then once or twice as a whole:
/// a second time when databases were exchanged, or keys are named by patterns, which has to be known
/// from the start.
package struct UnknownSearch: ~Copyable {
  private let parts: [ByteSlice]
  private let backing: PageBacking
  private let registry = CommandRegistry.shared
  private let touches = TouchReader()
  private var joins: KeyJoins
  private var unknownCount = 0
  /// The keys of the transaction that is open.
  private var pending = PODArray<NamedKey>()
  private var pendingPatterns: [KeyPattern] = []
  private var pendingUnknown = 0
  private var pendingIsKept = false

  private init(_ parts: [ByteSlice], in backing: PageBacking) {
    self.parts = parts
    self.backing = backing
    joins = KeyJoins(in: backing)
  }

  /// Looks for commands that are not known in the files of a log, each as all its bytes, which stay
  /// valid.
  ///
  /// Ends at damage, of which the replay tells. Commands of a transaction without EXEC count for
  /// nothing.
  ///
  /// - Returns: what is to be kept; nil when every command is known.
  package static func run(
    _ parts: [ByteSlice], in backing: PageBacking
  ) -> VerbatimPart? {
    var search = UnknownSearch(parts, in: backing)
    guard search.holdsUnknown() else { return nil }
    search.scan()
    guard search.unknownCount > 0 else { return nil }
    if search.touches.hasJoined || search.joins.hasPatterns {
      search.joins.beginAgain(search.touches)
      search.scan()
    }
    return VerbatimPart(search.joins.kept(), search.touches, in: backing)
  }

  /// Whether there is a command whose effect can't be told, executed or not.
  private func holdsUnknown() -> Bool {
    for (file, part) in parts.enumerated() {
      guard var reader = UnknownSearch.reader(part, file) else { return false }
      while true {
        guard let goesOn = try? reader.next() else { return false }
        if !goesOn { break }
        guard let number = registry.find(reader.command.word, reader.arguments.name) else {
          return true
        }
        if touches.isUnknown(number) { return true }
      }
    }
    return false
  }

  /// Reads the commands of a file, behind its dump; nil when that is damaged.
  private static func reader(_ part: ByteSlice, _ file: Int) -> AOFReader? {
    var cursor = ByteCursor(part)
    if Preamble.begins(at: &cursor) {
      var summary: Preamble.Summary?
      guard let rest = try? Preamble.skip(cursor, summary: &summary) else { return nil }
      return AOFReader(rest, file: file)
    }
    return AOFReader(cursor, file: file)
  }

  private mutating func scan() {
    unknownCount = 0
    for (file, part) in parts.enumerated() {
      guard var reader = UnknownSearch.reader(part, file) else { return }
      forgetTransaction()
      while true {
        guard let goesOn = try? reader.next() else { return }
        if !goesOn { break }
        guard take(reader.arguments, reader.command) else { return }
      }
    }
  }

  /// Joins the keys of a command; false when the replay will refuse it.
  private mutating func take(_ a: Arguments, _ command: AOFCommand) -> Bool {
    let number = registry.find(command.word, a.name) ?? -1
    if number >= 0 {
      guard registry.entries[number].accepts(a.count) else { return false }
      if command.transaction == 0 {
        // Most commands have one key, and join nothing.
        let role = touches.role(number)
        if role == .one || role == .keyless { return true }
      }
    }
    if command.transaction != 0 {
      if command.word.isMulti {
        if command.position == 0 { forgetTransaction() }
        return true
      }
      if command.word.isExec {
        unknownCount += pendingUnknown
        let first: Int? = pendingIsKept ? KeyGroups.unknown : nil
        joins.join(pending, pendingPatterns, with: first)
        forgetTransaction()
        return true
      }
    }
    let touch = touches.read(a, number, command)
    if command.transaction != 0 {
      hold(touch)
      return true
    }
    switch touch {
    case .nothing, .verbatimScript, .everything, .scripts, .deletion: break
    case .keys: joins.join(touches.keys, touches.patterns, with: nil)
    case .unknown:
      unknownCount += 1
      joins.join(touches.keys, touches.patterns, with: KeyGroups.unknown)
    }
    return true
  }

  /// Keeps what a command of a transaction touches until its EXEC.
  private mutating func hold(_ touch: Touch) {
    switch touch {
    case .nothing, .verbatimScript: return
    // They are kept, and the transaction with them.
    case .everything, .scripts: pendingIsKept = true
    case .keys, .deletion, .unknown:
      if case .unknown = touch {
        pendingIsKept = true
        pendingUnknown += 1
      }
      for index in 0..<touches.keys.count { pending.append(touches.keys[index]) }
      pendingPatterns += touches.patterns
    }
  }

  private mutating func forgetTransaction() {
    pending.truncate(to: 0)
    pendingPatterns.removeAll(keepingCapacity: true)
    pendingUnknown = 0
    pendingIsKept = false
  }
}
