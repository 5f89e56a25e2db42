import AOF
import Bytes
import Testing

private func parse(_ text: String) -> Result<Manifest, ManifestError> {
  bytes(text).withByteSlice { slice in
    Result { () throws(ManifestError) in try Manifest(parsing: slice) }
  }
}

@Suite struct ManifestTests {
  @Test func whatServersWriteComesBackByteForByte() throws {
    let text = """
      file appendonly.aof.2.base.rdb seq 2 type b
      file appendonly.aof.1.incr.aof seq 1 type h
      file appendonly.aof.2.incr.aof seq 2 type i startoffset 3108 endoffset 3108
      file appendonly.aof.3.incr.aof seq 3 type i startoffset 3108

      """
    let manifest = try parse(text).get()
    #expect(manifest.text == bytes(text))
    #expect(manifest.base?.name == "appendonly.aof.2.base.rdb")
    #expect(manifest.increments.map(\.sequence) == [2, 3])
    #expect(manifest.entries[2].endOffset == 3108)
    #expect(manifest.entries[3].endOffset == nil)
    #expect(manifest.loaded.map(\.kind) == [.base, .increment, .increment])
  }

  @Test func keysInAnyOrderAndCaseAndTheLastOfTwoWins() throws {
    let manifest = try parse(
      "SEQ 7 Type incremental FILE wrong file right color \"sky \\x62lue\" seq 8\n"
    ).get()
    let entry = manifest.entries[0]
    #expect(entry.name == "right")
    #expect(entry.sequence == 8)
    #expect(entry.kind == .increment)
    #expect(entry.unknown == [.init(key: bytes("color"), value: bytes("sky blue"))])
    #expect(manifest.text == bytes("file right seq 8 type i color \"sky blue\"\n"))
  }

  @Test func quotedNamesAndComments() throws {
    let text =
      "# made by hand\nfile \"a \\\"b\\\" \\x01\\n.aof\" seq 1 type b\nfile 'it\\'s' seq 1 type i\n# end\n"
    let manifest = try parse(text).get()
    #expect(manifest.entries[0].name == "a \"b\" \u{1}\n.aof")
    #expect(manifest.entries[0].comments == [bytes("# made by hand")])
    #expect(manifest.entries[1].name == "it's")
    #expect(manifest.closingComments == [bytes("# end")])
    #expect(
      manifest.text
        == bytes(
          "# made by hand\nfile \"a \\\"b\\\" \\x01\\n.aof\" seq 1 type b\nfile \"it's\" seq 1 type i\n# end\n"
        ))
    #expect(try parse(String(decoding: manifest.text, as: UTF8.self)).get() == manifest)
  }

  @Test func baseBehindAnIncrementAndOnlyComments() throws {
    #expect(
      try parse("file a seq 1 type i\nfile b seq 1 type b\n").get().loaded.map(\.name) == [
        "b", "a",
      ])
    #expect(try parse("#\n").get().entries.isEmpty)
  }

  @Test(
    arguments: [
      ("", .empty, 1), ("\n", .emptyLine, 1), ("file a seq 1 type b\n\n", .emptyLine, 2),
      ("file a seq 1 type b", .noNewline, 1), ("file a seq 1 type b\nfile c seq", .noNewline, 2),
      ("file a seq 1\n", .pairs, 1), ("file a seq 1 type b x\n", .pairs, 1),
      ("file a seq 1 tipe b\n", .missingKey, 1), ("file \"\" seq 1 type b\n", .missingKey, 1),
      ("file d/a seq 1 type b\n", .fileName, 1), ("file a seq 0 type b\n", .sequence, 1),
      ("file a seq x type b\n", .sequence, 1), ("file a seq 1 type x\n", .type, 1),
      ("file a seq 1 type \"\"\n", .type, 1), ("file \"a seq 1 type b\n", .quotes, 1),
      ("file \"a\"b seq 1 type b\n", .quotes, 1),
      ("file a seq 1 type b\nfile c seq 2 type b\n", .secondBase, 2),
      ("file a seq 2 type i\nfile c seq 2 type i\n", .sequenceOrder, 2),
      ("#" + String(repeating: "x", count: 1023) + "\n", .lineTooLong, 1),
      ("file a seq 1 type i startoffset x\n", .replicationOffset, 1),
    ] as [(String, ManifestError.Kind, Int)])
  func whatServersRefuse(_ text: String, _ kind: ManifestError.Kind, _ line: Int) {
    guard case .failure(let error) = parse(text) else {
      Issue.record("accepted: \(text)")
      return
    }
    #expect(error.kind == kind)
    #expect(error.line == line)
  }

  @Test func aLogWithLinesThatBeginWithFileIsNoManifest() {
    let log = resp("SET", "k", "file-99\r\nfile x seq 1 type b") + bytes("\n")
    #expect(log.withByteSlice { !Manifest.isLikely($0) })
    #expect((bytes("#TS:1700000000\r\n") + log).withByteSlice { !Manifest.isLikely($0) })
    #expect(bytes("# c\nSeq 1 file a type b\n").withByteSlice { Manifest.isLikely($0) })
    #expect(bytes("filename").withByteSlice { !Manifest.isLikely($0) })
    // A key and nothing behind it: there is no byte to look at.
    for key in ["file", "seq", "type", "startoffset", "endoffset"] {
      #expect(bytes(key).withByteSlice { !Manifest.isLikely($0) })
      #expect(bytes(key + " ").withByteSlice { Manifest.isLikely($0) })
      #expect(bytes(key + "\t").withByteSlice { Manifest.isLikely($0) })
    }
    #expect([UInt8]().withByteSlice { !Manifest.isLikely($0) })
  }
}
