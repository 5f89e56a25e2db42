/// The running CRC-64 of a cursor.
///
/// Over a mapping it runs ahead of the position in steps, so that each byte is brought into the
/// cache by the checksum (at 20 GB/s and more) and found there by the parser: that is worth a
/// factor of two over computing it behind. Since the end is not known before the parser finds
/// it, the states at the last few step borders are kept, and the last piece is computed again.
struct AheadChecksum {
  private(set) var isOn = false
  /// Step borders, the newest last, and the checksum up to each.
  private var offsets = (0, 0, 0, 0)
  private var states: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  /// Where the checksum begins.
  private var first = 0

  /// Bytes from one border to the next; tests make it small.
  var step = 256 << 10

  /// The lowest offset that ``finish(at:windowOffset:_:)`` needs again, if the cursor only goes on.
  var keeps: Int { isOn ? offsets.0 : Int.max }

  /// Up to where the checksum is known.
  var reached: Int { isOn ? offsets.3 : Int.max }

  mutating func start(at offset: Int) {
    isOn = true
    first = offset
    offsets = (offset, offset, offset, offset)
    states = (0, 0, 0, 0)
  }

  /// Runs until it is one to two steps ahead of `position`; `window` begins at offset 0.
  mutating func runAhead(of position: Int, _ window: ByteSlice) {
    guard isOn else { return }
    while offsets.3 < min(position + step, window.count) {
      let end = min(offsets.3 + step, window.count)
      let piece = window.slice(at: offsets.3, count: end - offsets.3)
      let state = CRC64.update(states.3, piece)
      offsets = (offsets.1, offsets.2, offsets.3, end)
      states = (states.1, states.2, states.3, state)
    }
  }

  /// Takes in the bytes up to the absolute `offset`, which are about to leave the window.
  mutating func follow(to offset: Int, windowOffset: Int, _ window: ByteSlice) {
    guard isOn, offset > offsets.3 else { return }
    let piece = window.slice(at: offsets.3 - windowOffset, count: offset - offsets.3)
    let state = CRC64.update(states.3, piece)
    offsets = (offset, offset, offset, offset)
    states = (state, state, state, state)
  }

  /// The checksum up to the absolute `end`, which must not lie before the start.
  mutating func finish(at end: Int, windowOffset: Int, _ window: ByteSlice) -> UInt64 {
    guard isOn else { return 0 }
    isOn = false
    precondition(end >= first)
    // A cursor that went back behind all borders pays for everything once more.
    var (from, state) = (first, UInt64(0))
    if offsets.0 <= end { (from, state) = (offsets.0, states.0) }
    if offsets.1 <= end { (from, state) = (offsets.1, states.1) }
    if offsets.2 <= end { (from, state) = (offsets.2, states.2) }
    if offsets.3 <= end { (from, state) = (offsets.3, states.3) }
    return CRC64.update(state, window.slice(at: from - windowOffset, count: end - from))
  }
}
