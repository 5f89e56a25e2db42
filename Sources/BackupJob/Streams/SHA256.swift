internal import COpenSSL

/// A running SHA-256 (FIPS 180-4), by OpenSSL.
///
/// The unsafe steps are the calls into OpenSSL; the context is owned here and freed in `deinit`.
@safe package final class SHA256 {
  private let context: OpaquePointer

  package init() {
    guard let made = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(made, EVP_sha256(), nil) == 1
    else {
      preconditionFailure("OpenSSL has no SHA-256")
    }
    unsafe context = made
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  /// Adds bytes.
  package func update(_ bytes: Span<UInt8>) {
    _ = unsafe bytes.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
  }

  /// The digest as 64 hexadecimal digits; nothing may be added afterwards.
  package func finish() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    unsafe EVP_DigestFinal_ex(context, &digest, nil)
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(64)
    for byte in digest {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The digest of `bytes`.
  package static func of(_ bytes: [UInt8]) -> String {
    let hash = SHA256()
    hash.update(bytes.span)
    return hash.finish()
  }
}

/// Counts and hashes what passes through.
package final class HashingSink: ByteSink {
  private let hash = SHA256()
  private let next: any ByteSink
  /// Bytes so far.
  package private(set) var count: Int64 = 0
  /// The digest, once the stream has ended.
  package private(set) var digest = ""

  package init(_ next: any ByteSink) { self.next = next }

  package func write(_ bytes: Span<UInt8>) throws(JobError) {
    hash.update(bytes)
    count += Int64(bytes.count)
    try next.write(bytes)
  }

  package func finish() throws(JobError) {
    digest = hash.finish()
    try next.finish()
  }
}
