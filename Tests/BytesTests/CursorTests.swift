import CZlib
import TestSupport
import Testing

@testable import Bytes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One sequence of operations gives the same answers, whatever the bytes come through.
@Suite struct CursorTests {
  /// Ways to the same bytes.
  enum Way: CaseIterable { case memory, mapped, file, trickle, gzip, zstd }

  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// A cursor over `bytes`, with windows and steps small enough that all borders are met.
  func cursor(_ way: Way, _ bytes: [UInt8], seed: UInt64) throws -> ByteCursor {
    var faults = FaultyFileSystem.Faults()
    faults.interruptions = 1
    let content =
      switch way {
      case .gzip: Gzip.compressed(bytes)
      case .zstd: Zstd.compressed(bytes)
      default: bytes
      }
    let path = try folder.write("input", content)
    switch way {
    case .memory:
      let owner = OwnedBytes(bytes)
      return ByteCursor(owner.slice, owner: owner)
    case .mapped:
      var cursor = try InputFile.open(path, fileSystem: FaultyFileSystem(faults))
      cursor.window.stride = 8192
      cursor.checksum.step = 4096
      return cursor
    case .file: return try InputFile.open(path, mapping: false)
    case .trickle, .gzip, .zstd:
      faults.mostBytes = 50
      faults.seed = seed
      let files = FaultyFileSystem(faults)
      let descriptor = try files.openFile(path, O_RDONLY)
      return ByteCursor(
        ByteWindow(
          stream: descriptor, owned: true,
          decompressor: way == .trickle ? nil : try Decompressor(way == .gzip ? .gzip : .zstd),
          fileSystem: files, capacity: 64))
    }
  }

  @Test(arguments: 0..<40) func randomOperationsAgree(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let bytes = random.bytes(
      [0, 1, 63, 64, 65, 4096, 4097, 30_000, 100_000][seed % 9], letters: seed % 2 == 0 ? 256 : 3)
    for way in Way.allCases {
      var cursor = try cursor(way, bytes, seed: UInt64(seed))
      var script = Script(bytes, SplitMix64(seed: UInt64(seed) &+ 1000), stable: cursor.isStable)
      if way == .memory { cursor.checksum.step = 100 }
      for _ in 0..<3000 where !script.finished { script.step(&cursor, "\(way) \(seed)") }
      #expect(cursor.failure == nil)
    }
  }

