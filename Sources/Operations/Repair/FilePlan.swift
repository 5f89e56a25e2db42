internal import AOF
internal import Bytes
internal import RDB

/// What becomes of one file: its dump, if it begins with one, and its commands.
struct FilePlan {
  /// A dump that is written anew.
  struct Dump {
    /// The header it gets.
    var header: RDBHeader
    var pieces: DumpPieces
    var keys: Int
  }

  let file: RepairSource.File
  let status: FileStatus
  var dump: Dump?
  var log: LogPlan?
  /// Changed bytes that the checksum of the dump gave away.
  var flips: CRC64.Burst?
  var lost: [RepairReport.Lost] = []
  var corrected: [RepairReport.Correction] = []
  var doubts: [String] = []
  var doubtful: [RepairReport.Doubtful] = []
  var suspects: [RepairReport.Suspect] = []
  /// With `--strict`: whether something was wrong, so that nothing behind it counts.
  var isCut = false

  init(
    _ file: RepairSource.File, _ options: Repair.Options, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    self.file = file
    status = try ToolError.wrap(file.path) { () throws(SystemError) in
      try fileSystem.status(of: file.path, followLinks: true)
    }
    var cursor = try FilePlan.open(file.path, fileSystem)
    guard cursor.size ?? 0 > 0 else {
      log = LogPlan()
      return
    }
    let bytes = cursor.wholeSlice
    var start = 0
    if DumpHead.begins(bytes, name: file.name) {
      let head = DumpHead(bytes)
      var analysis = DumpAnalysis(file.path, head, options)
      cursor = try analysis.run(cursor)
      dump = analysis.dump
      flips = analysis.flips
      lost = analysis.lost
      corrected = analysis.corrected
      doubts = analysis.doubts
      suspects = analysis.suspects
      start = analysis.end
      if let why = analysis.unproven {
        doubtful.append(
          RepairReport.Doubtful(file: file.path, offset: 0, length: start, reason: why))
      }
      if options.strict, !lost.isEmpty {
        isCut = true
        return
      }
      if start == bytes.count { return }
      if !head.mayBeLog && bytes[start] != 0x2A && bytes[start] != 0x23 {
        lost.append(
          RepairReport.Lost(
            file: file.path, offset: start, length: bytes.count - start,
            reason: "bytes behind the end of the dump, which servers ignore"))
        return
      }
    }
    cursor.seek(to: start)
    var salvage = LogSalvage(file.path, cursor, strict: options.strict)
    var reader = AOFReader(cursor)
    try salvage.run(&reader)
    log = salvage.plan
    doubtful.append(
      RepairReport.Doubtful(
        file: file.path, offset: start, length: bytes.count - start,
        reason: "a log has no checksum: a change inside a word leaves everything around it right"))
    isCut = salvage.stopped
  }

  /// Opens a file as its bytes are.
  static func open(
    _ path: String, _ fileSystem: any FileSystem
  ) throws(ToolError) -> ByteCursor {
    try ToolError.wrap(path) { () throws(SystemError) in
      try InputFile.open(path, decompressing: false, fileSystem: fileSystem)
    }
  }

  /// Calls `body` with the bytes as they were looked at.
  func withBytes<R>(
    _ fileSystem: any FileSystem, _ body: (borrowing ByteCursor) throws(ToolError) -> R
  ) throws(ToolError) -> R {
    var cursor = try FilePlan.open(file.path, fileSystem)
    let now = try ToolError.wrap(file.path) { () throws(SystemError) in
      try fileSystem.status(of: file.path, followLinks: true)
    }
    guard now.size == status.size, now.inode == status.inode, now.modified == status.modified,
      cursor.size ?? 0 == status.size
    else { throw LogRewrite.changed(file.path) }
    if let flips, !cursor.overlay(flips.flips, at: flips.offset) {
      throw .refused(.ioError, "can't be mapped", file: file.path)
    }
    return try body(cursor)
  }

  /// Whether there is nothing that the result would hold.
  var isEmpty: Bool {
    (dump?.keys ?? 0) == 0 && (log?.commands ?? 0) == 0
  }

  /// Whether it is an empty file that should be a dump, by its name.
  var isMissingDump: Bool { status.size == 0 && file.name.hasSuffix(".rdb") }

  /// Writes the result.
  ///
  /// - Returns: where the pieces of the log stand in it.
  func write(
    to output: inout OutputBuffer, _ fileSystem: any FileSystem
  ) throws(ToolError) -> [Range<Int>] {
    if status.size == 0 { return [] }
    var places: [Range<Int>] = []
    var mine = OutputBuffer(NullTarget(), capacity: 1024)
    swap(&mine, &output)
    do throws(ToolError) {
      try withBytes(fileSystem) { cursor throws(ToolError) in
        let bytes = cursor.wholeSlice
        if let dump {
          mine.startChecksum()
          dump.header.write(to: &mine)
          dump.pieces.write(bytes, cursor.pages, to: &mine)
          mine.write(Opcode.end)
          let checksum = mine.finishChecksum()
          if dump.header.hasChecksum { mine.write(littleEndian: checksum) }
        }
        if let log {
          places = log.pieces.write(bytes, cursor.pages, RangeSource(cursor), to: &mine)
        }
      }
    } catch {
      swap(&mine, &output)
      throw error
    }
    swap(&mine, &output)
    return places
  }
}

extension RDBHeader {
  /// Writes the nine bytes.
  func write(to output: inout OutputBuffer) {
    output.write(dialect == .redis ? "REDIS" : "VALKEY")
    let text = String(version)
    let digits = dialect == .redis ? 4 : 3
    output.write(text: String(repeating: "0", count: max(0, digits - text.count)) + text)
  }
}
