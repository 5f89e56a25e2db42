import AOF
import Bytes
import Operations
import RDB

/// What `info` says to people.
struct InfoText {
  private let terminal: Terminal

  init(_ terminal: Terminal) { self.terminal = terminal }

  /// All of it. `others` are files beside the one that a server would load.
  func text(_ survey: Survey, _ others: [Survey], _ yield: LogYield? = nil) -> String {
    guard let directory = survey.facts.directory else { return details(survey, yield) }
    return overview(directory, survey, others) + "\n" + details(survey, yield)
  }

  // MARK: - One file or log

  private func details(_ survey: Survey, _ yield: LogYield?) -> String {
    var table = Table()
    let bytes = survey.facts.bytesOnDisk
    if survey.parts.count > 1 || isMultiPart(survey) {
      for part in survey.parts {
        table.add(part.kind == .base ? "base" : "incr", partText(part))
      }
    } else {
      var size = exact(bytes ?? survey.bytesRead)
      if survey.facts.isCompressed { size += ", compressed; \(exact(survey.bytesRead)) inside" }
      if let dump = survey.dump { size += ", " + checksumText(dump) }
      table.add("size", size)
    }
    if let dump = survey.dump {
      table.add("keys", keysText(dump))
      let types = typesText(dump)
      if !types.isEmpty { table.add("types", types) }
      if dump.functions > 0 {
        table.add("functions", count(dump.functions, "library", "libraries"))
      }
    }
    if let log = survey.log {
      table.add("commands", commandsText(log))
      table.add("times", timesText(log))
    }
    if let yield {
      table.add("at the end", keysText(yield))
      table.add("alive", aliveText(yield))
    }
    if survey.isOK {
      table.add("loads", terminal.paint("yes", .good))
    } else {
      let more = survey.problemCount > 1 ? " (and \(survey.problemCount - 1) more)" : ""
      let first = survey.problems.first?.line ?? ""
      table.add("loads", terminal.paint("no", .bad) + ": " + first + more)
    }
    return terminal.paint(KeyText.fileName(shownPath(survey)), .strong) + ": "
      + headline(survey) + "\n" + table.text(indent: 2)
  }

  private func shownPath(_ survey: Survey) -> String {
    survey.facts.file == "-" ? "standard input" : survey.facts.file
  }

  private func isMultiPart(_ survey: Survey) -> Bool {
    if case .multiPart = survey.facts.kind { return true }
    return false
  }

  private func headline(_ survey: Survey) -> String {
    switch survey.facts.kind {
    case .empty: return "an empty file"
    case .aof: return "an AOF"
    case .multiPart:
      return "the manifest of an AOF of \(count(survey.parts.count, "file", "files"))"
    case .rdb:
      let name = survey.dump.map(dumpHeadline) ?? "an RDB"
      return survey.log == nil ? name : "an AOF that begins with " + name
    }
  }

  private func dumpHeadline(_ dump: DumpSurvey) -> String {
    var text = "an RDB"
    if let header = dump.header { text += " of version \(header.version)" }
    if let producer = dump.producer { text += " by \(producer)" }
    if let time = dump.madeAt { text += ", made \(Moment(milliseconds: time * 1000).text)" }
    return text
  }

  private func partText(_ part: Survey.Part) -> String {
    var text = FilePath.name(of: part.path)
    if let bytes = part.bytesOnDisk {
      text += ", \(ByteCount.text(bytes))"
    } else {
      text += ", missing"
    }
    if let dump = part.dump { text += ", \(dumpHeadline(dump)), \(checksumText(dump))" }
    if let log = part.log { text += ", \(count(log.commands, "command", "commands"))" }
    return text
  }

  private func checksumText(_ dump: DumpSurvey) -> String {
    switch dump.checksum {
    case .verified: "checksum right"
    case .notComputed: "written without checksum"
    case .absent: "this version has no checksum"
    case nil: "checksum not right or not reached"
    }
  }

  private func keysText(_ dump: DumpSurvey) -> String {
    if dump.databases.isEmpty { return "none" }
    return dump.databases.map { database in
      var text = "\(database.keys) in db \(database.number)"
      if database.expires > 0 {
        text += " (\(database.expires) expire"
        text += database.expired > 0 ? ", \(database.expired) of them have)" : ")"
      }
      return text
    }.joined(separator: ", ")
  }

