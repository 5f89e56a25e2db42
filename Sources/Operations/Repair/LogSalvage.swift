internal import AOF
internal import Bytes

/// Goes through the commands of one file of a damaged log, and decides what is kept.
///
/// * What can't be read, and everything up to the next true border (``CommandProbe``), goes.
/// * So do commands that no server could run: of no known name where the name looks damaged, with a
///   wrong number of words; MULTI without EXEC and EXEC without MULTI, when damage took the other
///   half. The commands between stay.
/// * A transaction that the end of the file cuts goes as a whole, as a server drops it.
/// * A command before a `$` where a command should begin goes too: its count of words may be wrong.
/// * Wrong line ends are put right.
/// * In which database commands behind damage belong is decided later (``DatabaseDecision``), up
///   to the next SELECT.
struct LogSalvage: ~Copyable {
  let file: String
  let bytes: ByteSlice
  /// The pages of `bytes`.
  let pages: MappedPages
  let strict: Bool
  /// What was decided.
  private(set) var plan = LogPlan()
  /// Whether `strict` ended it.
  private(set) var stopped = false

  let table = CommandTable.shared
  private var probe: CommandProbe
  private var words = ArgumentTable()
  private var runStart = 0
  private var openMulti: Range<Int>?
  /// Whether something was lost since it.
  private var multiIsDamaged = false
  private var stretchStart: (offset: Int, assumed: Int)?
  /// Where reading began again behind the last damage.
  private var segmentStart: Int?
  /// Of a large file.
  var hashes = CommandHashes()
  let isLarge: Bool
  /// The commands that most of the log consists of.
  var plain = PlainCommands()
  /// What was found to be written twice.
  var repeats: [Range<Int>] = []
  /// What lies behind damage; and whether damage ends it too.
  private(set) var islands: [(range: Range<Int>, isClosed: Bool)] = []
  private var isStopping = false
  /// How often reading had to begin again.
  private var damages = 0
  /// Where the command stands that was refused last.
  private var refusedAt = -1

  /// `cursor` reads the file.
  init(_ file: String, _ cursor: borrowing ByteCursor, strict: Bool) {
    self.file = file
    let bytes = cursor.wholeSlice
    self.bytes = bytes
    pages = cursor.pages
    self.strict = strict
    isLarge = bytes.count > LogSalvage.large
    probe = CommandProbe(size: bytes.count)
  }

  /// Reads to the end of the file.
  ///
  /// - Throws: ``ToolError`` when reading itself fails.
  mutating func run(_ reader: inout AOFReader) throws(ToolError) {
    runStart = reader.cursor.offset
    while !isStopping {
      do throws(AOFError) {
        try walk(&reader)
        break
      } catch {
        if case .system(let system) = error.kind { throw ToolError(system, file: file) }
        if !recover(&reader, error) { break }
      }
    }
    if isStopping {
      stop()
      return
    }
    closeRun(at: bytes.count)
    closeStretch(at: bytes.count)
    if let multi = openMulti {
      drop(multi, "MULTI whose EXEC was lost; the commands behind it are kept", ["MULTI"], 1)
      plan.doubts.append(
        "\(KeyText.fileName(file)): byte \(multi.lowerBound): whether the EXEC of this transaction was "
          + "in the lost bytes, or was never written")
    }
    if let start = segmentStart, start < bytes.count {
      islands.append((start..<bytes.count, false))
    }
    dropRepeats()
    if damages > 1 { dropSwallowing() }
  }

  /// Where bytes were cut out of a word, it may reach into what follows, and yet end where another
  /// word does. Where a file is damaged in several places, such commands are looked for and go.
  private mutating func dropSwallowing() {
    var found: [(Range<Int>, String)] = []
    plan.pieces.forEachCommand(in: 0..<bytes.count, of: bytes, pages, &words) { (range, words) in
      for index in 1..<max(words.count, 1) where words[index].count > 5 {
        if LogSalvage.holdsHead(words[index]) {
          found.append((range, words[0].text))
          break
        }
      }
    }
    for (range, name) in found.prefix(100_000) {
      // What it took may be whole commands, up to its end.
      var taken = range
      if plan.databases.count <= 1, let inner = inner(of: range, reaching: true), inner.isPlain {
        taken = range.lowerBound..<inner.start
        plan.commands += inner.commands
      }
      plan.take(
        out: taken, of: file, "a command that may have taken parts of the next ones into a word",
        [name], count: 1)
    }
  }

