import TestSupport

/// Draws commands on places.
struct GeoFamily: CommandFamily {
  var words: WordSource
  private let version: RealServer.Version

  init(seed: UInt64, _ version: RealServer.Version) {
    words = WordSource(seed: seed)
    self.version = version
  }

  private mutating func place() -> [String] {
    switch words.random.below(16) {
    case 0:
      return words.pick([
        ["180", "85.05112878"], ["-180", "-85.05112878"], ["181", "0"], ["0", "86"], ["x", "1"],
        ["0", "0"], ["nan", "0"], ["-180", "85"], ["180", "\(words.random.below(85))"],
      ])
    case 1...6:
      // Close together, in Palermo.
      return [
        "13.\(36 + words.random.below(9))\(words.random.below(1000))",
        "38.1\(words.random.below(100))",
      ]
    default:
      return [
        "\(words.random.below(360) - 180).\(words.random.below(999))",
        "\(words.random.below(170) - 85).5",
      ]
    }
  }

  private mutating func unit() -> String {
    words.anyCase(words.pick(["m", "km", "ft", "mi", "KM"]) + (words.chance(2) ? "x" : ""))
  }

  private mutating func radius() -> String {
    words.pick(["1", "10", "100", "500", "1000", "5000", "20000", "0", "-1", "x", "0.5", "3000000"])
  }

  private mutating func name() -> String {
    words.chance(3) ? words.member() : "p\(words.random.below(40))"
  }

  private mutating func options() -> [String] {
    words.maybe(30, [["ASC"], ["DESC"], ["desc"]])
      + words.maybe(30, [["COUNT", words.count()]])
  }

  mutating func command() -> [String] {
    let key = "g\(words.random.below(3))"
    let destination = words.chance(10) ? key : "z\(words.random.below(4))"
    switch words.random.below(14) {
    case 0...4:
      var command =
        ["GEOADD", key]
        + words.maybe(20, [["NX"], ["XX"], ["CH"], ["NX", "CH"], ["XX", "NX"], ["GT"]])
      for _ in 0...words.random.below(4) { command += place() + [name()] }
      return command
    case 5, 6:
      return ["GEORADIUS", key] + place() + [radius(), unit()] + options()
        + [words.pick(["STORE", "STOREDIST"]), destination]
    case 7, 8:
      return ["GEORADIUSBYMEMBER", key, name(), radius(), unit()] + options()
        + [words.pick(["STORE", "STOREDIST"]), destination]
    case 9, 10, 11:
      var command = ["GEOSEARCHSTORE", destination, key]
      let from = words.chance(50) ? ["FROMMEMBER", name()] : ["FROMLONLAT"] + place()
      let by =
        words.chance(50) ? ["BYRADIUS", radius(), unit()] : ["BYBOX", radius(), radius(), unit()]
      if version == .valkey9_1, words.chance(25) {
        command += [
          "BYPOLYGON", "4", "13.0", "38.0", "14.0", "38.0", "14.0", "38.3",
          words.pick(["13.0", "13.3"]), "38.3",
        ]
      } else {
        command += words.chance(50) ? from + by : by + from
      }
      return command + options() + words.maybe(30, [["STOREDIST"]])
    case 12: return ["ZREM", key, name(), name()]
    default: return words.chance(60) ? ["DEL", destination] : words.upheaval("z")
    }
  }
}
