public import Bytes
public import RDB
internal import AOF

/// Makes a file of another format or for another server from the data of a file.
///
/// Values of dumps are copied as they are where the target knows them; everything else is written
/// anew, element by element. What the target can't hold is told key by key; without
/// ``Options/lossy`` nothing is made then.
public enum Convert {
  /// What is made.
  public enum Form: String, Sendable, CaseIterable {
    /// A dump.
    case rdb
    /// One file of commands.
    case aof
    /// A directory with manifest, base (a dump) and an empty increment, as Redis 7.0 and later
    /// keep it: a server with `appendonly yes` starts from it.
    case multiPart = "multi-part"
    /// Commands for `redis-cli --pipe`.
    case resp
  }

  /// How.
  public struct Options: Sendable {
    /// What is made.
    public var form = Form.rdb
    /// The server that is to load it; nil for the one that wrote the input.
    public var target: RDBTarget?
    /// Leave out what the target can't hold.
    public var lossy = false
    /// In commands, write values as `RESTORE` of a payload.
    public var restoresPayloads = false
    /// Which keys. Functions and data of modules without a key are left out unless it is every
    /// key.
    public var selection = KeySelection()
    /// Keys and fields whose time lies before this moment (ms since 1970) are left out.
    public var expiredBefore: Int64?
    /// Replace the output when it is there; never a directory.
    public var replacing = false

    /// Before the output gets its name, read it back and compare it with the input key by key. Not
    /// for pipes. A log is replayed for that, in memory.
    public var verifies = false
    /// What relative times in a log refer to, in ms since 1970: as for the input.
    public var now = Moment.now.milliseconds

    /// Everything, as a dump.
    public init() {}

    /// Whether all that the input holds is wanted.
    var isWhole: Bool { selection.isEverything && expiredBefore == nil }
  }

  /// Something that the target can't hold.
  public struct Loss: Sendable {
    /// The database; nil for what belongs to no key.
    public var database: Int?
    /// The key.
    public var key: [UInt8]?
    /// What of it is lost, in words.
    public var what: String
    /// The same, of a key.
    public var loss = RDBLoss()
    /// Whether it is data of a module that belongs to no key.
    public var isModuleData = false
  }

  /// What was done.
  public struct Report: Sendable {
    /// How many keys were written.
    public var keys = 0
    /// What the target can't hold; the first ``mostLosses``.
    public var lost: [Loss] = []
    /// How many there are in all.
    public var lostCount = 0
    /// How many pending entries no command brings back, since no message can have their ids.
    public var unclaimed = 0
    /// Bytes of the output; of a directory those of its base.
    public var bytes = 0
    /// For whom it was written.
    public var target: RDBTarget
    /// Whether nothing was made, because something would be lost.
    public var isRefused = false
    /// Sentences for the user.
    public var notes: [String] = []

    /// So many losses are told one by one.
    public static let mostLosses = 10_000

    mutating func lose(
      _ what: String, _ loss: RDBLoss = [], database: Int? = nil, key: ByteSlice? = nil,
      isModuleData: Bool = false
    ) {
      lostCount += 1
      guard lost.count < Report.mostLosses else { return }
      lost.append(
        Loss(
          database: database, key: key?.bytes, what: what, loss: loss,
          isModuleData: isModuleData))
    }
  }

  /// Converts `input` into the file or directory `output`; `-` is `standardOutput`.
  ///
  /// - Throws: ``ToolError``; nothing of the name `output` was made or changed then.
  public static func run(
    _ input: consuming DataInput, to output: String, _ options: Options = Options(),
    standardOutput: (any OutputTarget)? = nil, fileSystem: any FileSystem = .system
  ) throws(ToolError) -> Report {
    try checkTarget(options)
    let path = input.facts.path
    var source = try ConvertSource(input, isMultiPart: options.form == .multiPart)
    return try make(
      &source, output, options, standardOutput, fileSystem, proof: options.verifies ? path : nil)
  }

  static func checkTarget(_ options: Options) throws(ToolError) {
    if options.form == .multiPart, let target = options.target,
      target.family == .redis && (target.major, target.minor) < (7, 0)
    {
      throw .usage(
        "\(target) does not know logs of several files",
        remedy: "Try: --to aof, or --target redis:7.0")
    }
  }