  /// The first border inside the command at `range` from which commands can be read that end where it does
  /// (`reaching`), or go on across its end: it has taken them into a word. What a value holds breaks
  /// before. Plain are commands that select nothing and belong to no transaction.
  private mutating func inner(
    of range: Range<Int>, reaching: Bool
  ) -> (start: Int, commands: Int, isPlain: Bool)? {
    var from = range.lowerBound + 1
    for _ in 0..<16 {
      guard let start = probe.next(in: bytes, from: from), start < range.upperBound else {
        return nil
      }
      var at = start
      var commands = 0
      var isPlain = true
      while at < range.upperBound {
        if bytes[at] == 0x23 {
          at = (bytes.firstIndex(of: 0x0A, from: at) ?? bytes.count - 1) + 1
          continue
        }
        guard let end = try? words.fill(from: bytes, at: at) else { break }
        let word = CommandWord(words[0])
        if word.isSelect || word.isMulti || word.isExec { isPlain = false }
        commands += 1
        at = end
      }
      if reaching ? at == range.upperBound : at > range.upperBound {
        return (start, commands, isPlain)
      }
      from = start + 1
    }
    return nil
  }

  private mutating func walk(_ reader: inout AOFReader) throws(AOFError) {
    while !isStopping {
      skim(&reader)
      guard try reader.next() else { return }
      let word = reader.command.word
      let arity = table.arity(word, reader.arguments)
      let count = reader.table.count
      if arity >= 0 ? arity != count : count < -arity {
        if refuses(reader, arity) { continue }
      }
      plan.commands &+= 1
      if isLarge { hashes.add(bytes, reader.command.offset, reader.command.end) }
      if word.isSelect || word.isMulti || word.isExec { track(&reader) }
    }
  }

  // MARK: - Commands that can be read

  /// So many more commands are kept as they are.
  mutating func keep(_ count: Int) { plan.commands &+= count }

  /// Whether a command goes that is of no known name, or has a wrong number of words.
  private mutating func refuses(_ reader: borrowing AOFReader, _ arity: Int) -> Bool {
    let range = reader.command.offset..<reader.command.end
    let name = reader.arguments.name
    if arity == CommandTable.unknownArity {
      if LogSalvage.isName(name) {
        probe.foreign.insert(reader.command.word)
        if plan.unknown.count < 100_000 {
          plan.unknown.append(LogPlan.Unknown(name: name.bytes, range: range))
        }
        return false
      }
      refusedAt = range.lowerBound
      closeRun(at: range.lowerBound)
      runStart = range.upperBound
      endIsland(at: range.lowerBound)
      segmentStart = range.upperBound
      lose(range, "a command whose name is damaged", [KeyText.quoted(name, limit: 32)], readable: 1)
      return true
    }
    refusedAt = range.lowerBound
    closeRun(at: range.lowerBound)
    runStart = range.upperBound
    lose(
      range, "a command with a number of words that it can not have", [name.text], readable: 1)
    return true
  }

  /// Whether a name could be that of a module's command.
  static func isName(_ name: ByteSlice) -> Bool {
    guard 2...64 ~= name.count else { return false }
    for index in 0..<name.count {
      let byte = name[index]
      let isLetter = ASCII.lowercased(byte) &- 0x61 < 26
      guard isLetter || ASCII.isDigit(byte) || [0x2E, 0x2D, 0x5F, 0x3A].contains(byte) else {
        return false
      }
    }
    return true
  }

  /// SELECT, MULTI and EXEC.
  private mutating func track(_ reader: inout AOFReader) {
    let command = reader.command
    let range = command.offset..<command.end
    if command.word.isSelect {
      closeStretch(at: range.lowerBound)
      if let number = DecimalText.canonical(reader.arguments[1]), 0...Int64(Int32.max) ~= number {
        plan.databases.insert(Int(number))
        return
      }
      dropCurrent(range, "SELECT of no database", "SELECT")
      openStretch(at: range.upperBound, command.database)
    } else if command.word.isMulti {
      if let earlier = openMulti {
        drop(earlier, "MULTI without EXEC; the commands behind it are kept", ["MULTI"], 1)
      }
      openMulti = range
      multiIsDamaged = false
    } else if command.word.isExec {
      if openMulti == nil {
        dropCurrent(range, "EXEC without MULTI; the commands before it are kept", "EXEC")
      }
      openMulti = nil
    }
  }

