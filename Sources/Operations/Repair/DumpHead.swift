import AOF
import Bytes
import RDB

/// What the first bytes of a dump tell, also when some of them are damaged.
struct DumpHead {
  /// The header: what stands there, or what it must have been.
  var header: RDBHeader
  /// Whether it stands there.
  var isWhole: Bool
  /// Whether commands may follow the dump: it says so itself, or its head is damaged.
  var mayBeLog: Bool

  init(_ bytes: ByteSlice) {
    let head = bytes.prefix(min(bytes.count, 4096))
    var found: RDBHeader?
    do throws(RDBError) { found = try RDBHeader(head.prefix(min(9, head.count))) } catch {}
    isWhole = found != nil
    header = found ?? DumpHead.guess(head)
    mayBeLog = !isWhole
    for name in ["aof-preamble", "aof-base"] as [StaticString] {
      guard let place = head.firstRange(of: ByteSlice(name)) else { continue }
      let at = place + name.utf8CodeUnitCount
      if head.holds(2, at: at), head[at] == 0xC0 && head[at + 1] == 1 || head[at + 1] == 0x31 {
        mayBeLog = true
      }
    }
  }

  /// Whether a file begins with a dump rather than with commands; by its name where its first bytes
  /// can't tell.
  static func begins(_ bytes: ByteSlice, name: String) -> Bool {
    if RDBHeader.looksLikeRDB(bytes.prefix(min(bytes.count, 9))) { return true }
    if bytes[0] == 0x2A || bytes[0] == 0x23 { return false }
    let head = bytes.prefix(min(bytes.count, 4096))
    for magic in ["REDIS0", "VALKEY0"] as [StaticString] {
      let wanted = ByteSlice(magic)
      guard head.count >= wanted.count else { continue }
      let same = (0..<wanted.count).filter { head[$0] == wanted[$0] }.count
      if same * 2 > wanted.count { return true }
    }
    for fact in ["redis-ver", "valkey-ver", "redis-bits", "used-mem"] as [StaticString] {
      if let place = head.firstRange(of: ByteSlice(fact)), place >= 2, head[place - 2] == Opcode.aux
      {
        return true
      }
    }
    if name.hasSuffix(".rdb") { return true }
    var probe = CommandProbe(size: bytes.count)
    if probe.next(in: bytes.prefix(min(bytes.count, 1 << 20)), from: 0) != nil { return false }
    return !name.hasSuffix(".aof")
  }

  /// The header, by what the dump tells of its producer.
  private static func guess(_ head: ByteSlice) -> RDBHeader {
    for name in ["redis-ver", "valkey-ver"] as [StaticString] {
      let wanted = ByteSlice(name)
      guard let place = head.firstRange(of: wanted) else { continue }
      let at = place + wanted.count
      guard at < head.count, head[at] < 0x40, head.holds(Int(head[at]), at: at + 1) else {
        continue
      }
      let text = head.slice(at: at + 1, count: Int(head[at]))
      if let target = RDBTarget(auxiliary: wanted, text) { return target.header }
    }
    // Every type that any Redis writes can be read with this.
    return RDBHeader(dialect: .redis, version: 11)
  }
}
