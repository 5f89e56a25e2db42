internal import Bytes
internal import RDB

/// Finds where two values of one key differ.
enum ValueComparison {
  /// Compares `a` with `b`, keys of the same name.
  static func compare(_ a: FlatValue, _ b: FlatValue, into list: inout DifferenceList) {
    guard a.type == b.type else {
      list.add(
        StateDifference(
          .type, before: .text("\(a.type.name)"), after: .text("\(b.type.name)")))
      compareHeads(a, b, &list)
      return
    }
    switch a.type {
    case .string, .gcra: compareStrings(a, b, &list)
    case .list, .cron: compareLists(a, b, &list)
    case .set, .zset, .hash: compareTables(a, b, &list)
    case .array: compareArrays(a, b, &list)
    case .module: compareModules(a, b, &list)
    case .stream: compareStreams(a, b, &list)
    }
    compareHeads(a, b, &list)
  }

  private static func compareHeads(
    _ a: FlatValue, _ b: FlatValue, _ list: inout DifferenceList
  ) {
    compare(.expiry, .expiry, a.expiresAt, b.expiresAt, &list) { time($0) }
    compare(.idle, .idle, a.idle, b.idle, &list) { .text("\($0) s") }
    compare(.frequency, .frequency, a.frequency, b.frequency, &list) { .text("\($0)") }
    compare(
      .metadata, .metadata, a.metadata.isEmpty ? nil : a.metadata,
      b.metadata.isEmpty ? nil : b.metadata, &list
    ) { .bytes($0) }
  }

  /// One number of both, nil where it is not there.
  static func compare<T: Equatable>(
    _ part: StateDifference.Part, _ aspects: StateAspects, _ a: T?, _ b: T?,
    _ list: inout DifferenceList, group: [UInt8]? = nil, name: StateDifference.Shown? = nil,
    _ show: (T) -> StateDifference.Shown
  ) {
    if a == b { return }
    list.add(
      StateDifference(
        part, a == nil ? .added : b == nil ? .removed : .changed, group: group, name: name,
        before: a.map(show), after: b.map(show), aspects: aspects))
  }

  /// A moment in ms, exactly and readable.
  static func time(_ ms: Int64) -> StateDifference.Shown {
    .text("\(ms) (\(Moment(milliseconds: ms).text))")
  }

  static func text(_ id: StreamID) -> StateDifference.Shown { .text("\(id.ms)-\(id.seq)") }

  // MARK: - Types

  private static func compareStrings(
    _ a: FlatValue, _ b: FlatValue, _ list: inout DifferenceList
  ) {
    let first = a.items.first.map { a.first($0) } ?? ByteSlice()
    let second = b.items.first.map { b.first($0) } ?? ByteSlice()
    if first == second { return }
    var at = 0
    while at < min(first.count, second.count), first[at] == second[at] { at += 1 }
    list.add(
      StateDifference(
        .value, name: .text("byte \(at)"), before: .bytes(first.bytes), after: .bytes(second.bytes))
    )
  }

  /// Up to so many elements of a list are put into relation; more are compared place by place.
  private static let mostAligned = 4000

  private static func compareLists(
    _ a: FlatValue, _ b: FlatValue, _ list: inout DifferenceList
  ) {
    let before = a.items
    let after = b.items
    var head = 0
    while head < min(before.count, after.count),
      a.first(before[head]) == b.first(after[head])
    { head += 1 }
    var tail = 0
    while tail < min(before.count, after.count) - head,
      a.first(before[before.count - 1 - tail]) == b.first(after[after.count - 1 - tail])
    { tail += 1 }
    let old = head..<before.count - tail
    let new = head..<after.count - tail
    if old.count + new.count <= mostAligned {
      let oldHashes = old.map { a.first(before[$0]).fastHash }
      let newHashes = new.map { b.first(after[$0]).fastHash }
      let difference = newHashes.difference(from: oldHashes)
      var removed: Set<Int> = []
      var added: Set<Int> = []
      for step in difference {
        switch step {
        case .remove(let offset, _, _): removed.insert(offset)
        case .insert(let offset, _, _): added.insert(offset)
        }
      }
      // The same place on both sides: it was changed.
      for offset in removed.union(added).sorted() {
        let index = head + offset
        let old =
          removed.contains(offset)
          ? StateDifference.Shown.bytes(
            a.first(before[index]).bytes) : nil
        let new =
          added.contains(offset)
          ? StateDifference.Shown.bytes(
            b.first(after[index]).bytes) : nil
        list.add(
          StateDifference(
            .element, old == nil ? .added : new == nil ? .removed : .changed,
            name: .text("\(index)"), before: old, after: new))
      }
      return
    }
    for offset in 0..<max(old.count, new.count) {
      let index = head + offset
      let left = offset < old.count ? a.first(before[index]) : nil
      let right = offset < new.count ? b.first(after[index]) : nil
      if left == right { continue }
      list.add(
        StateDifference(
          .element, left == nil ? .added : right == nil ? .removed : .changed,
          name: .text("\(index)"), before: left.map { .bytes($0.bytes) },
          after: right.map { .bytes($0.bytes) }))
    }
  }

