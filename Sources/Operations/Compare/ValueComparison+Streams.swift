internal import Bytes
internal import RDB

// Streams: entries, numbers, groups with consumers and pending entries, idempotent ids.
extension ValueComparison {
  static func compareStreams(_ a: FlatValue, _ b: FlatValue, _ list: inout DifferenceList) {
    compareEntries(a, b, &list)
    compare(.lastID, [], a.numbers.lastID, b.numbers.lastID, &list) { text($0) }
    compare(
      .entriesAdded, .streamNumbers, a.numbers.entriesAdded, b.numbers.entriesAdded, &list
    ) { .text("\($0)") }
    compare(
      .maxDeletedID, .streamNumbers, a.numbers.maxDeletedID, b.numbers.maxDeletedID, &list
    ) { text($0) }
    var rest: [[UInt8]: FlatValue.Group] = [:]
    for group in b.groups { rest[group.name] = group }
    for group in a.groups {
      guard let other = rest.removeValue(forKey: group.name) else {
        list.add(StateDifference(.group, .removed, name: .bytes(group.name)))
        continue
      }
      compare(a, group, b, other, &list)
    }
    for group in b.groups where rest[group.name] != nil {
      list.add(StateDifference(.group, .added, name: .bytes(group.name)))
    }
    compareIdempotency(a, b, &list)
  }

  private static func compareEntries(
    _ a: FlatValue, _ b: FlatValue, _ list: inout DifferenceList
  ) {
    var i = 0
    var j = 0
    while i < a.entries.count || j < b.entries.count {
      if j == b.entries.count || i < a.entries.count && a.entries[i].id < b.entries[j].id {
        list.add(
          StateDifference(
            .entry, .removed, name: text(a.entries[i].id), before: shown(a, a.entries[i])))
        i += 1
      } else if i == a.entries.count || b.entries[j].id < a.entries[i].id {
        list.add(
          StateDifference(
            .entry, .added, name: text(b.entries[j].id), after: shown(b, b.entries[j])))
        j += 1
      } else {
        if !equal(a, a.entries[i], b, b.entries[j]) {
          list.add(
            StateDifference(
              .entry, name: text(a.entries[i].id), before: shown(a, a.entries[i]),
              after: shown(b, b.entries[j])))
        }
        i += 1
        j += 1
      }
    }
  }

  private static func equal(
    _ a: FlatValue, _ old: FlatValue.Entry, _ b: FlatValue, _ new: FlatValue.Entry
  ) -> Bool {
    guard old.fields == new.fields else { return false }
    return (0..<old.fields).allSatisfy { index in
      let left = a.items[old.from + index]
      let right = b.items[new.from + index]
      return a.first(left) == b.first(right) && a.second(left) == b.second(right)
    }
  }

  /// `field value field value`, quoted.
  private static func shown(
    _ value: FlatValue, _ entry: FlatValue.Entry
  ) -> StateDifference.Shown {
    var words: [String] = []
    for item in value.items[entry.from..<entry.from + min(entry.fields, 8)] {
      words.append(KeyText.quoted(value.first(item), limit: 64))
      words.append(KeyText.quoted(value.second(item), limit: 64))
    }
    if entry.fields > 8 { words.append("… (\(entry.fields) fields)") }
    return .text(words.joined(separator: " "))
  }

  private static func compare(
    _ a: FlatValue, _ old: FlatValue.Group, _ b: FlatValue, _ new: FlatValue.Group,
    _ list: inout DifferenceList
  ) {
    let group = old.name
    compare(.lastDelivered, [], old.lastDelivered, new.lastDelivered, &list, group: group) {
      text($0)
    }
    compare(.entriesRead, .entriesRead, old.entriesRead, new.entriesRead, &list, group: group) {
      .text($0 < 0 ? "unknown" : "\($0)")
    }
    compareConsumers(a, old, b, new, &list)
    comparePending(a, old, b, new, &list)
  }

  private static func compareConsumers(
    _ a: FlatValue, _ old: FlatValue.Group, _ b: FlatValue, _ new: FlatValue.Group,
    _ list: inout DifferenceList
  ) {
    let group = old.name
    var rest: [[UInt8]: FlatValue.Consumer] = [:]
    for consumer in new.consumers { rest[consumer.name] = consumer }
    for (index, consumer) in old.consumers.enumerated() {
      let name = StateDifference.Shown.bytes(consumer.name)
      guard let other = rest.removeValue(forKey: consumer.name) else {
        list.add(
          StateDifference(
            .consumer, .removed, group: group, name: name, aspects: aspects(a, old, index)))
        continue
      }
      compare(
        .seenTime, .seenTime, consumer.seenAt, other.seenAt, &list, group: group, name: name
      ) { time($0) }
      compare(
        .activeTime, .activeTime, consumer.activeAt, other.activeAt, &list, group: group,
        name: name
      ) { $0 < 0 ? .text("never") : time($0) }
    }
    for (index, consumer) in new.consumers.enumerated() where rest[consumer.name] != nil {
      list.add(
        StateDifference(
          .consumer, .added, group: group, name: .bytes(consumer.name),
          aspects: aspects(b, new, index)))
    }
  }

