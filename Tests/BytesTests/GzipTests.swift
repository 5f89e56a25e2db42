import TestSupport
import Testing

@testable import Bytes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct GzipTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Everything that comes out of a file, and what it ended with.
  func read(_ bytes: [UInt8], decompressing: Bool = true) throws -> ([UInt8], SystemError?) {
    var cursor = try InputFile.open(folder.write("input", bytes), decompressing: decompressing)
    var all: [UInt8] = []
    while !cursor.isAtEnd() {
      all += cursor.readableSlice.bytes
      cursor.advance(cursor.readable)
    }
    return (all, cursor.failure)
  }

  let damaged = SystemError(.inflate, code: EILSEQ)

  @Test func comesOutAsItWentIn() throws {
    var random = SplitMix64(seed: 1)
    for count in [0, 1, 100, 70_000, 262_144, 262_145, 1_500_000] {
      for letters in [2, 256] {
        let bytes = random.bytes(count, letters: letters)
        let (got, failure) = try read(Gzip.compressed(bytes))
        #expect(got == bytes && failure == nil)
      }
    }
  }

  @Test func membersFollowEachOther() throws {
    var random = SplitMix64(seed: 2)
    let parts = [0, 10, 300_000, 0, 0, 7].map { random.bytes($0, letters: 9) }
    let all = parts.flatMap { Gzip.compressed($0) }
    #expect(try read(all) == (Array(parts.joined()), nil))
    // Zeros behind it are what tapes add.
    #expect(try read(all + [UInt8](repeating: 0, count: 600_000)) == (Array(parts.joined()), nil))
  }

  @Test func cutsDeliverWhatTheyHoldAndFail() throws {
    var random = SplitMix64(seed: 3)
    let bytes = random.bytes(20_000, letters: 5)
    let packed = Gzip.compressed(bytes)
    for length in Array(2..<40) + [500, 1000, packed.count - 9, packed.count - 8, packed.count - 1]
    {
      let (got, failure) = try read(Array(packed[..<length]))
      #expect(failure == damaged, "\(length)")
      #expect(got == Array(bytes[..<got.count]))
      // The deflate data end 8 bytes before the end of the file.
      if length >= packed.count - 8 { #expect(got == bytes) }
      if length == 1000 { #expect(got.count > 1000) }
    }
    #expect(try read([0x1F]) == ([0x1F], nil))
  }

  @Test func damageAndGarbageAreTold() throws {
    var random = SplitMix64(seed: 4)
    let bytes = random.bytes(3000, letters: 5)
    let packed = Gzip.compressed(bytes)
    #expect(try read(packed + Array("garbage".utf8)) == (bytes, damaged))
    #expect(try read(packed + [0, 0, 1]) == (bytes, damaged))
    #expect(try read(packed + [0x1F]) == (bytes, damaged))
    for at in stride(from: 10, to: packed.count, by: 7) {
      var broken = packed
      broken[at] ^= 0x55
      #expect(try read(broken).1 == damaged, "\(at)")
    }
    var crc = packed
    crc[packed.count - 6] ^= 1
    #expect(try read(crc) == (bytes, damaged))
    #expect(damaged.text == "the compressed data is damaged or cut short")
  }

  @Test func canBeLeftAsItIs() throws {
    let packed = Gzip.compressed([1, 2, 3])
    #expect(try read(packed, decompressing: false) == (packed, nil))
  }

  @Test func pipesAreRecognisedToo() throws {
    let path = folder.file("fifo")
    #expect(unsafe mkfifo(path, 0o600) == 0)
    var random = SplitMix64(seed: 5)
    let bytes = random.bytes(500_000, letters: 20)
    let packed = Gzip.compressed(bytes)
    let writer = Background {
      let files = SystemFileSystem()
      let descriptor = try files.openFile(path, O_WRONLY)
      defer { files.close(descriptor) }
      // The first byte alone: recognising must wait for the second.
      try packed.withByteSlice { all throws(SystemError) in
        try FileTarget(descriptor).write(all.prefix(1))
        usleep(20_000)
        try FileTarget(descriptor).write(all.dropFirst(1))
      }
    }
    var cursor = try InputFile.open(path)
    #expect(cursor.slice(bytes.count)?.bytes == bytes)
    #expect(cursor.isAtEnd() == true)
    #expect(cursor.failure == nil)
    try writer.finish()
  }
}
