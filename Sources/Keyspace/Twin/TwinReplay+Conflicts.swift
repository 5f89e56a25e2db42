internal import AOF
internal import Bytes

// What was met. Keys are worked on one by one, so conflicts are not met in the order of the log; they
// are brought into it when all are known, and only those that are told of become `TwinConflict`s.

/// A conflict as it is noted: the first command that acts differently on a key in one way; POD.
struct Met: BitwiseCopyable {
  /// Where the command begins in all files together.
  let position: Int
  /// Its number in the log, from 1.
  let index: Int
  let key: ByteSlice
  let database: Int32
  let kind: TwinConflict.Kind
  let fault: CommandFault?
  /// How many commands do so.
  var commands: UInt32 = 1
  /// How many keys it does so to.
  var keys: UInt32 = 1
  /// The number + 1 of another conflict of the same key; 0 for none.
  let previous: UInt32
  /// Whether it is one of a key with an entry in the layer.
  let isOfKey: Bool
}

extension TwinReplay {
  /// So many conflicts are kept; the rest is counted.
  package static let mostConflicts = 10_000

  /// Notes a conflict of entry `index` of the layer, once for each kind.
  func meet(
    _ kind: TwinConflict.Kind, _ position: Int, _ number: Int, _ layer: KeyTable, _ index: Int,
    _ fault: CommandFault? = nil
  ) {
    let newest = layer.note(index)
    var place = newest
    while place != 0 {
      if met[Int(place) &- 1].kind == kind {
        met[Int(place) &- 1].commands &+= 1
        return
      }
      place = met[Int(place) &- 1].previous
    }
    met.append(
      Met(
        position: position, index: number, key: layer[index].key,
        database: Int32(truncatingIfNeeded: layer.database), kind: kind, fault: fault,
        previous: newest, isOfKey: true))
    layer.setNote(index, UInt32(truncatingIfNeeded: met.count))
  }

  /// Notes a conflict of a key of a command on several.
  func meet(
    _ kind: TwinConflict.Kind, _ step: Step, _ touched: TouchedKey, _ fault: CommandFault? = nil
  ) {
    if let index = after.own(touched.key, touched.database),
      let layer = after.tables[touched.database]
    {
      meet(kind, step.position, step.command.index, layer, index, fault)
    } else {
      // A command may read keys that its words do not tell.
      meetElsewhere(kind, step, touched, fault)
    }
  }

  /// Notes a conflict of a command that is none of a key with an entry in the layer, once for each
  /// kind; returns its number.
  @discardableResult
  func meetElsewhere(
    _ kind: TwinConflict.Kind, _ step: Step, _ touched: TouchedKey, _ fault: CommandFault? = nil
  ) -> Int {
    var place = met.count
    while place > 0, met[place - 1].index == step.command.index {
      place -= 1
      if met[place].kind == kind, !met[place].isOfKey {
        met[place].commands &+= 1
        return place
      }
    }
    met.append(
      Met(
        position: step.position, index: step.command.index, key: touched.key,
        database: Int32(truncatingIfNeeded: touched.database), kind: kind, fault: fault,
        previous: 0, isOfKey: false))
    return met.count - 1
  }

  /// Says how many keys conflict `number` is about.
  func setKeys(_ keys: Int, of number: Int) { met[number].keys = UInt32(clamping: keys) }

  /// Makes ``conflicts`` of what was met.
  func tellConflicts() {
    conflictCount = met.count
    let last = lastIndexToTell()
    var chosen: [(index: Int, number: Int)] = []
    for number in 0..<met.count where met[number].index <= last {
      chosen.append((met[number].index, number))
    }
    chosen.sort { ($0.index, $0.number) < ($1.index, $1.number) }
    conflicts = chosen.prefix(TwinReplay.mostConflicts).map { conflict(met[$0.number]) }
    losesMoreWrites = false
    for place in chosen.dropFirst(TwinReplay.mostConflicts) where met[place.number].kind.losesWrites
    {
      losesMoreWrites = true
    }
    for number in 0..<met.count where met[number].index > last && met[number].kind.losesWrites {
      losesMoreWrites = true
    }
  }

  /// A command, not far behind the last one whose conflicts are told of.
  private func lastIndexToTell() -> Int {
    guard met.count > TwinReplay.mostConflicts else { return Int.max }
    var highest = 0
    for number in 0..<met.count { highest = max(highest, met[number].index) }
    let width = highest / 4096 + 1
    var counts = [Int](repeating: 0, count: 4096)
    for number in 0..<met.count { counts[met[number].index / width] += 1 }
    var total = 0
    for (bucket, count) in counts.enumerated() {
      total += count
      if total >= TwinReplay.mostConflicts { return (bucket + 1) * width - 1 }
    }
    return Int.max
  }

  /// What is told of a conflict.
  private func conflict(_ met: Met) -> TwinConflict {
    var command = TwinCommand(index: met.index)
    let place = before.log.place(met.position)
    command.file = place.file
    command.offset = place.offset
    command.time = before.moment(of: met.index)
    let (bytes, offset) = before.log.locate(met.position)
    // It was read before, so reading it again can't fail.
    if (try? before.twinWords.fill(from: bytes, at: offset)) != nil {
      command.word = CommandWord(before.twinWords.arguments.name)
    }
    return TwinConflict(
      kind: met.kind, command: command, key: met.key, database: Int(met.database),
      fault: met.fault, commands: Int(met.commands), keys: Int(met.keys))
  }
}
