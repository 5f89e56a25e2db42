public import Bytes

/// Looks at names one by one and keeps the three that are nearest to a word: what somebody may have meant.
///
/// None of them differs in more than a quarter of its letters, but in two at least for words of five and
/// more.
public struct NearNames {
  private let word: [UInt8]
  private var found: [(distance: Int, name: [UInt8])] = []
  private var limit: Int

  /// For this word.
  public init(_ word: [UInt8]) {
    self.word = word
    limit = word.count < 5 ? 1 : max(2, min(word.count / 4, 8))
  }

  /// What is nearest to `word` of `names`, nearest first.
  public static func of(_ word: String, among names: [String]) -> [String] {
    var near = NearNames(Array(word.utf8))
    for name in names { Array(name.utf8).withByteSlice { near.look(at: $0) } }
    return near.names.map { String(decoding: $0, as: UTF8.self) }
  }

  /// What was found, nearest first; the same distance goes by name.
  public var names: [[UInt8]] { found.map(\.name) }

  /// Looks at a name; the word itself is not near.
  public mutating func look(at name: ByteSlice) {
    guard abs(name.count - word.count) <= limit, word.count <= 1024, !name.isEmpty else { return }
    guard let distance = NearNames.distance(word, name, limit: limit), distance > 0 else { return }
    let bytes = name.bytes
    let place =
      found.firstIndex {
        distance < $0.distance
          || distance == $0.distance && bytes.lexicographicallyPrecedes($0.name)
      } ?? found.count
    guard place < 3, !found.contains(where: { $0.name == bytes }) else { return }
    found.insert((distance, bytes), at: place)
    if found.count > 3 { found.removeLast() }
    // Farther ones than the three that are there are of no use.
    if found.count == 3 { limit = min(limit, found[2].distance) }
  }

  /// How many bytes must be put in, taken out, changed or swapped with their neighbour, capitals counting as
  /// the same; nil when it is more than `limit`. Only places within `limit` of the diagonal are looked at.
  static func distance(_ a: [UInt8], _ b: ByteSlice, limit: Int) -> Int? {
    if a.withByteSlice({ $0 == b }) { return 0 }
    let far = limit + 1
    var before = [Int](repeating: far, count: b.count + 1)
    var row = Array(0...b.count).map { min($0, far) }
    var next = before
    func isSame(_ i: Int, _ j: Int) -> Bool { ASCII.lowercased(a[i]) == ASCII.lowercased(b[j]) }
    for i in 0..<a.count {
      let from = max(0, i - limit)
      let to = min(b.count - 1, i + limit)
      next[from] = from == 0 ? min(i + 1, far) : far
      var best = next[from]
      if from <= to {
        for j in from...to {
          var value = min(row[j] + (isSame(i, j) ? 0 : 1), min(row[j + 1], next[j]) + 1, far)
          if i > 0, j > 0, isSame(i, j - 1), isSame(i - 1, j) {
            value = min(value, before[j - 1] + 1)
          }
          next[j + 1] = value
          best = min(best, value)
        }
      }
      if to + 2 <= b.count { next[to + 2] = far }
      // A swap reaches two rows back.
      if best >= far, (row.min() ?? far) >= far { return nil }
      swap(&before, &row)
      swap(&row, &next)
    }
    // The same but for capitals is near, yet not the same.
    return row[b.count] >= far ? nil : max(row[b.count], 1)
  }
}