  /// Makes `output` of what `source` holds; it is compared with what is at `proof`.
  static func make(
    _ source: inout ConvertSource, _ output: String, _ options: Options,
    _ standardOutput: (any OutputTarget)?, _ fileSystem: any FileSystem, proof: String? = nil
  ) throws(ToolError) -> Report {
    var report = Report(target: options.target ?? source.own)
    report.notes = source.notes
    if options.target == nil && source.mayBeOfEither {
      report.notes.append(
        "the log does not tell whether a Redis or a Valkey wrote it; this is for \(report.target). Try: --target valkey:9.0 for Valkey"
      )
    }
    if options.form == .multiPart {
      try makeDirectory(&source, output, options, &report, fileSystem, proof)
    } else if output == "-", let standardOutput {
      var buffer = OutputBuffer(standardOutput)
      try fill(&buffer, &source, options, &report, stops: true)
      try ToolError.wrap("standard output", .output) { () throws(SystemError) in
        try buffer.flush()
      }
    } else {
      var file = try ToolError.wrap(output, .output) { () throws(SystemError) in
        try AtomicOutput(output, replacing: options.replacing, fileSystem: fileSystem)
      }
      try fill(&file.buffer, &source, options, &report)
      if !report.isRefused {
        try prove(&file, output, proof, options, &report, fileSystem)
        try commit(&file, output, replacing: options.replacing)
      }
    }
    return report
  }

  private static func makeDirectory(
    _ source: inout ConvertSource, _ output: String, _ options: Options, _ report: inout Report,
    _ fileSystem: any FileSystem, _ proof: String?
  ) throws(ToolError) {
    let name = "appendonly.aof"
    var directory = try ToolError.wrap(output, .output) { () throws(SystemError) in
      try AtomicDirectory(output, fileSystem: fileSystem)
    }
    let base = Manifest.Entry(name: "\(name).1.base.rdb", sequence: 1, kind: .base)
    let increment = Manifest.Entry(name: "\(name).1.incr.aof", sequence: 1, kind: .increment)
    var file = try part(directory, base.name, output)
    try fill(&file.buffer, &source, options, &report)
    if report.isRefused { return }
    try prove(&file, output, proof, options, &report, fileSystem)
    try commit(&file, output, replacing: true)
    var empty = try part(directory, increment.name, output)
    try commit(&empty, output, replacing: true)
    var list = try part(directory, "\(name).manifest", output)
    list.buffer.write(Manifest([base, increment]).text)
    try commit(&list, output, replacing: true)
    try ToolError.wrap(output, .output) { () throws(SystemError) in try directory.commit() }
  }

  private static func part(
    _ directory: borrowing AtomicDirectory, _ name: String, _ output: String
  ) throws(ToolError) -> AtomicOutput {
    do throws(SystemError) { return try directory.file(name) } catch {
      throw ToolError(error, file: FilePath.join(output, name), role: .output)
    }
  }

  private static func prove(
    _ file: inout AtomicOutput, _ output: String, _ proof: String?, _ options: Options,
    _ report: inout Report, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    guard let proof else { return }
    do throws(SystemError) { try file.buffer.flush() } catch {
      throw ToolError(error, file: output, role: .output)
    }
    try prove(file.temporaryPath, called: output, against: proof, options, &report, fileSystem)
  }

  private static func commit(
    _ file: inout AtomicOutput, _ output: String, replacing: Bool
  ) throws(ToolError) {
    do throws(SystemError) { try file.commit(replacing: replacing) } catch {
      throw ToolError(error, file: output, role: .output)
    }
  }

  /// Writes all that is wanted into `buffer`. With `stops`, it ends at the first loss that is not
  /// allowed, since what was put out can't be taken back.
  private static func fill(
    _ buffer: inout OutputBuffer, _ source: inout ConvertSource, _ options: Options,
    _ report: inout Report, stops: Bool = false
  ) throws(ToolError) {
    var pass = ConvertPass(options, report)
    pass.stops = stops && !options.lossy
    pass.ignored = options.target == nil ? source.unknownToProducer : []
    let failure: ToolError?
    switch options.form {
    case .rdb, .multiPart:
      var output = DumpOutput(
        taking: &buffer, target: report.target, isBase: options.form == .multiPart,
        keepsVersion: report.target == source.own, isWhole: options.isWhole)
      failure = source.pass(to: &output, &pass)
      output.finish(returning: &buffer)
    case .aof, .resp:
      var output = CommandOutput(
        taking: &buffer, target: report.target, restores: options.restoresPayloads)
      failure = source.pass(to: &output, &pass)
      swap(&output.buffer, &buffer)
      pass.report.unclaimed = output.unclaimed
      if output.unclaimed > 0 {
        pass.report.notes.append(
          "\(output.unclaimed) pending entries of stream groups, whose ids no message can have, are lost "
            + "in commands, as in a server's own rewrite; --restore-payloads keeps them")
      }
      if output.unusedHints > 0 {
        pass.report.notes.append(
          "idle times and use counters (\(output.unusedHints) keys) are not in commands, as in a "
            + "server's own rewrite"
            + (output.has(5, 0) ? "; --restore-payloads keeps them" : ""))
      }
    }
    if let failure { throw failure }
    report = pass.report
    report.bytes = buffer.count
    report.isRefused = report.lostCount > 0 && !options.lossy
  }
}
