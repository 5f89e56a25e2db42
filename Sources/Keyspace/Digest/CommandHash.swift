internal import AOF
internal import Bytes
internal import RDB

/// What a key's commands make of it, as the number that ``StateHash`` has for it, without making it.
///
/// For reading back what ``CommandWriter`` wrote: it names no member or field twice, so that hashes can
/// be summed up while the commands go by. A file that names one twice gets another number than the
/// state it stands for, and is refused. Whatever is not in the usual form is left to be executed.
struct CommandHash {
  private var form: StateHash.Elements?
  private var content: UInt64 = 0
  private var expiresAt: Int64?
  /// The field of the last HMSET with a single one, and what its time to live is mixed into.
  private var field = ByteSlice()
  private var fieldHash: UInt64 = 0

  /// Whether a command has been taken.
  var isEmpty: Bool { form == nil }

  /// Forgets all commands.
  mutating func clear() {
    form = nil
    content = 0
    expiresAt = nil
    field = ByteSlice()
  }

  /// Lets the key enter `hash`.
  func add(_ key: ByteSlice, _ database: Int, to hash: inout StateHash) {
    guard let form else { return }
    hash.add(key, database, type: form.rawValue, content: content, expiresAt: expiresAt)
  }

  /// Takes a command on the key; false when it has to be executed instead, and all before it.
  mutating func take(_ word: CommandWord, _ a: Arguments) -> Bool {
    switch (word.first, word.count) {
    case (0x4853555052, 5):  // RPUSH
      return rpush(a)
    case (0x44444153, 4):  // SADD
      return sadd(a)
    case (0x4444415A, 4):  // ZADD
      return zadd(a)
    case (0x5445534D48, 5):  // HMSET
      return hmset(a)
    case (0x584554455348, 6):  // HSETEX
      return hsetex(a)
    case (0x4145524950584550, 9) where word.second == 0x54:  // PEXPIREAT
      return pexpireat(a)
    case (0x4552495058455048, 10) where word.second == 0x5441:  // HPEXPIREAT
      return hpexpireat(a)
    case (0x544553, 3):  // SET
      return string(a)
    default: return false
    }
  }

  /// Whether the key is new or has this form; it has it from now on.
  private mutating func become(_ wanted: StateHash.Elements) -> Bool {
    if form == nil { form = wanted }
    return form == wanted
  }

  /// `SET key value`
  private mutating func string(_ a: Arguments) -> Bool {
    guard a.count == 3, form == nil else { return false }
    form = .string
    content = a[2].fastHash
    return true
  }

  /// `RPUSH key element …`
  private mutating func rpush(_ a: Arguments) -> Bool {
    guard a.count > 2, become(.list) else { return false }
    for index in 2..<a.count { content = StateHash.mix(content, a[index].fastHash) }
    return true
  }

  /// `SADD key member …`
  private mutating func sadd(_ a: Arguments) -> Bool {
    guard a.count > 2, become(.set) else { return false }
    for index in 2..<a.count { content &+= StateHash.mix(1, a[index].fastHash) }
    return true
  }

  /// `ZADD key score member …`
  private mutating func zadd(_ a: Arguments) -> Bool {
    guard a.count > 3, a.count % 2 == 0, form == nil || form == .sortedSet else { return false }
    var sum: UInt64 = 0
    var index = 2
    while index < a.count {
      guard let score = DoubleText.parse(a[index], .command) else { return false }
      let bits = score == 0 ? 0 : score.bitPattern
      sum &+= StateHash.mix(a[index &+ 1].fastHash, bits)
      index &+= 2
    }
    form = .sortedSet
    content &+= sum
    return true
  }

  /// `HMSET key field value …`
  private mutating func hmset(_ a: Arguments) -> Bool {
    guard a.count > 3, a.count % 2 == 0, become(.hash) else { return false }
    let never = UInt64(bitPattern: ValueElement.never)
    var index = 2
    while index < a.count {
      fieldHash = StateHash.mix(a[index].fastHash, a[index &+ 1].fastHash)
      content &+= StateHash.mix(fieldHash, never)
      index &+= 2
    }
    field = a.count == 4 ? a[2] : ByteSlice()
    return true
  }

  /// `HPEXPIREAT key time FIELDS 1 field`, right behind the HMSET of this field.
  private mutating func hpexpireat(_ a: Arguments) -> Bool {
    guard a.count == 6, form == .hash, a[3].equals("FIELDS"), a[4].equals("1"), !field.isEmpty,
      a[5] == field, let time = DecimalText.canonical(a[2]), time > 0
    else { return false }
    content &-= StateHash.mix(fieldHash, UInt64(bitPattern: ValueElement.never))
    content &+= StateHash.mix(fieldHash, UInt64(bitPattern: time))
    field = ByteSlice()
    return true
  }

  /// `HSETEX key PXAT time FIELDS 1 field value`
  private mutating func hsetex(_ a: Arguments) -> Bool {
    guard a.count == 8, a[2].equals("PXAT"), a[4].equals("FIELDS"), a[5].equals("1"),
      let time = DecimalText.canonical(a[3]), time > 0, become(.hash)
    else { return false }
    content &+= StateHash.mix(
      StateHash.mix(a[6].fastHash, a[7].fastHash), UInt64(bitPattern: time))
    field = ByteSlice()
    return true
  }

  /// `PEXPIREAT key time`
  private mutating func pexpireat(_ a: Arguments) -> Bool {
    guard a.count == 3, form != nil, let time = DecimalText.canonical(a[2]), time > 0 else {
      return false
    }
    expiresAt = time
    return true
  }
}
