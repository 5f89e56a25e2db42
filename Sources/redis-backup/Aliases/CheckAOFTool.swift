import AOF
import Bytes
import Operations

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// `redis-check-aof [--fix | --truncate-to-timestamp SECONDS] FILE`, where FILE is an AOF, a manifest,
/// or (which the original does not take) the directory of a multi-part AOF.
///
/// What is cut off is not lost: the file as it was stays beside it as `NAME.before-TIME`.
struct CheckAOFTool {
  private enum Mode {
    case check, fix
    case truncate(to: Int64)
  }

  /// How one file was found.
  private enum Outcome {
    case good, empty, cut
    case cutTo(Int64)
  }

  private let paper: ServerTool.Paper

  init(_ paper: ServerTool.Paper) { self.paper = paper }

  /// Whether everything is good, or was made so.
  func run(_ arguments: [String], _ usage: String) throws -> Bool {
    var mode = Mode.check
    switch arguments.count {
    case 1: break
    case 2 where arguments[0] == "--fix": mode = .fix
    case 3 where arguments[0] == "--truncate-to-timestamp":
      guard let seconds = Int64(arguments[1]), seconds >= 0 else {
        paper.line("Invalid timestamp, aborting...")
        return false
      }
      // The original takes 0 for no time at all.
      if seconds > 0 { mode = .truncate(to: seconds) }
    default:
      paper.line(usage)
      return false
    }
    let path = arguments[arguments.count - 1]
    do {
      return try check(path, mode)
    } catch let error as ToolError where error.status == .noInput {
      let reason = error.what
      paper.line(
        "Cannot open file \(KeyText.fileName(path)): \(reason.prefix(1).uppercased())\(reason.dropFirst())"
      )
      return false
    } catch is Said {
      return false
    }
  }

  /// What was wrong has been said.
  private struct Said: Error {}

  private func check(_ path: String, _ mode: Mode) throws -> Bool {
    var kind = InputKind.aof
    var file = path
    do throws(ToolError) {
      let input = try Input(path)
      kind = input.facts.kind
      file = input.facts.file
    } catch {
      // What is no AOF at all is told of below, as a file without any good byte.
      guard error.status == .badData, error.file == path, !isDirectory(path) else { throw error }
    }
    guard case .multiPart = kind else {
      paper.line("Start checking Old-Style AOF")
      let outcome = try examine(file, name: file, mode, isLast: true)
      tell("AOF", file, outcome)
      return true
    }
    let log = try AppendOnlyLog.open(file)
    paper.line("Start checking Multi Part AOF")
    var saidIncrements = false
    for (index, part) in log.parts.enumerated() {
      let isIncrement = part.kind == .increment
      if !isIncrement {
        let isDump = (try? Input(part.path).facts.kind).map {
          if case .rdb = $0 { true } else { false }
        }
        paper.line("Start to check BASE AOF (\(isDump == true ? "RDB" : "RESP") format).")
      } else if !saidIncrements {
        saidIncrements = true
        paper.line("Start to check INCR files.")
      }
      let outcome = try examine(
        part.path, name: part.name, mode, isLast: index == log.parts.count - 1)
      tell(isIncrement ? "INCR AOF" : "BASE AOF", part.name, outcome)
    }
    paper.line("All AOF files and manifest are valid")
    return true
  }

  private func isDirectory(_ path: String) -> Bool {
    (try? SystemFileSystem().status(of: path, followLinks: true))?.kind == .directory
  }

  /// Of what was cut, the original does not say the kind of the file.
  private func tell(_ kind: String, _ name: String, _ outcome: Outcome) {
    switch outcome {
    case .good: paper.line("\(kind) \(name) is valid")
    case .empty: paper.line("\(kind) \(name) is empty")
    case .cut: paper.line("Successfully truncated AOF \(name)")
    case .cutTo(let seconds):
      paper.line("Successfully truncated AOF \(name) to timestamp \(seconds)")
    }
  }

  // MARK: - One file

  private func examine(
    _ path: String, name: String, _ mode: Mode, isLast: Bool
  ) throws -> Outcome {
    var size = 0
    var good = 0
    var lines = 1
    var isCompressed = false
    var reason: (offset: Int, what: String)?
    do {
      let input = try Input(path)
      if case .empty = input.facts.kind { return .empty }
      let survey = try Survey(input, CheckRDBTool.options)
      let part = survey.parts[0]
      isCompressed = survey.facts.isCompressed
      size = isCompressed ? part.bytesRead : part.bytesOnDisk ?? part.bytesRead
      good = part.goodBytes
      if let last = survey.problems.last { reason = last.offset.map { ($0, last.message) } }
      if let dump = part.dump {
        let tool = CheckRDBTool(paper)
        tool.begin(name)
        guard tool.tell(survey) else {
          paper.line("RDB preamble of AOF file is not sane, aborting.")
          throw Said()
        }
        paper.line("RDB preamble is OK, proceeding with AOF tail...")
        good = part.log?.goodBytes ?? dump.bytes.upperBound
      }
      if let log = part.log {
        if case .truncate(let seconds) = mode,
          let end = try later(than: seconds, path, from: log.bytes.lowerBound)
        {
          return try truncate(path, name, to: end, seconds, isLast: isLast)
        }
        lines =
          part.isWhole && good == log.bytes.upperBound
          ? 1 + log.lines : try countLines(path, from: log.bytes.lowerBound, to: good)
      }
    } catch let error as ToolError where error.status == .badData {
      paper.line("AOF \(name) format error")
      Terminal.writeError("redis-check-aof: \(error.line)\n")
      size = try ToolError.wrap(path) { () throws(SystemError) in
        try SystemFileSystem().status(of: path, followLinks: true).size
      }
    }
    if size == good, case .truncate(let seconds) = mode {
      paper.line("Truncate nothing in AOF \(name) to timestamp \(seconds)")
      return .good
    }
    if size != good, let reason {
      let digits = String(reason.offset, radix: 16)
      let padding = String(repeating: " ", count: max(0, 16 - digits.count))
      paper.line("0x\(padding)\(digits): \(reason.what)")
    }
    paper.line(
      "AOF analyzed: filename=\(name), size=\(size), ok_up_to=\(good), ok_up_to_line=\(lines), "
        + "diff=\(size - good)")
    if size == good { return .good }
    guard case .fix = mode else {
      paper.line("AOF \(name) is not valid. Use the --fix option to try fixing it.")
      throw Said()
    }
    guard isLast else {
      paper.line("Failed to truncate AOF \(name) because it is not the last file")
      throw Said()
    }
    if isCompressed {
      paper.line("AOF \(name) is compressed, so it can not be truncated")
      throw Said()
    }
    paper.line(
      "This will shrink the AOF \(name) from \(size) bytes, with \(size - good) bytes, to \(good) bytes"
    )
    paper.write("Continue? [y/N]: ")
    try paper.flush()
    guard readLine()?.lowercased().hasPrefix("y") == true else {
      paper.line("Aborting...")
      throw Said()
    }
    try shorten(path, to: good)
    return .cut
  }

