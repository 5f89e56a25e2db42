internal import Bytes

/// Values element by element (rdb-format.md 7, 8, 9.2 to 9.5).
extension RDBReader {
  /// The next element of a string, list, set, sorted set, hash or array (see ``ValueElement`` for
  /// which parts are set); false behind the last, and the reader then stands behind the value.
  ///
  /// What is legal to write but odd (empty collections, duplicates, NaN, no order) passes as it
  /// is. For streams and modules ask ``nextStreamEvent()`` and ``nextModuleItem()``; here they
  /// have no elements. The slices are valid until the next call.
  ///
  /// - Throws: ``RDBError``. Afterwards ``canSkipValue`` tells whether only this value is lost.
  public mutating func nextElement(_ element: inout ValueElement) throws(RDBError) -> Bool {
    do throws(RDBError) {
      if !value.begun { try beginElements() }
      if try step(&element) { return true }
      valuePending = false
      return false
    } catch {
      noteFailure(error)
      throw error
    }
  }

  /// One element of each phase; what most dumps consist of comes without another call.
  @inline(__always) mutating func step(_ element: inout ValueElement) throws(RDBError) -> Bool {
    switch value.phase {
    case .listpack:
      var item = PackedItem()
      guard try value.listpack.next(&item) else { return endElements() }
      element.first = item.text(&firstScratch)
    case .listpackPairs:
      var item = PackedItem()
      guard try value.listpack.next(&item) else { return endElements() }
      element.first = item.text(&firstScratch)
      try value.listpack.demand(&item, .hash, .pairs)
      element.second = item.text(&secondScratch)
      element.expiresAt = ValueElement.never
    case .listpackScores:
      var item = PackedItem()
      guard try value.listpack.next(&item) else { return endElements() }
      element.first = item.text(&firstScratch)
      try value.listpack.demand(&item, .zset, .pairs)
      guard element.setScore(item) else { throw corrupt(.zset, .notANumber, blobOrigin) }
    case .intset:
      guard let integer = value.intset.next() else { return endElements() }
      firstScratch.clear()
      firstScratch.append(decimal: integer)
      element.first = firstScratch.slice
    case .quicklist2:
      var item = PackedItem()
      guard try value.listpack.next(&item) else { return try stepQuicklist2(&element) }
      element.first = item.text(&firstScratch)
    case .string:
      value.phase = .done
      element.first = try input.readElement(into: &firstScratch, keeping: false)
      try throwFault()
    case .strings:
      guard value.left > 0 else { return endElements() }
      value.left &-= 1
      input.cursor.housekeep()
      element.first = try input.readElement(into: &firstScratch, keeping: false)
      try throwFault()
    case .pairs:
      guard value.left > 0 else { return endElements() }
      value.left &-= 1
      input.cursor.housekeep()
      element.first = try input.readElement(into: &firstScratch, keeping: true)
      element.second = try input.readElement(into: &secondScratch, keeping: false)
      element.expiresAt = ValueElement.never
      try throwFault()
    case .binaryScores:
      guard value.left > 0 else { return endElements() }
      value.left &-= 1
      input.cursor.housekeep()
      element.first = try input.readElement(into: &firstScratch, keeping: true)
      guard let bits = input.cursor.load(as: UInt64.self) else { throw input.truncated() }
      element.score = Double(bitPattern: bits)
      try throwFault()
    case .textScores: return try stepTextScore(&element)
    case .ziplist:
      var item = PackedItem()
      guard try value.ziplist.next(&item) else { return endElements() }
      element.first = item.text(&firstScratch)
    case .ziplistPairs:
      var item = PackedItem()
      guard try value.ziplist.next(&item) else { return endElements() }
      element.first = item.text(&firstScratch)
      try value.ziplist.demand(&item, .hash, .pairs)
      element.second = item.text(&secondScratch)
      element.expiresAt = ValueElement.never
    case .ziplistScores:
      var item = PackedItem()
      guard try value.ziplist.next(&item) else { return endElements() }
      element.first = item.text(&firstScratch)
      try value.ziplist.demand(&item, .zset, .pairs)
      guard element.setScore(item) else { throw corrupt(.zset, .notANumber, blobOrigin) }
    case .zipmap:
      guard try value.zipmap.next(&element.first, &element.second) else { return endElements() }
      element.expiresAt = ValueElement.never
    case .quicklist: return try stepQuicklist(&element)
    case .relativeFields, .absoluteFields, .valkeyFields: return try stepTimedField(&element)
    case .listpackTriples: return try stepTriple(&element)
    case .arrayElements: return try stepArray(&element)
    case .templateListpack, .templateStrings: return try stepTemplate(&element)
    case .number:
      value.phase = .done
      firstScratch.clear()
      firstScratch.append(decimal: try input.readLength())
      element.first = firstScratch.slice
    case .cron, .cronStart, .cronInterval, .cronKeys, .cronArguments:
      return try stepCron(&element)
    case .stream, .module, .done: return false
    }
    return true
  }

