/// A server for which a dump is written: what it loads, and what it would write itself
/// (rdb-format.md 13).
public struct RDBTarget: Sendable, Equatable, CustomStringConvertible {
  /// Redis or Valkey.
  public let family: RDBDialect
  /// The release, such as 7 and 2 of 7.2.
  public let major: Int
  /// See ``major``.
  public let minor: Int
  /// The header that it writes.
  public let header: RDBHeader

  /// The release `major.minor` of `family`; nil before Redis 2.4 and Valkey 7.2. A release that is
  /// newer than those known counts as the newest known one.
  public init?(_ family: RDBDialect, _ major: Int, _ minor: Int) {
    guard major >= 0, minor >= 0, major < 1000, minor < 1000 else { return nil }
    guard (major, minor) >= (family == .redis ? (2, 4) : (7, 2)) else { return nil }
    self.family = family
    self.major = major
    self.minor = minor
    header = RDBTarget.header(family, major, minor)
  }

  /// The release that `text` names: `redis:7.2`, `valkey:9.0`; also `7.2` and `redis:7.2.4`.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let family: RDBDialect
    switch parts.count {
    case 1: family = .redis
    case 2 where parts[0] == "redis": family = .redis
    case 2 where parts[0] == "valkey": family = .valkey
    default: return nil
    }
    let numbers = parts[parts.count - 1].split(separator: ".", omittingEmptySubsequences: false)
    let values = numbers.map { number in
      number.allSatisfy { "0"..."9" ~= $0 } ? Int(number) : nil
    }
    guard 2...3 ~= values.count, let major = values[0], let minor = values[1], values.last != nil
    else { return nil }
    self.init(family, major, minor)
  }

  /// `redis:7.2`
  public var description: String { "\(family == .redis ? "redis" : "valkey"):\(major).\(minor)" }

  /// The releases that differ in what they load, oldest first.
  public static let all: [RDBTarget] = [
    "redis:2.4", "redis:2.6", "redis:3.2", "redis:4.0", "redis:5.0", "redis:6.2", "redis:7.0",
    "redis:7.2", "redis:7.4", "redis:8.0", "redis:8.6", "redis:8.8", "redis:8.10", "valkey:7.2",
    "valkey:8.0", "valkey:8.1", "valkey:9.0", "valkey:9.1",
  ].compactMap { RDBTarget($0) }

  /// Whether this release is `major.minor` or newer.
  func isAtLeast(_ major: Int, _ minor: Int) -> Bool {
    (self.major, self.minor) >= (major, minor)
  }

  private static func header(_ family: RDBDialect, _ major: Int, _ minor: Int) -> RDBHeader {
    if family == .valkey {
      return (major, minor) >= (9, 0)
        ? RDBHeader(dialect: .valkey, version: 80) : RDBHeader(dialect: .redis, version: 11)
    }
    let versions = [
      (8, 10, 15), (8, 8, 14), (8, 6, 13), (7, 4, 12), (7, 2, 11), (7, 0, 10), (5, 0, 9), (4, 0, 8),
      (3, 2, 7), (2, 6, 6), (2, 4, 2),
    ]
    let version = versions.first { (major, minor) >= ($0.0, $0.1) }?.2 ?? 2
    return RDBHeader(dialect: .redis, version: version)
  }

  /// Whether it loads values that are written so.
  public func loads(_ type: ValueType) -> Bool {
    let version = header.version
    let isRedis = header.dialect == .redis
    switch type {
    case .string, .list, .set, .zset, .hash: return true
    case .hashZipmap, .listZiplist, .setIntset, .zsetZiplist: return true
    case .hashZiplist: return version >= 4
    case .quicklist: return version >= 7
    case .zset2, .module: return version >= 8
    case .stream: return version >= 9
    case .hashListpack, .zsetListpack, .quicklist2, .stream2: return version >= 10
    case .setListpack, .stream3: return version >= 11
    case .hashMetadata, .hashListpackEx, .hashMetadataPreRelease, .hashListpackPreRelease:
      return isRedis && version >= 12
    case .stream4: return isRedis && version >= 13
    case .stream5, .array: return isRedis && version >= 14
    case .templateListpackRef, .templateArrayRef: return isRedis && version >= 15
    case .valkeyHash: return !isRedis
    case .modulePreRelease, .templateListpack, .templateArray, .gcra, .cron: return false
    }
  }

  /// Whether values written so can be copied as they are. Ziplists are written differently since
  /// 2.6, and templates need their records.
  public func copies(_ type: ValueType) -> Bool {
    switch type {
    case .templateListpackRef, .templateArrayRef, .hashMetadataPreRelease,
      .hashListpackPreRelease:
      return false
    case .listZiplist, .zsetZiplist, .hashZiplist: return loads(type) && header.version >= 6
    default: return loads(type)
    }
  }

  /// Whether AUX fields and RESIZEDB exist.
  public var hasAux: Bool { header.version >= 7 }
  /// Whether IDLE, FREQ and MODULE_AUX exist.
  public var hasEvictionHints: Bool { header.version >= 9 }
  /// Whether function libraries exist.
  public var hasFunctions: Bool { header.version >= 10 }
  /// Whether KEY_META exists.
  public var hasKeyMetadata: Bool { header.dialect == .redis && header.version >= 13 }
  /// Whether hash fields can expire.
  public var hasFieldExpiry: Bool { header.version >= 12 }
  /// Whether expiry times have ms.
  var hasMilliseconds: Bool { header.version >= 3 }

  // MARK: - What it would write

  /// The version of a stream, or nil when it has none.
  var streamType: ValueType? {
    if header.version < 9 { return nil }
    if header.version < 10 { return .stream }
    if header.version < 11 { return .stream2 }
    if header.dialect == .valkey || header.version < 13 { return .stream3 }
    return header.version < 14 ? .stream4 : .stream5
  }

  /// Whether small collections are listpacks instead of ziplists.
  var usesListpacks: Bool { header.version >= 10 }
  /// Hashes of so many fields stay compact. 2.4 has zipmaps, which are left alone here.
  var compactHashFields: Int { header.version >= 4 ? 512 : 0 }
  /// Sorted sets of so many members stay compact.
  var compactMembers: Int { 128 }
  /// Sets that are no integers.
  var compactSetMembers: Int { header.version >= 11 ? 128 : 0 }
  /// Sets of integers.
  var intsetMembers: Int { 512 }
  /// Lists before quicklists.
  var compactListElements: Int { header.version >= 7 ? 0 : 512 }
  /// Elements longer than this are not put into compact encodings.
  var compactLength: Int { 64 }
  /// How scores are written as text.
  var hasShortScores: Bool { header.version >= 11 }
}
