internal import Bytes

/// Joins the keys, and the patterns of keys, that commands touch together; at the end it tells which
/// are joined with the unknown.
struct KeyJoins: ~Copyable {
  private var groups: KeyGroups
  /// Patterns that some SORT … STORE has, with the node of each.
  private var patterns: [(pattern: KeyPattern, node: Int)] = []
  private let backing: PageBacking

  /// More patterns than this count as one that matches every key.
  static let mostPatterns = 64

  init(in backing: PageBacking) {
    self.backing = backing
    groups = KeyGroups(in: backing)
  }

  var hasPatterns: Bool { !patterns.isEmpty }

  /// Joins keys and patterns with each other, and with node `first`.
  mutating func join(
    _ keys: borrowing PODArray<NamedKey>, _ named: [KeyPattern], with first: Int?
  ) {
    guard keys.count > 1 || !named.isEmpty || first != nil else { return }
    var first = first
    for index in 0..<keys.count {
      let node = node(keys[index])
      if let first { groups.join(first, node) } else { first = node }
    }
    for pattern in named {
      let node = node(pattern)
      if let first { groups.join(first, node) } else { first = node }
    }
  }

  private mutating func node(_ key: NamedKey) -> Int {
    let (node, isNew) = groups.node(key.hash)
    if isNew && !patterns.isEmpty {
      for place in patterns.indices where patterns[place].pattern.matches(key) {
        groups.join(node, patterns[place].node)
      }
    }
    return node
  }

  private mutating func node(_ pattern: KeyPattern) -> Int {
    for known in patterns where known.pattern.isUniversal || known.pattern.isSame(as: pattern) {
      return known.node
    }
    let node = groups.add(0)
    if patterns.count < KeyJoins.mostPatterns {
      patterns.append((pattern, node))
    } else {
      var all = pattern
      all.isUniversal = true
      patterns = [(all, node)]
    }
    return node
  }

  /// Forgets all joints; patterns, and databases that are exchanged, are known from now on.
  mutating func beginAgain(_ touches: TouchReader) {
    groups = KeyGroups(in: backing)
    for place in patterns.indices {
      let old = patterns[place].pattern
      let pattern = KeyPattern(
        group: touches.group(old.group), prefix: old.prefix, suffix: old.suffix,
        isUniversal: old.isUniversal)
      patterns[place] = (pattern, groups.add(0))
    }
  }

  /// The keys that are joined with the unknown.
  consuming func kept() -> KeptKeys {
    let unknown = groups.root(KeyGroups.unknown)
    var kept: [KeyPattern] = []
    for (pattern, node) in patterns where groups.root(node) == unknown { kept.append(pattern) }
    let keys = KeptKeys(kept, in: backing)
    for node in 0..<groups.count where groups.root(node) == unknown {
      let hash = groups.hash(node)
      if hash != 0 { keys.insert(hash) }
    }
    return keys
  }
}
