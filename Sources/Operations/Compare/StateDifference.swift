/// One thing in which two values of a key differ.
public struct StateDifference: Sendable, Equatable {
  /// What happened on the way from A to B.
  public enum Change: String, Sendable {
    /// It is only in B.
    case added
    /// It is only in A.
    case removed
    /// It is in both, and not the same.
    case changed
  }

  /// What of a key; the raw value is the `part` of machine output.
  public enum Part: String, Sendable, CaseIterable {
    /// The type of the value.
    case type
    /// When the key expires.
    case expiry
    /// Seconds since it was used.
    case idle
    /// How often it was used.
    case frequency = "freq"
    /// Metadata of modules.
    case metadata
    /// The bytes of a string.
    case value
    /// An element of a list.
    case element
    /// A member of a set or sorted set.
    case member
    /// The score of a member.
    case score
    /// A field of a hash.
    case field
    /// When a field expires.
    case fieldExpiry = "field-ttl"
    /// An element of an array.
    case item
    /// Where an array was appended to last.
    case cursor
    /// An entry of a stream.
    case entry
    /// The highest id that a stream has given.
    case lastID = "last-id"
    /// How many entries were added to a stream.
    case entriesAdded = "entries-added"
    /// The highest id deleted from a stream.
    case maxDeletedID = "max-deleted-id"
    /// A group of a stream.
    case group
    /// The last id that was delivered to a group.
    case lastDelivered = "last-delivered-id"
    /// How many entries a group has read.
    case entriesRead = "entries-read"
    /// A consumer of a group.
    case consumer
    /// When a consumer was seen.
    case seenTime = "seen-time"
    /// When a consumer was active.
    case activeTime = "active-time"
    /// A pending entry of a group.
    case pending
    /// Who owns a pending entry.
    case owner
    /// How often a pending entry was delivered.
    case deliveries
    /// When a pending entry was delivered.
    case deliveryTime = "delivery-time"
    /// Settings or ids of idempotent messages.
    case idempotency = "idmp"
    /// Counts of idempotent messages.
    case idempotencyCounts = "idmp-counts"
    /// The type of a module's value.
    case moduleType = "module-type"
    /// An item of a module's value.
    case moduleItem = "module-item"
  }

  /// What is shown of one side.
  public enum Shown: Sendable, Equatable {
    /// Bytes of data.
    case bytes([UInt8])
    /// A number, an id, a time.
    case text(String)
  }

  /// What of the key.
  public var part: Part
  /// What happened.
  public var change: Change
  /// The group, for what belongs to one.
  public var group: [UInt8]?
  /// Field, member, consumer, producer; index or id as text.
  public var name: Shown?
  /// In A.
  public var before: Shown?
  /// In B.
  public var after: Shown?
  /// The aspects under which it can be left out; empty when it never can.
  var aspects = StateAspects()

  init(
    _ part: Part, _ change: Change = .changed, group: [UInt8]? = nil, name: Shown? = nil,
    before: Shown? = nil, after: Shown? = nil, aspects: StateAspects = []
  ) {
    self.part = part
    self.change = change
    self.group = group
    self.name = name
    self.before = before
    self.after = after
    self.aspects = aspects
  }
}

/// The differences of one key: the first ones, and how many there are.
struct DifferenceList {
  /// The first ones.
  private(set) var parts: [StateDifference] = []
  /// How many there are.
  private(set) var count = 0
  /// What was met that the formats do not both hold.
  private(set) var excused: [StateAspects: Int] = [:]
  /// So many are kept.
  let most: Int
  /// What is no difference.
  let ignored: StateAspects
  /// What is counted apart.
  let allowed: StateAspects

  init(most: Int, ignoring ignored: StateAspects, excusing allowed: StateAspects) {
    self.most = most
    self.ignored = ignored
    self.allowed = allowed
  }

  mutating func add(_ part: StateDifference) {
    if !part.aspects.isEmpty {
      if !part.aspects.isDisjoint(with: ignored) { return }
      let excuse = part.aspects.intersection(allowed)
      if !excuse.isEmpty {
        for name in StateAspects.names where excuse.contains(name.aspect) {
          excused[name.aspect, default: 0] += 1
          break
        }
        return
      }
    }
    count += 1
    if parts.count < most { parts.append(part) }
  }
}
