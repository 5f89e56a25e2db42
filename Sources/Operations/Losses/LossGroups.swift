import AOF
import Bytes

/// Puts what single commands destroyed together, and keeps the worst.
///
/// | together | when |
/// |---|---|
/// | a transaction | always |
/// | neighbours | nothing but MULTI, EXEC and SELECT between, and the same kind of loss |
/// | a burst | the same command at least ``smallestBurst`` times within one second of `#TS` |
///
/// A string that is replaced by another string stays alone: that is what most commands do.
struct LossGroups {
  /// Fewer commands in a second are no burst.
  static let smallestBurst = 8

  /// The worst so far; pruned when it has grown.
  private(set) var worst: [Loss] = []
  /// How many were found.
  private(set) var found = 0
  /// What all of them together destroyed, by hand.
  private(set) var total = (commands: 0, keys: 0, elements: 0, bytes: 0)
  /// How many keys were removed because their time had passed.
  private(set) var expiredKeys = 0

  private let joins: Bool
  private let kept: Int
  private var threshold: Loss?
  /// The groups of the current second, in their order; the last one may still grow.
  private var open: [Loss] = []
  private var second: Int64 = -1
  /// How many commands began since the last loss.
  private var begun = 0
  private var lastTransaction = 0

  /// Keeps at least the `count` worst; with `joins` false every command stays alone.
  init(keeping count: Int, joins: Bool) {
    self.joins = joins
    kept = max(count * 4, 1024)
  }

  /// A command begins.
  mutating func begins(_ command: AOFCommand) {
    begun += 1
    if command.time != second { close(command.time) }
  }

  /// The last command that began destroyed this.
  mutating func add(_ loss: Loss) {
    if loss.cause == .expiry {
      expiredKeys += loss.keysLost
    } else {
      total.commands += 1
      total.keys += loss.keysLost
      total.elements += loss.elementsLost
      total.bytes += loss.bytesLost
    }
    if loss.keysLost == 0 && loss.elementsLost == 0 {
      keep(loss)
      return
    }
    // When this is called the next command has begun, unless the log is at its end.
    let isNext = begun <= 1
    begun = 0
    guard joins, let last = open.last else {
      open.append(loss)
      if !joins { close(second) }
      lastTransaction = loss.command.transaction
      return
    }
    let inTransaction = loss.command.transaction != 0 && loss.command.transaction == lastTransaction
    lastTransaction = loss.command.transaction
    let isSame =
      last.kind == loss.kind || last.kind == .consumption && loss.kind == .elements
      || last.kind == .elements && loss.kind == .consumption
    if inTransaction || isNext && isSame && last.cause == loss.cause {
      open[open.count - 1].join(loss, isNext: isNext)
    } else {
      open.append(loss)
      // Without times there are no bursts, and nothing to wait for.
      if second < 0, open.count > 1 { keep(open.removeFirst()) }
    }
  }

  /// To be called behind the last command.
  mutating func finish() {
    close(-2)
    prune()
  }

  /// The second is over.
  private mutating func close(_ next: Int64) {
    // What is torn apart by the turn of a second may still be one transaction or neighbours.
    var groups = open
    open.removeAll(keepingCapacity: true)
    if next >= 0, let last = groups.last, groups.count == 1, begun <= 1 {
      open = [last]
      groups.removeLast()
    }
    if second >= 0, groups.count > 1 { groups = LossGroups.joined(groups) }
    for group in groups { keep(group) }
    second = next
  }

  /// Joins groups of one second in which the same command does the same.
  private static func joined(_ groups: [Loss]) -> [Loss] {
    struct Family: Hashable {
      var word: CommandWord
      var kind: UInt8
      var cause: Loss.Cause
    }
    var counts: [Family: Int] = [:]
    let family = { (loss: Loss) -> Family? in
      loss.names.count == 1
        ? Family(word: loss.names[0], kind: loss.kind.rawValue, cause: loss.cause) : nil
    }
    for group in groups {
      if let family = family(group) { counts[family, default: 0] += group.commands }
    }
    var result: [Loss] = []
    var places: [Family: Int] = [:]
    for group in groups {
      guard let family = family(group), counts[family] ?? 0 >= smallestBurst else {
        result.append(group)
        continue
      }
      if let place = places[family] {
        result[place].join(group, isNext: false)
      } else {
        places[family] = result.count
        result.append(group)
      }
    }
    return result
  }

  private mutating func keep(_ loss: Loss) {
    found += 1
    if let threshold, !loss.isWorse(than: threshold) { return }
    worst.append(loss)
    if worst.count >= kept * 2 { prune() }
  }

  private mutating func prune() {
    worst.sort { $0.isWorse(than: $1) }
    if worst.count > kept {
      worst.removeSubrange(kept...)
      threshold = worst.last
    }
  }
}
