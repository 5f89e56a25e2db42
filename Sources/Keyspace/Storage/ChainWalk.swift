internal import Bytes

/// Collects the chains of the next keys while the current one is worked on.
///
/// Every step along a chain is a look at memory that is far away, and so is the command it leads
/// to. Instead of waiting for one after the other, each of the next ``depth`` keys takes one step
/// while a key is worked on, and the commands met are prefetched: when the turn of a key comes, its
/// commands have been collected and lie near.
struct ChainWalk: ~Copyable {
  /// How many keys are looked ahead.
  static let depth = 16
  /// Longest chain that is collected; longer ones do not occur (``Keyspace/longestChain``).
  private static let room = 64
  private var operations = PODArray(
    repeating: Operation(position: 0, number: 0, previous: 0, index: 0), count: depth * room)
  private var places = PODArray<UInt32>(repeating: 0, count: depth)
  private var counts = PODArray<Int>(repeating: 0, count: depth)

  /// Key number `index` has the chain that begins with `place`.
  mutating func begin(_ index: Int, _ place: UInt32, _ chains: borrowing OperationChains) {
    let slot = index & (ChainWalk.depth &- 1)
    places[slot] = place
    counts[slot] = 0
    if place != 0 { chains.prefetch(place) }
  }

  /// Takes a step for each key but `index`.
  mutating func step(
    around index: Int, _ chains: borrowing OperationChains, _ log: LogBytes
  ) {
    for slot in 0..<ChainWalk.depth where places[slot] != 0 {
      let operation = chains.at(places[slot])
      let count = counts[slot]
      guard count < ChainWalk.room else {
        places[slot] = 0
        continue
      }
      operations[slot &* ChainWalk.room &+ count] = operation
      counts[slot] = count &+ 1
      places[slot] = operation.previous
      log.prefetch(operation.position)
      if operation.previous != 0 { chains.prefetch(operation.previous) }
    }
  }

  /// Collects what is left of the chain of key `index`; returns how many commands it has.
  mutating func finish(_ index: Int, _ chains: borrowing OperationChains) -> Int {
    let slot = index & (ChainWalk.depth &- 1)
    var count = counts[slot]
    while places[slot] != 0, count < ChainWalk.room {
      let operation = chains.at(places[slot])
      operations[slot &* ChainWalk.room &+ count] = operation
      count &+= 1
      places[slot] = operation.previous
    }
    counts[slot] = count
    return count
  }

  /// Command `number` of key `index`, the latest being 0.
  func operation(_ index: Int, _ number: Int) -> Operation {
    operations[(index & (ChainWalk.depth &- 1)) &* ChainWalk.room &+ number]
  }
}
