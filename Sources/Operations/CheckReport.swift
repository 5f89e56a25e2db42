public import RDB

/// One thing that a check found.
public struct Finding: Sendable {
  /// How bad it is.
  public enum Severity: Int, Sendable, Comparable {
    /// Legal, but no server writes it, or some refuse it.
    case unusual
    /// One key, command or part is damaged; the rest can be read.
    case damaged
    /// What follows can't be read, or a server refuses all of it.
    case fatal

    /// Whether `a` is less bad than `b`.
    public static func < (a: Severity, b: Severity) -> Bool { a.rawValue < b.rawValue }
  }

  /// How bad it is.
  public var severity: Severity
  /// What, and where: file, offset, command, database and key as far as they are known.
  public var error: ToolError

  /// A finding.
  public init(_ severity: Severity, _ error: ToolError) {
    self.severity = severity
    self.error = error
  }

  /// A sentence about something unusual.
  public static func unusual(
    _ sentence: String, file: String, offset: Int? = nil, command: Int? = nil,
    database: Int? = nil, key: [UInt8]? = nil
  ) -> Finding {
    Finding(
      .unusual,
      ToolError(
        .refused(.no, sentence), file: file, offset: offset, command: command,
        database: database, key: key))
  }
}

/// What a check of a dump or of a log found.
public struct CheckReport: Sendable {
  /// The findings, in the order in which they were met, but not more than ``mostFindings``.
  public private(set) var findings: [Finding] = []
  /// How many more there were.
  public private(set) var omitted = 0
  /// How many of all findings are damage.
  public private(set) var damages = 0
  /// How many bytes from the start on are good: all before the first damaged record.
  public private(set) var goodBytes: Int?
  /// How many bytes were read.
  public var bytes = 0
  /// How many keys dumps hold, and of them how many expire.
  public var keys = 0
  /// Keys that expire.
  public var expires = 0
  /// How many commands logs hold.
  public var commands = 0
  /// What the checksum of a dump said.
  public var checksum: RDBChecksum?

  /// More findings than this are only counted.
  public static let mostFindings = 1000

  /// Nothing found yet.
  public init() {}

  /// Whether no damage was found; what is unusual does not count.
  public var ok: Bool { damages == 0 }

  /// Adds a finding. `recordOffset` is where the record begins that it belongs to.
  public mutating func add(_ finding: Finding, recordOffset: Int? = nil) {
    if finding.severity > .unusual {
      if damages == 0 { goodBytes = recordOffset ?? finding.error.offset }
      damages += 1
    }
    if findings.count < CheckReport.mostFindings {
      findings.append(finding)
    } else {
      omitted += 1
    }
  }

  /// To be called at the end: all was good if nothing was bad.
  public mutating func finish(bytes: Int) {
    self.bytes = bytes
    if damages == 0 { goodBytes = bytes }
  }
}
