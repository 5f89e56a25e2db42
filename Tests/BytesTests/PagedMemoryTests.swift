import TestSupport
import Testing

@testable import Bytes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct PagedMemoryTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  var backings: [PageBacking] { [.memory, .file(in: folder.path)] }

  @Test func arenasKeepWhatTheyStoreInPlace() {
    for backing in backings {
      var random = SplitMix64(seed: 1)
      var arena = Arena(in: backing)
      var stored: [(ByteSlice, [UInt8])] = []
      var total = 0
      for round in 0..<6000 {
        let length = random.below([1, 20, 3000, 200_000][round % 100 == 0 ? 3 : random.below(3)])
        let bytes = random.bytes(length)
        switch random.below(3) {
        case 0:
          let cut = random.below(length + 1)
          let slice = bytes.withByteSlice { arena.store($0.prefix(cut), $0.dropFirst(cut)) }
          stored.append((slice, bytes))
          total += length
        case 1:
          let number = Int64(truncatingIfNeeded: random.next()) >> Int64(random.below(64))
          stored.append((arena.store(decimal: number), Array(String(number).utf8)))
          total += stored[stored.count - 1].1.count
        default:
          stored.append((bytes.withByteSlice { arena.store($0) }, bytes))
          total += length
        }
        #expect(arena.count == total)
      }
      for (slice, bytes) in stored { #expect(slice.bytes == bytes) }
      #expect(arena.failure == nil)
      #expect(arena.mappedBytes < total * 2 + 64 * PageBlock.granule + (16 << 20))
      arena.removeAll()
      #expect(arena.count == 0 && arena.mappedBytes <= 256 << 10)
      #expect(ByteSlice("again") == arena.store(ByteSlice("again")))
      #expect(folder.files == [])
    }
  }

  @Test func slicesOfAnArenaNeverOverlap() {
    var arena = Arena()
    #expect(arena.store(ByteSlice()).isEmpty)
    var slices: [ByteSlice] = []
    for index in 0..<2000 {
      let bytes = [UInt8](repeating: UInt8(index & 255), count: 1 + (index * 7919) % 100_000)
      slices.append(bytes.withByteSlice { arena.store($0) })
    }
    for (index, slice) in slices.enumerated() {
      #expect(slice[0] == UInt8(index & 255) && slice[slice.count - 1] == UInt8(index & 255))
    }
  }

  @Test func pagedArraysAreArrays() {
    for backing in backings {
      var random = SplitMix64(seed: 2)
      var array = PagedArray<UInt64>(in: backing)
      var model: [UInt64] = []
      #expect(array.mappedBytes == 0 && array.isEmpty)
      for _ in 0..<300_000 {
        switch random.below(12) {
        case 0 where !model.isEmpty:
          let index = random.below(model.count)
          array[index] &+= 5
          model[index] &+= 5
        case 1 where !model.isEmpty:
          let last = array.removeLast()
          #expect(last == model.removeLast())
        case 2 where random.below(1000) == 0:
          let length = random.below(model.count + 1)
          array.truncate(to: length)
          model.removeLast(model.count - length)
        default:
          let value = random.next()
          array.append(value)
          model.append(value)
        }
      }
      #expect(array.count == model.count && array.failure == nil)
      array.prefetch(-1)
      array.prefetch(model.count)
      for index in model.indices { #expect(array[index] == model[index]) }
      array.removeAll()
      array.append(3)
      #expect(array.count == 1 && array[0] == 3 && folder.files == [])
    }
  }

  @Test func aFullDiskLosesNothing() {
    var array = PagedArray<UInt32>(in: .file(in: folder.path))
    var arena = Arena(in: .file(in: folder.path))
    var slices: [ByteSlice] = []
    for index in 0..<200_000 {
      array.append(UInt32(index))
      slices.append(arena.store(decimal: Int64(index)))
      if index == 0 {
        array.limitFile(to: 300_000)
        arena.limitFile(to: 300_000)
      }
    }
    #expect(array.failure == SystemError(.fallocate, code: ENOSPC))
    #expect(arena.failure == SystemError(.fallocate, code: ENOSPC))
    for index in 0..<200_000 {
      #expect(array[index] == UInt32(index))
      #expect(DecimalText.unsigned(slices[index]) == index)
    }
  }

  @Test func aMissingFolderIsToldAndMemoryTaken() {
    var array = PagedArray<UInt8>(in: .file(in: folder.file("missing")))
    array.append(1)
    #expect(array.failure == SystemError(.open, code: ENOENT) && array[0] == 1)
    var arena = Arena(in: .file(in: folder.file("missing")))
    #expect(arena.store(ByteSlice("x")).equals("x"))
    #expect(arena.failure == SystemError(.open, code: ENOENT))
  }

  @Test func zerosCostNothingUntilTheyAreWritten() {
    let before = Memory.peak()
    var table = PagedArray<UInt64>(zeros: 1 << 27)
    #expect(table.count == 1 << 27 && table.mappedBytes == 1 << 30)
    for index in stride(from: 0, to: table.count, by: 1 << 20) {
      #expect(table[index] == 0)
      table[index] = 1
    }
    #expect(table[1] == 0)
    #expect(Memory.peak() - before < 600 << 20)
    let repeated = PagedArray<UInt8>(repeating: 7, count: 100_000)
    #expect(repeated.count == 100_000 && repeated[99_999] == 7)
  }
}
