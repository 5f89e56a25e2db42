internal import Bytes
internal import RDB

extension Convert {
  /// Reads `made`, an output that has no name yet, back, and compares it key by key with what is at
  /// `path`; what the report lists as lost may be missing.
  ///
  /// Costs reading both once more; a log of commands is replayed, in memory.
  ///
  /// - Throws: ``ToolError`` when a key differs.
  static func prove(
    _ made: String, called output: String, against path: String, _ options: Options,
    _ report: inout Report, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    // Members that were left out can't be told apart from the rest.
    let isPartly = report.lost.contains { $0.loss.contains(.nanScore) }
    if options.selection.minimumSize > 0 || report.lostCount > report.lost.count || isPartly {
      report.notes.append(
        "the output was not read back: sizes mean other things there, or too much is lost to compare "
          + "the rest")
      return
    }
    let a = try ComparedState(path, now: options.now, fileSystem: fileSystem)
    let b = try ComparedState(made, now: options.now, fileSystem: fileSystem)
    let list = FirstDifferences(most: 1)
    let outcome = try Comparison(a, b, comparison(options, report)).run(list)
    if outcome.isEqual { return }
    let first = list.keys.first.map { ", the first is \(KeyText.quoted($0.key))" } ?? ""
    throw .refused(
      .ioError,
      "what was written is not what was read: \(outcome.differing) keys differ\(first); nothing was "
        + "made. This is a mistake of this program or of the disk: please report it",
      file: output, role: .output)
  }

  /// What may differ: what the form or the target does not hold.
  private static func comparison(_ options: Options, _ report: Report) -> Comparison.Options {
    var comparison = Comparison.Options()
    comparison.ignored = []
    comparison.selection = options.selection
    comparison.expiredBefore = options.expiredBefore
    if !options.selection.isEverything { comparison.excused.formUnion([.functions, .moduleData]) }
    if options.target == nil {
      // What replay or newer readers know of streams, and the producer did not.
      comparison.excused.formUnion([.streamNumbers, .entriesRead, .activeTime])
    }
    if options.form == .aof || options.form == .resp {
      comparison.excused.formUnion(StateFormat.log.unknown)
      let target = report.target
      if target.family == .redis && target.major < 7 {
        comparison.excused.formUnion([.streamNumbers, .entriesRead])
        if (target.major, target.minor) < (6, 2) { comparison.excused.insert(.consumers) }
      }
      if report.unclaimed > 0 { comparison.excused.insert(.consumers) }
    }
    for loss in report.lost {
      guard let key = loss.key, let db = loss.database else {
        comparison.excused.formUnion([.functions, .moduleData, .metadata])
        continue
      }
      let hash = key.withByteSlice { KeyHead(db: db, key: $0, type: .string, expiresAt: nil).hash }
      if loss.loss.contains(.key) {
        comparison.mayLack.insert(hash)
      } else {
        comparison.excusedOfKeys[hash] = loss.loss.aspects
      }
    }
    return comparison
  }
}
