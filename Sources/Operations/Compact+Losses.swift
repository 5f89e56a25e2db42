import Keyspace
import RDB

extension ReplayedLog {
  /// Whether it is a log of several files, which servers write since 7.0.
  var isMultiPart: Bool {
    if case .multiPart = facts.kind { return true }
    return false
  }
}

extension EmissionLosses {
  /// What was left out, in words.
  var sentences: [String] {
    var lines: [String] = []
    func add(_ count: Int, _ one: String, _ many: String) {
      if count > 0 { lines.append(count == 1 ? "1 \(one)" : "\(count) \(many)") }
    }
    add(functions, "library of functions", "libraries of functions")
    add(modules, "value of a module", "values of modules")
    add(fieldExpiries, "time to live of a hash field", "times to live of hash fields")
    add(milliseconds, "time to live's milliseconds", "times to live's milliseconds")
    add(streams, "stream", "streams")
    add(arrays, "array", "arrays")
    add(consumers, "idle consumer", "idle consumers")
    add(unowned, "pending entry without a consumer", "pending entries without a consumer")
    add(idempotency, "stream's ids of idempotent messages", "streams' ids of idempotent messages")
    return lines
  }
}

extension RDBLoss {
  /// What a target can't hold, in words. `inferred`: nobody asked for the target, so what servers of
  /// its age do not have at all is no loss.
  func sentences(inferred: Bool) -> [String] {
    let words: [(RDBLoss, String)] = [
      (.key, "keys of types that it does not have"),
      (.fieldExpiry, "times to live of hash fields"),
      (.streamNumbers, "counters of streams"),
      (.entriesRead, "counters of stream groups"),
      (.activeTime, "when consumers were active"),
      (.idempotency, "ids of idempotent messages"),
      (.unownedPending, "pending entries without a consumer"),
      (.milliseconds, "milliseconds of times to live"),
      (.lateExpiry, "times to live beyond 2038"),
      (.evictionHint, "idle times and use counters"),
      (.keyMetadata, "metadata of modules"),
    ]
    let counters: RDBLoss = [.streamNumbers, .entriesRead, .activeTime]
    return words.filter { contains($0.0) && !(inferred && counters.contains($0.0)) }.map(\.1)
  }
}