  /// Takes the command out that was read last.
  private mutating func dropCurrent(_ range: Range<Int>, _ reason: String, _ name: String) {
    closeRun(at: range.lowerBound)
    runStart = range.upperBound
    plan.commands -= 1
    lose(range, reason, [name], readable: 1)
  }

  /// Takes commands out that were kept before; of those only what stands before `end` is lost.
  private mutating func drop(
    _ range: Range<Int>, upTo end: Int? = nil, _ reason: String, _ names: [String], _ count: Int
  ) {
    if runStart < range.upperBound {
      // It lies in the open run.
      let behind = max(range.upperBound, runStart)
      closeRun(at: behind)
      runStart = behind
    }
    // Maybe it went with what is around it.
    guard plan.pieces.contains(range.lowerBound) else { return }
    plan.pieces.remove(range)
    plan.commands -= count
    lose(range.lowerBound..<(end ?? range.upperBound), reason, names, readable: count)
  }

  /// Nothing was put right at `offset` after all.
  mutating func uncorrect(at offset: Int) { plan.corrected.removeAll { $0.offset == offset } }

  mutating func doubt(_ sentence: String) { plan.doubts.append(sentence) }

  /// Where the command at `at` ends; nil when there is none.
  mutating func endOfCommand(_ at: Int) -> Int? { try? words.fill(from: bytes, at: at) }

  /// Damage stands at `end`: what lies between it and the last one may have been written twice.
  private mutating func endIsland(at end: Int) {
    guard !strict, let start = segmentStart, end > start else { return }
    islands.append((start..<end, true))
  }

  private mutating func closeRun(at end: Int) {
    if end > runStart { plan.pieces.append(runStart..<end) }
    runStart = max(runStart, end)
  }

  private mutating func openStretch(at offset: Int, _ assumed: Int) {
    stretchStart = (offset, assumed)
  }

  private mutating func closeStretch(at end: Int) {
    guard let start = stretchStart else { return }
    stretchStart = nil
    if end > start.offset {
      plan.stretches.append(LogPlan.Stretch(range: start.offset..<end, assumed: start.assumed))
    }
  }

  mutating func lose(
    _ range: Range<Int>, _ reason: String, _ names: [String] = [], keys: [[UInt8]] = [],
    readable: Int = 0
  ) {
    var entry = RepairReport.Lost(
      file: file, offset: range.lowerBound, length: range.count, reason: reason)
    entry.commands = names
    entry.keys = keys
    entry.readable = readable
    plan.lost.append(entry)
    if strict { isStopping = true }
  }

  // MARK: - Damage

  /// Finds where reading can go on.
  ///
  /// - Returns: false when it can't.
  private mutating func recover(_ reader: inout AOFReader, _ error: AOFError) -> Bool {
    let at = reader.cursor.offset
    let last = reader.command
    closeRun(at: at)
    if case .truncatedInTransaction = error.kind, let multi = openMulti, !multiIsDamaged {
      dropUnfinished(from: multi.lowerBound)
      return false
    }
    multiIsDamaged = true
    damages += 1
    var from = at
    if let start = segmentStart, at - start <= 1 << 20, bytes.isLineEnd(at: at),
      at + 2 < bytes.count, bytes[at + 2] == 0x24 || bytes[at + 2] == 0x2A
    {
      // What was taken for commands stands inside a value, which ends here.
      removeSegment(start..<at, "text inside a value that looks like commands")
      from = start
    } else if at < bytes.count, last.end == at, last.length > 0,
      last.offset >= (segmentStart ?? 0), last.offset != refusedAt,
      bytes[at] == 0x24 || isTail(at) || swallows(last.offset..<last.end)
    {
      let name = last.word
      let next = strict ? nil : inner(of: last.offset..<last.end, reaching: false)?.start
      drop(
        last.offset..<last.end, upTo: next ?? last.end,
        bytes[at] == 0x24
          ? "a command behind which more words follow than it counts"
          : "a command behind which the end of another one follows: bytes were cut out, maybe inside it",
        [name.text], 1)
      if name.isMulti || name.isExec { openMulti = nil }
      from = last.offset
      if let next {
        endIsland(at: from)
        goOn(&reader, from: from, at: next)
        return true
      }
    } else if putLineEndsRight(&reader, at) {
      return true
    }
    endIsland(at: from)
    let next = strict ? nil : probe.next(in: bytes, from: at + 1)
    let range = at..<(next ?? bytes.count)
    tell(range, error)
    guard let next else {
      closeStretch(at: at)
      runStart = bytes.count
      return false
    }
    goOn(&reader, from: at, at: next)
    return true
  }

