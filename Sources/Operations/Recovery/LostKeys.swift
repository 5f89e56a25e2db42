internal import AOF
public import Bytes
package import Keyspace
public import RDB

/// What became of a key by an accident.
public enum KeyFate: String, Sendable, CaseIterable {
  /// It is gone, and nothing has taken its place since.
  case gone
  /// It holds what the accident left, and nothing has touched it since.
  case changed
  /// The accident made it, and nothing has touched it since.
  case made
  /// Something has touched it since: what it holds is newer.
  case newer
  /// It is not there, and would have expired by now without the accident as well.
  case expired
}

/// A key that is not what it would be without the accident. Its name lives as long as this does.
public struct RecoverableKey {
  /// Its name.
  public let key: ByteSlice
  /// The number of its database.
  public let database: Int
  /// What became of it.
  public internal(set) var fate: KeyFate
  /// What it would hold: the last good state, with what was done to it since.
  package let good: KeyState
  /// What it holds at the end of the log.
  package let present: KeyState
  /// What names and states lie in.
  let owner: KeyOwner

  /// What the good value is; of a key that the accident made, what that is.
  public var type: LogicalType? { (good.value ?? present.value)?.type }
  /// How many elements that has.
  public var elements: Int { (good.value ?? present.value)?.elementCount ?? 0 }
  /// How many bytes they have.
  public var bytes: Int { (good.value ?? present.value)?.byteCount ?? 0 }
  /// When the good value expires, in unix ms.
  public var expiresAt: Int64? { good.expiresAt }
}

/// Holds the states in which names and values lie.
final class KeyOwner {
  let present: ReplayedLog
  let source: ReplayedLog
  init(_ present: ReplayedLog, _ source: ReplayedLog) {
    self.present = present
    self.source = source
  }
}

/// The keys that an accident destroyed or changed, each with its last good state and what it holds at
/// the end of the log.
///
/// Found by two replays, with and without the accident's commands: what differs is its doing. The good
/// state of a key so also has what later commands did to it; a key that was deleted on purpose
/// behind the accident is not among them. With another source (an older backup, a dump of a replica)
/// that is what the log is compared with, and keys that only the log holds are newer and left out.
public final class LostKeys {
  /// From where good states are taken, and which keys are asked for.
  public struct Options: Sendable {
    /// Which keys are to come back; sizes are those of the values' bytes.
    public var keys = KeySelection()
    /// The path of another source of good states; nil for the log itself.
    public var source: String?
    /// Keys and fields whose time lies before this moment (unix ms) have expired.
    public var now: Int64

    /// Everything, from the log itself.
    public init(now: Int64) { self.now = now }
  }

  /// The keys, by database.
  public private(set) var keys: [RecoverableKey] = []
  /// Sentences for the user.
  public private(set) var notes: [String]
  /// The log as it is. Owns what states and names lie in.
  package let present: ReplayedLog
  /// Where the good states come from.
  package let source: ReplayedLog
  private let owner: KeyOwner

  /// The state of `present` against that of `source`.
  private init(_ present: ReplayedLog, _ source: ReplayedLog) {
    self.present = present
    self.source = source
    owner = KeyOwner(present, source)
    notes = present.notes
  }

  /// Finds what `accident` destroyed.
  ///
  /// - Throws: ``ToolError``: a log that can't be replayed.
  public convenience init(
    _ accident: Accident, _ options: Options, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    var reading = ReplayedLog.Options()
    reading.now = options.now
    reading.lastIndex = accident.commandsInLog
    let path = accident.log.manifestPath ?? accident.log.parts.first?.path ?? accident.log.path
    let present = try ReplayedLog(path, reading, fileSystem: fileSystem)
    reading.omissions = accident.omissions
    let without = try ReplayedLog(path, reading, fileSystem: fileSystem)
    guard let other = options.source else {
      self.init(present, without)
      find(options, sameLog: true)
      try settle(accident, fileSystem)
      return
    }
    self.init(present, try LostKeys.open(other, options, fileSystem))
    // What the accident's commands destroyed, as far as the log tells, and what they name.
    var named: Set<LostName> = []
    present.keyspace.forEachDifference(
      from: without.keyspace, sameLog: true, StateHash.View(likelyServer)
    ) { key, database, _, _ in
      named.insert(LostName(database: database, key: key.bytes))
    }
    try LostKeys.addNames(of: accident, to: &named, fileSystem)
    find(options, sameLog: false) { named.contains(LostName(database: $1, key: $0.bytes)) }
    try settle(accident, fileSystem)
  }

