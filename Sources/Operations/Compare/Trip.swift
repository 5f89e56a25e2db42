internal import Bytes
internal import RDB

/// One walk through all formats.
struct Trip {
  private let original: ComparedState
  private let options: RoundTrip.Options
  private let folder: String
  private let fileSystem: any FileSystem
  private let target: RDBTarget
  /// The number of the first state, and how many keys it has.
  private(set) var digest = ""
  private(set) var keys = 0

  init(
    _ original: ComparedState, _ options: RoundTrip.Options, _ folder: String,
    _ fileSystem: any FileSystem
  ) {
    self.original = original
    self.options = options
    self.folder = folder
    self.fileSystem = fileSystem
    target = original.target
  }

  /// A file that was made, and the way to it.
  private struct Made {
    var path: String
    /// The formats on the way.
    var way: String
    var form: RoundTrip.Form
    /// What the formats on the way do not hold.
    var lost: StateAspects
    /// The same of single keys, and keys that are lost.
    var lostOfKeys: [UInt64: StateAspects] = [:]
    var lostKeys: Set<UInt64> = []
  }

  mutating func walk(_ tell: (RoundTrip.Step) -> Void) throws(ToolError) {
    let start = try Verify.run(original, original, comparison(nil), mostKeys: 0)
    digest = start.digest
    keys = start.keys
    let place = original.readablePath
    let first = Made(
      path: place, way: FilePath.name(of: original.path), form: original.form, lost: [])
    var made: [Made] = []
    for form in RoundTrip.Form.allCases {
      if form == .multiPart && !knowsSeveralFiles(target) { continue }
      if let next = step(first, form, keep: true, tell) { made.append(next) }
    }
    for from in made {
      for form in RoundTrip.Form.allCases where form != from.form {
        if form == .multiPart && !knowsSeveralFiles(target) { continue }
        _ = step(from, form, keep: false, tell)
      }
    }
    for from in [first] + made where from.form == .aof || from.form == .multiPart {
      for form in Compact.Form.allCases {
        if form == .multiPart && !knowsSeveralFiles(target) { continue }
        compact(from, form, tell)
      }
    }
    for server in options.servers { serve(first, server, tell) }
    for made in made { ScratchFolder.remove(made.path, fileSystem) }
  }

  private func knowsSeveralFiles(_ target: RDBTarget) -> Bool {
    target.family == .valkey || target.major >= 7
  }

  private func comparison(_ made: Made?) -> Comparison.Options {
    var options = Comparison.Options()
    options.ignored = self.options.ignored
    options.mostParts = 5
    if let made {
      options.excused = made.lost
      options.excusedOfKeys = made.lostOfKeys
      options.mayLack = made.lostKeys
    }
    return options
  }

  /// Converts, compares, tells.
  private func step(
    _ from: Made, _ form: RoundTrip.Form, keep: Bool, _ tell: (RoundTrip.Step) -> Void
  ) -> Made? {
    var step = RoundTrip.Step(from: from.way, to: form.rawValue)
    let path = FilePath.join(folder, keep ? "\(form.rawValue)" : "second")
    var made = Made(path: path, way: "\(from.way) -> \(form.rawValue)", form: form, lost: from.lost)
    let clock = ContinuousClock.now
    var isThere = false
    do throws(ToolError) {
      step.notes = try convert(from, form, &made)
      isThere = true
      // Replay keeps nothing of the dump at the head of a log that no command could change.
      if from.form == .aof || from.form == .multiPart {
        made.lost.formUnion([.idle, .frequency, .moduleData, .metadata])
      }
      try compare(made, &step)
    } catch { step.failure = error.line }
    step.seconds = clock.duration(to: .now).seconds
    tell(step)
    if !keep { ScratchFolder.remove(path, fileSystem) }
    return keep && isThere ? made : nil
  }

