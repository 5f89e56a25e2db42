internal import AOF
internal import Bytes

/// Decides what can be decided only when all files of a log were read: names of commands that no
/// server knows, and databases behind damage.
enum LogDecisions {
  static func decide(
    _ plans: inout [FilePlan], _ options: Repair.Options, _ report: inout RepairReport,
    _ fileSystem: any FileSystem
  ) throws(ToolError) {
    decideNames(&plans, &report)
    try decideDatabases(&plans, options, &report, fileSystem)
  }

  /// A name that stands there once, and is one letter away from a known one, is a damaged one.
  private static func decideNames(_ plans: inout [FilePlan], _ report: inout RepairReport) {
    var counts: [[UInt8]: Int] = [:]
    for plan in plans {
      for unknown in plan.log?.unknown ?? [] {
        counts[unknown.name.map(ASCII.uppercased), default: 0] += 1
      }
    }
    if counts.isEmpty { return }
    var kept: Set<[UInt8]> = []
    for index in plans.indices {
      let file = plans[index].file.path
      let all = plans[index].log?.unknown ?? []
      for unknown in all {
        let name = unknown.name.map(ASCII.uppercased)
        guard plans[index].log?.pieces.contains(unknown.range.lowerBound) == true else { continue }
        if counts[name] == 1, let near = neighbour(of: name) {
          plans[index].log?.take(
            out: unknown.range, of: file,
            "a command whose name is damaged: \(KeyText.quoted(name)), maybe \(near)",
            [String(decoding: name, as: UTF8.self)], count: 1)
        } else {
          kept.insert(name)
        }
      }
    }
    if kept.isEmpty { return }
    let names = kept.prefix(5).map { KeyText.quoted($0) }.sorted().joined(separator: ", ")
    report.doubt(
      "commands that no known server has were kept: \(names)\(kept.count > 5 ? ", …" : ""); a server "
        + "without the module they belong to stops at them")
  }

  /// A known name that differs in one letter.
  private static func neighbour(of name: [UInt8]) -> String? {
    for info in CommandTable.shared.all {
      let known = Array("\(info.name)".utf8.prefix { $0 != 0x20 })
      guard known.count == name.count else { continue }
      if zip(known, name).filter({ $0 != $1 }).count == 1 {
        return String(decoding: known, as: UTF8.self)
      }
    }
    return nil
  }

  private static func decideDatabases(
    _ plans: inout [FilePlan], _ options: Repair.Options, _ report: inout RepairReport,
    _ fileSystem: any FileSystem
  ) throws(ToolError) {
    var databases: Set<Int> = []
    var stretches = 0
    for plan in plans {
      databases.formUnion(plan.log?.databases ?? [])
      stretches += plan.log?.stretches.count ?? 0
      // A file that begins without SELECT begins in database 0.
    }
    if stretches == 0 { return }
    if databases.count <= 1 {
      let only = databases.first ?? 0
      report.doubt(
        "the log selects no other database than \(only): commands behind lost bytes are taken to belong "
          + "to it")
      return
    }
    var decision = DatabaseDecision(databases)
    var hashes: [[[UInt64]]] = []
    for plan in plans {
      hashes.append(
        try plan.withBytes(fileSystem) { cursor throws(ToolError) in
          (plan.log?.stretches ?? []).map {
            decision.keys(of: $0, plan.log?.pieces ?? LogPieces(), cursor)
          }
        })
    }
    let wanted = hashes.flatMap { $0 }
    for plan in plans {
      guard let log = plan.log, plan.status.size > 0 else { continue }
      let isEnough = try plan.withBytes(fileSystem) { cursor throws(ToolError) in
        decision.look(log.pieces, log.stretches, cursor, wanted)
      }
      if isEnough { break }
    }
    for index in plans.indices {
      guard let log = plans[index].log else { continue }
      for (number, stretch) in log.stretches.enumerated().reversed() {
        let answer = decision.answer(hashes[index][number]) ?? options.assumedDatabase
        if let answer {
          plans[index].log?.select(answer, at: stretch.range.lowerBound)
          if decision.answer(hashes[index][number]) == nil {
            report.doubt(
              "\(KeyText.fileName(plans[index].file.path)): byte \(stretch.range.lowerBound): commands up "
                + "to byte \(stretch.range.upperBound) are put into database \(answer), as --assume-db says"
            )
          }
        } else {
          try takeOut(stretch, &plans[index], &report, fileSystem)
        }
      }
    }
  }

  /// Takes the commands of a stretch out, but for those that mean the same in any database.
  private static func takeOut(
    _ stretch: LogPlan.Stretch, _ plan: inout FilePlan, _ report: inout RepairReport,
    _ fileSystem: any FileSystem
  ) throws(ToolError) {
    guard let log = plan.log else { return }
    var ranges: [(Range<Int>, Int)] = []
    var names: [String] = []
    try plan.withBytes(fileSystem) { cursor throws(ToolError) in
      var words = ArgumentTable()
      log.pieces.forEachCommand(
        in: stretch.range, of: cursor.wholeSlice, cursor.pages, &words
      ) { range, words in
        let word = CommandWord(words[0])
        if DatabaseDecision.isIndependent(word, words.arguments) { return }
        if names.count < 20 { names.append(words[0].text) }
        if let last = ranges.last, last.0.upperBound == range.lowerBound {
          ranges[ranges.count - 1] = (last.0.lowerBound..<range.upperBound, last.1 + 1)
        } else {
          ranges.append((range, 1))
        }
      }
    }
    for (range, count) in ranges {
      plan.log?.take(
        out: range, of: plan.file.path, "commands of which the database can't be told", names,
        count: count)
    }
    let count = ranges.reduce(0) { $0 + $1.1 }
    if count == 0 { return }
    report.doubt(
      "\(KeyText.fileName(plan.file.path)): byte \(stretch.range.lowerBound): \(count) commands up to the "
        + "next SELECT were left out, since a SELECT may have been lost before them. Try: --assume-db "
        + "\(stretch.assumed)")
  }
}
