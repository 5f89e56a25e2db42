import Bytes
import RDB
import Testing

@testable import Keyspace

/// Trimming of streams with regard to groups (XTRIM and XADD of Redis 8.2 with KEEPREF, DELREF, ACKED).
/// `make mutate` showed that no test looked: of the servers that the tests start none knows these words.
@Suite struct StreamTrimTests {
  /// Five entries, and a group that has acknowledged 1-0 and 3-0, holds 2-0, and has not seen the rest.
  private func harness(group: Bool) -> CommandHarness {
    let harness = CommandHarness()
    for number in 1...5 { harness.run("XADD s \(number)-0 f v") }
    if group {
      harness.run("XGROUP CREATE s g 0")
      harness.run(
        "XCLAIM s g c 0 2-0 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 3-0")
    }
    return harness
  }

  /// The ids of the stream's entries, without their sequence numbers, which are 0.
  private func ids(_ harness: CommandHarness) -> [UInt64] {
    guard case .stream(let stream)? = harness.state("s").value else { return [] }
    return (0..<stream.count).map { stream.entries[stream.entries.place($0)].id.ms }
  }

  /// The ids that the group holds.
  private func pending(_ harness: CommandHarness) -> [UInt64] {
    guard case .stream(let stream)? = harness.state("s").value, let group = stream.groups.first
    else { return [] }
    return (1...5).filter { StreamCommands.pending(StreamID(ms: $0, seq: 0), in: group) != nil }
  }

  @Test func withoutGroupsAllMayGo() {
    for words in ["", " KEEPREF", " DELREF", " ACKED"] {
      let harness = harness(group: false)
      harness.run("XTRIM s MAXLEN = 2\(words)")
      #expect(ids(harness) == [4, 5], "\(words)")
    }
    let harness = harness(group: false)
    harness.run("XTRIM s MINID = 3-0 ACKED")
    #expect(ids(harness) == [3, 4, 5])
  }

  @Test func heldEntriesStayWithAcked() {
    let byLength = harness(group: true)
    byLength.run("XTRIM s MAXLEN = 3 ACKED")
    #expect(ids(byLength) == [2, 4, 5])
    // Not more than asked for, and the oldest first.
    let one = harness(group: true)
    one.run("XTRIM s MAXLEN = 4 ACKED")
    #expect(ids(one) == [2, 3, 4, 5])
    let byID = harness(group: true)
    byID.run("XTRIM s MINID = 3-0 ACKED")
    #expect(ids(byID) == [2, 3, 4, 5])
    #expect(pending(byID) == [2])
  }

  @Test func referencesGoWithTheirEntries() {
    let deleting = harness(group: true)
    #expect(pending(deleting) == [2])
    deleting.run("XTRIM s MAXLEN = 3 DELREF")
    #expect(ids(deleting) == [3, 4, 5])
    #expect(pending(deleting) == [])
    let keeping = harness(group: true)
    keeping.run("XTRIM s MAXLEN = 3 KEEPREF")
    #expect(ids(keeping) == [3, 4, 5])
    #expect(pending(keeping) == [2])
  }

  @Test func addingTrimsInTheSameWay() {
    let harness = harness(group: true)
    harness.run("XADD s ACKED MAXLEN = 4 6-0 f v")
    #expect(ids(harness) == [2, 4, 5, 6])
  }
}
