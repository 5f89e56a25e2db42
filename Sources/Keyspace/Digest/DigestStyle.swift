public import Bytes
public import RDB

/// Whose `DEBUG DIGEST` is computed: servers differ in two things (debug-digest.md 6).
public enum DigestStyle: String, Sendable, CaseIterable {
  /// Redis up to 7.0: scores as `%.17g`.
  case redis70 = "redis7.0"
  /// Redis 7.2: scores in the short form.
  case redis72 = "redis7.2"
  /// Redis 7.4 and later: also marks hash fields that expire.
  case redis74 = "redis7.4"
  /// Valkey: short scores, no mark.
  case valkey = "valkey"

  /// How scores enter.
  public var scoreStyle: DoubleText.Style { self == .redis70 ? .printf : .server }

  /// Whether hash fields that expire get a mark.
  public var marksExpiringFields: Bool { self == .redis74 }

  /// The style of the server that wrote a dump, by its header alone. Dumps of version 11 come from
  /// Redis 7.2 and Valkey 7.2 to 8, which agree but for field TTLs, which neither has.
  public init(header: RDBHeader) {
    switch header.dialect {
    case .valkey: self = .valkey
    case .redis:
      self = header.version <= 10 ? .redis70 : header.version == 11 ? .redis72 : .redis74
    }
  }

  /// The style that an auxiliary field of a dump tells, if it tells one: `valkey-ver`, or
  /// `redis-ver` with the version in front of it.
  public init?(auxiliary name: ByteSlice, _ value: ByteSlice) {
    if name.equals("valkey-ver") {
      self = .valkey
      return
    }
    guard name.equals("redis-ver") else { return nil }
    var numbers: [Int] = []
    var number: Int?
    for index in 0..<min(value.count, 16) {
      if ASCII.isDigit(value[index]) {
        number = (number ?? 0) * 10 + Int(value[index] - 0x30)
        guard number ?? 0 < 100_000 else { return nil }
      } else {
        guard value[index] == 0x2E, let complete = number else { break }
        numbers.append(complete)
        number = nil
      }
    }
    if let number { numbers.append(number) }
    guard numbers.count >= 2 else { return nil }
    self.init(dialect: .redis, version: min(numbers[0], 999) * 100 + min(numbers[1], 99))
  }

  /// The style of a server: its version as major * 100 + minor.
  public init(dialect: RDBDialect, version: Int) {
    switch (dialect, version) {
    case (.valkey, _): self = .valkey
    case (.redis, ...700): self = .redis70
    case (.redis, ...702): self = .redis72
    case (.redis, _): self = .redis74
    }
  }
}
