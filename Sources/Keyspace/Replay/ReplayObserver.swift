package import AOF
package import Bytes
package import RDB

/// What a key held at a moment, in short; POD.
package struct KeySummary: Sendable, Equatable, BitwiseCopyable {
  /// Its type; nil when the key did not exist.
  package var type: LogicalType?
  /// How many elements it had (1 for strings).
  package var elements = 0
  /// The bytes of all elements together.
  package var bytes = 0
  /// When it would have expired, in unix milliseconds.
  package var expiresAt: Int64?

  /// A key that does not exist.
  package init() {}

  /// What `state` is.
  package init(_ state: borrowing KeyState) {
    guard let value = state.value else { return }
    type = value.type
    elements = value.elementCount
    bytes = value.byteCount
    expiresAt = state.expiresAt
  }

  /// Whether the key existed.
  package var exists: Bool { type != nil }
}

/// Is told, in the order of the log, what every command does to every key it touches: for the question
/// which commands destroyed data. In a lazy replay only of those that may destroy something.
package protocol ReplayObserver: AnyObject {
  /// A command is about to be executed; `arguments` are valid during the call only.
  func begins(_ command: AOFCommand, _ arguments: Arguments)
  /// A command has passed that destroys nothing; what it does is not told.
  func passes(_ command: AOFCommand)
  /// The command before changed a key, or touched it at least: compare `from` and `to`. Called for
  /// each key; an element that was replaced shows in bytes only.
  func changed(_ key: ByteSlice, _ database: Int, from before: KeySummary, to after: KeySummary)
}

extension Value {
  /// What a client calls it.
  package var type: LogicalType {
    switch self {
    case .string: .string
    case .list: .list
    case .set: .set
    case .sortedSet: .zset
    case .hash: .hash
    case .stream: .stream
    case .array: .array
    case .module(let module): module.type.logical
    }
  }
}
