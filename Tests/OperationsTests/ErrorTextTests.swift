import Bytes
import Operations
import RDB
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct ErrorTextTests {
  @Test func saysWhatWhereAndWhatToDo() {
    var error = ToolError.refused(
      .badData, "expected '$' but found 0x00", file: "a.aof", offset: 10_485_760,
      remedy: "Try: redis-backup repair a.aof -o OUT")
    error.command = 81234
    #expect(
      error.line
        == "a.aof: byte 10485760 (command 81234): expected '$' but found 0x00. Try: redis-backup repair a.aof -o OUT"
    )
    error.database = 3
    error.key = [0x61, 0x00, 0x22]
    #expect(error.line.hasPrefix(#"a.aof: byte 10485760 (command 81234, db 3, key "a\x00\""): "#))
  }

  @Test func staysOnOneLine() {
    let error = ToolError(SystemError(.open, code: ENOENT), file: "a\nb\u{1B}[31m")
    #expect(error.line == #""a\nb\x1b[31m": no such file or directory"#)
  }

  @Test(arguments: [
    (ENOENT, SystemError.Call.open, ToolError.Role.input, ToolStatus.noInput),
    (ENOENT, .open, .output, .cannotCreate), (EACCES, .open, .input, .noPermission),
    (EACCES, .open, .output, .noPermission), (EEXIST, .open, .output, .cannotCreate),
    (EISDIR, .open, .input, .badData), (EROFS, .open, .output, .cannotCreate),
    (ENOSPC, .write, .output, .ioError), (EIO, .read, .input, .ioError),
    (EIO, .fsync, .output, .ioError), (EILSEQ, .inflate, .input, .badData),
    (EMFILE, .open, .output, .cannotCreate), (EAGAIN, .open, .input, .tryAgain),
    (ENXIO, .open, .input, .noInput),
  ])
  func exitCodes(
    code: Int32, call: SystemError.Call, role: ToolError.Role, expected: ToolStatus
  ) {
    #expect(ToolError(SystemError(call, code: code), file: "x", role: role).status == expected)
  }

  @Test func dumps() {
    let truncated = RDBError(.truncated, at: 9, while: .header)
    #expect(
      ToolError(truncated, file: "d.rdb").line == "d.rdb: byte 9: the file ends inside the header")
    #expect(ToolError(truncated, file: "d.rdb").status == .badData)
    let unreadable = RDBError(.unreadable(SystemError(.read, code: EIO)), at: 9, while: .value)
    #expect(ToolError(unreadable, file: "d.rdb").status == .ioError)
  }

  @Test func shellWords() {
    #expect(KeyText.shellWord("a/b-c.aof") == "a/b-c.aof")
    #expect(KeyText.shellWord("a b'c") == #"'a b'\''c'"#)
    #expect(KeyText.shellWord("") == "''")
  }

  @Test func keysAsRedisCliShowsThem() {
    #expect(
      KeyText.quoted(Array("a\\b\"\r\n\t\u{7}\u{8}".utf8) + [0, 0xFF])
        == #""a\\b\"\r\n\t\a\b\x00\xff""#)
    let target = MemoryTarget()
    var output = OutputBuffer(target)
    KeyText.write(ByteSlice("x\ny"), to: &output)
    output.finish()
    #expect(target.bytes == Array(#""x\ny""#.utf8))
  }
}

extension OutputBuffer {
  fileprivate mutating func finish() { try? flush() }
}
