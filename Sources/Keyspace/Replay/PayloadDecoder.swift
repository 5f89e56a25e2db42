package import Bytes
package import RDB

/// Decodes what DUMP gives, one after another.
package final class PayloadDecoder {
  private let kept = KeptBytes()
  private let context: Context

  /// A decoder.
  package init() { context = Context(now: 0, kept: kept) }

  /// What a key holds whose DUMP is `payload`; valid until the next call, and as long as `payload`
  /// is.
  ///
  /// - Throws: ``RDBError`` when the payload is damaged or of an unknown version.
  package func state(_ payload: ByteSlice, expiresAt: Int64?) throws(RDBError) -> KeyState {
    kept.reset()
    return KeyState(value: try context.value(ofPayload: payload), expiresAt: expiresAt)
  }
}

extension Context {
  /// The value in a payload, which lives as long as the state the value goes into.
  func value(ofPayload bytes: ByteSlice) throws(RDBError) -> Value {
    let payload = try RestorePayload(bytes)
    var decoder = ValueDecoder(dialect: payload.dialect)
    try decoder.begin(payload)
    return try value(
      from: &decoder, raw: payload.body.dropFirst(decoder.reader.key.valueOffset))
  }
}
