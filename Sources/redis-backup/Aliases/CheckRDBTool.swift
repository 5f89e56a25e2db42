import Bytes
import Operations
import RDB

/// `redis-check-rdb FILE`
struct CheckRDBTool {
  private let paper: ServerTool.Paper

  init(_ paper: ServerTool.Paper) { self.paper = paper }

  /// Whether the file is good.
  func run(_ arguments: [String], _ usage: String) throws(ToolError) -> Bool {
    guard arguments.count == 1 else {
      Terminal.writeError(usage + "\n")
      return false
    }
    let path = arguments[0]
    let survey: Survey
    do throws(ToolError) {
      let input = try Input(path)
      if case .rdb = input.facts.kind {
        survey = try Survey(input, CheckRDBTool.options)
      } else {
        begin(path)
        refuse("Wrong signature trying to load DB from file", at: 0, DumpSurvey())
        return false
      }
    } catch {
      guard error.status == .badData || error.status == .no else {
        begin(path)
        throw error
      }
      begin(path)
      refuse(error.message, at: error.offset ?? 0, DumpSurvey())
      return false
    }
    begin(path)
    return tell(survey)
  }

  /// How a dump is looked at.
  static var options: Survey.Options {
    var options = Survey.Options()
    options.isDeep = true
    options.countsNames = false
    return options
  }

  /// Says which file it is.
  func begin(_ name: String) { paper.line("[offset 0] Checking RDB file \(name)") }

  /// Says what was found of the dump, and whether it is good. What follows it does not count.
  func tell(_ survey: Survey) -> Bool {
    guard let dump = survey.dump else { return false }
    let end = dump.bytes.upperBound
    let problem = survey.problems.first { ($0.offset ?? 0) < end || dump.checksum == nil }
    if let problem {
      refuse(problem.message, at: problem.offset ?? dump.goodBytes, dump)
      return false
    }
    switch dump.checksum {
    case .verified: paper.line("[offset \(end)] Checksum OK")
    case .notComputed:
      paper.line(
        "[offset \(end)] RDB file was saved with checksum disabled: no check performed.")
    case .absent, nil: break
    }
    paper.line("[offset \(end)] \\o/ RDB looks OK! \\o/")
    count(dump)
    return true
  }

  private func refuse(_ what: String, at offset: Int, _ dump: DumpSurvey) {
    paper.line("--- RDB ERROR DETECTED ---")
    paper.line("[offset \(offset)] \(what)")
    count(dump)
  }

  private func count(_ dump: DumpSurvey) {
    paper.line("[info] \(dump.keys) keys read")
    paper.line("[info] \(dump.databases.reduce(0) { $0 + $1.expires }) expires")
    paper.line("[info] \(dump.databases.reduce(0) { $0 + $1.expired }) already expired")
  }
}
