import Bytes
import Keyspace

extension ReplayedLog {
  /// Throws when the moment at which reading was to stop is not one that a server ever was in, or
  /// the log does not hold it.
  func checkExtent(_ options: Options) throws(ToolError) {
    if let index = options.lastIndex {
      if let open = keyspace.openTransaction, options.lastTime == nil {
        throw inside(open, index)
      }
      if keyspace.commandCount < index, !keyspace.isStopped {
        throw .usage(
          "--index \(index) lies behind the end: \(KeyText.fileName(facts.path)) holds "
            + "\(keyspace.commandCount) commands",
          remedy: "Try: redis-backup log \(KeyText.shellWord(facts.path)) --last 10")
      }
    }
    guard let time = options.lastTime else { return }
    let moment = Moment(milliseconds: time * 1000).text
    if let made = keyspace.producer.madeAt, made > time {
      throw .usage(
        "the log begins with a dump of \(Moment(milliseconds: made * 1000).text); what was before, at "
          + "\(moment), is not in it",
        remedy: "Try: an older backup")
    }
    if keyspace.annotationCount == 0, keyspace.commandCount > 0 || keyspace.isStopped {
      throw .usage(
        "\(KeyText.fileName(facts.path)) does not say when its commands were sent "
          + "(aof-timestamp-enabled no), so that --until can't be told",
        remedy: "Try: --index N; redis-backup log shows the numbers")
    }
  }

  private func inside(_ open: (multi: Int, exec: Int?), _ index: Int) -> ToolError {
    guard let exec = open.exec else {
      return .usage(
        "command \(index) lies in a transaction without EXEC, which no server executes",
        remedy: "Try: --index \(open.multi - 1), the state before it")
    }
    return .usage(
      "command \(index) lies in the transaction of commands \(open.multi) to \(exec), and no server "
        + "ever was between them",
      remedy:
        "Try: --index \(exec) for the state behind it, or --index \(open.multi - 1) for that before"
    )
  }
}
