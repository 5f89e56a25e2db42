internal import AOF
internal import Bytes

/// What is to be known of a command of the registry to tell how it acts on another value.
struct ConflictTrait {
  /// What of the value decides what it does.
  let use: ConflictRules.Use
  /// Whether it may be refused for some members and not for others.
  let setsMembers: Bool

  /// The command of this name. Commands with subcommands have no traits.
  init(_ name: ByteSlice) {
    let id = CommandTable.shared.all.first { ByteSlice($0.name) == name }?.id
    use = ConflictRules.use(id)
    setsMembers = ConflictRules.setsMembers(id)
  }
}

/// Which commands act differently on another value, by what they are.
enum ConflictRules {
  /// What of the value that is there decides what a command does.
  enum Use: UInt8 {
    /// Nothing that is looked at.
    case nothing
    /// All of it.
    case content
    /// The field that is its third word.
    case field
    /// The score of the member that is its fourth word.
    case score
    /// The first element.
    case first
    /// The last one.
    case last
    /// How many elements there are.
    case places
  }

  /// What of the value that is there decides what a command does.
  static func use(_ id: CommandID?) -> Use {
    switch id {
    case .incr, .decr, .incrby, .decrby, .incrbyfloat, .increx, .append, .setrange, .setbit,
      .bitfield:
      .content
    case .hincrby, .hincrbyfloat: .field
    case .zincrby: .score
    case .lpop: .first
    case .rpop: .last
    case .ltrim, .lset, .linsert, .lrem, .zremrangebyrank, .zpopmin, .zpopmax, .xtrim: .places
    default: .nothing
    }
  }

  /// How a command that works on what is there acts differently when that is another value; nil
  /// when it does not. One of the two values may be missing.
  static func usesOtherValue(
    _ use: Use, _ a: Arguments, _ below: KeyState, _ above: KeyState
  ) -> TwinConflict.Kind? {
    guard use != .nothing, above.exists else { return nil }
    switch use {
    case .content: return isSameContent(below, above) ? nil : .counter
    case .field: return a.count > 2 && field(below, a[2]) != field(above, a[2]) ? .counter : nil
    case .score: return a.count > 3 && score(below, a[3]) != score(above, a[3]) ? .counter : nil
    case .first, .last:
      guard case .list(let mine)? = below.value, case .list(let other)? = above.value,
        mine.count > 0, other.count > 0
      else { return nil }
      let isSame =
        use == .first ? mine[0] == other[0] : mine[mine.count - 1] == other[other.count - 1]
      return isSame ? nil : .position
    case .places:
      guard let mine = below.value, let other = above.value else { return nil }
      return mine.elementCount == other.elementCount ? nil : .position
    case .nothing: return nil
    }
  }

  private static func isSameContent(_ a: KeyState, _ b: KeyState) -> Bool {
    guard let mine = a.value, let other = b.value else { return false }
    return mine.isSame(as: other)
  }

  /// The value of a field; empty when there is none, which counts as 0.
  private static func field(_ state: KeyState, _ name: ByteSlice) -> ByteSlice? {
    guard case .hash(let hash)? = state.value else { return nil }
    return hash.cell(name)?.value
  }

  private static func score(_ state: KeyState, _ member: ByteSlice) -> Double? {
    guard case .sortedSet(let set)? = state.value else { return nil }
    return set.score(of: member)
  }

  /// Whether a command that changes nothing is done nevertheless: what it wanted is so already.
  static func isIdempotent(_ id: CommandID?, _ a: Arguments) -> Bool {
    guard let id else { return false }
    switch id {
    case .sadd, .srem, .hdel, .zrem, .xdel, .xack, .xdelex, .xackdel, .pfadd, .pfmerge, .pfcount,
      .persist, .del, .unlink, .getdel, .hpersist, .lrem, .ltrim, .zremrangebyscore,
      .zremrangebylex,
      .zremrangebyrank, .xtrim, .hset, .hmset, .zincrby, .setrange, .setbit, .bitfield,
      .xgroupDestroy,
      .xgroupDelconsumer, .xgroupCreateconsumer, .xclaim, .xautoclaim, .lpop, .rpop, .zpopmin,
      .zpopmax, .hgetdel, .delex, .delifeq, .blpop, .brpop, .sdiffstore, .sinterstore, .sunionstore,
      .zunionstore, .zinterstore, .zdiffstore, .sort, .georadius, .georadiusbymember,
      .geosearchstore,
      .zrangestore, .bitop, .smove, .rpoplpush, .lmove, .blmove, .brpoplpush:
      return true
    case .zadd, .geoadd: return !hasCondition(a, from: 2)
    case .expire, .pexpire, .expireat, .pexpireat: return a.count == 3
    default: return false
    }
  }

  /// Whether a command may be done for some of its members and not for others.
  static func isConditional(_ id: CommandID?, _ a: Arguments) -> Bool {
    id == .zadd && hasCondition(a, from: 2)
  }

  private static func hasCondition(_ a: Arguments, from first: Int) -> Bool {
    var index = first
    while index < a.count {
      let word = a[index]
      if word.equalsIgnoringCase("NX") || word.equalsIgnoringCase("XX")
        || word.equalsIgnoringCase("GT") || word.equalsIgnoringCase("LT")
      {
        return true
      }
      if word.equalsIgnoringCase("CH") || word.equalsIgnoringCase("INCR") {
        index += 1
        continue
      }
      return false
    }
    return false
  }

  /// Whether ``isPartlyRefused(_:_:_:_:)`` has to be asked for a command.
  static func setsMembers(_ id: CommandID?) -> Bool { id == .zadd || id == .hsetnx }

  /// Whether a command with a condition for each member set one below and not above.
  static func isPartlyRefused(
    _ id: CommandID?, _ a: Arguments, _ below: KeyState, _ above: KeyState
  ) -> Bool {
    switch id {
    case .zadd:
      guard hasCondition(a, from: 2), case .sortedSet(let mine)? = below.value,
        case .sortedSet(let other)? = above.value
      else { return false }
      var index = a.count - 2
      while index > 2, let score = DoubleText.parse(a[index], .command) {
        if mine.score(of: a[index + 1]) == score, other.score(of: a[index + 1]) != score {
          return true
        }
        index -= 2
      }
      return false
    case .hsetnx:
      guard a.count == 4 else { return false }
      return field(below, a[2]) == a[3] && field(above, a[2]) != a[3]
    default: return false
    }
  }

  /// Whether what a command does is to remove.
  static func removes(_ effect: CommandInfo.Effect?) -> Bool { effect == .delete }

  /// Whether a command is one for each of its keys, so that it can lose some of them.
  static func losesKeys(_ id: CommandID) -> Bool { id == .mset || id == .msetex }

  /// Whether a command reads keys that are not among its words (SORT … BY weight_*).
  static func readsOtherKeys(_ id: CommandID, _ a: Arguments) -> Bool {
    guard id == .sort else { return false }
    for index in 2..<max(a.count, 2) where a.isOption(index, "BY") || a.isOption(index, "GET") {
      return true
    }
    return false
  }
}
