// # The manifest of a multi-part AOF (Redis 7.0 and later)
//
//     manifest  = 1*line
//     line      = comment | entry
//     comment   = "#" any "\n"                   "#" is the first byte of the line
//     entry     = pair *(blanks pair) "\n"       at least 3 pairs
//     pair      = key blanks value
//     key       = "file" | "seq" | "type" | "startoffset" | "endoffset" | any other word
//
// Keys are case-insensitive and come in any order; of a key given twice the last wins. Words are
// split as in redis.conf: `"..."` with the escapes \n \r \t \b \a \xHH, any other \c meaning c, and
// `'...'` with \' only; a closing quote is followed by a blank or the end. A line has at most 1024
// bytes with its newline. An empty line, a last entry without newline, an empty file are errors; a
// last comment needs no newline. The file is a base name, without `/` and `\`. The sequence is decimal and not 0. Of the type the first letter counts:
// b (base, at most one), i (increment, strictly rising in file order), h (history, never read).
// startoffset and endoffset are replication offsets, written by Redis 8.0 and later.
//
// A server writes an entry as `file NAME seq N type T[ startoffset N[ endoffset N]]`.

/// The list of the files of a multi-part AOF.
public struct Manifest: Sendable, Equatable {
  /// What a file is for.
  public enum Kind: UInt8, Sendable {
    /// The snapshot of the last rewrite: `b`.
    case base = 0x62
    /// What a rewrite replaced; never read, and need not exist: `h`.
    case history = 0x68
    /// The commands since the base: `i`.
    case increment = 0x69
  }

  /// A pair whose key no known server gives a meaning.
  public struct Pair: Sendable, Equatable {
    /// As it stands in the file.
    public var key: [UInt8]
    /// Without quotes and escapes.
    public var value: [UInt8]

    /// A pair of these words.
    public init(key: [UInt8], value: [UInt8]) {
      self.key = key
      self.value = value
    }
  }

  /// One file.
  public struct Entry: Sendable, Equatable {
    /// The base name of the file.
    public var name: String
    /// The number of the file among those of its kind, from 1.
    public var sequence: Int64
    /// What the file is for.
    public var kind: Kind
    /// The replication offset at the start of the file (Redis 8.0 and later).
    public var startOffset: Int64?
    /// The replication offset at its end, written at a clean shutdown.
    public var endOffset: Int64?
    /// Pairs with unknown keys, in their order.
    public var unknown: [Pair] = []
    /// The comment lines right before this entry, without newlines.
    public var comments: [[UInt8]] = []

    /// An entry as a server writes it.
    public init(name: String, sequence: Int64, kind: Kind) {
      self.name = name
      self.sequence = sequence
      self.kind = kind
    }
  }

  /// The files in the order of the manifest.
  public var entries: [Entry] = []
  /// Comment lines behind the last entry, without newlines.
  public var closingComments: [[UInt8]] = []

  /// A manifest of `entries`.
  public init(_ entries: [Entry] = []) { self.entries = entries }

  /// The base, if there is one.
  public var base: Entry? { entries.first { $0.kind == .base } }

  /// The increments in their order.
  public var increments: [Entry] { entries.filter { $0.kind == .increment } }

  /// What a server loads, in that order: the base, then the increments.
  public var loaded: [Entry] { (base.map { [$0] } ?? []) + increments }
}

/// Why a manifest can't be read. Servers refuse such files as well.
public struct ManifestError: Error, Sendable, Equatable {
  /// What is wrong.
  public enum Kind: Sendable, Equatable {
    /// Nothing in it.
    case empty
    /// A line without any byte.
    case emptyLine
    /// The last line has no newline: the file was cut.
    case noNewline
    /// More than 1024 bytes with the newline.
    case lineTooLong
    /// An open quote, or text right behind a closing one.
    case quotes
    /// An odd number of words, or fewer than three pairs.
    case pairs
    /// No `file`, `seq` or `type`, or one that is empty.
    case missingKey
    /// A file name with `/` or `\`, or one that is no UTF-8 text (which this tool can't open).
    case fileName
    /// No number, or 0, behind `seq`.
    case sequence
    /// A type other than b, h, i.
    case type
    /// No number behind `startoffset` or `endoffset`.
    case replicationOffset
    /// A second base.
    case secondBase
    /// An increment whose sequence is not above that of the one before it.
    case sequenceOrder
  }

  /// What is wrong.
  public var kind: Kind
  /// The line, from 1.
  public var line: Int
  /// Where the line begins in the file.
  public var offset: Int
}
