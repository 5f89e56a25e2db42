import Bytes

/// What a file is that is neither RDB, AOF nor manifest, as far as its first bytes tell: for an
/// error that helps.
struct ForeignContent {
  private let head: ByteSlice

  init(_ head: ByteSlice) { self.head = head }

  /// The error for the file at `path`.
  func error(_ path: String) -> ToolError {
    let (what, remedy) = description(path)
    return .refused(.badData, what, file: path, offset: 0, remedy: remedy)
  }

  private func begins(_ bytes: [UInt8], at offset: Int = 0) -> Bool {
    head.count >= offset + bytes.count
      && bytes.indices.allSatisfy { head[offset + $0] == bytes[$0] }
  }

  private func description(_ path: String) -> (String, String?) {
    let word = path == "-" ? "FILE" : KeyText.shellWord(path)
    func through(_ program: String) -> String {
      "Try: \(program) \(word) | redis-backup COMMAND -"
    }
    if begins([0xFD, 0x37, 0x7A, 0x58, 0x5A]) {
      return ("is compressed with xz", through("xz -dc"))
    }
    if begins([0x42, 0x5A, 0x68]) { return ("is compressed with bzip2", through("bzip2 -dc")) }
    if begins([0x04, 0x22, 0x4D, 0x18]) { return ("is compressed with lz4", through("lz4 -dc")) }
    if begins([0x50, 0x4B, 0x03, 0x04]) { return ("is a zip archive", through("unzip -p")) }
    if begins(Array("ustar".utf8), at: 257) { return ("is a tar archive", through("tar -xOf")) }
    let zeros = (0..<head.count).prefix { head[$0] == 0 }.count
    if zeros == head.count {
      return ("begins with \(zeros) zero bytes; the disk may have lost its content", nil)
    }
    if zeros > 0 {
      return ("begins with \(zeros) zero bytes, then something else; neither RDB nor AOF", nil)
    }
    let shown = KeyText.quoted(head.prefix(min(head.count, 16)))
    return (
      "is neither RDB, AOF nor manifest: it begins with \(shown)",
      head[0] == 0x2D || head[0] == 0x2B
        ? "It looks like the answer of a server (RESP), not like its file"
        : nil
    )
  }
}
