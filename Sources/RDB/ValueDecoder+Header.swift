public import Bytes

extension ValueDecoder {
  /// The next value: `raw` is that of the key `header` of a dump, and valid as long as it is read.
  public mutating func begin(_ header: KeyHeader, _ raw: ByteSlice) {
    begin(header.type, raw, key: header.key, db: header.db, expiresAt: header.expiresAt)
    reader.key.idle = header.idle
    reader.key.frequency = header.frequency
    reader.key.metadata = header.metadata
  }
}

extension RDBReader {
  /// Sets when the current key expires, in ms since 1970: payloads do not tell.
  package mutating func setExpiry(_ time: Int64?) { key.expiresAt = time }
}