  /// Makes `path`; returns sentences.
  private func convert(
    _ from: Made, _ form: RoundTrip.Form, _ made: inout Made
  ) throws(ToolError) -> [String] {
    let path = made.path
    let isExport = from.form == .jsonl
    guard let convertForm = form.convert else {
      var options = Export.Options()
      options.all = true
      if isExport {
        // An export of an export goes through a dump.
        return try convertTwice(from, path, options)
      }
      return try export(from.path, path, options)
    }
    var options = Convert.Options()
    options.form = convertForm
    options.target = target
    options.replacing = true
    options.lossy = true
    let report =
      isExport
      ? try Import.run(
        from.path, to: path, options, base64: isBase64(from), fileSystem: fileSystem)
      : try Convert.run(
        DataInput(from.path, now: original.now, fileSystem: fileSystem), to: path, options,
        fileSystem: fileSystem)
    // What replay fills in of streams, and the server that wrote PATH does not know.
    var filledIn: RDBLoss = [.streamNumbers, .entriesRead, .activeTime]
    // No command carries that: listed by the comparison.
    if convertForm == .aof { filledIn.insert(.keyMetadata) }
    for loss in report.lost {
      // No command makes data of modules without a key: listed by the comparison.
      if loss.key == nil, loss.isModuleData {
        made.lost.insert(.moduleData)
        continue
      }
      guard loss.key != nil, loss.loss.subtracting(filledIn).isEmpty else {
        throw .refused(.no, "\(target) can not hold all: \(loss.what)", file: from.path)
      }
      made.lost.formUnion(loss.loss.aspects)
    }
    if convertForm == .aof { made.lost.formUnion(lostInCommands(report)) }
    return report.notes
  }

  /// What a log of commands does not hold for its target.
  private func lostInCommands(_ report: Convert.Report) -> StateAspects {
    var lost = StateFormat.log.unknown
    // A server may make the owner of a pending entry that it then does not find.
    if report.unclaimed > 0 { lost.insert(.consumers) }
    return lost.union(unknownToCommands(of: report.target))
  }

  /// What commands for old servers do not carry.
  private func unknownToCommands(of target: RDBTarget) -> StateAspects {
    var lost = StateAspects()
    if target.family == .redis && target.major < 7 {
      lost.formUnion([.streamNumbers, .entriesRead])
      if (target.major, target.minor) < (6, 2) { lost.insert(.consumers) }
    }
    return lost
  }

  /// Only what the user gave can be so.
  private func isBase64(_ from: Made) -> Bool {
    options.base64 && from.path == original.readablePath
  }

  private func export(
    _ from: String, _ path: String, _ options: Export.Options
  ) throws(ToolError) -> [String] {
    var output = try ToolError.wrap(path, .output) { () throws(SystemError) in
      try AtomicOutput(path, replacing: true, fileSystem: fileSystem)
    }
    let result = try Export.write(
      DataInput(from, now: original.now, fileSystem: fileSystem), to: &output.buffer, options,
      target: path)
    try ToolError.wrap(path, .output) { () throws(SystemError) in
      try output.commit(replacing: true)
    }
    return result.notes
  }

  private func convertTwice(
    _ from: Made, _ path: String, _ options: Export.Options
  ) throws(ToolError) -> [String] {
    let between = path + ".rdb"
    defer { ScratchFolder.remove(between, fileSystem) }
    var convert = Convert.Options()
    convert.target = target
    convert.replacing = true
    _ = try Import.run(
      from.path, to: between, convert,
      base64: isBase64(from), fileSystem: fileSystem)
    return try export(between, path, options)
  }

  private func compare(_ made: Made, _ step: inout RoundTrip.Step) throws(ToolError) {
    let state = try ComparedState(made.path, now: original.now, fileSystem: fileSystem)
    let report = try Verify.run(original, state, comparison(made), mostKeys: 10)
    step.isEqual = report.isEqual
    step.digest = report.digestOfB
    step.keys = report.keysOfB
    step.differences = report.differences
    step.differing = report.differing
    step.notes += report.excused.map { "not held: \($0)" }
  }

  private func compact(
    _ from: Made, _ form: Compact.Form, _ tell: (RoundTrip.Step) -> Void
  ) {
    var step = RoundTrip.Step(from: from.way, to: "compact \(form.rawValue)")
    let path = FilePath.join(folder, "compact")
    let clock = ContinuousClock.now
    do throws(ToolError) {
      var options = Compact.Options()
      options.form = form
      options.replacing = true
      options.now = original.now
      // Servers under development call themselves 255.
      options.target = target.major < 100 ? target.description : "redis:8.10"
      // Data of modules without a key is in no log; it is told by the comparison.
      options.lossy = true
      let report = try Compact.run(from.path, to: path, options, fileSystem: fileSystem)
      step.notes = report.lost.map { "left out: \($0)" }
      var made = from
      made.path = path
      made.lost.formUnion(StateFormat.log.unknown)
      if form != .rdb { made.lost.formUnion(unknownToCommands(of: target)) }
      try compare(made, &step)
    } catch { step.failure = error.line }
    step.seconds = clock.duration(to: .now).seconds
    ScratchFolder.remove(path, fileSystem)
    tell(step)
  }

