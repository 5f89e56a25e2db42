import RedisBackup

/// Writes the commands that put the keys of one database of a dump into another server: the input of
/// `redis-cli --pipe`. Values go as payloads, element by element into the encoding that the target
/// would choose, so that a dump of Redis 8 reaches a server of Redis 6.
///
/// - Returns: the keys that the target can't hold as they are, with what is lost of each.
public func restorePipeline(
  of path: String, database: Int, for target: RDBTarget, to output: inout OutputBuffer
) throws -> [(name: String, loss: RDBLoss)] {
  var reader = try RDBReader(InputFile.open(path))
  var payloads = RestoreWriter(target: target)
  var lost: [(name: String, loss: RDBLoss)] = []
  while true {
    switch try reader.next() {
    case .key:
      let key = reader.key
      if key.db != database { continue }
      try reader.drain(into: &payloads)
      if !payloads.loss.isEmpty { lost.append((key.key.text, payloads.loss)) }
      if payloads.loss.contains(.key) { continue }
      output.write(commandOf: 5)
      output.write(bulk: "RESTORE")
      output.write(bulk: key.key)
      output.write(bulkDecimal: key.expiresAt ?? 0)
      output.write(bulk: payloads.payload)
      output.write(bulk: "ABSTTL")
    case .end:
      try output.flush()
      return lost
    default: break
    }
  }
}

/// Writes a dump for `target` that holds the strings of `values`, under the name `path`.
public func writeDump(_ values: [String: String], for target: RDBTarget, to path: String) throws {
  var file = try AtomicOutput(path, replacing: true)
  var writer = RDBWriter(taking: &file.buffer, target: target)
  writer.writeProducer(time: Moment.now.seconds, isBase: false)
  writer.selectDB(0)
  for (name, value) in values.sorted(by: { $0.key < $1.key }) {
    Array(name.utf8).withByteSlice { name in
      Array(value.utf8).withByteSlice { value in
        var key = KeyDescription()
        key.key = name
        var element = ValueElement()
        element.first = value
        writer.begin(key)
        writer.element(&element)
        writer.end()
      }
    }
  }
  writer.finish(returning: &file.buffer)
  // Synced, then named: nobody ever sees half of it.
  try file.commit(replacing: true)
}
