/// A password. Its text never appears in descriptions, dumps, logs or error messages.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The text itself; only the code that sends it to a server reads it.
  package let reveal: String

  /// Wraps `text`.
  public init(_ text: String) { reveal = text }

  /// Always `(secret)`.
  public var description: String { "(secret)" }
  /// Always `(secret)`.
  public var debugDescription: String { "(secret)" }
  /// Shows nothing of the text.
  public var customMirror: Mirror { Mirror(self, children: []) }

  /// The secret in the first line of a file; the newline that editors add is not part of it.
  ///
  /// Throws a `JobError` of kind `.missing`, `.permission` or `.inputOutput` that names the file.
  public static func read(fromFile path: String) throws(JobError) -> Secret {
    let bytes = try Files.readAll(path, limit: 64 << 10, step: "read secret")
    var end = bytes.firstIndex(of: 0x0A) ?? bytes.count
    if end > 0, bytes[end - 1] == 0x0D { end -= 1 }
    guard end > 0 else {
      throw JobError(
        .usage, step: "read secret", place: path, "the first line is empty",
        remedy: "Put the secret into the first line of this file.")
    }
    return Secret(String(decoding: bytes[..<end], as: UTF8.self))
  }
}