  /// The line behind the last good one, as the original counts: those of commands, not annotations
  /// and not the ends of lines inside of values.
  private func countLines(_ path: String, from start: Int, to end: Int) throws -> Int {
    var reader = AOFReader(try open(path, at: start))
    var lines = 1
    do throws(AOFError) {
      while try reader.next(), reader.command.end <= end {
        lines += 1 + 2 * reader.arguments.count
      }
    } catch {
      // What is wrong was found before.
    }
    return lines
  }

  // MARK: - Up to a time

  /// Where the first annotation stands whose time lies behind `seconds`; nil when there is none before
  /// the end or the first damage.
  private func later(than seconds: Int64, _ path: String, from start: Int) throws -> Int? {
    var reader = AOFReader(try open(path, at: start))
    var from = start
    do throws(AOFError) {
      while true {
        let isCommand = try reader.next()
        let to = isCommand ? reader.command.offset : reader.lastEnd
        if reader.command.time > seconds {
          return try? annotation(later: seconds, path, from..<to) ?? from
        }
        if !isCommand { return nil }
        from = reader.lastEnd
      }
    } catch { return nil }
  }

  /// The first annotation between two commands whose time lies behind `seconds`.
  private func annotation(later seconds: Int64, _ path: String, _ range: Range<Int>) throws -> Int?
  {
    var cursor = try open(path, at: range.lowerBound)
    guard cursor.ensure(range.count) else { return nil }
    var offset = range.lowerBound
    for line in cursor.readableSlice.prefix(range.count).bytes.split(
      separator: 0x0A, omittingEmptySubsequences: false)
    {
      let text = String(decoding: line, as: UTF8.self)
      if text.hasPrefix("#TS:"), let time = Int64(text.dropFirst(4).prefix { $0.isNumber }),
        time > seconds
      {
        return offset
      }
      offset += line.count + 1
    }
    return nil
  }

  private func truncate(
    _ path: String, _ name: String, to end: Int, _ seconds: Int64, isLast: Bool
  ) throws -> Outcome {
    if end == 0 {
      paper.line("AOF \(path) has nothing before timestamp \(seconds), aborting...")
      throw Said()
    }
    guard isLast else {
      paper.line(
        "Failed to truncate AOF \(name) to timestamp \(seconds) to offset \(end) because it is not the "
          + "last file.")
      paper.line(
        "Try: redis-backup cut --to-time \(seconds) FILE -o OUT, which leaves out the files behind it"
      )
      throw Said()
    }
    try shorten(path, to: end)
    return .cutTo(seconds)
  }

  // MARK: - Files

  private func open(_ path: String, at offset: Int) throws(ToolError) -> ByteCursor {
    var cursor = try ToolError.wrap(path) { () throws(SystemError) in try InputFile.open(path) }
    guard cursor.skip(offset) else {
      throw .refused(.ioError, "became shorter while it was read", file: path)
    }
    return cursor
  }

  /// Leaves the first `size` bytes of the file; what it was stays beside it.
  private func shorten(_ path: String, to size: Int) throws(ToolError) {
    let files = SystemFileSystem()
    let status = try ToolError.wrap(path) { () throws(SystemError) in
      try files.status(of: path, followLinks: true)
    }
    // Another one may have been made within this second.
    let name = "\(path).before-\(Moment.now.compactText)"
    let backup =
      files.exists(name)
      ? (2...).lazy.map { "\(name)-\($0)" }.first { !files.exists($0) } ?? name : name
    do throws(SystemError) {
      var cursor = try InputFile.open(path, decompressing: false)
      var output = try AtomicOutput(path, replacing: true, like: status)
      var left = size
      while left > 0, cursor.ensure(1) {
        let piece = cursor.readableSlice.prefix(min(left, cursor.readable, 1 << 20))
        output.buffer.write(piece)
        left -= piece.count
        cursor.advance(piece.count)
        cursor.housekeep()
      }
      if let failure = cursor.failure { throw failure }
      if left > 0 { throw SystemError(.pread, code: EIO) }
      try output.commit(replacing: true, keeping: backup)
    } catch { throw ToolError(error, file: path, role: .output) }
    Terminal.writeError("redis-check-aof: what it was is \(KeyText.shellWord(backup))\n")
  }
}
