// Writes the benchmark mix as a log of commands (a plain AOF) to standard output:
//
//     make-mix BYTES KEYS SEED [once]
//     make-mix many-keys KEYS          small strings and nothing else
//     make-mix huge-key ELEMENTS       one hash
//
// The same arguments give the same bytes. With `once` every key is written by one command only,
// which makes a log that is as good as a snapshot; otherwise commands keep coming back to the
// keys, about 6.7 for each, as in a log that was never rewritten. 30 % of the keys expire.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

struct Random {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}

struct Mix {
  var random: Random
  let keys: Int
  var out: [UInt8] = []
  var written = 0
  var stream = 0
  let words = Array(
    "alpha beta gamma delta order customer address street invoice payment pending shipped "
      .utf8)

  mutating func bulk(_ bytes: [UInt8]) {
    out.append(0x24)
    out += Array(String(bytes.count).utf8)
    out += [13, 10]
    out += bytes
    out += [13, 10]
  }
  mutating func header(_ count: Int) { out += Array("*\(count)\r\n".utf8) }
  mutating func command(_ parts: [[UInt8]]) {
    header(parts.count)
    for part in parts { bulk(part) }
  }
  func text(_ s: String) -> [UInt8] { Array(s.utf8) }

  mutating func blob(_ length: Int, compressible: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(length + 16)
    if compressible {
      let at = random.below(words.count)
      while bytes.count < length {
        let from = (at + random.below(4) * 6) % words.count
        bytes += words[from...].prefix(24)
        bytes += Array(String(random.below(1000)).utf8)
      }
      bytes.removeLast(bytes.count - length)
    } else {
      while bytes.count < length {
        var word = random.next()
        for _ in 0..<8 {
          bytes.append(UInt8(truncatingIfNeeded: word) % 94 + 33)
          word >>= 8
        }
      }
      bytes.removeLast(bytes.count - length)
    }
    return bytes
  }

  mutating func value() -> [UInt8] {
    switch random.below(10) {
    case 0...2: return text(String(random.below(1_000_000)))
    case 3...6: return blob(16 + random.below(100), compressible: false)
    case 7, 8: return blob(200 + random.below(800), compressible: true)
    default: return blob(100 + random.below(400), compressible: false)
    }
  }

  /// One command on key number `index`, whose type follows from the number.
  mutating func write(_ index: Int, once: Bool) {
    let kind = index % 20
    let expires = index % 10 < 3
    let at = text(String(1_900_000_000_000 + index % 1_000_000_000))
    switch kind {
    case 0...8:
      let key = text("user:\(index):profile")
      if !once && kind == 8 {
        command([text("INCR"), text("counter:\(index)")])
      } else if expires {
        command([text("SET"), key, value(), text("PXAT"), at])
      } else {
        command([text("SET"), key, value()])
      }
    case 9...12:
      let count = once ? 4 + random.below(8) : 1 + random.below(3)
      header(2 + count * 2)
      bulk(text("HSET"))
      bulk(text("session:\(index)"))
      for field in 0..<count {
        bulk(text("field\(once ? field : random.below(20))"))
        bulk(blob(4 + random.below(40), compressible: false))
      }
    case 13, 14:
      let count = once ? 5 + random.below(15) : 1 + random.below(3)
      header(2 + count)
      bulk(text("RPUSH"))
      bulk(text("queue:\(index)"))
      for _ in 0..<count { bulk(blob(4 + random.below(60), compressible: false)) }
    case 15, 16:
      let count = once ? 5 + random.below(15) : 1 + random.below(3)
      header(2 + count)
      bulk(text("SADD"))
      bulk(text("tags:\(index)"))
      for _ in 0..<count {
        bulk(index % 2 == 0 ? text(String(random.below(5000))) : text("tag\(random.below(5000))"))
      }
    case 17, 18:
      let count = once ? 5 + random.below(15) : 1 + random.below(3)
      header(2 + count * 2)
      bulk(text("ZADD"))
      bulk(text("scores:\(index)"))
      for _ in 0..<count {
        bulk(
          text(
            random.below(3) == 0
              ? "\(random.below(1000)).\(random.below(99) + 1)" : "\(random.below(100000))"))
        bulk(text("player\(random.below(3000))"))
      }
    default:
      stream += 1
      command([
        text("XADD"), text("events:\(index)"), text("\(1_700_000_000_000 + stream)-0"),
        text("kind"), text("login"), text("payload"), value(),
      ])
    }
    if expires && kind > 8 && (once || random.below(6) == 0) {
      let names = ["session", "queue", "tags", "scores", "events"]
      let name = names[kind <= 12 ? 0 : kind <= 14 ? 1 : kind <= 16 ? 2 : kind <= 18 ? 3 : 4]
      command([text("PEXPIREAT"), text("\(name):\(index)"), at])
    }
  }

  mutating func flush() {
    written += out.count
    out.withUnsafeBytes { raw in
      var done = 0
      while done < raw.count {
        let got = writeSome(1, raw.baseAddress! + done, raw.count - done)
        if got <= 0 { exit(74) }
        done += got
      }
    }
    out.removeAll(keepingCapacity: true)
  }
}

/// `write(2)`, whose name is taken inside `Mix`.
func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}

let arguments = CommandLine.arguments
if arguments.count == 3, let count = Int(arguments[2]), count > 0 {
  var mix = Mix(random: Random(state: 1), keys: count)
  mix.command([mix.text("SELECT"), mix.text("0")])
  switch arguments[1] {
  case "many-keys":
    for index in 0..<count {
      mix.command([mix.text("SET"), mix.text("key:\(index)"), mix.text("value \(index % 1000)")])
      if mix.out.count > 1 << 20 { mix.flush() }
    }
  case "huge-key":
    for first in stride(from: 0, to: count, by: 100) {
      let fields = first..<min(first + 100, count)
      mix.header(2 + fields.count * 2)
      mix.bulk(mix.text("HSET"))
      mix.bulk(mix.text("huge"))
      for field in fields {
        mix.bulk(mix.text("field:\(field)"))
        mix.bulk(mix.text("value \(field % 1000)"))
      }
      if mix.out.count > 1 << 20 { mix.flush() }
    }
  default:
    print("usage: make-mix many-keys|huge-key COUNT")
    exit(64)
  }
  mix.flush()
  exit(0)
}
guard arguments.count >= 4, let bytes = Int(arguments[1]), let keys = Int(arguments[2]),
  let seed = UInt64(arguments[3])
else {
  print("usage: make-mix BYTES KEYS SEED [once], make-mix many-keys|huge-key COUNT")
  exit(64)
}
let once = arguments.count > 4 && arguments[4] == "once"
var mix = Mix(random: Random(state: seed), keys: keys)
mix.command([mix.text("SELECT"), mix.text("0")])
var index = 0
while mix.written + mix.out.count < bytes {
  if once {
    mix.write(index, once: true)
    index += 1
  } else {
    let key = mix.random.below(keys)
    if mix.random.below(40) == 0 {
      mix.command([mix.text("DEL"), mix.text("user:\(key):profile")])
    } else {
      mix.write(key, once: false)
    }
  }
  if mix.out.count > 1 << 20 { mix.flush() }
}
mix.flush()
