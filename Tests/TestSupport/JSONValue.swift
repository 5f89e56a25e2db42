public import Foundation

/// A JSON value that can be compared; truth values are no numbers.
public indirect enum JSONValue: Decodable, Hashable {
  case null
  case bool(Bool)
  case integer(Int64)
  case large(UInt64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// What a decoder of JSON stands at.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .large(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else if let value = try? container.decode([String: JSONValue].self) {
      self = .object(value)
    } else {
      self = .number(try container.decode(Double.self))
    }
  }

  /// The value of a document.
  public init(_ text: some StringProtocol) throws {
    try self.init(Data(text.utf8))
  }

  /// The value of a document.
  public init(_ document: Data) throws {
    self = try JSONDecoder().decode(JSONValue.self, from: document)
  }

  /// The member of an object; null when there is none.
  public subscript(name: String) -> JSONValue {
    if case .object(let members) = self { members[name] ?? .null } else { .null }
  }

  /// The item of an array; null when there is none.
  public subscript(index: Int) -> JSONValue {
    if case .array(let items) = self, index < items.count { items[index] } else { .null }
  }

  /// The items of an array; none of anything else.
  public var items: [JSONValue] { if case .array(let items) = self { items } else { [] } }

  /// The text of a string.
  public var text: String? { if case .string(let text) = self { text } else { nil } }

  /// A number.
  public var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .large(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The text of a string as a number; numbers themselves.
  public var score: Double? { text.flatMap(Double.init) ?? number }

  /// The members of an object.
  public var members: [String: JSONValue]? {
    if case .object(let members) = self { members } else { nil }
  }

  /// What JSON Schema calls its type.
  public var type: String {
    switch self {
    case .null: "null"
    case .bool: "boolean"
    case .integer, .large: "integer"
    case .number(let value): value == value.rounded() ? "integer" : "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }
}