  private func keysText(_ yield: LogYield) -> String {
    if yield.databases.isEmpty { return "no keys" }
    return count(yield.keys, "key", "keys") + ": "
      + yield.databases.map { "\($0.keys) in db \($0.number)" }.joined(separator: ", ")
  }

  private func aliveText(_ yield: LogYield) -> String {
    let alive = "\(exact(yield.liveBytes)) in \(count(yield.liveCommands, "command", "commands"))"
    guard yield.savedBytes > 0 else { return alive + "; compact would save nothing" }
    let percent = 100 * yield.savedBytes / max(yield.bytes, 1)
    return alive + "; compact would save \(ByteCount.text(yield.savedBytes)) (\(percent) %)"
  }

  private func typesText(_ dump: DumpSurvey) -> String {
    LogicalType.allCases.filter { dump.types[Int($0.rawValue)] > 0 }
      .sorted { dump.types[Int($0.rawValue)] > dump.types[Int($1.rawValue)] }
      .map { "\($0.name) \(dump.types[Int($0.rawValue)])" }.joined(separator: ", ")
  }

  private func commandsText(_ log: LogSurvey) -> String {
    let names = log.names.prefix(8).map { "\($0.name) \($0.count)" }.joined(separator: ", ")
    if log.commands == 0 { return "none" }
    return "\(log.commands): \(names)\(log.names.count > 8 ? ", …" : "")"
  }

  private func timesText(_ log: LogSurvey) -> String {
    guard let first = log.firstTime, let last = log.lastTime else {
      return "not in the file (aof-timestamp-enabled no)"
    }
    return "\(time(first)) to \(time(last))"
  }

  private func time(_ seconds: Int64) -> String { Moment(milliseconds: seconds * 1000).text }

  private func exact(_ bytes: Int) -> String {
    bytes < 1000 ? ByteCount.text(bytes) : "\(ByteCount.text(bytes)) (\(bytes) bytes)"
  }

  private func count(_ number: Int, _ one: String, _ many: String) -> String {
    "\(number) \(number == 1 ? one : many)"
  }

  // MARK: - A directory

  private func overview(
    _ directory: DataDirectory, _ survey: Survey, _ others: [Survey]
  ) -> String {
    var table = Table(.left, .right, .left)
    for entry in directory.entries {
      let path = FilePath.join(directory.path, entry.name)
      let isChosen = survey.facts.file == path || survey.facts.file.hasPrefix(path + "/")
      let found =
        isChosen
        ? survey : others.first { $0.facts.path == path }
      var text = found.map(restores) ?? roleText(entry.role)
      if isChosen { text += "  " + terminal.paint("<- a server loads this", .good) }
      table.add(
        KeyText.fileName(entry.name), entry.role == .other ? "" : ByteCount.text(entry.bytes), text)
    }
    var head = terminal.paint(KeyText.fileName(directory.path), .strong) + ": a server's directory"
    if let yes = directory.configuration.appendOnly {
      head += ", whose configuration says appendonly \(yes ? "yes" : "no")"
    } else if !others.isEmpty {
      head += "; with appendonly yes it loads the AOF, with appendonly no the RDB"
    }
    return head + "\n" + table.text(indent: 2)
  }

  /// What a server would have after loading.
  private func restores(_ survey: Survey) -> String {
    if !survey.isOK { return terminal.paint("damaged", .bad) + ", \(survey.goodBytes) bytes good" }
    let keys = survey.dump.map { count($0.keys, "key", "keys") }
    let made = survey.dump?.madeAt.map { " of \(time($0))" } ?? ""
    guard let log = survey.log else {
      return keys.map { "RDB: restores \($0)\(made)" } ?? "empty: restores nothing"
    }
    let commands = count(log.commands, "command", "commands")
    let last = log.lastTime.map { ", the last at \(time($0))" } ?? ""
    if let keys { return "AOF: restores \(keys)\(made) and then \(commands)\(last)" }
    return "AOF: restores what \(commands) made\(last)"
  }

  private func roleText(_ role: DataDirectory.Entry.Role) -> String {
    switch role {
    case .rdb: "RDB"
    case .aof: "AOF"
    case .logDirectory: "multi-part AOF"
    case .manifest: "manifest"
    case .empty: "an empty file"
    case .leftover: "left by a server that was interrupted; not read"
    case .configuration: "configuration"
    case .other: "not of a server"
    case .unreadable: "can't be read"
    }
  }
}
