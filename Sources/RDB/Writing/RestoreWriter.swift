public import Bytes

/// Makes payloads for RESTORE (rdb-format.md 11), one after another.
///
/// A ``ValueSink``: after ``end()``, ``payload`` is what RESTORE takes. The expiry does not enter;
/// it is an argument of the command.
public struct RestoreWriter: ~Copyable, ValueSink {
  private var encoder: ValueEncoder
  private var bytes = ScratchBuffer(capacity: 4096)
  private let target: RDBTarget

  /// For servers of this release and newer ones of its family.
  public init(target: RDBTarget, compressing: Bool = true) {
    self.target = target
    encoder = ValueEncoder(target: target, compressing: compressing)
  }

  /// What the key told last lost; with ``RDBLoss/key`` there is no payload.
  public var loss: RDBLoss { encoder.loss }

  /// The payload of the key told last, valid until the next key.
  public var payload: ByteSlice { bytes.slice }

  /// Makes the payload of the exact bytes of a value, whose type must be one that
  /// ``RDBTarget/copies(_:)``.
  public mutating func take(_ type: ValueType, rawValue: ByteSlice) {
    precondition(target.copies(type), "the target does not load this")
    bytes.clear()
    bytes.append(type.code)
    bytes.append(rawValue)
    encoder.loss = []
    close()
  }

  /// A key begins.
  public mutating func begin(_ key: KeyDescription) {
    bytes.clear()
    encoder.begin(key)
  }

  /// An element.
  public mutating func element(_ element: inout ValueElement) { encoder.element(&element) }
  /// A part of a stream.
  public mutating func stream(_ event: StreamEvent) { encoder.stream(event) }
  /// A part of a module's value.
  public mutating func module(_ item: ModuleItem) { encoder.module(item) }

  /// The key is complete.
  public mutating func end() {
    encoder.end()
    if encoder.mode == .skipped { return }
    bytes.append(encoder.type.code)
    bytes.append(encoder.head.slice)
    bytes.append(encoder.body.slice)
    close()
  }

  private mutating func close() {
    bytes.append(littleEndian: UInt16(target.header.version))
    bytes.append(littleEndian: CRC64.update(0, bytes.slice))
  }
}
