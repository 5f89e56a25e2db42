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

/// The fields of the hash `name` in database 0 of a dump, however the hash is encoded; nil when the
/// dump has no such hash.
///
/// Of all other keys only the header is read.
public func fields(of name: String, in path: String) throws -> [String: String]? {
  var reader = try RDBReader(InputFile.open(path))
  var field = ValueElement()
  while true {
    switch try reader.next() {
    case .key where reader.key.db == 0 && reader.key.key.text == name:
      guard reader.key.type.logical == .hash else { return nil }
      var fields: [String: String] = [:]
      while try reader.nextElement(&field) { fields[field.first.text] = field.second.text }
      return fields
    case .end: return nil
    default: break
    }
  }
}

/// What is wrong with a dump, in a sentence for people; nil when nothing is.
///
/// An error tells what is wrong, at which byte, and what was being read there.
public func firstFault(of path: String) throws -> String? {
  do {
    var reader = try RDBReader(InputFile.open(path))
    while true {
      if case .end = try reader.next() { return nil }
    }
  } catch let error as RDBError {
    return ToolError(error, file: path).line
  }
}