  /// Under which aspects a whole consumer may be left out.
  private static func aspects(
    _ value: FlatValue, _ group: FlatValue.Group, _ consumer: Int
  ) -> StateAspects {
    var ownsNothing = true
    for entry in group.pending where entry.owner == consumer {
      if value.hasEntry(entry.id) { return [] }
      ownsNothing = false
    }
    return ownsNothing ? .consumers : .goneEntries
  }

  private static func comparePending(
    _ a: FlatValue, _ old: FlatValue.Group, _ b: FlatValue, _ new: FlatValue.Group,
    _ list: inout DifferenceList
  ) {
    let group = old.name
    var rest: [StreamID: FlatValue.Pending] = [:]
    for entry in new.pending { rest[entry.id] = entry }
    func lonely(
      _ entry: FlatValue.Pending, _ owners: FlatValue.Group, in value: FlatValue,
      _ change: StateDifference.Change
    ) {
      var aspects = StateAspects()
      if !value.hasEntry(entry.id) { aspects.insert(.goneEntries) }
      if entry.owner < 0 { aspects.insert(.unowned) }
      let shown = owner(entry, owners)
      list.add(
        StateDifference(
          .pending, change, group: group, name: text(entry.id),
          before: change == .removed ? shown : nil, after: change == .added ? shown : nil,
          aspects: aspects))
    }
    for entry in old.pending {
      guard let other = rest.removeValue(forKey: entry.id) else {
        lonely(entry, old, in: a, .removed)
        continue
      }
      let name = text(entry.id)
      let before = owner(entry, old)
      let after = owner(other, new)
      if before != after {
        list.add(
          StateDifference(
            .owner, group: group, name: name, before: before, after: after,
            aspects: entry.owner < 0 || other.owner < 0 ? .unowned : []))
      }
      compare(.deliveries, [], entry.count, other.count, &list, group: group, name: name) {
        .text("\($0)")
      }
      compare(
        .deliveryTime, entry.owner < 0 ? .seenTime : [], entry.deliveredAt, other.deliveredAt,
        &list, group: group, name: name
      ) { time($0) }
    }
    for entry in new.pending where rest[entry.id] != nil { lonely(entry, new, in: b, .added) }
  }

  private static func owner(
    _ entry: FlatValue.Pending, _ group: FlatValue.Group
  ) -> StateDifference.Shown {
    entry.owner < 0 ? .text("nobody") : .bytes(group.consumers[entry.owner].name)
  }

  private static func compareIdempotency(
    _ a: FlatValue, _ b: FlatValue, _ list: inout DifferenceList
  ) {
    func settings(_ value: FlatValue) -> String {
      let seconds = value.hasIdempotency ? value.idempotencySeconds : 100
      let most = value.hasIdempotency ? value.idempotencyMost : 100
      return "\(seconds) s, \(most) ids"
    }
    compare(.idempotency, .idempotency, settings(a), settings(b), &list) { .text($0) }
    func all(_ value: FlatValue) -> [[[UInt8]]: StreamID] {
      var all: [[[UInt8]]: StreamID] = [:]
      for producer in value.producers {
        for (id, entry) in producer.ids { all[[producer.name, id]] = entry }
      }
      return all
    }
    let old = all(a)
    let new = all(b)
    for key in Set(old.keys).union(new.keys).sorted(by: {
      $0.lexicographicallyPrecedes($1) { $0.lexicographicallyPrecedes($1) }
    }) {
      let aspects: StateAspects =
        old[key].map({ a.hasEntry($0) }) ?? true && new[key].map({ b.hasEntry($0) }) ?? true
        ? .idempotency : [.idempotency, .goneEntries]
      compare(
        .idempotency, aspects, old[key], new[key], &list, group: key[0], name: .bytes(key[1])
      ) { text($0) }
    }
    compare(
      .idempotencyCounts, .idempotencyCounts, "\(a.idsAdded) added, \(a.duplicates) duplicates",
      "\(b.idsAdded) added, \(b.duplicates) duplicates", &list
    ) { .text($0) }
  }
}
