import AOF
import Bytes

/// What a walk through the commands of one file has seen.
public struct LogSurvey: Sendable {
  /// How many commands.
  public var commands = 0
  /// How many words of them named each known command, by `CommandID.rawValue`.
  private var known = [Int](repeating: 0, count: 256)
  /// How many of each name that no known server has, in upper case.
  public private(set) var unknown: [String: Int] = [:]
  /// Commands by database.
  public private(set) var databases: [(number: Int, commands: Int)] = []
  /// Time of the first and last `#TS:` annotation, in unix seconds.
  public var firstTime: Int64?
  /// See ``firstTime``.
  public var lastTime: Int64?
  /// How many annotations.
  public var annotations = 0
  /// How many transactions.
  public var transactions = 0
  /// How many lines its commands take, where names are not counted: not those of annotations, nor those
  /// inside of values.
  public var lines = 0
  /// Where the commands begin in the file, and how far they were read.
  public var bytes = 0..<0
  /// The end of the last whole command outside a transaction.
  public var goodBytes = 0
  /// Where the first MULTI or EXEC stands that is out of place: the bytes in front of it, and of
  /// the transaction around it, are good.
  var misplacedAt: Int?
  private var last = -1

  /// Names beyond so many different ones are counted together, so that garbage takes no memory.
  static let mostNames = 1000

  /// Nothing seen.
  public init() {}

  /// How many of each command, the most frequent first, then by name.
  public var names: [(name: String, count: Int)] {
    var all = unknown.map { (name: $0.key, count: $0.value) }
    for info in CommandTable.shared.all where known[Int(info.id.rawValue)] > 0 {
      all.append((name: "\(info.name)", count: known[Int(info.id.rawValue)]))
    }
    return all.sorted { $0.count != $1.count ? $0.count > $1.count : $0.name < $1.name }
  }

  mutating func add(_ other: LogSurvey) {
    commands += other.commands
    for id in 0..<256 { known[id] += other.known[id] }
    unknown.merge(other.unknown, uniquingKeysWith: +)
    for (number, count) in other.databases { add(count, to: number) }
    firstTime = firstTime ?? other.firstTime
    lastTime = other.lastTime ?? lastTime
    annotations += other.annotations
    transactions += other.transactions
    lines += other.lines
  }

  @inline(__always) mutating func count(_ command: AOFCommand, _ info: CommandInfo?) {
    if let info { known[Int(info.id.rawValue)] &+= 1 }
    if last >= 0 && databases[last].number == command.database {
      databases[last].commands &+= 1
    } else {
      add(1, to: command.database)
    }
  }

  private mutating func add(_ count: Int, to database: Int) {
    last = databases.firstIndex { $0.number == database } ?? databases.count
    if last == databases.count { databases.append((database, 0)) }
    databases[last].commands += count
  }

  mutating func countUnknown(_ name: ByteSlice) {
    let shown = String(KeyText.quoted(name, limit: 64).dropFirst().dropLast()).uppercased()
    if unknown.count < LogSurvey.mostNames || unknown[shown] != nil {
      unknown[shown, default: 0] += 1
    } else {
      unknown["…", default: 0] += 1
    }
  }
}