  @Test func checksumsEndAnywhereAroundStepBorders() throws {
    var random = SplitMix64(seed: 7)
    let bytes = random.bytes(9000)
    let path = try folder.write("input", bytes)
    for start in [0, 1, 9, 999] {
      for border in stride(from: start, through: 8192, by: 1024) {
        for end in max(start, border - 3)...min(bytes.count, border + 3) {
          let wanted = slowCRC(bytes[start..<end])
          for way in 0..<3 {
            var cursor =
              way == 0
              ? try InputFile.open(path)
              : try InputFile.open(path, mapping: way == 1)
            cursor.checksum.step = 1024
            #expect(cursor.skip(start) == true)
            cursor.startChecksum()
            // In one leap, or record by record.
            if way == 0 { #expect(cursor.skip(end - start) == true) }
            while cursor.offset < end {
              cursor.housekeep()
              #expect(cursor.slice(min(37, end - cursor.offset)) != nil)
            }
            cursor.housekeep()
            #expect(cursor.finishChecksum() == wanted, "\(start) \(end) \(way)")
          }
        }
      }
    }
  }

  @Test func goingBackInsideAChecksumIsRight() throws {
    let bytes = [UInt8](repeating: 5, count: 50_000)
    var cursor = try InputFile.open(try folder.write("input", bytes))
    cursor.checksum.step = 1000
    cursor.startChecksum()
    #expect(cursor.skip(40_000) == true)
    cursor.housekeep()
    cursor.seek(to: 10)
    #expect(cursor.finishChecksum() == slowCRC(bytes[0..<10]))
  }

  @Test func pagesGivenBackComeAgain() throws {
    var random = SplitMix64(seed: 3)
    let bytes = random.bytes(200_000)
    var cursor = try InputFile.open(try folder.write("input", bytes))
    cursor.window.stride = 8192
    let early = cursor.slice(5000) ?? ByteSlice()
    while cursor.skip(1000) { cursor.housekeep() }
    #expect(cursor.window.released > 190_000)
    #expect(early.bytes == Array(bytes[..<5000]))
    cursor.seek(to: 100)
    cursor.housekeep()
    #expect(cursor.slice(9000)?.bytes == Array(bytes[100..<9100]))
  }

  @Test func aLongSkippedValueDoesNotFillMemory() throws {
    // A sparse file: pages of zeros, as resident as any when they are read.
    let path = try folder.write("input", [1])
    let descriptor = try SystemFileSystem().openFile(path, O_RDWR)
    try SystemFileSystem().truncate(descriptor, to: 256 << 20)
    close(descriptor)
    for housekeeps in [true, false] {
      var cursor = try InputFile.open(path)
      cursor.startChecksum()
      #expect(cursor.skip(255 << 20) == true)
      if housekeeps { cursor.housekeep() }
      #expect(cursor.finishChecksum() != 0)
      #expect(Memory.now(ofFile: path) < 16 << 20)
    }
  }

  @Test func aClaimedLengthCostsNothing() throws {
    let before = Memory.peak()
    for way in Way.allCases {
      var cursor = try cursor(way, [UInt8](repeating: 9, count: 5000), seed: 1)
      for length in [1 << 62, Int.max, Int.max - 1, 1 << 40, 5001] {
        #expect(cursor.slice(length) == nil)
        #expect(cursor.ensure(length) == false)
        #expect(cursor.offset == 0)
      }
      #expect(cursor.slice(-1) == nil)
      #expect(cursor.skip(-1) == false)
      #expect(cursor.slice(5000) != nil)
      #expect(cursor.slice(1) == nil)
    }
    #expect(Memory.peak() - before < 64 << 20)
  }

  @Test func aHeldRecordGrowsTheWindowWithWhatComes() throws {
    var random = SplitMix64(seed: 11)
    let bytes = random.bytes(3_000_000)
    var cursor = try InputFile.open(try folder.write("input", bytes), mapping: false)
    #expect(cursor.skip(1000) == true)
    cursor.hold()
    #expect(cursor.skip(2_500_000) == true)
    #expect(cursor.heldSlice(at: 1000, count: 2_500_000).bytes == Array(bytes[1000..<2_501_000]))
    #expect(cursor.window.capacity <= 8 << 20)
    cursor.release()
    #expect(cursor.slice(1000)?.bytes == Array(bytes[2_501_000..<2_502_000]))
  }

  @Test func readingThatFailsEndsTheStreamAndTells() throws {
    let path = try folder.write("input", [UInt8](repeating: 1, count: 1000))
    var faults = FaultyFileSystem.Faults()
    faults.mostBytes = 300
    faults.nth = [.read: [2: EIO]]
    let files = FaultyFileSystem(faults)
    do {
      var cursor = try InputFile.open(path, mapping: false, fileSystem: files)
      #expect(cursor.slice(600) != nil)
      #expect(cursor.slice(1) == nil)
      #expect(cursor.failure == SystemError(.read, code: EIO))
      #expect(cursor.offset == 600)
    }
    #expect(files.openDescriptors.isEmpty)
  }

  @Test func whatCannotBeOpenedIsToldAndClosed() throws {
    #expect(throws: SystemError(.open, code: ENOENT)) { _ = try InputFile.open(folder.file("no")) }
    #expect(throws: SystemError(.open, code: EISDIR)) { _ = try InputFile.open(folder.path) }
    let path = try folder.write("input", [0x1F, 0x8B, 8, 0, 0])
    let plain = FaultyFileSystem()
    do { _ = try InputFile.open(path, fileSystem: plain) }
    for number in plain.calls.indices where plain.calls[number] != .read {
      let files = FaultyFileSystem(failing: [number], with: EIO)
      #expect(throws: SystemError.self) { _ = try InputFile.open(path, fileSystem: files) }
      #expect(files.openDescriptors.isEmpty)
    }
    var empty = try InputFile.open(folder.write("empty", []))
    #expect(empty.isAtEnd() == true)
    #expect(empty.size == 0)
  }

  @Test func fifosDeliverInPieces() throws {
    let path = folder.file("fifo")
    #expect(unsafe mkfifo(path, 0o600) == 0)
    var random = SplitMix64(seed: 5)
    let bytes = random.bytes(400_000)
    let writer = Background {
      let files = SystemFileSystem()
      let descriptor = try files.openFile(path, O_WRONLY)
      defer { files.close(descriptor) }
      for at in stride(from: 0, to: bytes.count, by: 10_007) {
        try bytes.withByteSlice { all throws(SystemError) in
          try FileTarget(descriptor).write(
            all.slice(at: at, count: min(10_007, bytes.count - at)))
        }
      }
    }
    var cursor = try InputFile.open(path)
    #expect(cursor.isStable == false)
    #expect(cursor.size == nil)
    cursor.startChecksum()
    var got: [UInt8] = []
    while let slice = cursor.slice(1000) { got += slice.bytes }
    #expect(cursor.finishChecksum() == CRC64.checksumOf(bytes))
    try writer.finish()
    #expect(got == bytes)
  }

  @Test func descriptorsThatDoNotBlockAreWaitedFor() throws {
    var ends: [Int32] = [0, 0]
    let made = unsafe pipe(&ends)
    #expect(made == 0)
    let (reading, writing) = (ends[0], ends[1])
    _ = fcntl(reading, F_SETFL, O_NONBLOCK)
    _ = fcntl(writing, F_SETFL, O_NONBLOCK)
    let bytes = [UInt8](repeating: 7, count: 1_000_000)
    let writer = Background {
      try bytes.withByteSlice { all throws(SystemError) in try FileTarget(writing).write(all) }
      close(writing)
    }
    var cursor = ByteCursor(
      ByteWindow(stream: reading, owned: true, fileSystem: .system))
    var total = 0
    while let byte = cursor.byte() { total += Int(byte) }
    try writer.finish()
    #expect(total == 7_000_000 && cursor.failure == nil)
  }
}
