internal import AOF
internal import Bytes

/// SORT. Without STORE it changes nothing.
package enum SortCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("SORT", arity: -2, .keyspace(sort))
  ]

  /// `SORT key [BY pattern] [LIMIT offset count] [GET pattern …] [ASC | DESC] [ALPHA]
  /// [STORE destination]`
  ///
  /// What STORE keeps is compared byte by byte, whatever the locale of the server. Where servers
  /// leave the order of equal elements to chance (ALPHA with BY, the same text twice), it stays
  /// as it was.
  @Sendable
  static func sort(_ a: Arguments, _ keyspace: Keyspace) throws(CommandFault) -> Effect {
    let options = try SortOptions(a)
    let state = keyspace.state(of: a[1])
    var sorter = Sorter(options, keyspace)
    try sorter.load(state)
    try sorter.sort()
    guard let destination = options.destination else { return .unchanged }
    let result = sorter.result()
    guard result.count > 0 else { return keyspace.remove(a[destination]) ? .changed : .unchanged }
    keyspace.setState(KeyState(value: .list(result)), of: a[destination])
    return .changed
  }
}

/// The options of SORT.
struct SortOptions {
  /// BY; nil when the elements themselves are compared.
  var by: SortPattern?
  /// BY with a pattern that names no key: the order of the elements is left as it is.
  var keepsOrder = false
  var get: [SortPattern] = []
  var descending = false
  var alpha = false
  var start: Int64 = 0
  var count: Int64 = -1
  /// The word behind STORE.
  var destination: Int?

  init(_ a: Arguments) throws(CommandFault) {
    var index = 2
    while index < a.count {
      let left = a.count - index - 1
      if a.isOption(index, "ASC") {
        descending = false
      } else if a.isOption(index, "DESC") {
        descending = true
      } else if a.isOption(index, "ALPHA") {
        alpha = true
      } else if a.isOption(index, "LIMIT"), left >= 2 {
        start = try a.integer(at: index + 1)
        count = try a.integer(at: index + 2)
        index += 2
      } else if a.isOption(index, "STORE"), left >= 1 {
        destination = index + 1
        index += 1
      } else if a.isOption(index, "BY"), left >= 1 {
        let pattern = SortPattern(a[index + 1])
        by = pattern
        if pattern.star == nil { keepsOrder = true }
        index += 1
      } else if a.isOption(index, "GET"), left >= 1 {
        get.append(SortPattern(a[index + 1]))
        index += 1
      } else {
        throw .syntax
      }
      index += 1
    }
  }
}

/// A pattern of BY or GET: `*` stands for the element, `->field` at its end for a field of the hash
/// with that name, `#` alone for the element itself.
struct SortPattern {
  let text: ByteSlice
  /// Where the `*` is. Patterns end at a zero byte, as far as it is looked for.
  let star: Int?
  /// Where the name of the key ends.
  private let end: Int
  private let field: ByteSlice?

  init(_ text: ByteSlice) {
    self.text = text
    let visible = text.prefix(text.firstIndex(of: 0) ?? text.count)
    let star = visible.firstIndex(of: 0x2A)
    self.star = star
    var end = text.count
    var field: ByteSlice?
    if let star {
      var at = star + 1
      while at + 1 < visible.count {
        if visible[at] == 0x2D && visible[at + 1] == 0x3E {
          if at + 2 < visible.count {
            end = at
            field = text.dropFirst(at + 2)
          }
          break
        }
        at += 1
      }
    }
    self.end = end
    self.field = field
  }

  /// What stands before and behind the element in the names of keys; nil when no key is named.
  var sides: (prefix: ByteSlice, suffix: ByteSlice)? {
    guard let star else { return nil }
    return (text.prefix(star), text.slice(at: star + 1, count: end - star - 1))
  }

