import Bytes
import RDB
import Testing

@testable import Keyspace

/// The vectors of debug-digest.md 8: what real servers answered.
@Suite struct DigestBuilderTests {
  /// One key to be fed.
  struct Key {
    var name: String
    var type: LogicalType
    var db = 0
    var expires = false
    /// The parts of each element; for sorted sets the second is the score.
    var elements: [[String]] = []
    /// Fields with a TTL.
    var timed: Set<String> = []
    /// Live and deleted entries of a stream.
    var entries: [(id: StreamID, fields: [String], deleted: Bool)] = []

    func feed(_ builder: inout DigestBuilder) {
      Array(name.utf8).withByteSlice { slice in
        var description = KeyDescription()
        description.db = db
        description.key = slice
        description.type = type
        description.expiresAt = expires ? 1000 : nil
        builder.begin(description)
        feedValue(&builder)
        builder.end()
      }
    }

    private func feedValue(_ builder: inout DigestBuilder) {
      for (index, parts) in elements.enumerated() {
        var element = ValueElement()
        element.index = UInt64(index)
        Array(parts[0].utf8).withByteSlice { first in
          element.first = first
          switch type {
          case .zset:
            element.score = Double(parts[1]) ?? .nan
            builder.element(&element)
          case .hash:
            element.expiresAt = timed.contains(parts[0]) ? 5 : ValueElement.never
            Array(parts[1].utf8).withByteSlice { second in
              element.second = second
              builder.element(&element)
            }
          case .array:
            element.index = UInt64(parts[1]) ?? 0
            builder.element(&element)
          default: builder.element(&element)
          }
        }
      }
      for entry in entries {
        let pairs = entry.fields.count / 2
        builder.stream(
          entry.deleted
            ? .deletedEntry(entry.id, fields: pairs) : .entry(entry.id, fields: pairs))
        for pair in 0..<pairs {
          Array(entry.fields[2 * pair].utf8).withByteSlice { name in
            Array(entry.fields[2 * pair + 1].utf8).withByteSlice { value in
              builder.stream(.field(name, value))
            }
          }
        }
      }
    }
  }

  func digest(_ keys: [Key], _ style: DigestStyle = .redis74) -> String {
    var builder = DigestBuilder(style: style)
    for key in keys { key.feed(&builder) }
    #expect(builder.obstacle == nil)
    return builder.finish().text
  }

  func valueDigest(_ key: Key, _ style: DigestStyle = .redis74) -> String {
    var builder = DigestBuilder(style: style, scope: .values)
    key.feed(&builder)
    return builder.keyDigest.text
  }

  @Test(arguments: DigestStyle.allCases) func whatAllServersAgreeOn(_ style: DigestStyle) {
    #expect(digest([], style) == "0000000000000000000000000000000000000000")
    var k = Key(name: "k", type: .string, elements: [["v"]])
    #expect(digest([k], style) == "264ccf65edec66bccfa7cc659414ccca432057d2")
    #expect(valueDigest(k, style) == "d79ee9fe5d5ad902d7f6620efc3b07b75ddd742f")
    k.expires = true
    #expect(digest([k], style) == "bf83f210388eea94f06fb90d517490e16a08d7dd")
    #expect(valueDigest(k, style) == "311b17018163335616e089f6b951c82c477335ac")
    let list = Key(name: "l", type: .list, elements: [["a"], ["b"], ["10"]])
    #expect(digest([list], style) == "9ea15f34bd2054efa919f8ee345fc94ce2ba3141")
    #expect(valueDigest(list, style) == "fc505d38f0c81be3be0de6ee5a7e33ff54bba1f2")
    for members in [[["1"], ["2"], ["x"]], [["x"], ["1"], ["2"]]] {
      let set = Key(name: "s", type: .set, elements: members)
      #expect(digest([set], style) == "ad763977491dfbde41ef9ea16b9cfed53cbce3ec")
    }
    let hash = Key(name: "h", type: .hash, elements: [["f", "1"], ["g", "two"]])
    #expect(digest([hash], style) == "8db91e61b81c9ab17b76ba9a7413b0061a4c7c78")
  }

  @Test func scoresDependOnTheStyle() {
    let zset = Key(name: "z", type: .zset, elements: [["m", "0.1"], ["n", "3"], ["o", "inf"]])
    #expect(digest([zset], .redis70) == "6febd51499ac92584b75a8f95b6c03373f193aaf")
    for style in [DigestStyle.redis72, .redis74, .valkey] {
      #expect(digest([zset], style) == "e88d2f3374d4c48c02b382257ab1b00d369a6569")
    }
  }

  @Test func fieldsThatExpireDependOnTheStyle() {
    let hash = Key(name: "h", type: .hash, elements: [["g", "two"], ["f", "1"]], timed: ["f"])
    #expect(digest([hash], .redis74) == "83ce43771a92e6dd4d62c75c63a81870632d1aa5")
    #expect(digest([hash], .valkey) == "8db91e61b81c9ab17b76ba9a7413b0061a4c7c78")
  }

