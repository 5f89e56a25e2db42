import TestSupport
import Testing

@testable import Bytes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct OutputTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test(arguments: 0..<20) func whatIsWrittenArrivesInOrder(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let source = try folder.write("source", random.bytes(50_000))
    let range = try RangeSource(source)
    let all = try folder.read("source")
    var faults = FaultyFileSystem.Faults()
    faults.mostBytes = 700
    faults.seed = UInt64(seed)
    faults.interruptions = 2
    if seed % 3 == 0 { faults.always = [.copyRange: EXDEV] }
    let files = FaultyFileSystem(faults)
    let descriptor = try files.openFile(folder.file("out"), O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
    var output = OutputBuffer(
      FileTarget(descriptor, fileSystem: files), capacity: [1024, 1 << 14][seed % 2])
    var wanted: [UInt8] = []
    var checked: Int?
    for _ in 0..<2000 {
      switch random.below(10) {
      case 0:
        output.write(UInt8(ascii: "x"))
        wanted.append(UInt8(ascii: "x"))
      case 1:
        let value = random.next()
        output.write(littleEndian: value)
        for shift in 0..<8 {
          wanted.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(shift))))
        }
      case 2:
        let value = UInt32(truncatingIfNeeded: random.next())
        output.write(bigEndian: value)
        for shift in [24, 16, 8, 0] {
          wanted.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
        }
      case 3:
        output.write("literal")
        wanted += Array("literal".utf8)
      case 4:
        let value = Int64(truncatingIfNeeded: random.next())
        output.write(decimal: value)
        wanted += Array(String(value).utf8)
      case 5 where random.below(20) == 0:
        let bytes = random.bytes(random.below(5000))
        output.write(bytes)
        wanted += bytes
      case 6 where random.below(20) == 0 && checked == nil:
        let at = random.below(all.count)
        let count = random.below(min(3000, all.count - at))
        output.copyRange(of: range, at: at, count: count)
        wanted += all[at..<at + count]
      case 7 where random.below(50) == 0:
        if let from = checked {
          #expect(output.finishChecksum() == slowCRC(wanted[from...]))
          checked = nil
        } else {
          output.startChecksum()
          checked = wanted.count
        }
      default:
        let bytes = random.bytes(random.below(70))
        output.write(bytes)
        wanted += bytes
      }
      #expect(output.count == wanted.count)
    }
    try output.flush()
    #expect(try folder.read("out") == wanted)
    files.close(descriptor)
  }

  @Test func theFirstErrorStaysAndLaterBytesAreDropped() throws {
    var faults = FaultyFileSystem.Faults()
    faults.room = 3000
    let files = FaultyFileSystem(faults)
    let descriptor = try files.openFile(folder.file("out"), O_RDWR | O_CREAT, mode: 0o600)
    defer { files.close(descriptor) }
    var output = OutputBuffer(FileTarget(descriptor, fileSystem: files), capacity: 1024)
    for _ in 0..<100 { output.write([UInt8](repeating: 65, count: 100)) }
    #expect(output.failure == SystemError(.write, code: ENOSPC))
    #expect(throws: SystemError(.write, code: ENOSPC)) { try output.flush() }
    #expect(throws: SystemError(.write, code: ENOSPC)) { try output.flush() }
    #expect(try folder.read("out").count == 3000)
  }

  @Test func aSourceThatBecameShorterIsAnError() throws {
    let range = try RangeSource(folder.write("source", [1, 2, 3]))
    for always in [[SystemError.Call.copyRange: ENOSYS], [:]] {
      var faults = FaultyFileSystem.Faults()
      faults.always = always
      let files = FaultyFileSystem(faults)
      let descriptor = try files.openFile(folder.file("out"), O_RDWR | O_CREAT, mode: 0o600)
      defer { files.close(descriptor) }
      var output = OutputBuffer(FileTarget(descriptor, fileSystem: files))
      output.copyRange(of: range, at: 0, count: 3)
      output.copyRange(of: range, at: 1, count: 5)
      #expect(output.failure == SystemError(.pread, code: EIO))
    }
  }

  /// Past the page cache, from and to any place, and whatever the system says to that.
  @Test(arguments: 0..<24) func rangesPastThePageCache(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let all = random.bytes(5 << 20)
    let range = try RangeSource(folder.write("source", all))
    var faults = FaultyFileSystem.Faults()
    faults.always = [.copyRange: EOPNOTSUPP]
    switch seed % 8 {
    case 1: faults.interruptions = 2
    case 2: faults.refusesDirect = true
    case 3: faults.directCode = EINVAL
    case 4: faults.mostBytes = 1 << 20
    case 5: faults.mostBytes = 500_000
    default: break
    }
    let files = FaultyFileSystem(faults)
    let descriptor = try files.openFile(folder.file("out"), O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
    defer { files.close(descriptor) }
    var output = OutputBuffer(
      FileTarget(descriptor, directFrom: 10_000, fileSystem: files), capacity: 1024)
    var wanted: [UInt8] = []
    for _ in 0..<6 {
      let bytes = random.bytes(random.below(9000))
      output.write(bytes)
      wanted += bytes
      let at = random.below(all.count)
      let count = random.below(2) == 0 ? random.below(all.count - at) : min(20_000, all.count - at)
      output.copyRange(of: range, at: at, count: count)
      wanted += all[at..<at + count]
    }
    try output.flush()
    #expect(try folder.read("out") == wanted)
    #expect(output.count == wanted.count)
    #if os(Linux)
      // Not where the folder itself is of a kind that has no such writes.
      if seed % 8 == 0, SystemFileSystem().setDirect(descriptor, true) {
        #expect(files.directBytes > wanted.count / 4)
      }
    #endif
  }

  @Test(arguments: [0, 4095, 4096, 300_000, 2 << 20, 3_000_000])
  func aFullDiskIsToldPastThePageCacheToo(room: Int) throws {
    let range = try RangeSource(folder.write("source", [UInt8](repeating: 7, count: 4 << 20)))
    var faults = FaultyFileSystem.Faults()
    faults.always = [.copyRange: EOPNOTSUPP]
    faults.room = room
    let files = FaultyFileSystem(faults)
    let descriptor = try files.openFile(folder.file("out"), O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
    defer { files.close(descriptor) }
    var output = OutputBuffer(FileTarget(descriptor, directFrom: 4096, fileSystem: files))
    output.copyRange(of: range, at: 0, count: 4 << 20)
    #expect(output.failure == SystemError(.write, code: ENOSPC))
    #expect(output.count == 0)
  }

  @Test func aSourceThatBecameShorterIsAnErrorPastThePageCacheToo() throws {
    let range = try RangeSource(folder.write("source", [UInt8](repeating: 1, count: 20_000)))
    let files = FaultyFileSystem()
    let descriptor = try files.openFile(folder.file("out"), O_RDWR | O_CREAT, mode: 0o600)
    defer { files.close(descriptor) }
    var output = OutputBuffer(FileTarget(descriptor, directFrom: 4096, fileSystem: files))
    output.copyRange(of: range, at: 1, count: 20_000)
    #expect(output.failure == SystemError(.pread, code: EIO))
  }

  @Test func rangesComeFromTheFileThatWasOpened() throws {
    let path = try folder.write("source", Array("old bytes".utf8))
    let cursor = try InputFile.open(path)
    try SystemFileSystem().unlink(path)
    try folder.write("source", Array("NEW BYTES".utf8))
    guard let range = RangeSource(cursor) else {
      Issue.record("a mapped file has ranges")
      return
    }
    let target = MemoryTarget()
    var output = OutputBuffer(target)
    output.copyRange(of: range, at: 4, count: 5)
    try output.flush()
    #expect(String(decoding: target.bytes, as: UTF8.self) == "bytes")
    let memory = ByteCursor(ByteSlice("x"))
    let none = RangeSource(memory)
    #expect(none == nil)
  }
}
