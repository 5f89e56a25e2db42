import AOF
import Bytes
import Foundation
import Operations
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// `repair` with every call of the file system failing in turn, with a full disk, and with the process
/// dying at every call: the result is there whole or not at all, nothing else is left behind, and
/// what is repaired stays as it was.
@Suite struct RepairFaultTests {
  private static let select = command("SELECT", "0")
  private static let sets = (0..<40).flatMap { command("SET", "k\($0)", "value \($0)") }
  private static let damaged = select + sets + [UInt8](repeating: 0, count: 100) + sets

  private func make(_ folder: String, several: Bool) throws -> String {
    if several {
      try Logs.multiPart(
        folder + "/log", base: RepairFaultTests.select + RepairFaultTests.sets,
        increments: [RepairFaultTests.damaged])
      return folder + "/log"
    }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(RepairFaultTests.damaged).write(to: URL(fileURLWithPath: folder + "/a.aof"))
    return folder + "/a.aof"
  }

  /// Every file below a folder.
  private func everything(_ path: String) throws -> [String: Data] {
    var all: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
      all[name] = try? Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
    }
    return all
  }

  private func countCalls(_ several: Bool) throws -> (calls: Int, result: [String: Data]) {
    try withTemporaryDirectory { directory in
      let files = FaultyFileSystem()
      let path = try make(directory.file("d"), several: several)
      _ = try Repair.run(path, to: directory.file("out"), fileSystem: files)
      return (files.calls.count, try everything(directory.path))
    }
  }

  @Test(arguments: [false, true]) func everyCallFails(_ several: Bool) throws {
    let (calls, good) = try countCalls(several)
    #expect(calls > 15)
    for code in [EIO, ENOSPC, EACCES] {
      for number in 0..<calls {
        try withTemporaryDirectory { directory in
          let path = try make(directory.file("d"), several: several)
          let before = try everything(directory.path)
          let files = FaultyFileSystem(failing: [number], with: code)
          let failed: Bool
          do {
            _ = try Repair.run(path, to: directory.file("out"), fileSystem: files)
            failed = false
          } catch { failed = true }
          let after = try everything(directory.path)
          #expect(files.openDescriptors.isEmpty, "call \(number)")
          let call = files.calls.indices.contains(number) ? files.calls[number] : nil
          let name = call.map { "\($0)" } ?? ""
          let isLeft = call == .unlink || call == .rmdir
          if !failed {
            #expect(
              after.filter { !isLeft || good[$0.key] != nil } == good,
              "\(number) \(name)")
          } else if !isLeft {
            // When only the names could not be synced, all is there.
            #expect(
              after == before || after == good, "call \(number) \(name), code \(code)")
          }
          for (file, bytes) in before { #expect(after[file] == bytes) }
        }
      }
    }
  }

  @Test(arguments: [false, true]) func theProcessDiesAtEveryCall(_ several: Bool) throws {
    let (calls, good) = try countCalls(several)
    for number in 0..<calls {
      try withTemporaryDirectory { directory in
        let path = try make(directory.file("d"), several: several)
        let before = try everything(directory.path)
        var faults = FaultyFileSystem.Faults()
        faults.deadFrom = number
        _ = try? Repair.run(
          path, to: directory.file("out"), fileSystem: FaultyFileSystem(faults))
        let after = try everything(directory.path)
        for (name, bytes) in before { #expect(after[name] == bytes) }
        for (name, bytes) in after where name == "out" || name.hasPrefix("out/") {
          #expect(good[name] == bytes, "call \(number): \(name)")
        }
      }
    }
  }

  @Test func shortTransfersAndInterruptionsChangeNothing() throws {
    let good = try countCalls(true).result
    try withTemporaryDirectory { directory in
      let path = try make(directory.file("d"), several: true)
      var faults = FaultyFileSystem.Faults()
      faults.mostBytes = 7
      faults.interruptions = 2
      _ = try Repair.run(path, to: directory.file("out"), fileSystem: FaultyFileSystem(faults))
      #expect(try everything(directory.path) == good)
    }
  }

  /// Long pieces are written past the page cache, in other calls than short ones.
  @Test func theDiskBecomesFullWithinALongPiece() throws {
    try withTemporaryDirectory { directory in
      let value = String(repeating: "x", count: 5000)
      let part = (0..<3500).flatMap { command("SET", "k\($0)", value) }
      let second = (0..<3500).flatMap { command("SET", "l\($0)", value) }
      let whole = RepairFaultTests.select + part
      let path = directory.file("a.aof")
      try Data(whole + [UInt8](repeating: 0, count: 5000) + second).write(
        to: URL(fileURLWithPath: path))
      for room in [0, 4096, 1 << 20, (2 << 20) + 100, 16 << 20, whole.count, 2 * whole.count - 500]
      {
        var faults = FaultyFileSystem.Faults()
        faults.always = [.copyRange: EOPNOTSUPP]
        faults.room = room
        let files = FaultyFileSystem(faults)
        do throws(ToolError) {
          _ = try Repair.run(path, to: directory.file("out"), fileSystem: files)
          Issue.record("\(room) bytes are not enough")
        } catch {
          #expect(error.status == .ioError)
          #expect(error.file == directory.file("out"))
          #expect(error.line.contains("no space left"), "\(error.line)")
        }
        #expect(files.openDescriptors.isEmpty)
        #expect(try FileManager.default.subpathsOfDirectory(atPath: directory.path) == ["a.aof"])
      }
      let files = FaultyFileSystem()
      let report = try Repair.run(path, to: directory.file("out"), fileSystem: files)
      #expect(report.keptCommands == 7001)
      let result = try Data(contentsOf: URL(fileURLWithPath: directory.file("out")))
      #expect(result == Data(whole + second))
      #if os(Linux)
        let descriptor = try SystemFileSystem().open(directory.file("out"), O_RDWR, mode: 0)
        defer { SystemFileSystem().close(descriptor) }
        if SystemFileSystem().setDirect(descriptor, true) {
          #expect(files.directBytes > whole.count)
        }
      #endif
    }
  }
}