  /// The bytes that the pattern leads to for `element`; nil when there are none. Valid until the
  /// next change of the keyspace, or as long as it with `keeping`.
  func value(for element: ByteSlice, _ keyspace: Keyspace, keeping: Bool) -> ByteSlice? {
    if text.equals("#") { return element }
    guard let star else { return nil }
    var name = ScratchBuffer(capacity: end + element.count)
    name.append(text.prefix(star))
    name.append(element)
    name.append(text.slice(at: star + 1, count: end - star - 1))
    switch (keyspace.state(of: name.slice).value, field) {
    case (.string(let string)?, nil):
      let bytes = string.bytes(&keyspace.context.scratch)
      let isStable = keeping ? string.isUnchanged : !string.isNumber
      return isStable ? bytes : keyspace.context.keep(bytes)
    case (.hash(let hash)?, let field?): return hash.cell(field)?.value
    default: return nil
    }
  }
}

/// Sorts what a key holds.
struct Sorter {
  private struct Item {
    let element: ByteSlice
    var weight: ByteSlice?
    var score = 0.0
  }
  private var options: SortOptions
  private let keyspace: Keyspace
  private var items: [Item] = []
  /// Which of the sorted items are wanted.
  private var range = 0..<0

  init(_ options: SortOptions, _ keyspace: Keyspace) {
    self.options = options
    self.keyspace = keyspace
  }

  /// Takes the elements.
  mutating func load(_ state: KeyState) throws(CommandFault) {
    switch state.value {
    case .none: break
    case .list(let list):
      for index in 0..<list.count { items.append(Item(element: list[index])) }
      if options.keepsOrder && options.descending { items.reverse() }
    case .set(let set):
      for item in set.table.items { items.append(Item(element: item.key)) }
      // A set has no order that could be kept.
      if options.keepsOrder {
        options.keepsOrder = false
        options.alpha = true
        options.by = nil
      }
    case .sortedSet(let set):
      set.ordered.forEach { items.append(Item(element: $0.member)) }
      if options.keepsOrder && options.descending { items.reverse() }
    default: throw .wrongType
    }
    let total = Int64(items.count)
    let start = min(max(options.start, 0), total)
    let count = min(max(options.count, -1), total)
    let end = count < 0 ? total : min(start + count, total)
    range = start >= total ? 0..<0 : Int(start)..<max(Int(start), Int(end))
  }

  /// Puts the elements in order.
  mutating func sort() throws(CommandFault) {
    if options.keepsOrder { return }
    for index in items.indices {
      var weight: ByteSlice? = items[index].element
      if let by = options.by {
        weight = by.value(for: items[index].element, keyspace, keeping: false)
      }
      guard let weight else { continue }
      items[index].weight = weight
      if !options.alpha { items[index].score = try Sorter.score(weight) }
    }
    let order = items.indices.sorted { first, second in
      let result = compare(items[first], items[second])
      return result == 0 ? first < second : result < 0
    }
    items = order.map { items[$0] }
  }

  /// A weight as C's `strtod` reads it: blanks in front are fine, nothing may follow up to the
  /// first zero byte, and nothing at all is 0.
  private static func score(_ text: ByteSlice) throws(CommandFault) -> Double {
    let visible = text.prefix(text.firstIndex(of: 0) ?? text.count)
    if visible.isEmpty { return 0 }
    var first = 0
    while first < visible.count, visible[first] == 0x20 || visible[first] &- 9 < 5 { first += 1 }
    guard let value = DoubleText.parse(visible.dropFirst(first), .command) else { throw .notFloat }
    return value
  }

  private func compare(_ first: Item, _ second: Item) -> Int {
    var order: Int
    if !options.alpha {
      order = first.score < second.score ? -1 : first.score > second.score ? 1 : 0
      if order == 0 { order = first.element.compare(second.element) }
    } else if options.by != nil {
      switch (first.weight, second.weight) {
      case (let first?, let second?): order = first.compare(second)
      case (nil, nil): order = 0
      case (nil, _): order = -1
      case (_, nil): order = 1
      }
    } else {
      order = first.element.compare(second.element)
    }
    return options.descending ? -order : order
  }

  /// The list that is stored.
  func result() -> ListValue {
    let list = ListValue()
    for item in items[range] {
      if options.get.isEmpty { list.pushRight(item.element) }
      for pattern in options.get {
        list.pushRight(pattern.value(for: item.element, keyspace, keeping: true) ?? ByteSlice())
      }
    }
    return list
  }
}
