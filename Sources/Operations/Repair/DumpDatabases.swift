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
    let kept = range.reduce(0) { $0 + groups[$1].keys - groups[$1].copies }
    guard range.dropFirst().contains(where: { groups[$0].keys > 0 }) else { return }
    var why = "no size hint tells"
    /// The first group that may belong to another database, and whether it must.
    var first = range.lowerBound + 1
    var mustChange = false
    if let announced = groups[range.lowerBound].announced {
      let expires = range.reduce(0) { $0 + groups[$1].expires - groups[$1].expiringCopies }
      let fits =
        kept <= Int(clamping: announced.keys) && expires <= Int(clamping: announced.expires)
      why = "\(announced.keys) keys were announced for database \(own), \(kept) are there"
      let missing = Int(clamping: announced.keys) - kept
      let lostBytes = range.reduce(0) { $0 + groups[$1].lostBefore }
      if fits && missing <= room(lostBytes, average) { return }
      // Bytes may have been cut out. Behind the last database nothing hints at another one.
      if fits && next == nil
        && missing <= 2 * room(lostBytes + (range.count << 16), average)
      {
        return
      }
      var places = changes(groups, range, Int(clamping: announced.keys), average, cut: 0)
      if places.isEmpty {
        places = changes(groups, range, Int(clamping: announced.keys), average, cut: 1 << 16)
      }
      if fits && places.isEmpty { return }
      first = places.first ?? first
      mustChange = !fits && places.count == 1
    }
    if isOnly && next == nil && !mustChange {
      salvage.doubts.append(
        "\(KeyText.fileName(salvage.file)): byte \(groups[range.lowerBound + 1].range.lowerBound): the "
          + "keys behind the lost bytes are taken to be of database \(own), the only one of the dump (\(why))"
      )
      return
    }
    for index in first...range.upperBound where groups[index].keys > 0 {
      let place =
        "\(KeyText.fileName(salvage.file)): byte \(groups[index].range.lowerBound): \(groups[index].keys) "
        + "keys"
      if mustChange, let next, next == own + 2 {
        // There is only one between.
        salvage.pieces.move(index, to: own + 1)
        salvage.doubts.append(
          "\(place) are of database \(own + 1), by the numbers of keys and of the databases around")
      } else if let assumed {
        if assumed != own { salvage.pieces.move(index, to: assumed) }
        salvage.doubts.append("\(place) are put into database \(assumed), as --assume-db says")
      } else {
        salvage.removeGroup(index, "keys of which the database can't be told")
        salvage.doubts.append(
          "\(place) of which the database can't be told (\(why)): left out. Try: --assume-db "
            + "\(mustChange ? own + 1 : own)")
      }
    }
  }

  /// Says of which databases more keys are missing than the lost bytes can have held: bytes were cut
  /// out, maybe where nothing shows it.
  static func tellMissing(_ salvage: inout DumpSalvage, average: Int) {
    let groups = salvage.pieces.groups
    for group in groups {
      guard let announced = group.announced else { continue }
      let own = groups.filter { $0.db == group.db }
      let missing = Int(clamping: announced.keys) - own.reduce(0) { $0 + $1.keys - $1.copies }
      // A damage behind the database may have taken keys of it too.
      let lost = salvage.lost.reduce(0) { $0 + $1.length }
      guard missing > room(lost, average) else { continue }
      salvage.doubts.append(
        "\(KeyText.fileName(salvage.file)): database \(group.db): \(announced.keys) keys were announced, "
          + "\(missing) are missing, more than the lost bytes can have held: bytes were cut out. A key at "
          + "such a place may have the start of one value and the end of another")
    }
  }

  /// About how many keys may have been in so many bytes.
  private static func room(_ bytes: Int, _ average: Int) -> Int {
    2 * bytes / max(average, 1) + 8
  }

  /// The groups with which the next database may begin: what is missing before them must have been
  /// in the bytes that were lost there, and in `cut` bytes that are not there any more for each
  /// damage.
  private static func changes(
    _ groups: [DumpPieces.Group], _ range: ClosedRange<Int>, _ announced: Int, _ average: Int,
    cut: Int
  ) -> [Int] {
    var places: [Int] = []
    var before = groups[range.lowerBound].keys - groups[range.lowerBound].copies
    var lost = groups[range.lowerBound].lostBefore
    for index in range.dropFirst() {
      lost += groups[index].lostBefore + cut
      if announced >= before, announced - before <= room(lost, average) { places.append(index) }
      before += groups[index].keys - groups[index].copies
    }
    return places
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
