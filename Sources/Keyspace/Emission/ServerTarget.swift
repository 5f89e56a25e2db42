internal import Bytes
package import RDB

/// The server that is to load what is written.
package struct ServerTarget: Sendable, Equatable {
  /// Whose dialect.
  package var dialect: RDBDialect
  /// Major and minor version as `major * 100 + minor`: 602, 704, 901.
  package var version: Int
  /// Whether everything is written that some server understands, even if this one does not.
  package var leavesNothingOut = false

  package init(dialect: RDBDialect, version: Int) {
    self.dialect = dialect
    self.version = version
  }

  /// The target that `text` names, as `redis:6.2` or `valkey:9.0`; nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "redis" || parts[0] == "valkey" else { return nil }
    let numbers = parts[1].split(separator: ".", omittingEmptySubsequences: false)
    guard (1...3).contains(numbers.count), let major = Int(numbers[0]), (1...99).contains(major)
    else { return nil }
    var minor = 0
    if numbers.count > 1 {
      guard let number = Int(numbers[1]), (0...99).contains(number) else { return nil }
      minor = number
    }
    self.init(dialect: parts[0] == "redis" ? .redis : .valkey, version: major * 100 + minor)
  }

  /// Whether the server is at least this version of Redis, or any Valkey (which began as 7.2).
  func has(redis wanted: Int) -> Bool {
    dialect == .redis ? version >= wanted : wanted <= 702
  }

  /// `FUNCTION LOAD`.
  var loadsFunctions: Bool { leavesNothingOut || hasFunctions }
  /// `XSETID … ENTRIESADDED`, `XGROUP CREATE … ENTRIESREAD`.
  var hasFunctions: Bool { has(redis: 700) }
  /// `XGROUP CREATECONSUMER`.
  var createsConsumers: Bool { has(redis: 602) }
  /// Times to live of hash fields.
  var expiresFields: Bool {
    leavesNothingOut || (dialect == .redis ? version >= 704 : version >= 900)
  }
  /// `XCFGSET` and `XIDMPRECORD`.
  var recordsIdempotency: Bool { leavesNothingOut || (dialect == .redis && version >= 806) }
  /// Arrays, and pending entries without a consumer.
  var hasArrays: Bool { leavesNothingOut || (dialect == .redis && version >= 808) }
  /// Several fields in one HSET, several elements in one push: everything since 2.4.
  var takesMany: Bool { dialect == .valkey || version >= 204 }
  /// `PEXPIREAT`.
  var takesMilliseconds: Bool { dialect == .valkey || version >= 206 }
  /// Streams.
  var hasStreams: Bool { dialect == .valkey || version >= 500 }
}

extension Keyspace {
  /// Whether both a Redis and a Valkey may have written the input, whose dumps with times to live of
  /// hash fields differ: nothing in it tells.
  package var mayBeOfEither: Bool {
    producer.dialect == nil && !isValkeyByItsCommands && generation != .from8
      && mostWords(of: "HPEXPIREAT") > 0
  }

  /// HSETEX came with Redis 8.0, whose manifests hold offsets, and with Valkey 9.0, whose do not.
  private var isValkeyByItsCommands: Bool {
    generation == .from7 && mostWords(of: "HSETEX") > 0
  }

  /// The server that seems to have written the input: what its dump says, else the oldest whose
  /// commands stand in it.
  package func likelyTarget(isMultiPart: Bool) -> ServerTarget {
    var target = ServerTarget(
      dialect: producer.dialect ?? (isValkeyByItsCommands ? .valkey : .redis),
      version: max(producer.serverVersion, isMultiPart || annotationCount > 0 ? 700 : 602))
    func raise(_ version: Int, _ names: [StaticString]) {
      for name in names where mostWords(of: name) > 0 {
        target.version = max(target.version, version)
      }
    }
    if target.dialect == .valkey {
      target.version = max(target.version, 702)
      raise(900, ["HPEXPIREAT", "HSETEX", "HPERSIST"])
    } else {
      raise(700, ["FUNCTION"])
      raise(704, ["HPEXPIREAT", "HPERSIST"])
      raise(800, ["HSETEX", "HGETEX", "HGETDEL"])
      raise(802, ["XDELEX", "XACKDEL"])
      raise(806, ["XCFGSET", "XIDMPRECORD"])
      raise(808, ["XNACK", "ARSET", "ARMSET", "ARINSERT", "ARRING"])
      if mostWords(of: "XSETID") > 3 || mostWords(of: "XGROUP") > 6 {
        target.version = max(target.version, 700)
      }
    }
    // Nobody asked for this version, so it is no reason to leave anything out.
    target.leavesNothingOut = true
    return target
  }

  /// The largest number of words that a command of this name had; 0 when there was none.
  private func mostWords(of name: StaticString) -> Int {
    registry.find(ByteSlice(name)).map { Int(mostWords[$0]) } ?? 0
  }
}
