public import Bytes
internal import RDB

/// Makes a dump or a log of an export: data that was put right by hand or by a script comes back.
public enum Import {
  /// Converts the export at `path` into the file or directory `output`; `-` is `standardOutput`.
  ///
  /// The export is read twice: once to see that all of it can be read and what it needs, then to
  /// make the output. It may be compressed, and come from a pipe.
  ///
  /// - Parameters:
  ///   - path: the export.
  ///   - output: what is made.
  ///   - options: which form, for which server.
  ///   - base64: whether every string is bare base64 text.
  ///   - standardOutput: where `-` goes.
  ///   - fileSystem: where files are, for tests that make it fail.
  /// - Throws: ``ToolError``, with the number of the line; nothing of the name `output` was made or
  ///   changed then.
  public static func run(
    _ path: String, to output: String, _ options: Convert.Options = Convert.Options(),
    base64: Bool = false, standardOutput: (any OutputTarget)? = nil,
    fileSystem: any FileSystem = .system
  ) throws(ToolError) -> Convert.Report {
    try Convert.checkTarget(options)
    let spool = try SpooledInput(ifStream: path, fileSystem)
    defer { withExtendedLifetime(spool) {} }
    let place = spool?.path ?? path
    guard try ExportReader.recognises(place, fileSystem, orEmpty: true) else {
      throw .refused(
        .badData, "is no export: it begins with neither { nor [", file: path,
        remedy: "Try: redis-backup convert, for files of servers")
    }
    var survey = ExportSurvey()
    var first = try ExportReader(place, base64: base64, named: path, fileSystem: fileSystem)
    try survey.run(&first)
    let reader = try ExportReader(place, base64: base64, named: path, fileSystem: fileSystem)
    var source = ConvertSource(reader, survey, file: path)
    return try Convert.make(&source, output, options, standardOutput, fileSystem)
  }
}
