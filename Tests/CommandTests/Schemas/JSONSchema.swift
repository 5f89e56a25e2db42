import Foundation
import TestSupport

/// Holds documents against a JSON Schema (draft 2020-12), as far as `Documentation/schemas/` uses it.
/// A keyword that it does not know is an error, so that none is passed over in silence.
struct JSONSchema {
  struct Unknown: Error, CustomStringConvertible {
    var description: String
  }

  let root: JSONValue

  /// The schema in `text`; refuses keywords that ``problems(_:)`` would not look at.
  init(_ text: Data) throws {
    root = try JSONValue(text)
    try JSONSchema.checkKeywords(root)
  }

  private static let remarks: Set<String> = ["$schema", "$id", "title", "description"]
  private static let plain: Set<String> = [
    "$ref", "type", "enum", "const", "required", "minimum", "minItems", "pattern",
  ]

  private static func checkKeywords(_ schema: JSONValue) throws {
    if case .bool = schema { return }
    guard let members = schema.members else { throw Unknown(description: "\(schema) is no schema") }
    for (keyword, value) in members where !remarks.contains(keyword) && !plain.contains(keyword) {
      switch keyword {
      case "items", "additionalProperties", "propertyNames": try checkKeywords(value)
      case "properties", "$defs":
        for inner in value.members ?? [:] { try checkKeywords(inner.value) }
      case "anyOf", "prefixItems": for inner in value.items { try checkKeywords(inner) }
      default: throw Unknown(description: "the keyword \(keyword)")
      }
    }
  }

  /// Every object whose members are listed, by where it stands in the schema, and whether others are
  /// refused there.
  func openObjects() -> [String] {
    var found: [String] = []
    func walk(_ schema: JSONValue, _ path: String) {
      for (name, value) in schema.members ?? [:] {
        switch value {
        case .object: walk(value, path + "/" + name)
        case .array(let items): for item in items { walk(item, path + "/" + name) }
        default: break
        }
      }
      if schema["properties"].members != nil, schema["type"].text == "object",
        schema["additionalProperties"] != .bool(false)
      {
        found.append(path)
      }
    }
    walk(root, "")
    return found
  }

  /// What in `document` the schema does not allow; empty when it fits.
  func problems(_ document: JSONValue) -> [String] { problems(document, root, "$") }

  private func problems(
    _ value: JSONValue, _ schema: JSONValue, _ path: String
  ) -> [String] {
    if case .bool(let allowed) = schema {
      return allowed ? [] : ["\(path): nothing may stand here"]
    }
    guard let keywords = schema.members else { return ["\(path): no schema"] }
    var found: [String] = []
    if let name = keywords["$ref"]?.text {
      let key = name.replacingOccurrences(of: "#/$defs/", with: "")
      guard let target = root["$defs"].members?[key] else {
        return ["\(path): there is no \(name)"]
      }
      found += problems(value, target, path)
    }
    if let type = keywords["type"] {
      let allowed = type.text.map { [$0] } ?? type.items.compactMap(\.text)
      let isAllowed =
        allowed.contains(value.type) || value.type == "integer" && allowed.contains("number")
      if !isAllowed { found.append("\(path): is \(value.type), not \(allowed)") }
    }
    if let values = keywords["enum"]?.items, !values.contains(value) {
      found.append("\(path): \(value) is none of \(values)")
    }
    if let constant = keywords["const"], constant != value {
      found.append("\(path): \(value) is not \(constant)")
    }
    if let least = keywords["minimum"]?.number, let number = value.number, number < least {
      found.append("\(path): \(number) is below \(least)")
    }
    if let pattern = keywords["pattern"]?.text, let text = value.text,
      text.range(of: pattern, options: .regularExpression) == nil
    {
      found.append("\(path): \(text) does not match \(pattern)")
    }
    if let choices = keywords["anyOf"]?.items {
      let answers = choices.map { problems(value, $0, path) }
      if !answers.contains(where: \.isEmpty) {
        found.append("\(path): fits none of \(choices.count): \(answers.joined().prefix(4))")
      }
    }
    if case .array(let items) = value { found += self.items(items, keywords, path) }
    if let members = value.members { found += self.members(members, keywords, path) }
    return found
  }

  private func items(
    _ items: [JSONValue], _ keywords: [String: JSONValue], _ path: String
  ) -> [String] {
    var found: [String] = []
    if let least = keywords["minItems"]?.number, Double(items.count) < least {
      found.append("\(path): has \(items.count) items")
    }
    let first = keywords["prefixItems"]?.items ?? []
    for (index, item) in items.enumerated() {
      if index < first.count {
        found += problems(item, first[index], "\(path)[\(index)]")
      } else if let schema = keywords["items"] {
        found += problems(item, schema, "\(path)[\(index)]")
      }
    }
    return found
  }

  private func members(
    _ members: [String: JSONValue], _ keywords: [String: JSONValue], _ path: String
  ) -> [String] {
    var found: [String] = []
    for name in keywords["required"]?.items.compactMap(\.text) ?? [] where members[name] == nil {
      found.append("\(path): \(name) is missing")
    }
    let known = keywords["properties"]?.members ?? [:]
    for (name, value) in members {
      if let names = keywords["propertyNames"] {
        found += problems(.string(name), names, "\(path).\(name)")
      }
      if let schema = known[name] {
        found += problems(value, schema, "\(path).\(name)")
      } else if let schema = keywords["additionalProperties"] {
        found +=
          schema == .bool(false)
          ? ["\(path): the field \(name) is not in the schema"]
          : problems(value, schema, "\(path).\(name)")
      }
    }
    return found
  }
}
