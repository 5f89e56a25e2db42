import RedisBackup

/// The names of all keys of a dump that never expire, and how many elements those of a sorted set hold.
///
/// A reader gives records; behind each `.key` the value may be taken or left. What was not asked for is
/// skipped without decoding it.
public func keysWithoutExpiry(of path: String) throws -> [(name: String, members: Int)] {
  var reader = try RDBReader(InputFile.open(path))
  var element = ValueElement()
  var found: [(name: String, members: Int)] = []
  while true {
    switch try reader.next() {
    case .key:
      let key = reader.key
      if key.expiresAt != nil { continue }
      // The slice of the name is valid until the next record: what is kept has to be copied.
      let name = key.key.text
      var members = 0
      if key.type.logical == .zset {
        while try reader.nextElement(&element) { members += 1 }
      }
      found.append((name, members))
    case .end: return found
    default: break
    }
  }
}
