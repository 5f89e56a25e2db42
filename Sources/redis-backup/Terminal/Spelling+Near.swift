import Bytes
import Operations

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Spelling {
  /// The names that are nearest to `word`, nearest first: at most three, and none that differs in more
  /// than a quarter of its letters (but in two at least for names of four and more).
  static func nearest(to word: [UInt8], among names: [[UInt8]]) -> [[UInt8]] {
    var near = Near(word)
    for name in names { name.withByteSlice { near.look(at: $0) } }
    return near.names
  }

  /// Looks at names one by one and keeps the nearest three.
  struct Near {
    private let word: [UInt8]
    private var found: [(distance: Int, name: [UInt8])] = []
    private var limit: Int

    init(_ word: [UInt8]) {
      self.word = word
      limit = word.count < 4 ? 1 : max(2, min(word.count / 4, 8))
    }

    /// What was found, nearest first; the same distance goes by name.
    var names: [[UInt8]] { found.map(\.name) }

    /// Looks at a name.
    mutating func look(at name: ByteSlice) {
      guard abs(name.count - word.count) <= limit, word.count <= 1024, !name.isEmpty else { return }
      guard let distance = Near.distance(word, name, limit: limit), distance > 0 else { return }
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

    /// How many bytes must be put in, taken out or changed, capitals counting as the same; nil when it
    /// is more than `limit`. Only places within `limit` of the diagonal are looked at.
    static func distance(_ a: [UInt8], _ b: ByteSlice, limit: Int) -> Int? {
      if a.withByteSlice({ $0 == b }) { return 0 }
      let far = limit + 1
      var row = Array(0...b.count).map { min($0, far) }
      var next = [Int](repeating: far, count: b.count + 1)
      for i in 0..<a.count {
        let from = max(0, i - limit)
        let to = min(b.count - 1, i + limit)
        next[from] = from == 0 ? min(i + 1, far) : far
        var best = next[from]
        if from <= to {
          for j in from...to {
            let isSame = ASCII.lowercased(a[i]) == ASCII.lowercased(b[j])
            let value = min(
              row[j] + (isSame ? 0 : 1), min(row[j + 1], next[j]) + 1, far)
            next[j + 1] = value
            best = min(best, value)
          }
        }
        if to + 2 <= b.count { next[to + 2] = far }
        if best >= far { return nil }
        swap(&row, &next)
      }
      // The same but for capitals is near, yet not the same.
      return row[b.count] >= far ? nil : max(row[b.count], 1)
    }
  }

  /// A name beside the missing `path` that may have been meant, as the whole path.
  static func nearFile(_ path: String) -> String? {
    let files = SystemFileSystem()
    let directory = FilePath.directory(of: path)
    guard let names = try? files.list(directory.isEmpty ? "." : directory), names.count <= 100_000
    else {
      // A directory on the way is missing: that one is looked for.
      guard !directory.isEmpty, directory != path, directory != "/", directory != "." else {
        return nil
      }
      return nearFile(directory).map { FilePath.join($0, FilePath.name(of: path)) }
        .flatMap { files.exists($0) ? $0 : nil }
    }
    let name = Array(FilePath.name(of: path).utf8)
    guard let near = nearest(to: name, among: names.map { Array($0.utf8) }).first else {
      return nil
    }
    let found = String(decoding: near, as: UTF8.self)
    // As it was given: `dump.rdb`, not `./dump.rdb`.
    return path.contains("/") ? FilePath.join(directory, found) : found
  }
}

extension ToolError {
  /// With a question about the name of the file, when it is missing and one that is there is spelled
  /// nearly so.
  var advisingNearFile: ToolError {
    guard case .system(let error) = cause, error.code == ENOENT, role == .input, remedy == nil,
      let file, let near = Spelling.nearFile(file)
    else { return self }
    return advising("Did you mean \(KeyText.shellWord(near))?")
  }
}
