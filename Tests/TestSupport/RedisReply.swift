/// A reply of a server in RESP2.
package enum RedisReply: Equatable, Sendable {
  case status(String)
  case error(String)
  case integer(Int64)
  /// A string; nil is the null reply.
  case bulk([UInt8]?)
  /// Replies in a reply; nil is the null reply.
  case array([RedisReply]?)

  /// A string, status or error as text, an integer in decimal; nil for a null reply or an array.
  package var text: String? {
    switch self {
    case .status(let text), .error(let text): text
    case .integer(let number): String(number)
    case .bulk(let bytes): bytes.map { String(decoding: $0, as: UTF8.self) }
    case .array: nil
    }
  }

  /// The bytes of a string; nil for every other reply.
  package var bytes: [UInt8]? { if case .bulk(let bytes) = self { bytes } else { nil } }

  /// An integer, also one that came as text.
  package var integer: Int64? {
    if case .integer(let number) = self { number } else { text.flatMap { Int64($0) } }
  }

  /// The replies of an array; nil for every other reply.
  package var items: [RedisReply]? { if case .array(let items) = self { items } else { nil } }

  /// Whether the reply stands for nothing.
  package var isNull: Bool { self == .bulk(nil) || self == .array(nil) }
}
