import Bytes
import RDB

/// A dump written anew for some target.
struct Rewritten {
  var bytes: [UInt8] = []
  /// What was lost, by "db key".
  var losses: [String: RDBLoss] = [:]
  /// How each key was written.
  var keys = 0

  /// Reads the dump at `path` and writes all its keys for `target`, element by element, or raw
  /// where the target loads the bytes as they are.
  init(
    _ path: String, _ target: RDBTarget, raw: Bool = false, compressing: Bool = true
  ) throws {
    var reader = try RDBReader(InputFile.open(path))
    let memory = MemoryTarget()
    var output = OutputBuffer(memory)
    var writer = RDBWriter(taking: &output, target: target, compressing: compressing)
    writer.writeProducer(time: 1_700_000_000, isBase: false)
    reading: while true {
      switch try reader.next() {
      case .key:
        let id = "\(reader.key.db) \(Collector.base64(reader.key.key))"
        if raw && target.copies(reader.key.type) {
          // The key's bytes may move while the value is taken.
          let key = reader.key
          writer.writeKey(key, rawValue: try reader.rawValue())
        } else {
          try reader.drain(into: &writer)
        }
        if !writer.loss.isEmpty { losses[id] = writer.loss }
      case .function(let source, _): _ = writer.writeFunction(source)
      case .moduleAux(_, _, let raw): _ = writer.writeModuleAux(raw: raw)
      case .resizeDB(let keys, let expires): writer.writeSizes(keys: keys, expires: expires)
      case .selectDB(let db): writer.selectDB(db)
      case .end: break reading
      default: break
      }
    }
    keys = writer.keys
    writer.finish(returning: &output)
    try output.flush()
    bytes = memory.bytes
  }
}

extension RDBLoss {
  /// The names of what is lost.
  var names: String {
    let words = [
      "key", "fieldExpiry", "streamNumbers", "entriesRead", "activeTime", "idempotency",
      "unownedPending", "milliseconds", "lateExpiry", "evictionHint", "keyMetadata", "nanScore",
    ]
    return zip(RDBLoss.all, words).filter { contains($0.0) }.map(\.1).joined(separator: "+")
  }
}
