/// What of a key a target can't hold (rdb-format.md 13.3).
public struct RDBLoss: OptionSet, Sendable, Hashable {
  /// The bits.
  public let rawValue: UInt16
  /// Of bits.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The key as a whole: its type does not exist there. It is not written.
  public static let key = RDBLoss(rawValue: 1)
  /// Expiry times of hash fields; the fields stay.
  public static let fieldExpiry = RDBLoss(rawValue: 2)
  /// Of a stream: first id, highest deleted id or entries added, where they are not what a server
  /// fills in.
  public static let streamNumbers = RDBLoss(rawValue: 4)
  /// Of stream groups: how many entries were read, where it is not what a server fills in.
  public static let entriesRead = RDBLoss(rawValue: 8)
  /// Of stream consumers: when they were active, where it is not when they were seen.
  public static let activeTime = RDBLoss(rawValue: 16)
  /// Of a stream: ids of idempotent producers, and their settings.
  public static let idempotency = RDBLoss(rawValue: 32)
  /// Of stream groups: pending entries that nobody owns; they are dropped.
  public static let unownedPending = RDBLoss(rawValue: 64)
  /// The milliseconds of the expiry time; it is rounded up.
  public static let milliseconds = RDBLoss(rawValue: 128)
  /// The expiry time, which is beyond 2038; it becomes the last moment that can be written.
  public static let lateExpiry = RDBLoss(rawValue: 256)
  /// The idle time or the use counter.
  public static let evictionHint = RDBLoss(rawValue: 512)
  /// Metadata of modules for the key.
  public static let keyMetadata = RDBLoss(rawValue: 1024)
  /// Members of a sorted set whose score is NaN, which no command gives; they are left out. Dumps
  /// hold them.
  public static let nanScore = RDBLoss(rawValue: 2048)

  /// All of them, in order.
  public static let all: [RDBLoss] = (0..<12).map { RDBLoss(rawValue: 1 << $0) }
}
