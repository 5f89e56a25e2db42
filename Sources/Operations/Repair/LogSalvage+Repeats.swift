internal import AOF
internal import Bytes

/// # Bytes that were written twice
///
/// A misdirected or repeated write leaves bytes behind damage that belong elsewhere, of which the
/// commands in the middle look right. Run a second time they would change the data. So what follows
/// damage is compared with the rest of the file: a run of commands that stands at exactly one
/// other place goes; up to the next damage two commands are enough, otherwise eight, or a kilobyte.
/// Commands that stand nowhere else stay.
extension LogSalvage {
  /// Behind damage so many bytes are looked at.
  private static let reach = 256 << 10
  /// Going through a file of more bytes costs so much that the first two commands have to do.
  static let large = 64 << 20
  /// So many places are looked at.
  private static let mostIslands = 64

  mutating func dropRepeats() {
    if islands.count > LogSalvage.mostIslands {
      doubt(
        "\(KeyText.fileName(file)): whether commands behind damage were written twice (only "
          + "\(LogSalvage.mostIslands) places of \(islands.count) were looked at)")
    }
    // What damage ends on both sides is looked at first: of two copies it is the wrong one.
    for closed in [true, false] {
      for island in islands.prefix(LogSalvage.mostIslands) {
        let isClosed = island.isClosed && island.range.count <= LogSalvage.reach
        guard isClosed == closed else { continue }
        let end = min(island.range.upperBound, island.range.lowerBound + LogSalvage.reach)
        dropRepeats(island.range.lowerBound..<end, isClosed: isClosed)
      }
    }
  }

  /// A run of commands that stand at another place too.
  private struct Run {
    var start: Int
    var commands = 0
    /// Where the first and the last of them stand there.
    var source: Int
    var sourceEnd: Int
  }

  private mutating func dropRepeats(_ island: Range<Int>, isClosed: Bool) {
    var at = island.lowerBound
    var run: Run?
    var unique = 0
    while at < island.upperBound {
      guard let end = commandEnd(at) else { return }
      if end > island.upperBound { break }
      let wide = at..<max(end, min(island.upperBound, at + 512))
      if !isClosed, unique == 0, run == nil, bytes.count > LogSalvage.large, bytes[at] == 0x2A,
        !hashes.mayRepeat(bytes, at..<end, command(behind: end, in: island))
      {
        return
      }
      let found = places(of: at..<end, or: wide, besides: island)
      if found.count == 1 {
        let hit = found[0]
        unique = 0
        // On to the last border within what is the same.
        var same = end - at
        while at + same < island.upperBound, hit + same < bytes.count,
          bytes[at + same] == bytes[hit + same]
        { same += 1 }
        if let open = run, open.sourceEnd != hit {
          drop(open, upTo: at, isClosed, island)
          run = nil
        }
        var border = at
        var commands = 0
        while border < at + same, let next = commandEnd(border), next <= at + same {
          border = next
          commands += 1
        }
        if run == nil { run = Run(start: at, source: hit, sourceEnd: hit) }
        run?.commands += max(commands, 1)
        border = max(border, end)
        run?.sourceEnd = hit + border - at
        at = border
      } else {
        if let open = run { drop(open, upTo: at, isClosed, island) }
        run = nil
        if found.isEmpty { unique += 1 }
        // Where nothing was written twice, it is not worth looking further.
        if !isClosed && unique > (bytes.count > LogSalvage.large ? 0 : 2) { return }
        at = end
      }
    }
    if let open = run { drop(open, upTo: at, isClosed, island) }
  }

  private mutating func drop(_ run: Run, upTo end: Int, _ isClosed: Bool, _ island: Range<Int>) {
    guard run.commands >= 2, end - run.start >= 40 else { return }
    guard isClosed || run.commands >= 8 || end - run.start >= 1024 else { return }
    guard isOriginal(run, end, island) else { return }
    repeats.append(run.start..<end)
    removeSegment(
      run.start..<end, "the same bytes as at byte \(run.source), written a second time")
    // Its last command may have lost only the end of its line.
    if let loose = plan.pieces.all.first(where: { $0.range.lowerBound == end }),
      loose.kind == .loose, let command = LooseCommand(bytes, at: end)
    {
      var same = 0
      while same < command.end - end, run.sourceEnd + same < bytes.count,
        bytes[end + same] == bytes[run.sourceEnd + same]
      { same += 1 }
      guard same >= 24 else { return }
      repeats.append(end..<command.end)
      uncorrect(at: end)
      removeSegment(
        end..<command.end,
        "the same bytes as at byte \(run.sourceEnd), written a second time, without the line end")
    }
  }

