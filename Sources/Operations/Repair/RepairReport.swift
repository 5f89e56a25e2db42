/// What a repair saved, lost, and could not decide.
public struct RepairReport: Sendable {
  /// A range of a file that is not in the result.
  public struct Lost: Sendable {
    /// The file, by its path.
    public var file: String
    /// The first byte.
    public var offset: Int
    /// How many bytes.
    public var length: Int
    /// Why.
    public var reason: String
    /// The database, where it is known.
    public var database: Int?
    /// Keys known to have been in the range, or changed by commands in it; not all of them, as a
    /// rule.
    public var keys: [[UInt8]] = []
    /// Names of commands known to have been in the range.
    public var commands: [String] = []
    /// How many keys or commands were left out whole, though they could be read; 0 for bytes that
    /// mean nothing any more.
    public var readable = 0
  }

  /// Bytes that were kept, though nothing proves that they are as they were written: a changed byte
  /// inside a text leaves everything around it right, and so does a cut that happens to fit.
  public struct Doubtful: Sendable {
    /// The file.
    public var file: String
    /// The first byte.
    public var offset: Int
    /// How many bytes; the lost ones among them are not meant.
    public var length: Int
    /// Why nothing proves them.
    public var reason: String
  }

  /// A key that was kept and is worth a look: its texts are unlike those of the other keys. It is
  /// a hint, not a proof.
  public struct Suspect: Sendable {
    /// The file.
    public var file: String
    /// Where its record begins.
    public var offset: Int
    /// Bytes of its record.
    public var length: Int
    /// Its database.
    public var database: Int
    /// Its name, up to 4096 bytes of it.
    public var key: [UInt8]
    /// What is strange.
    public var reason: String
  }

  /// Bytes that were put right.
  public struct Correction: Sendable {
    /// The file.
    public var file: String
    /// The first byte.
    public var offset: Int
    /// What stood there.
    public var was: [UInt8]
    /// What stands there in the result.
    public var now: [UInt8]
    /// How that is known.
    public var reason: String
  }

  /// What was asked about.
  public var path: String
  /// Keys of dumps that are in the result.
  public internal(set) var keptKeys = 0
  /// Commands of logs that are in the result.
  public internal(set) var keptCommands = 0
  /// The first ``mostLost`` ranges that are not in the result, file by file in their order.
  public internal(set) var lost: [Lost] = []
  /// How many there are.
  public internal(set) var lostCount = 0
  /// All bytes of them.
  public internal(set) var lostBytes = 0
  /// What was kept without a proof: everything that no checksum stands for, or a wrong one. Of
  /// undamaged logs too, which have none.
  public internal(set) var doubtful: [Doubtful] = []
  /// Keys of damaged dumps that are worth a look, up to 1000 of each file. Others may have changed
  /// too: everything in ``doubtful`` may.
  public internal(set) var suspectKeys: [Suspect] = []
  /// What was put right.
  public internal(set) var corrected: [Correction] = []
  /// What could not be decided, in sentences.
  public internal(set) var undecided: [String] = []
  /// Other sentences for the user.
  public internal(set) var notes: [String] = []
  /// Bytes that were read.
  public internal(set) var bytesBefore = 0
  /// Bytes of the result; 0 when none was made.
  public internal(set) var bytesAfter = 0
  /// What was made; nil when nothing was.
  public internal(set) var written: String?

  /// So many ranges are told one by one.
  public static let mostLost = 10_000

  /// Keys and commands in the result.
  public var kept: Int { keptKeys + keptCommands }
  /// Whether anything was wrong.
  public var isDamaged: Bool { lostCount > 0 || !corrected.isEmpty || !undecided.isEmpty }

  init(path: String) { self.path = path }

  mutating func lose(_ range: Lost) {
    lostCount += 1
    lostBytes += range.length
    if lost.count < RepairReport.mostLost { lost.append(range) }
  }

  mutating func doubt(_ sentence: String) {
    if undecided.count < 1000 { undecided.append(sentence) }
  }

  /// Brings the ranges of the files in `order` into their order.
  mutating func sort(_ order: [String]) {
    var rank: [String: Int] = [:]
    for (index, file) in order.enumerated() { rank[file] = index }
    lost.sort {
      let (a, b) = (rank[$0.file] ?? Int.max, rank[$1.file] ?? Int.max)
      return a != b ? a < b : $0.offset < $1.offset
    }
  }
}
