internal import AOF
internal import Bytes

/// Places in sorted sets. Logs hold GEOADD as ZADD; the storing searches stand as they were sent.
package enum GeoCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("GEOADD", arity: -5, .key(geoadd)),
    CommandEntry("GEORADIUS", arity: -6, .keyspace(georadius)),
    CommandEntry("GEORADIUSBYMEMBER", arity: -5, .keyspace(georadiusbymember)),
    CommandEntry("GEOSEARCHSTORE", arity: -8, .keyspace(geosearchstore)),
  ]

  /// `GEOADD key [NX|XX] [CH] longitude latitude member …`
  @Sendable
  static func geoadd(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    var onlyNew = false
    var onlyPresent = false
    var at = 2
    while at < a.count {
      if a.isOption(at, "NX") {
        onlyNew = true
      } else if a.isOption(at, "XX") {
        onlyPresent = true
      } else if !a.isOption(at, "CH") {
        break
      }
      at += 1
    }
    guard (a.count - at) % 3 == 0, at < a.count, !(onlyNew && onlyPresent) else { throw .syntax }
    for index in stride(from: at, to: a.count, by: 3) { _ = try place(a, index) }
    if onlyPresent && !state.exists { return .unchanged }
    guard let zset = try state.sortedSet(creating: true) else { return .unchanged }
    for index in stride(from: at, to: a.count, by: 3) {
      let known = zset.score(of: a[index + 2])
      if onlyNew && known != nil || onlyPresent && known == nil { continue }
      let (longitude, latitude) = try place(a, index)
      let cell = GeoCell(longitude: longitude, latitude: latitude, step: 26)
      zset.set(a[index + 2], to: Double(cell.bits))
    }
    return .changed
  }

  /// `GEORADIUS key longitude latitude radius unit [options] [STORE key|STOREDIST key]`
  @Sendable
  static func georadius(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    let zset = try sortedSet(a[1], keyspace)
    let (longitude, latitude) = try place(a, 2)
    let unit = try unit(a, 5)
    let shape = GeoSearch.Shape.circle(radius: try length(a, 4) * unit)
    let search = GeoSearch(longitude: longitude, latitude: latitude, shape: shape)
    return try radius(a, from: 6, search, unit, zset, keyspace)
  }

  /// `GEORADIUSBYMEMBER key member radius unit [options] [STORE key|STOREDIST key]`
  @Sendable
  static func georadiusbymember(
    _ a: Arguments, _ keyspace: Keyspace
  ) throws(CommandFault) -> Effect {
    let zset = try sortedSet(a[1], keyspace)
    var search = GeoSearch(longitude: 0, latitude: 0, shape: .circle(radius: 0))
    var unit = 1.0
    // Without a key servers do not look at the radius.
    if let zset {
      try search.move(to: a[2], of: zset)
      unit = try self.unit(a, 4)
      search.shape = .circle(radius: try length(a, 3) * unit)
    }
    return try radius(a, from: 5, search, unit, zset, keyspace)
  }

  private static func radius(
    _ a: Arguments, from start: Int, _ search: GeoSearch, _ unit: Double,
    _ zset: SortedSetValue?, _ keyspace: Keyspace
  ) throws(CommandFault) -> Effect {
    var choice = Choice()
    var target: ByteSlice?
    var at = start
    while at < a.count {
      if a.isOption(at, "STORE"), at + 1 < a.count {
        target = a[at + 1]
        choice.storesDistance = false
        at += 2
      } else if a.isOption(at, "STOREDIST"), at + 1 < a.count {
        target = a[at + 1]
        choice.storesDistance = true
        at += 2
      } else if a.isOption(at, "WITHDIST") || a.isOption(at, "WITHHASH")
        || a.isOption(at, "WITHCOORD")
      {
        at += 1
      } else {
        at = try choice.read(a, at)
      }
    }
    guard choice.isSound else { throw .syntax }
    guard let target else { return .unchanged }
    return choice.store(search, unit, zset, in: target, keyspace)
  }

  /// `GEOSEARCHSTORE destination source FROMMEMBER member|FROMLONLAT longitude latitude
  /// BYRADIUS radius unit|BYBOX width height unit [ASC|DESC] [COUNT n [ANY]] [STOREDIST]`, or, in
  /// place of a center and a shape, `BYPOLYGON n longitude latitude …` (Valkey 9)
  @Sendable
  static func geosearchstore(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    let zset = try sortedSet(a[2], keyspace)
    var choice = Choice()
    var search = GeoSearch(longitude: 0, latitude: 0, shape: .circle(radius: 0))
    var unit = 1.0
    var centers = 0
    var shapes = 0
    var at = 3
    while at < a.count {
      if a.isOption(at, "FROMMEMBER"), at + 1 < a.count {
        if let zset { try search.move(to: a[at + 1], of: zset) }
        centers += 1
        at += 2
      } else if a.isOption(at, "FROMLONLAT"), at + 2 < a.count {
        (search.longitude, search.latitude) = try place(a, at + 1)
        centers += 1
        at += 3
      } else if a.isOption(at, "BYRADIUS"), at + 2 < a.count {
        unit = try self.unit(a, at + 2)
        search.shape = .circle(radius: try length(a, at + 1) * unit)
        shapes += 1
        at += 3
      } else if a.isOption(at, "BYBOX"), at + 3 < a.count {
        unit = try self.unit(a, at + 3)
        search.shape = .box(
          width: try length(a, at + 1) * unit, height: try length(a, at + 2) * unit)
        shapes += 1
        at += 4
      } else if a.isOption(at, "BYPOLYGON"), at + 1 < a.count {
        let count = try a.integer(at: at + 1)
        guard count >= 3, count <= Int64((a.count - at - 2) / 2) else { throw .syntax }
        var corners: [GeoSearch.Corner] = []
        for index in 0..<Int(count) {
          let (longitude, latitude) = try place(a, at + 2 + 2 * index)
          corners.append(GeoSearch.Corner(longitude: longitude, latitude: latitude))
        }
        search.shape = .polygon(corners)
        let middle = GeoSearch.middle(of: corners)
        (search.longitude, search.latitude) = (middle.longitude, middle.latitude)
        centers += 1
        shapes += 1
        at += 2 + 2 * corners.count
      } else if a.isOption(at, "STOREDIST") {
        choice.storesDistance = true
        at += 1
      } else {
        at = try choice.read(a, at)
      }
    }
    guard centers == 1, shapes == 1, choice.isSound else { throw .syntax }
    return choice.store(search, unit, zset, in: a[1], keyspace)
  }

  // MARK: - What is kept

  /// Order, number and form of the hits that are stored.
  private struct Choice {
    var descending = false
    var count: Int?
    var any = false
    var storesDistance = false

    /// `ANY` needs a `COUNT`.
    var isSound: Bool { !any || count != nil }

    /// Reads an option at word `at`; returns the first word behind it.
    mutating func read(_ a: Arguments, _ at: Int) throws(CommandFault) -> Int {
      if a.isOption(at, "ASC") {
        descending = false
      } else if a.isOption(at, "DESC") {
        descending = true
      } else if a.isOption(at, "ANY") {
        any = true
      } else if a.isOption(at, "COUNT"), at + 1 < a.count {
        let given = try a.integer(at: at + 1)
        guard given > 0 else { throw .outOfRange }
        count = Int(given)
        return at + 2
      } else {
        throw .syntax
      }
      return at + 1
    }

    /// Replaces `target`, time to live included; without hits it is removed.
    func store(
      _ search: GeoSearch, _ unit: Double, _ zset: SortedSetValue?, in target: ByteSlice,
      _ keyspace: Keyspace
    ) -> Effect {
      var search = search
      search.looksAtAll = keyspace.context.generation == .from8
      search.isOld = keyspace.context.generation == .upTo6
      var hits = zset.map { search.hits(in: $0, limit: any ? count : nil) } ?? []
      if let count, !any, hits.count > count {
        hits.sort { descending ? $0.distance > $1.distance : $0.distance < $1.distance }
        hits.removeLast(hits.count - count)
      }
      let result = SortedSetValue()
      for hit in hits {
        result.set(hit.member, to: storesDistance ? hit.distance / unit : hit.score)
      }
      return SortedSetCommands.store(result, in: target, keyspace)
    }
  }

  // MARK: - Words

  private static func sortedSet(
    _ key: ByteSlice, _ keyspace: Keyspace
  ) throws(CommandFault) -> SortedSetValue? {
    var state = keyspace.state(of: key)
    return try state.sortedSet()
  }

  private static func place(
    _ a: Arguments, _ at: Int
  ) throws(CommandFault) -> (longitude: Double, latitude: Double) {
    let longitude = try SortedSetCommands.score(a[at])
    let latitude = try SortedSetCommands.score(a[at + 1])
    guard GeoCell.longitudes ~= longitude, GeoCell.latitudes ~= latitude else {
      throw .outOfRange
    }
    return (longitude, latitude)
  }

  private static func length(_ a: Arguments, _ at: Int) throws(CommandFault) -> Double {
    let value = try SortedSetCommands.score(a[at])
    guard value >= 0 else { throw .outOfRange }
    return value
  }

  private static func unit(_ a: Arguments, _ at: Int) throws(CommandFault) -> Double {
    if a.isOption(at, "m") { return 1 }
    if a.isOption(at, "km") { return 1000 }
    if a.isOption(at, "ft") { return 0.3048 }
    if a.isOption(at, "mi") { return 1609.34 }
    throw .syntax
  }
}

extension GeoSearch {
  /// Searches around the place of `member`.
  mutating func move(to member: ByteSlice, of zset: SortedSetValue) throws(CommandFault) {
    guard let score = zset.score(of: member), score >= 0, score < 18446744073709551616.0 else {
      throw .missing
    }
    (longitude, latitude) = GeoCell(bits: UInt64(score), step: 26).center
  }
}
