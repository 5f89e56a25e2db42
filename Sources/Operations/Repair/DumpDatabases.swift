internal import Bytes
internal import RDB

/// Decides to which database keys behind damage belong: the SELECTDB of the next database may have
/// been among the lost bytes.
///
/// 1. Servers write databases in rising order; when the next SELECTDB names the very next number,
///    there is no other database between.
/// 2. RESIZEDB says how many keys the database has. When what is missing fits what was lost, the
///    keys are those of the same database; so they are when too many keys would be missing otherwise.
/// 3. In a dump that shows no other database they are taken to be of the same.
/// 4. Otherwise `--assume-db` decides, or the keys go.
enum DumpDatabases {
  static func decide(_ salvage: inout DumpSalvage, assumed: Int?, average: Int) {
    distrustCopies(&salvage)
    let groups = salvage.pieces.groups
    let databases = Set(groups.filter { !$0.isUncertain && $0.keys > 0 }.map(\.db))
    var first = 0
    while first < groups.count {
      var last = first
      while last + 1 < groups.count, groups[last + 1].isUncertain { last += 1 }
      if last > first {
        let next = last + 1 < groups.count ? groups[last + 1].db : nil
        decide(
          &salvage, first...last, next: next, isOnly: databases.count <= 1, assumed, average)
      }
      first = last + 1
    }
  }

  private static func decide(
    _ salvage: inout DumpSalvage, _ range: ClosedRange<Int>, next: Int?, isOnly: Bool,
    _ assumed: Int?, _ average: Int
  ) {
    let groups = salvage.pieces.groups
    let own = groups[range.lowerBound].db
    if let next, next == own + 1 { return }
    let kept = range.reduce(0) { $0 + groups[$1].keys }
    guard kept > groups[range.lowerBound].keys else { return }
    let lostBytes = range.reduce(0) { $0 + groups[$1].lostBefore }
    var why = "no size hint tells"
    if let announced = groups[range.lowerBound].announced {
      let missing = Int(clamping: announced.keys) - kept
      let expected = lostBytes / max(average, 1)
      let expires = range.reduce(0) { $0 + groups[$1].expires }
      let fits = missing >= 0 && expires <= Int(clamping: announced.expires)
      if fits && missing <= 2 * expected + 8 { return }
      // Behind the last database of the dump nothing hints at another one.
      let most = (lostBytes + (range.count << 16)) / max(average, 1) + 8
      if fits && next == nil && missing <= 2 * most { return }
      if missing >= 0 {
        // Bytes may have been cut out: so many keys at most are taken to be among them.
        var before = 0
        var isPossible = false
        for index in range {
          if index > range.lowerBound, Int(clamping: announced.keys) - before <= 2 * most {
            isPossible = true
          }
          before += groups[index].keys
        }
        if !isPossible { return }
      }
      why = "\(announced.keys) keys were announced for database \(own), \(kept) are there"
    }
    if isOnly && next == nil {
      salvage.doubts.append(
        "\(KeyText.fileName(salvage.file)): byte \(groups[range.lowerBound + 1].range.lowerBound): the "
          + "keys behind the lost bytes are taken to be of database \(own), the only one of the dump (\(why))"
      )
      return
    }
    for index in range.dropFirst() where groups[index].keys > 0 {
      let place =
        "\(KeyText.fileName(salvage.file)): byte \(groups[index].range.lowerBound): \(groups[index].keys) "
        + "keys of which the database can't be told (\(why))"
      if let assumed {
        if assumed != own { salvage.pieces.move(index, to: assumed) }
        salvage.doubts.append("\(place): put into \(assumed), as --assume-db says")
      } else {
        salvage.removeGroup(index, "keys of which the database can't be told")
        salvage.doubts.append("\(place): left out. Try: --assume-db \(own)")
      }
    }
  }

  /// A database is written once. Where one is selected a second time, between two damages, bytes
  /// were written twice, and the selection is none: keys behind the second damage belong where those
  /// before the first do.
  private static func distrustCopies(_ salvage: inout DumpSalvage) {
    let groups = salvage.pieces.groups
    var times: [Int: Int] = [:]
    for group in groups where !group.isUncertain && group.keys > 0 {
      times[group.db, default: 0] += 1
    }
    var own = 0
    var index = 0
    while index < groups.count {
      let group = groups[index]
      let isIsland =
        !group.isUncertain && index > 0 && groups[index - 1].isUncertain
        && index + 1 < groups.count && groups[index + 1].isUncertain
      if isIsland, times[group.db, default: 0] > 1 {
        index += 1
        while index < groups.count, groups[index].isUncertain {
          salvage.pieces.move(index, to: own)
          index += 1
        }
        continue
      }
      if !group.isUncertain { own = group.db }
      index += 1
    }
  }
}