  /// Behind the last element.
  @inline(__always) mutating func endElements() -> Bool {
    value.phase = .done
    return false
  }

  /// `str member, text double` (rdb-format.md 4.2): 253 = NaN, 254 = +inf, 255 = -inf, else so many
  /// bytes of ASCII.
  private mutating func stepTextScore(_ element: inout ValueElement) throws(RDBError) -> Bool {
    guard value.left > 0 else { return endElements() }
    value.left &-= 1
    input.cursor.housekeep()
    element.first = try input.readElement(into: &firstScratch, keeping: true)
    let at = input.cursor.offset
    guard let length = input.cursor.byte() else { throw input.truncated() }
    switch length {
    case 253: element.score = .nan
    case 254: element.score = .infinity
    case 255: element.score = -.infinity
    default:
      guard let text = input.cursor.slice(Int(length)) else { throw input.truncated() }
      guard let score = DoubleText.parse(text, .file) else {
        throw corrupt(.zset, .notANumber, at)
      }
      element.score = score
    }
    try throwFault()
    return true
  }

  /// KeyDB's scheduled script: `str script, i64le start, i64le interval, len n, [str]*n, len m,
  /// [str]*m`, given as so many elements in this order, counts included.
  mutating func stepCron(_ element: inout ValueElement) throws(RDBError) -> Bool {
    switch value.phase {
    case .cron:
      value.phase = .cronStart
      element.first = try input.readElement(into: &firstScratch, keeping: false)
    case .cronStart, .cronInterval:
      let isStart = value.phase == .cronStart
      guard let number = input.cursor.load(as: Int64.self) else { throw input.truncated() }
      value.phase = isStart ? .cronInterval : .cronKeys
      value.left = 0
      value.templateIndex = 0
      firstScratch.clear()
      firstScratch.append(decimal: number)
      element.first = firstScratch.slice
    default:
      // templateIndex is 1 once the count of the list was given.
      if value.left == 0 && value.templateIndex == 1 {
        guard value.phase == .cronKeys else { return endElements() }
        value.phase = .cronArguments
        value.templateIndex = 0
      }
      if value.templateIndex == 0 {
        value.left = try input.readLength()
        value.templateIndex = 1
        firstScratch.clear()
        firstScratch.append(decimal: value.left)
        element.first = firstScratch.slice
      } else {
        value.left &-= 1
        element.first = try input.readElement(into: &firstScratch, keeping: false)
      }
    }
    try throwFault()
    return true
  }

  /// Keeps whether the value can be passed after `error`.
  @inline(never) mutating func noteFailure(_ error: RDBError) {
    // Of payloads with templates the values may still be there.
    let isOpen =
      (key.type == .templateListpack || key.type == .templateArray) && value.phase == .done
    switch error.kind {
    case _ where isOpen: canSkipValue = false
    case .badLZF: canSkipValue = true
    case .corrupt(.array, let problem): canSkipValue = problem == .range
    case .corrupt(.template, _): canSkipValue = key.type == .templateListpackRef
    case .corrupt: canSkipValue = true
    default: canSkipValue = false
    }
  }
}