  @Test func streamsAndTheirDeletedEntries() {
    var stream = Key(
      name: "st", type: .stream,
      entries: [
        (StreamID(ms: 5, seq: 1), ["f", "v", "n", "7"], false),
        (StreamID(ms: 6, seq: 0), ["f", "w", "n", "8"], false),
        (StreamID(ms: 7, seq: 0), ["other", "z"], false),
      ])
    #expect(digest([stream]) == "eb370bc166e0f8f8290dee836132e02caf709825")
    stream.entries[1].deleted = true
    #expect(digest([stream]) == "67c1377b5e199e7b9e242d7683b03cef6f749a3b")
    stream.entries.remove(at: 1)
    #expect(digest([stream]) == "67c1377b5e199e7b9e242d7683b03cef6f749a3b")
  }

  @Test func databasesInAnyOrderAndInPieces() {
    let first = Key(name: "a", type: .string, db: 0, elements: [["1"]])
    let second = Key(name: "a", type: .string, db: 1, elements: [["1"]])
    let expected = "c6bab682b086d5daf847ee97e8554b6f1fb06350"
    #expect(digest([first, second]) == expected)
    #expect(digest([second, first]) == expected)
    let ninth = Key(name: "a", type: .string, db: 9, elements: [["1"]])
    #expect(digest([ninth]) == "9a163ac3066c35590865de3cc673898b3ed6ecec")
    let more = (0..<4).map { Key(name: "b\($0)", type: .string, db: $0 % 2, elements: [["2"]]) }
    let together = digest([more[0], more[2], more[1], more[3]])
    #expect(digest([more[3], more[0], more[1], more[2]]) == together)
  }

  @Test func arraysWithHoles() {
    let array = Key(
      name: "ar", type: .array, elements: [["x", "0"], ["5", "2"], ["2.5", "3"], ["1.0", "4"]])
    #expect(digest([array]) == "4c99040f45d35493727e41ddcf00497cf0f78728")
  }

  @Test func whatHasNoDigestIsNamed() {
    var builder = DigestBuilder(style: .redis74)
    Key(name: "fine", type: .string, elements: [["x"]]).feed(&builder)
    #expect(builder.obstacle == nil)
    Key(name: "far", type: .array, db: 3, elements: [["x", "\(UInt64.max - 2)"]]).feed(&builder)
    Key(name: "mod", type: .module).feed(&builder)
    #expect(
      builder.obstacle == DigestObstacle(kind: .sparseArray, db: 3, key: Array("far".utf8)))
    _ = builder.finish()
    var other = DigestBuilder(style: .valkey)
    Key(name: "mod", type: .module).feed(&other)
    #expect(other.obstacle == DigestObstacle(kind: .module(0), db: 0, key: Array("mod".utf8)))
    _ = other.finish()
  }

  @Test func longInputsAreHashedInFull() {
    // 55 bytes are one block, 56 two, 64 and more many: against H itself, fed in parts.
    for count in [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 1000] {
      let text = [UInt8](repeating: 0x61, count: count)
      var one = ServerDigest()
      text.withByteSlice { one.xor($0) }
      #expect(one.text == DigestBuilderTests.sha1[count])
    }
  }

  /// SHA-1 of so many `a`, by Python's hashlib.
  static let sha1: [Int: String] = [
    0: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    1: "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
    54: "b05d71c64979cb95fa74a33cdb31a40d258ae02e",
    55: "c1c8bbdc22796e28c0e15163d20899b65621d65a",
    56: "c2db330f6083854c99d4b5bfb6e8f29f201be699",
    63: "03f09f5b158a7a8cdad920bddc29b81c18a551f5",
    64: "0098ba824b5c16427bd7a1122a5a442a25ec644d",
    65: "11655326c708d70319be2610e8a57d9a5b959d3b",
    119: "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56",
    120: "f34c1488385346a55709ba056ddd08280dd4c6d6",
    1000: "291e9a6c66994949b57ba5e650361e98fc36b1ba",
  ]

  @Test func stylesOfProducers() {
    func style(_ name: StaticString, _ value: StaticString) -> DigestStyle? {
      DigestStyle(auxiliary: ByteSlice(name), ByteSlice(value))
    }
    #expect(style("redis-ver", "2.8.24") == .redis70)
    #expect(style("redis-ver", "7.0.15") == .redis70)
    #expect(style("redis-ver", "7.2.6") == .redis72)
    #expect(style("redis-ver", "7.4.1") == .redis74)
    #expect(style("redis-ver", "8.8.0") == .redis74)
    #expect(style("redis-ver", "255.255.255") == .redis74)
    #expect(style("valkey-ver", "9.1.2") == .valkey)
    #expect(style("redis-ver", "x") == nil)
    #expect(style("used-mem", "7.0.1") == nil)
    #expect(DigestStyle(header: RDBHeader(dialect: .redis, version: 10)) == .redis70)
    #expect(DigestStyle(header: RDBHeader(dialect: .redis, version: 11)) == .redis72)
    #expect(DigestStyle(header: RDBHeader(dialect: .redis, version: 12)) == .redis74)
    #expect(DigestStyle(header: RDBHeader(dialect: .valkey, version: 80)) == .valkey)
  }
}
