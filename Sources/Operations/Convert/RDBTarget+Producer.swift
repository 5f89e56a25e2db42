internal import Bytes
internal import RDB

extension RDBTarget {
  /// The release `text`, which is known to exist.
  static func known(_ text: String) -> RDBTarget {
    guard let target = RDBTarget(text) else { preconditionFailure("no such release") }
    return target
  }

  /// The oldest release that writes dumps with this header, or reads them at least: versions 3 to
  /// 5 existed between releases only (rdb-format.md 2).
  init(writerOf header: RDBHeader) {
    if header.dialect == .valkey {
      self = .known(header.version > 80 ? "valkey:9.1" : "valkey:9.0")
      return
    }
    let releases = [
      (15, "redis:8.10"), (14, "redis:8.8"), (13, "redis:8.6"), (12, "redis:7.4"),
      (11, "redis:7.2"), (10, "redis:7.0"), (9, "redis:5.0"), (8, "redis:4.0"), (7, "redis:3.2"),
      (3, "redis:2.6"),
    ]
    self = .known(releases.first { header.version >= $0.0 }?.1 ?? "redis:2.4")
  }

  /// The release that a fact of a dump names; nil for other facts.
  init?(auxiliary name: ByteSlice, _ text: ByteSlice) {
    let family: RDBDialect
    if name.equals("redis-ver") {
      family = .redis
    } else if name.equals("valkey-ver") {
      family = .valkey
    } else {
      return nil
    }
    guard text.count <= 32 else { return nil }
    let numbers = text.text.split(separator: ".").prefix(2).map { Int($0) }
    guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return nil }
    self.init(family, major, minor)
  }
}

extension RDBLoss {
  /// What is lost of a key, in words.
  var words: String {
    let sentences: [(RDBLoss, String)] = [
      (.key, "the whole key: the target has no such type"),
      (.fieldExpiry, "times to live of hash fields"),
      (.streamNumbers, "highest deleted id and number of entries added of the stream"),
      (.entriesRead, "how many entries the groups have read"),
      (.activeTime, "when consumers were active"),
      (.idempotency, "ids of idempotent messages"),
      (.unownedPending, "pending entries without a consumer"),
      (.milliseconds, "the milliseconds of the expiry time"),
      (.lateExpiry, "the expiry time, which is beyond 2038"),
      (.evictionHint, "idle time or use counter"),
      (.keyMetadata, "metadata of modules for the key"),
      (.nanScore, "members whose score is not a number, which no command gives"),
    ]
    return sentences.filter { contains($0.0) }.map(\.1).joined(separator: "; ")
  }
}
