internal import AOF
internal import Bytes

/// The bytes of all files that were read, addressed as if they lay one behind the other.
///
/// What keeps them mapped is kept here, too; slices live as long as this object.
final class LogBytes {
  private struct Segment {
    let start: Int
    let bytes: ByteSlice
    let file: Int
    let owner: AnyObject?
  }
  @safe @exclusivity(unchecked) private var segments: [Segment] = []
  private var end = 0

  /// Adds a file; returns the position of its first byte.
  func add(_ bytes: ByteSlice, file: Int, owner: AnyObject?) -> Int {
    let start = end
    segments.append(Segment(start: start, bytes: bytes, file: file, owner: owner))
    end += bytes.count
    return start
  }

  /// The bytes of the file, when there is one only.
  var onlyFile: ByteSlice? { segments.count == 1 ? segments[0].bytes : nil }

  /// The file that `position` lies in, and the offset there.
  func locate(_ position: Int) -> (bytes: ByteSlice, offset: Int) {
    var index = segments.count &- 1
    while segments[index].start > position { index &-= 1 }
    return (segments[index].bytes, position &- segments[index].start)
  }

  /// The number of the file that `position` lies in, and the offset there.
  func place(_ position: Int) -> (file: Int, offset: Int) {
    var index = segments.count - 1
    while segments[index].start > position { index -= 1 }
    return (segments[index].file, position - segments[index].start)
  }

  /// Tells the processor that the command at `position` is read soon.
  func prefetch(_ position: Int) {
    let (bytes, offset) = locate(position)
    bytes.prefetch(at: offset)
    bytes.prefetch(at: offset &+ 64)
    bytes.prefetch(at: offset &+ 128)
    bytes.prefetch(at: offset &+ 192)
  }
}
