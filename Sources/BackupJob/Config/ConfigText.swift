internal import Foundation
internal import Operations
internal import Yams

/// The values of a configuration with the places they come from: the file's line, or the
/// environment.
package struct ConfigText: Sendable {
  /// One value.
  package struct Entry: Sendable {
    package var values: [String]
    package var place: String
  }

  private var entries: [String: Entry] = [:]
  private let file: String

  /// Reads YAML; every key must be one of `ConfigKey.all`. Then the environment's overrides are
  /// laid over it.
  ///
  /// Throws `.usage` with file and line.
  package init(yaml: String, file: String, environment: [String: String]) throws(JobError) {
    self.file = file
    let root: Node?
    do { root = try Yams.compose(yaml: yaml) } catch {
      var line = ""
      if let problem = error as? YamlError {
        switch problem {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _):
          line = ":\(mark.line)"
        default: break
        }
      }
      throw Self.wrong(
        "\(file)\(line)", "this is no YAML", "Check the indentation and quotes of this line.")
    }
    if let root, root.null == nil {
      guard let mapping = root.mapping else {
        throw Self.wrong(
          "\(file):1", "keys and values are expected", "See Documentation/configuration.md.")
      }
      try take(mapping, prefix: "")
    }
    for key in ConfigKey.all {
      guard let text = environment[key.variable] else { continue }
      let values =
        key.kind == .list
        ? text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } : [text]
      try set(key, values, place: "environment variable \(key.variable)")
    }
  }

  static func wrong(_ place: String, _ what: String, _ remedy: String) -> JobError {
    JobError(.usage, step: "configuration", place: place, what, remedy: remedy)
  }

  private mutating func take(_ mapping: Node.Mapping, prefix: String) throws(JobError) {
    var seen: Set<String> = []
    for (keyNode, value) in mapping {
      let word = keyNode.scalar?.string ?? ""
      let name = prefix + word
      let place = "\(file):\(keyNode.mark?.line ?? 1)"
      guard seen.insert(word).inserted else {
        throw Self.wrong(place, "\(name) is given twice", "Leave one of them out.")
      }
      if let key = ConfigKey.named(name) {
        if value.null != nil, value.scalar?.style == .plain { continue }
        if let scalar = value.scalar {
          try set(key, [scalar.string], place: place)
        } else if let sequence = value.sequence, key.kind == .list {
          let items = sequence.compactMap { $0.scalar?.string }
          guard items.count == sequence.count else {
            throw Self.wrong(place, "\(name) takes a list of texts", "Write one text an item.")
          }
          try set(key, items, place: place)
        } else {
          throw Self.wrong(place, "\(name) takes one value", "See Documentation/configuration.md.")
        }
      } else if ConfigKey.all.contains(where: { $0.name.hasPrefix(name + ".") }) {
        if value.null != nil { continue }
        guard let inner = value.mapping else {
          throw Self.wrong(
            place, "\(name) is a section with keys of its own", "Write its keys below it, indented."
          )
        }
        try take(inner, prefix: name + ".")
      } else {
        let near = NearNames.of(name, among: ConfigKey.all.map(\.name)).first
        throw Self.wrong(
          place, "there is no key \(name)",
          near.map { "Did you mean \($0)?" } ?? "See Documentation/configuration.md for all keys.")
      }
    }
  }

  private mutating func set(_ key: ConfigKey, _ values: [String], place: String) throws(JobError) {
    func bad(_ expected: String) -> JobError {
      Self.wrong(
        place, "\(key.name) is \"\(values.joined(separator: ","))\"", "It takes \(expected).")
    }
    let text = values.first ?? ""
    switch key.kind {
    case .text, .path: guard !text.isEmpty else { throw bad("a text that is not empty") }
    case .list: break
    case .flag: guard Self.flag(text) != nil else { throw bad("yes or no") }
    case .number(let range):
      guard let number = Int64(text), range.contains(number) else {
        throw bad("a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
    case .duration:
      guard Duration(text: text) != nil else {
        throw bad("a time span such as 90s, 15m, 26h or 7d")
      }
    case .size:
      guard Self.size(text) != nil else { throw bad("a size such as 500000, 64KB or 2GB") }
    case .choice(let words):
      guard words.contains(text) else { throw bad("one of " + words.joined(separator: ", ")) }
    }
    entries[key.name] = Entry(values: values, place: place)
  }

  /// Where a key was given, or the file when it was not.
  package func place(_ name: String) -> String { entries[name]?.place ?? file }

  /// A key's text, or its default.
  package func text(_ name: String) -> String? {
    entries[name]?.values.first ?? ConfigKey.named(name)?.standard
  }

  package func list(_ name: String) -> [String] { entries[name]?.values ?? [] }
  package func flag(_ name: String) -> Bool { text(name).flatMap(Self.flag) ?? false }
  package func number(_ name: String) -> Int? { text(name).flatMap { Int($0) } }
  package func size(_ name: String) -> Int64? { text(name).flatMap(Self.size) }

  package func duration(_ name: String) -> Duration? { text(name).flatMap { Duration(text: $0) } }

  /// The duration of a key that has a default.
  package func span(_ name: String) -> Duration {
    guard let value = duration(name) else { preconditionFailure("\(name) has no default") }
    return value
  }

  private static func flag(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "yes", "true", "on", "1": true
    case "no", "false", "off", "0": false
    default: nil
    }
  }

  private static func size(_ text: String) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits) else { return nil }
    let unit: Int64
    switch text.dropFirst(digits.count).lowercased() {
    case "", "b": unit = 1
    case "k", "kb", "kib": unit = 1 << 10
    case "m", "mb", "mib": unit = 1 << 20
    case "g", "gb", "gib": unit = 1 << 30
    case "t", "tb", "tib": unit = 1 << 40
    default: return nil
    }
    let (value, overflow) = number.multipliedReportingOverflow(by: unit)
    return overflow ? nil : value
  }
}