  /// Whether the other place is the right one of the two: at one of its ends, where the two cease to be
  /// the same, whole commands go on there, and damage stands here. (Where the other place is itself cut by
  /// the copy, its other end says the opposite; what is only here is kept then.)
  private func isOriginal(_ run: Run, _ end: Int, _ island: Range<Int>) -> Bool {
    var left = 0
    while run.start - left > 0, run.source - left > 0,
      bytes[run.start - left - 1] == bytes[run.source - left - 1]
    { left += 1 }
    var right = 0
    while end + right < bytes.count, run.sourceEnd + right < bytes.count,
      bytes[end + right] == bytes[run.sourceEnd + right]
    { right += 1 }
    let edges = [
      (run.start - left - 1, run.source - left - 1), (end + right, run.sourceEnd + right),
    ]
    var isRight = false
    // What goes on beside the run in the same way: here it is what is left of a command, there a whole one.
    for (own, other) in [
      left > 8 ? (run.start - 1, run.source - 1) : nil, right > 8 ? (end, run.sourceEnd) : nil,
    ].compactMap({ $0 }) {
      let ownIsKept = plan.pieces.contains(own)
      let otherIsKept = plan.pieces.contains(other)
      if !ownIsKept && otherIsKept { isRight = true }
    }
    for (own, other) in edges {
      let ownIsKept = plan.pieces.contains(own)
      let otherIsKept = plan.pieces.contains(other)
      if !otherIsKept
        && (plan.pieces.isGap(other, island.lowerBound)
          || plan.pieces.isGap(island.upperBound, other))
      {
        isRight = true
        continue
      }
      if !ownIsKept && otherIsKept { isRight = true }
    }
    return isRight
  }

  /// The command at `start`, or behind annotations there; nil when there is none in `island`.
  private mutating func command(behind start: Int, in island: Range<Int>) -> Range<Int>? {
    var at = start
    while at < island.upperBound, let end = commandEnd(at), end <= island.upperBound {
      if bytes[at] == 0x2A { return at..<end }
      at = end
    }
    return nil
  }

  /// Where the command or annotation at `at` ends.
  private mutating func commandEnd(_ at: Int) -> Int? {
    if bytes[at] == 0x23 { return bytes.firstIndex(of: 0x0A, from: at).map { $0 + 1 } }
    return endOfCommand(at)
  }

  /// The place outside of `island` where the bytes of `range` stand too; where they stand at several,
  /// or are few, that of the bytes of `wide`. None when there is none; two when it can't be told.
  private func places(
    of range: Range<Int>, or wide: Range<Int>, besides island: Range<Int>
  ) -> [Int] {
    // Nearly all commands stand nowhere else, and the file has to be gone through once to know it.
    if range.count >= 24 {
      let places = places(of: range, besides: island)
      if places.count < 2 || wide == range { return places }
    }
    if wide.count < 24 { return [0, 0] }
    let places = places(of: wide, besides: island)
    return places.isEmpty ? [0, 0] : places
  }

  /// Up to two places outside of `island` where the bytes of `range` stand too.
  private func places(of range: Range<Int>, besides island: Range<Int>) -> [Int] {
    let needle = bytes.slice(at: range.lowerBound, count: range.count)
    var found: [Int] = []
    pages.forEachPart(of: 0..<bytes.count) { part in
      let text = bytes.prefix(min(bytes.count, part.upperBound + needle.count - 1))
      var at = part.lowerBound
      while found.count < 2, let hit = text.firstRange(of: needle, from: at) {
        at = hit + 1
        // What was taken out is no witness.
        if island.contains(hit) || repeats.contains(where: { $0.contains(hit) }) { continue }
        found.append(hit)
      }
      return found.count < 2
    }
    return found
  }
}
