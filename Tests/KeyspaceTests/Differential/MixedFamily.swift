import TestSupport

/// Draws from all families, so that types collide.
struct MixedFamily: CommandFamily {
  var words: WordSource
  private var families: [any CommandFamily]

  init(seed: UInt64, _ version: RealServer.Version) {
    words = WordSource(seed: seed)
    families = MixedFamily.parts.enumerated().map {
      $1.init(seed: seed &* 31 &+ UInt64($0), version)
    }
  }

  static var parts: [any CommandFamily.Type] {
    [
      StringFamily.self, BitFamily.self, SortFamily.self, ListFamily.self, SetFamily.self,
      SortedSetFamily.self, GeoFamily.self, HashFamily.self, StreamFamily.self, KeyFamily.self,
    ]
  }

  mutating func command() -> [String] { families[words.random.below(families.count)].command() }
}
