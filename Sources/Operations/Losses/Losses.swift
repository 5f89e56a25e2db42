public import AOF
public import Bytes
import Keyspace

/// Which commands of a log destroyed data, worst first.
///
/// The log is replayed, and each command tells what its keys were before and after it
/// (`LossRecorder`). Data of a dump at the head of the log counts as being there.
public struct Losses {
  /// How.
  public struct Options: Sendable {
    /// How many are wanted.
    public var top = 20
    /// Whether transactions and bursts count as one.
    public var joins = true

    /// Twenty.
    public init() {}
  }

  /// The log.
  public let log: AppendOnlyLog
  /// The worst, at most as many as were asked for.
  public private(set) var losses: [Loss] = []
  /// How many there are.
  public private(set) var found = 0
  /// How many commands destroyed something, beside those sent because a time had passed.
  public private(set) var commands = 0
  /// Keys they destroyed.
  public private(set) var keysLost = 0
  /// Elements.
  public private(set) var elementsLost = 0
  /// Bytes.
  public private(set) var bytesLost = 0
  /// How many keys were removed because their time had passed.
  public private(set) var expiredKeys = 0
  /// How many commands the log holds, as far as it was read.
  public private(set) var commandsRead = 0
  /// Why reading stopped before the end; what was found before counts.
  public private(set) var stop: ToolError?
  /// Owns the bytes of the keys.
  private let keyspace: Keyspace

  /// Replays `log`.
  ///
  /// - Throws: ``ToolError``: wrong use, or a log that can't be read at all.
  public init(
    _ log: AppendOnlyLog, _ selection: LogSelection, _ options: Options = Options(),
    fileSystem: any FileSystem = .system
  ) throws(ToolError) {
    self.log = log
    try LogEntries.check(log, selection)
    var first = 0
    if let last = selection.commands.last {
      first = try LogEntries.first(ofLast: last, log, selection, fileSystem)
    }
    let now = Moment.now.milliseconds
    // In nanoseconds; a time up to a second later may still have passed then.
    let newest = log.parts.compactMap { $0.status?.modified }.max().map { $0 / 1_000_000 + 999 }
    let recorder = LossRecorder(
      selection, log, from: first, newest: min(newest ?? now, now),
      LossGroups(keeping: options.top, joins: options.joins))
    keyspace = Keyspace(now: now)
    keyspace.observer = recorder
    do throws(ToolError) { try LogReplay.read(log, into: keyspace, fileSystem) } catch {
      guard error.status == .badData, keyspace.commandCount > 0 else { throw error }
      stop = error
    }
    recorder.finish()
    keyspace.observer = nil
    if let damage = keyspace.damage, stop == nil {
      stop = ToolError(
        .rdb(damage.error), file: log.parts.first?.path, database: damage.database, key: damage.key)
    }
    losses = Array(recorder.groups.worst.prefix(options.top))
    found = recorder.groups.found
    commands = recorder.groups.total.commands
    keysLost = recorder.groups.total.keys
    elementsLost = recorder.groups.total.elements
    bytesLost = recorder.groups.total.bytes
    expiredKeys = recorder.groups.expiredKeys
    commandsRead = keyspace.commandCount
    try findExpirySetters(fileSystem)
  }

  /// Finds, for keys whose time had passed, the commands that had set the time: without those a key
  /// that is brought back goes again at once.
  private mutating func findExpirySetters(_ fileSystem: any FileSystem) throws(ToolError) {
    struct Wanted: Hashable {
      var key: [UInt8]
      var database: Int
    }
    var wanted: [Wanted: [(loss: Int, index: Int)]] = [:]
    var last = 0
    for (number, loss) in losses.enumerated()
    where loss.cause == .expiry && loss.samples.count == loss.commands {
      for sample in loss.samples {
        let key = Wanted(key: sample.key.bytes, database: sample.database)
        wanted[key, default: []].append((number, sample.index))
        last = max(last, sample.index)
      }
    }
    guard !wanted.isEmpty else { return }
    var setters: [Wanted: [Int]] = [:]
    var walker = LogWalker(log, fileSystem: fileSystem)
    let table = CommandTable.shared
    do throws(LogError) {
      while try walker.next() {
        let command = walker.reader.command
        if command.index >= last { break }
        let arguments = walker.reader.arguments
        guard arguments.count > 2, table.find(command.word, arguments)?.effect == .expire else {
          continue
        }
        let key = Wanted(key: arguments[1].bytes, database: command.database)
        if wanted[key] != nil { setters[key, default: []].append(command.index) }
      }
    } catch {
      // What was found in front of the damage counts.
    }
    for (key, places) in wanted {
      for place in places {
        guard let setter = setters[key]?.last(where: { $0 < place.index }) else { continue }
        losses[place.loss].expirySetters.append(setter)
      }
    }
    for number in losses.indices { losses[number].expirySetters.sort() }
  }

  /// The command line that undoes `loss`: `redis-backup undo PATH --index … -o OUT`.
  ///
  /// - Parameters:
  ///   - loss: one of ``losses``.
  ///   - path: as the user gave it.
  ///   - keys: the options that chose keys, such as `--key 'user:*'`; empty when there were none.
  public func undoLine(of loss: Loss, path: String, keys: String = "") -> String {
    var name = path
    while name.count > 1, name.hasSuffix("/") { name.removeLast() }
    var line = "redis-backup undo \(KeyText.shellWord(path))"
    var ranges = loss.ranges
    for setter in loss.expirySetters { ranges.append(setter...setter) }
    ranges.sort { $0.lowerBound < $1.lowerBound }
    let text = ranges.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }.joined(separator: ",")
    if loss.hasAllRanges {
      line += " --index \(text)"
    } else {
      // Too many numbers for a line: the commands of these names between the first and the last.
      let names = loss.names.map(\.plainText).joined(separator: ",")
      line +=
        " --index \(loss.command.index)-\(loss.lastIndex) --command \(KeyText.shellWord(names))"
    }
    if !keys.isEmpty, !loss.isWide { line += " \(keys)" }
    return line + " -o \(KeyText.shellWord(name + ".undone"))"
  }
}