  /// Sets, sorted sets, hashes: by member or field.
  private static func compareTables(
    _ a: FlatValue, _ b: FlatValue, _ list: inout DifferenceList
  ) {
    let part: StateDifference.Part = a.type == .hash ? .field : .member
    var places: [ByteSlice: Int] = [:]
    places.reserveCapacity(b.items.count)
    for (index, item) in b.items.enumerated() { places[b.first(item)] = index }
    for item in a.items {
      let name = a.first(item)
      guard let place = places.removeValue(forKey: name) else {
        list.add(
          StateDifference(
            part, .removed, name: .bytes(name.bytes), before: shown(a, item)))
        continue
      }
      compare(a, item, b, b.items[place], &list)
    }
    for place in places.values.sorted() {
      let item = b.items[place]
      list.add(
        StateDifference(
          part, .added, name: .bytes(b.first(item).bytes), after: shown(b, item)))
    }
  }

  /// What is shown of a member or field beside its name.
  private static func shown(
    _ value: FlatValue, _ item: FlatValue.Item
  ) -> StateDifference.Shown? {
    switch value.type {
    case .hash: .bytes(value.second(item).bytes)
    case .zset: score(item.number)
    default: nil
    }
  }

  private static func score(_ bits: UInt64) -> StateDifference.Shown {
    var text = ScratchBuffer(capacity: 64)
    text.append(double: Double(bitPattern: bits), .shortest)
    return .text(text.slice.text)
  }

  private static func compare(
    _ a: FlatValue, _ old: FlatValue.Item, _ b: FlatValue, _ new: FlatValue.Item,
    _ list: inout DifferenceList
  ) {
    let name = StateDifference.Shown.bytes(a.first(old).bytes)
    if a.type == .zset && old.number != new.number {
      list.add(
        StateDifference(.score, name: name, before: score(old.number), after: score(new.number)))
    }
    guard a.type == .hash else { return }
    if a.second(old) != b.second(new) {
      list.add(
        StateDifference(
          .field, name: name, before: .bytes(a.second(old).bytes),
          after: .bytes(b.second(new).bytes)))
    }
    let never = ValueElement.never
    compare(
      .fieldExpiry, .fieldExpiry, old.expiresAt == never ? nil : old.expiresAt,
      new.expiresAt == never ? nil : new.expiresAt, &list, name: name
    ) { time($0) }
  }

  private static func compareArrays(
    _ a: FlatValue, _ b: FlatValue, _ list: inout DifferenceList
  ) {
    var places: [UInt64: Int] = [:]
    for (index, item) in b.items.enumerated() { places[item.number] = index }
    for item in a.items {
      let name = StateDifference.Shown.text("\(item.number)")
      let old = a.first(item)
      guard let place = places.removeValue(forKey: item.number) else {
        list.add(StateDifference(.item, .removed, name: name, before: .bytes(old.bytes)))
        continue
      }
      let new = b.first(b.items[place])
      if old != new {
        list.add(
          StateDifference(.item, name: name, before: .bytes(old.bytes), after: .bytes(new.bytes)))
      }
    }
    for place in places.values.sorted() {
      let item = b.items[place]
      list.add(
        StateDifference(
          .item, .added, name: .text("\(item.number)"), after: .bytes(b.first(item).bytes)))
    }
    compare(.cursor, [], a.arrayCursor, b.arrayCursor, &list) { .text("\($0)") }
  }

  private static func compareModules(
    _ a: FlatValue, _ b: FlatValue, _ list: inout DifferenceList
  ) {
    compare(.moduleType, [], a.moduleID, b.moduleID, &list) { id in
      let type = ModuleTypeID(id)
      return .text("\(type.name) \(type.version)")
    }
    for index in 0..<max(a.items.count, b.items.count) {
      let old = index < a.items.count ? a.items[index] : nil
      let new = index < b.items.count ? b.items[index] : nil
      if let old, let new, old.number == new.number, old.expiresAt == new.expiresAt,
        a.first(old) == b.first(new)
      {
        continue
      }
      list.add(
        StateDifference(
          .moduleItem, old == nil ? .added : new == nil ? .removed : .changed,
          name: .text("\(index)"), before: old.map { moduleItem(a, $0) },
          after: new.map { moduleItem(b, $0) }))
    }
  }

  private static func moduleItem(
    _ value: FlatValue, _ item: FlatValue.Item
  ) -> StateDifference.Shown {
    let bits = UInt64(bitPattern: item.expiresAt)
    return switch item.number {
    case 1: .text("signed \(item.expiresAt)")
    case 2: .text("unsigned \(bits)")
    case 3: .text("float \(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))")
    case 4: .text("double \(Double(bitPattern: bits))")
    default: .bytes(value.first(item).bytes)
    }
  }
}
