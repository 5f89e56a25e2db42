package import Bytes
package import RDB

/// What a key holds.
///
/// Strings are values; all others are references to one object per key, which its owner changes in
/// place. Every slice inside lives as long as the keyspace.
package enum Value {
  case string(StringValue)
  case list(ListValue)
  case set(SetValue)
  case sortedSet(SortedSetValue)
  case hash(HashValue)
  case stream(StreamValue)
  case array(ArrayValue)
  case module(ModuleValue)

  /// A value with the same content that shares nothing which changes.
  package func copy() -> Value {
    switch self {
    case .string(let value): .string(value.copy())
    case .list(let value): .list(value.copy())
    case .set(let value): .set(value.copy())
    case .sortedSet(let value): .sortedSet(value.copy())
    case .hash(let value): .hash(value.copy())
    case .stream(let value): .stream(value.copy())
    case .array(let value): .array(value.copy())
    case .module(let value): .module(value)
    }
  }

  /// Whether the server would remove the key now: collections vanish when they become empty.
  package var vanishes: Bool {
    switch self {
    case .string, .stream, .module: false
    case .list(let value): value.count == 0
    case .set(let value): value.count == 0
    case .sortedSet(let value): value.count == 0
    case .hash(let value): value.count == 0
    case .array(let value): value.count == 0
    }
  }

  /// How many elements a person would count: 1 for strings and modules.
  package var elementCount: Int {
    switch self {
    case .string, .module: 1
    case .list(let value): value.count
    case .set(let value): value.count
    case .sortedSet(let value): value.count
    case .hash(let value): value.count
    case .stream(let value): value.count
    case .array(let value): value.count
    }
  }

  /// The bytes of all elements together, without any overhead.
  package var byteCount: Int {
    switch self {
    case .string(let value): value.count
    case .list(let value): value.byteCount
    case .set(let value): value.byteCount
    case .sortedSet(let value): value.byteCount
    case .hash(let value): value.byteCount
    case .stream(let value): value.byteCount
    case .array(let value): value.byteCount
    case .module(let value): value.bytes.count
    }
  }
}

/// A key's value and time to live at one moment; no value means the key does not exist.
package struct KeyState {
  /// The value; nil when the key does not exist.
  package var value: Value?
  /// When the key expires, in unix milliseconds; nil for never. Always nil without a value.
  package var expiresAt: Int64?

  /// A key that does not exist.
  package init() {}

  /// A key with a value.
  package init(value: Value, expiresAt: Int64? = nil) {
    self.value = value
    self.expiresAt = expiresAt
  }

  /// Whether the key exists.
  package var exists: Bool {
    if case .some = value { return true }
    return false
  }

  /// Makes the key not exist.
  package mutating func clear() {
    value = nil
    expiresAt = nil
  }

  /// Removes the key when its collection has become empty.
  mutating func settle() {
    if let value {
      if value.vanishes { clear() }
    } else {
      expiresAt = nil
    }
  }

  /// The state with a value of its own.
  package func copy() -> KeyState {
    var copy = self
    copy.value = value?.copy()
    return copy
  }
}

extension KeyState {
  /// The string here, nil for an absent key.
  package func string() throws(CommandFault) -> StringValue? {
    switch value {
    case .none: return nil
    case .string(let string): return string
    default: throw .wrongType
    }
  }

  /// The list here; nil when there is none and none is to be made.
  package mutating func list(creating: Bool = false) throws(CommandFault) -> ListValue? {
    switch value {
    case .list(let list): return list
    case .none:
      guard creating else { return nil }
      let list = ListValue()
      value = .list(list)
      return list
    default: throw .wrongType
    }
  }

  /// The set here; nil when there is none and none is to be made.
  package mutating func set(creating: Bool = false) throws(CommandFault) -> SetValue? {
    switch value {
    case .set(let set): return set
    case .none:
      guard creating else { return nil }
      let set = SetValue()
      value = .set(set)
      return set
    default: throw .wrongType
    }
  }

  /// The sorted set here; nil when there is none and none is to be made.
  package mutating func sortedSet(creating: Bool = false) throws(CommandFault) -> SortedSetValue? {
    switch value {
    case .sortedSet(let set): return set
    case .none:
      guard creating else { return nil }
      let set = SortedSetValue()
      value = .sortedSet(set)
      return set
    default: throw .wrongType
    }
  }

  /// The hash here; nil when there is none and none is to be made.
  package mutating func hash(creating: Bool = false) throws(CommandFault) -> HashValue? {
    switch value {
    case .hash(let hash): return hash
    case .none:
      guard creating else { return nil }
      let hash = HashValue()
      value = .hash(hash)
      return hash
    default: throw .wrongType
    }
  }

  /// The stream here; nil when there is none and none is to be made.
  package mutating func stream(creating: Bool = false) throws(CommandFault) -> StreamValue? {
    switch value {
    case .stream(let stream): return stream
    case .none:
      guard creating else { return nil }
      let stream = StreamValue()
      value = .stream(stream)
      return stream
    default: throw .wrongType
    }
  }

  /// The array here; nil when there is none and none is to be made.
  package mutating func array(creating: Bool = false) throws(CommandFault) -> ArrayValue? {
    switch value {
    case .array(let array): return array
    case .none:
      guard creating else { return nil }
      let array = ArrayValue()
      value = .array(array)
      return array
    default: throw .wrongType
    }
  }
}

/// A value that only its module understands: its bytes in a dump.
package struct ModuleValue {
  /// How the dump writes it.
  package var type: ValueType
  /// The value as it stands in the dump, behind the key.
  package var bytes: ByteSlice
  /// The 64-bit id of the module's type.
  package var moduleID: UInt64

  package init(type: ValueType, bytes: ByteSlice, moduleID: UInt64) {
    self.type = type
    self.bytes = bytes
    self.moduleID = moduleID
  }
}
