internal import AOF
internal import Bytes

/// Tells from the commands of a log whether the server that wrote it was older than Redis 4.0.
///
/// A log of commands has no version, but old servers wrote some commands in forms that later ones do not:
///
/// ```text
///     SET key value EX|PX n          2.6.12 to 3.0: the time as the client gave it
///     BRPOPLPUSH from to timeout     2.6 to 3.2: with the time to wait
/// ```
///
/// When a later server went on with such a log, it has read all of it at its start, and the state is what
/// *that* server makes of the commands. So one command which only Redis 4.0 and later write decides
/// against the old ones. Both forms are facts of aof-format.md 7 and 8.
enum LogAge {
  /// Whether everything in `log`, a file without a dump at its head, speaks for a server before 4.0, and
  /// something does. Reads the log once, up to its end or its first damage.
  static func isBefore4(_ log: ByteSlice) -> Bool {
    var reader = AOFReader(ByteCursor(log))
    let table = CommandTable.shared
    var isOld = false
    while (try? reader.next()) == true {
      let words = reader.arguments
      switch table.find(reader.command.word, words)?.id {
      case .set where words.count > 3:
        for index in 3..<words.count {
          if words.isOption(index, "EX") || words.isOption(index, "PX") { isOld = true }
          if words.isOption(index, "PXAT") || words.isOption(index, "KEEPTTL") { return false }
        }
      case .brpoplpush: isOld = true
      case .unlink, .swapdb, .xadd, .zpopmin, .zpopmax, .copy, .lmove: return false
      default: break
      }
    }
    return isOld && reader.annotations == 0
  }
}

extension Keyspace {
  /// Whether PFMERGE of the server whose log this is always makes the dense form; servers before 4.0 did.
  ///
  /// Looked for once, and only when a log has a PFMERGE of which the answer would make a difference.
  func mergesDense() -> Bool {
    if let lower { return lower.mergesDense() }
    if let known = mergesDenseIfKnown { return known }
    var found = false
    if context.generation == .upTo6, let bytes = log.onlyFile {
      var head = ByteCursor(bytes)
      found = !Preamble.begins(at: &head) && LogAge.isBefore4(bytes)
    }
    mergesDenseIfKnown = found
    return found
  }
}