  /// Reads on at `next`, behind damage at `start`.
  private mutating func goOn(_ reader: inout AOFReader, from start: Int, at next: Int) {
    closeStretch(at: start)
    runStart = next
    segmentStart = next
    let database = reader.command.database
    openStretch(at: next, database)
    reader.resume(at: next, database: database)
  }

  /// Whether the end of a command stands at `at`: the rest of a word, and behind its line end the next word
  /// or command. A damaged marker with its number is the head of one.
  private func isTail(_ at: Int) -> Bool {
    let part = bytes.prefix(min(bytes.count, at + 4096))
    if bytes[at] == 0x2A { return false }
    guard let line = part.firstIndex(of: 0x0D, from: at), bytes.isLineEnd(at: line), line > at,
      line + 2 < bytes.count, bytes[line + 2] == 0x24 || bytes[line + 2] == 0x2A
    else { return false }
    var digits = 0
    for index in at..<line {
      if bytes[index] < 0x20 { return false }
      if index > at, ASCII.isDigit(bytes[index]) { digits += 1 }
    }
    return ASCII.isDigit(bytes[at]) || line - at == 1 || digits < line - at - 1
  }

  /// Whether a word of the command at `range` holds the head of another word or command: where bytes
  /// were cut out of a word, it reaches into what follows.
  private mutating func swallows(_ range: Range<Int>) -> Bool {
    guard let end = try? words.fill(from: bytes, at: range.lowerBound), end == range.upperBound
    else { return false }
    for index in 0..<words.count where LogSalvage.holdsHead(words[index]) { return true }
    return false
  }

  /// Whether the head of a word or command, or what fits of one, stands at the start of a line in
  /// `word`.
  static func holdsHead(_ word: ByteSlice) -> Bool {
    var at = 0
    // A line feed alone may be what is left of the line end.
    while at + 1 < word.count, let feed = word.firstIndex(of: 0x0A, from: at) {
      at = feed + 1
      guard at < word.count, word[at] == 0x24 || word[at] == 0x2A else { continue }
      var digits = at + 1
      while digits < word.count, ASCII.isDigit(word[digits]) { digits += 1 }
      if digits == word.count || digits + 1 == word.count && word[digits] == 0x0D { return true }
      if digits > at + 1, word.isLineEnd(at: digits) { return true }
    }
    return false
  }

  /// The file ends inside a transaction.
  private mutating func dropUnfinished(from start: Int) {
    var names: [String] = []
    var count = 0
    plan.pieces.forEachCommand(in: start..<bytes.count, of: bytes, pages, &words) { (_, words) in
      count += 1
      if names.count < 20 { names.append(words[0].text) }
    }
    plan.pieces.remove(start..<bytes.count)
    plan.commands -= count
    openMulti = nil
    runStart = bytes.count
    closeStretch(at: start)
    lose(
      start..<bytes.count, "a transaction that has no EXEC: a server drops it too", names,
      readable: count)
  }

  mutating func removeSegment(_ range: Range<Int>, _ reason: String) {
    var count = 0
    plan.pieces.forEachCommand(in: range, of: bytes, pages, &words) { (_, _) in count += 1 }
    plan.pieces.remove(range)
    plan.commands -= count
    lose(range, reason, readable: count)
  }

