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
