internal import Bytes
internal import Operations

// A node of a cluster takes the keys of its own slots only. Which those are is asked of it before
// anything is written, so that nothing is put back by halves.

extension ApplyRecovery {
  /// So many slots are asked for at once.
  private static let mostSlots = 1024

  /// Refuses keys that this node of a cluster would not take, before anything is written.
  ///
  /// - Throws: `JobError` that says how many keys belong to which node.
  func checkSlots(_ keys: [RecoverableKey]) throws(JobError) {
    for database in Set(keys.map(\.database)).sorted() { try select(database) }
    var keysOfSlot: [Int: Int] = [:]
    var asked: [RecoverableKey] = []
    for key in keys {
      let slot = HashSlot.of(key.key)
      if keysOfSlot.updateValue((keysOfSlot[slot] ?? 0) + 1, forKey: slot) == nil {
        asked.append(key)
      }
    }
    var own: [Int] = []
    var elsewhere: [String: [Int]] = [:]
    for start in stride(from: 0, to: asked.count, by: Self.mostSlots) {
      let part = asked[start..<min(start + Self.mostSlots, asked.count)]
      let deadline = Deadline(after: timeout)
      try connection.send(
        raw: part.flatMap { Self.command("EXISTS", [$0.key.bytes]) }, deadline)
      for key in part {
        let slot = HashSlot.of(key.key)
        guard case .error(let text) = try reply(deadline) else {
          own.append(slot)
          continue
        }
        // MOVED 3999 127.0.0.1:6381
        guard text.hasPrefix("MOVED ") || text.hasPrefix("ASK "),
          let node = text.split(separator: " ").last
        else { throw connection.refused(["EXISTS"], text) }
        elsewhere[String(node), default: []].append(slot)
      }
    }
    if elsewhere.isEmpty { return }
    let served = try? ClusterTopology.ask(connection)
    func slots(_ some: [Int]) -> String {
      guard let slot = some.first,
        let shard = served?.first(where: { $0.slots.contains { $0.contains(slot) } })
      else { return "" }
      return "slots \(shard.slotsText)"
    }
    var parts: [String] = []
    var count = 0
    for (node, some) in elsewhere.sorted(by: { $0.key < $1.key }) {
      let number = some.reduce(0) { $0 + (keysOfSlot[$1] ?? 0) }
      count += number
      let text = slots(some)
      parts.append("\(number) to \(node)\(text.isEmpty ? "" : " (\(text))")")
    }
    let mine = slots(own)
    throw JobError(
      .usage, step: "apply", place: report.server,
      "\(count) of \(keys.count) keys belong to other nodes of the cluster, so nothing was written: "
        + parts.joined(separator: ", "),
      remedy: "Give each node its own keys, with --slot"
        + (mine.isEmpty ? "." : "; this one serves \(mine)."))
  }
}