  /// Keeps the command at `at` when only line ends of it are wrong.
  private mutating func putLineEndsRight(_ reader: inout AOFReader, _ at: Int) -> Bool {
    guard !strict, let command = LooseCommand(bytes, at: at), command.wrong > 0,
      command.isPlausible(bytes, &words), isConfirmed(behind: command.end)
    else { return false }
    plan.pieces.append(at..<command.end, .loose)
    plan.commands += 1
    runStart = command.end
    if plan.corrected.count < 1000 {
      plan.corrected.append(
        RepairReport.Correction(
          file: file, offset: at, was: [], now: [],
          reason: "\(command.wrong) line ends of the command \(KeyText.quoted(words[0], limit: 32))"
        ))
    }
    command.fill(&words, bytes)
    let word = CommandWord(words[0])
    var database = reader.command.database
    if word.isSelect, let number = DecimalText.canonical(words[1]), number >= 0,
      number <= Int64(Int32.max)
    {
      closeStretch(at: at)
      database = Int(number)
      plan.databases.insert(database)
    } else if word.isMulti {
      openMulti = at..<command.end
    } else if word.isExec {
      openMulti = nil
    }
    endIsland(at: at)
    segmentStart = command.end
    reader.resume(at: command.end, database: database)
    return true
  }

  /// Whether commands, with line ends right or wrong, follow.
  private mutating func isConfirmed(behind start: Int) -> Bool {
    var at = start
    for _ in 0..<3 {
      if at == bytes.count { return true }
      if bytes[at] == 0x23 {
        guard let end = bytes.firstIndex(of: 0x0A, from: at) else { return false }
        at = end + 1
        continue
      }
      guard let command = LooseCommand(bytes, at: at) else { return false }
      var table = ArgumentTable()
      guard command.isPlausible(bytes, &table) else { return false }
      at = command.end
    }
    return true
  }

  /// Reports the bytes that can't be read, with what can still be seen in them.
  private mutating func tell(_ range: Range<Int>, _ error: AOFError) {
    var (names, keys) = (words: [String](), keys: [[UInt8]]())
    let seen = LogSalvage.look(bytes.slice(at: 0, count: range.upperBound), at: range.lowerBound)
    if let name = seen.first, LogSalvage.isName(name) {
      names.append(name.text)
      if seen.count > 1, table.knows(CommandWord(name)) { keys.append(seen[1].bytes) }
    }
    var reason = error.what
    let zeros = LogSalvage.zeros(bytes, range)
    if zeros >= 16 {
      reason = "\(zeros) zero bytes"
    } else if range.upperBound == bytes.count, error.isTruncation {
      reason = "the file ends inside a command"
    }
    lose(range, reason, names, keys: keys)
  }

  /// The first words of a command that can't be read as a whole.
  private static func look(_ bytes: ByteSlice, at start: Int) -> [ByteSlice] {
    var at = start
    let head = bytes.shortHeader(0x2A, at: at)
    guard head >= 16 else { return [] }
    at += head & 7
    var seen: [ByteSlice] = []
    while seen.count < 2 {
      let word = bytes.shortHeader(0x24, at: at)
      guard word >= 0 else { break }
      at += word & 7
      guard bytes.holds(word >> 3, at: at), bytes.isLineEnd(at: at + (word >> 3)) else { break }
      seen.append(bytes.slice(at: at, count: word >> 3))
      at += (word >> 3) + 2
    }
    return seen
  }

  /// The longest run of zeros that begins in the first bytes of a range, or somewhere in its first
  /// 64 KiB.
  private static func zeros(_ bytes: ByteSlice, _ range: Range<Int>) -> Int {
    var longest = 0
    var at = range.lowerBound
    let end = min(range.upperBound, range.lowerBound + (1 << 16))
    let part = bytes.prefix(end)
    while at < end {
      guard let zero = part.firstIndex(of: 0, from: at) else { break }
      var stop = zero
      while stop < range.upperBound, bytes[stop] == 0 { stop += 1 }
      longest = max(longest, stop - zero)
      at = stop + 1
    }
    return longest
  }

  /// With `--strict`: everything from the first damage on goes.
  private mutating func stop() {
    stopped = true
    guard let first = plan.lost.map(\.offset).min() else { return }
    var end = first
    if let multi = openMulti, multi.lowerBound < first { end = multi.lowerBound }
    plan.pieces.remove(end..<bytes.count)
    var count = 0
    plan.pieces.forEachCommand(in: 0..<end, of: bytes, pages, &words) { (_, _) in count += 1 }
    plan.commands = count
    plan.stretches = []
    plan.unknown.removeAll { $0.range.lowerBound >= end }
    let reason = plan.lost.first?.reason ?? ""
    plan.lost = []
    plan.corrected = []
    islands = []
    lose(end..<bytes.count, "everything from the first damage on (--strict): \(reason)")
  }
}
