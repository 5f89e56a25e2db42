import Foundation

/// A JSON value that can be compared.
indirect enum JSONValue: Decodable, Hashable {
  case null
  case bool(Bool)
  case integer(Int64)
  case large(UInt64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .large(value)
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else if let value = try? container.decode([String: JSONValue].self) {
      self = .object(value)
    } else {
      self = .number(try container.decode(Double.self))
    }
  }

  init(_ text: some StringProtocol) throws {
    self = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
  }

  /// The member of an object; null when there is none.
  subscript(name: String) -> JSONValue {
    if case .object(let members) = self { members[name] ?? .null } else { .null }
  }

  /// The item of an array; null when there is none.
  subscript(index: Int) -> JSONValue {
    if case .array(let items) = self, index < items.count { items[index] } else { .null }
  }

  /// The items of an array; none of anything else.
  var items: [JSONValue] { if case .array(let items) = self { items } else { [] } }

  /// The text of a string.
  var text: String? { if case .string(let text) = self { text } else { nil } }

  /// The text of a string as a number; numbers themselves.
  var score: Double? {
    switch self {
    case .string(let text): Double(text)
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
