package import AOF
package import Bytes
package import Keyspace

/// Reads the files of a log into a keyspace that somebody else has made.
package enum LogReplay {
  /// Reads all files of `log`. An unfinished end of the last one counts for nothing, as in a server.
  ///
  /// - Throws: ``ToolError``: damage, an unknown command, a verbatim script. What came before has
  ///   been read.
  package static func read(
    _ log: AppendOnlyLog, into keyspace: Keyspace, _ fileSystem: any FileSystem
  ) throws(ToolError) {
    keyspace.generation =
      log.manifest == nil
      ? .upTo6 : log.manifest?.entries.contains { $0.startOffset != nil } == true ? .from8 : .from7
    var last: AOFCommand?
    for index in log.parts.indices {
      let path = log.parts[index].path
      let opened = try ToolError.wrap(path) { () throws(SystemError) in
        try log.open(index, fileSystem: fileSystem)
      }
      let cursor = try Spool.stable(opened, path)
      do throws(ReplayError) {
        last = try keyspace.replay(cursor, file: index, after: last)
      } catch {
        if case .log(let inner) = error.kind, inner.isTruncation, index == log.parts.count - 1 {
          return
        }
        throw ReplayedLog.words(error, path)
      }
    }
  }
}
