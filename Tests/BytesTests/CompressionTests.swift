import TestSupport
import Testing

@testable import Bytes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct CompressionTests {
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

  func pack(_ kind: Compression, _ bytes: [UInt8]) -> [UInt8] {
    kind == .gzip ? Gzip.compressed(bytes) : Zstd.compressed(bytes)
  }

  let damaged = SystemError(.inflate, code: EILSEQ)

  @Test(arguments: [Compression.gzip, .zstd]) func comesOutAsItWentIn(kind: Compression) throws {
    var random = SplitMix64(seed: 1)
    for count in [0, 1, 100, 70_000, 262_144, 262_145, 1_500_000] {
      for letters in [2, 256] {
        let bytes = random.bytes(count, letters: letters)
        let (got, failure) = try read(pack(kind, bytes))
        #expect(got == bytes && failure == nil)
      }
    }
  }

  @Test(arguments: [Compression.gzip, .zstd]) func membersFollowEachOther(kind: Compression) throws
  {
    var random = SplitMix64(seed: 2)
    let parts = [0, 10, 300_000, 0, 0, 7].map { random.bytes($0, letters: 9) }
    let all = parts.flatMap { pack(kind, $0) }
    #expect(try read(all) == (Array(parts.joined()), nil))
    // Zeros behind it are what tapes add.
    #expect(try read(all + [UInt8](repeating: 0, count: 600_000)) == (Array(parts.joined()), nil))
  }

  @Test(arguments: [Compression.gzip, .zstd]) func cutsDeliverWhatTheyHoldAndFail(kind: Compression)
    throws
  {
    var random = SplitMix64(seed: 3)
    let bytes = random.bytes(20_000, letters: 5)
    let packed = pack(kind, bytes)
    // Behind the data gzip has a CRC-32 and a length, zstd a checksum.
    let trailer = kind == .gzip ? 8 : 4
    let ends = (1...trailer + 1).map { packed.count - $0 }
    for length in Array(kind.magic.count..<40) + [500, 1000] + ends {
      let (got, failure) = try read(Array(packed[..<length]))
      #expect(failure == damaged, "\(length)")
      #expect(got == Array(bytes[..<got.count]))
      if length >= packed.count - trailer { #expect(got == bytes) }
      if length == 1000 && kind == .gzip { #expect(got.count > 1000) }
    }
    for count in 0..<kind.magic.count {
      let head = Array(kind.magic[..<count])
      #expect(try read(head) == (head, nil))
    }
  }

  @Test(arguments: [Compression.gzip, .zstd]) func damageAndGarbageAreTold(kind: Compression) throws
  {
    var random = SplitMix64(seed: 4)
    let bytes = random.bytes(3000, letters: 5)
    let packed = pack(kind, bytes)
    #expect(try read(packed + Array("garbage".utf8)) == (bytes, damaged))
    #expect(try read(packed + [0, 0, 1]) == (bytes, damaged))
    #expect(try read(packed + [0x1F]) == (bytes, damaged))
    for at in stride(from: 10, to: packed.count, by: 7) {
      var broken = packed
      broken[at] ^= 0x55
      #expect(try read(broken).1 == damaged, "\(at)")
    }
    var crc = packed
    crc[packed.count - (kind == .gzip ? 6 : 2)] ^= 1
    let (got, failure) = try read(crc)
    #expect(failure == damaged)
    // libzstd holds a small frame back until it is checked.
    #expect(got == bytes || kind == .zstd && got == [])
    #expect(damaged.text == "the compressed data is damaged or cut short")
  }

  @Test(arguments: [Compression.gzip, .zstd]) func canBeLeftAsItIs(kind: Compression) throws {
    let packed = pack(kind, [1, 2, 3])
    #expect(try read(packed, decompressing: false) == (packed, nil))
  }

  @Test(arguments: [Compression.gzip, .zstd]) func pipesAreRecognisedToo(kind: Compression) throws {
    let path = folder.file("fifo")
    #expect(unsafe mkfifo(path, 0o600) == 0)
    var random = SplitMix64(seed: 5)
    let bytes = random.bytes(500_000, letters: 20)
    let packed = pack(kind, bytes)
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

  @Test func skippableFramesAreSkippedAndHugeWindowsRefused() throws {
    let frame = Zstd.compressed(Array("text".utf8))
    let skippable: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9]
    #expect(try read(frame + skippable + frame) == (Array("texttext".utf8), nil))
    // A header without a content size, whose window is 2^31 bytes: no memory is taken for it.
    let before = Memory.peak()
    let huge: [UInt8] = Compression.zstd.magic + [0, 21 << 3, 1, 0, 0]
    let (got, failure) = try read(huge)
    #expect(got == [] && failure == SystemError(.inflate, code: EFBIG))
    #expect(Memory.peak() - before < 32 << 20)
  }
}