  /// Finds what the other source named in `options` has, and the data at `path` has not: for an
  /// accident that the log no longer tells of.
  ///
  /// - Throws: ``ToolError``: data that can't be read.
  public convenience init(
    missingFrom path: String, _ options: Options, fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    var reading = ReplayedLog.Options()
    reading.now = options.now
    let present = try ReplayedLog(path, reading, fileSystem: fileSystem)
    self.init(present, try LostKeys.open(options.source ?? path, options, fileSystem))
    find(options, sameLog: false)
    for index in keys.indices where keys[index].fate == .changed { keys[index].fate = .newer }
  }

  private static func open(
    _ path: String, _ options: Options, _ fileSystem: any FileSystem
  ) throws(ToolError) -> ReplayedLog {
    var reading = ReplayedLog.Options()
    reading.now = options.now
    return try ReplayedLog(path, reading, fileSystem: fileSystem)
  }

  /// How many keys have this fate.
  public func count(_ fate: KeyFate) -> Int {
    keys.reduce(0) { $0 + ($1.fate == fate ? 1 : 0) }
  }

  // MARK: - Finding

  private func find(
    _ options: Options, sameLog: Bool, where isAsked: (ByteSlice, Int) -> Bool = { _, _ in true }
  ) {
    let selection = options.keys
    let view = StateHash.View(likelyServer)
    present.keyspace.forEachDifference(from: source.keyspace, sameLog: sameLog, view) {
      key, database, here, there in
      // What only the log holds is no loss when it is compared with something older.
      if !sameLog && !there.exists { return }
      guard selection.matches(database: database),
        !selection.looksAtNames || selection.matches(name: key), isAsked(key, database)
      else { return }
      let shown = there.exists ? there : here
      guard let value = shown.value,
        selection.matches(type: value.type, expiresAt: shown.expiresAt),
        selection.matches(size: value.byteCount)
      else { return }
      var good = there
      var fate = KeyFate.changed
      if !there.exists {
        fate = .made
      } else if !good.dropExpired(at: options.now) {
        // Had it not been for the accident, it would be gone by now as well.
        if here.exists { return }
        fate = .expired
        good = there
      } else if !here.exists {
        fate = .gone
      } else if here.isSame(as: good, view) {
        return
      }
      keys.append(
        RecoverableKey(
          key: key, database: database, fate: fate, good: good, present: here, owner: owner))
    }
  }

  /// Finds out which keys were touched behind the accident.
  private func settle(
    _ accident: Accident, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    try present.checkDamage()
    try source.checkDamage()
    var touches = LastTouches()
    var asked: [(key: Int, place: Int)] = []
    for index in keys.indices where keys[index].fate == .changed || keys[index].fate == .made {
      asked.append((index, touches.ask(keys[index].key, keys[index].database)))
    }
    try touches.read(accident, fileSystem)
    for (index, place) in asked where !touches.isAccident[place] { keys[index].fate = .newer }
  }

  private struct LostName: Hashable {
    var database: Int
    var key: [UInt8]
  }

  private static func addNames(
    of accident: Accident, to names: inout Set<LostName>, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    var reader = CommandReader(accident.log, fileSystem)
    let table = CommandTable.shared
    for removal in accident.commands {
      guard let id = removal.id else { continue }
      try reader.read(removal.command)
      let arguments = reader.table.arguments
      var places = KeyPlaces(table[id].keys, arguments)
      while let place = places.pop() {
        names.insert(
          LostName(database: removal.command.database, key: arguments[place].bytes))
      }
    }
  }
}