  // MARK: - Servers

  private func serve(
    _ first: Made, _ server: any LoadingServer, _ tell: (RoundTrip.Step) -> Void
  ) {
    for form in [Convert.Form.rdb, .aof, .multiPart] {
      if form == .multiPart && !knowsSeveralFiles(server.target) { continue }
      var step = RoundTrip.Step(from: first.way, to: "\(form.rawValue) for \(server.target)")
      let path = FilePath.join(folder, "served")
      let clock = ContinuousClock.now
      do throws(ToolError) {
        let made = try convert(first, form, path, for: server.target, &step)
        try compare(made, &step)
        step.seconds = clock.duration(to: .now).seconds
        tell(step)
        load(made, form, server, tell)
      } catch {
        step.failure = error.line
        step.seconds = clock.duration(to: .now).seconds
        tell(step)
      }
      ScratchFolder.remove(path, fileSystem)
    }
  }

  private func convert(
    _ first: Made, _ form: Convert.Form, _ path: String, for target: RDBTarget,
    _ step: inout RoundTrip.Step
  ) throws(ToolError) -> Made {
    var options = Convert.Options()
    options.form = form
    options.target = target
    options.replacing = true
    options.lossy = true
    let report =
      first.form == .jsonl
      ? try Import.run(
        first.path, to: path, options, base64: self.options.base64, fileSystem: fileSystem)
      : try Convert.run(
        DataInput(first.path, now: original.now, fileSystem: fileSystem), to: path, options,
        fileSystem: fileSystem)
    var made = Made(
      path: path, way: "\(step.from) -> \(step.to)", form: form == .aof ? .aof : .rdb, lost: [])
    if form == .aof { made.lost = lostInCommands(report) }
    for loss in report.lost {
      guard let database = loss.database, let key = loss.key else {
        made.lost.formUnion([.functions, .moduleData])
        continue
      }
      let hash = key.withByteSlice {
        KeyHead(db: database, key: $0, type: .string, expiresAt: nil).hash
      }
      if loss.loss.contains(.key) { made.lostKeys.insert(hash) }
      made.lostOfKeys[hash, default: []].formUnion(loss.loss.aspects)
    }
    step.notes = report.notes
    if !made.lostKeys.isEmpty {
      step.notes.append("\(target) can not hold \(made.lostKeys.count) keys, which were left out")
    }
    let others = report.lostCount - made.lostKeys.count
    if others > 0 { step.notes.append("\(target) can not hold parts of \(others) keys or records") }
    return made
  }

  private func load(
    _ made: Made, _ form: Convert.Form, _ server: any LoadingServer,
    _ tell: (RoundTrip.Step) -> Void
  ) {
    var step = RoundTrip.Step(from: made.way, to: server.name)
    let clock = ContinuousClock.now
    do throws(ToolError) {
      let state = try ComparedState(made.path, now: original.now, fileSystem: fileSystem)
      let loaded = try server.load(made.path, as: form, comparedWith: state, allowing: made.lost)
      step.isEqual = loaded.differing == 0 && loaded.contradictions.isEmpty
      step.digest = loaded.digest
      step.keys = loaded.keys
      step.differences = loaded.differences
      step.differing = loaded.differing
      step.notes = loaded.compared
      if let obstacle = loaded.obstacle {
        step.isSkipped = true
        step.notes.append(obstacle)
      }
      if !loaded.contradictions.isEmpty {
        step.failure = loaded.contradictions.joined(separator: "; ")
      }
    } catch { step.failure = error.line }
    step.seconds = clock.duration(to: .now).seconds
    tell(step)
  }
}

extension Duration {
  /// In seconds, to the millisecond.
  fileprivate var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds / 1_000_000_000_000_000) / 1000
  }
}
