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

/// `undo --in-place` with every call of the file system failing in turn, and with the process
/// dying at every call: the log is then what it was, or what it was to become; never another.
@Suite struct UndoFaultTests {
  private let base = command("SELECT", "0") + command("SET", "a", "1") + command("DEL", "a")
  private let first = command("SELECT", "0") + command("DEL", "a") + command("SET", "b", "1")

  private func make(_ folder: String, several: Bool) throws -> String {
    if several {
      try Logs.multiPart(folder + "/log", base: base, increments: [first])
      return folder + "/log"
    }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(base + first).write(to: URL(fileURLWithPath: folder + "/a.aof"))
    return folder + "/a.aof"
  }

  private func undo(_ path: String, _ fileSystem: any FileSystem) throws {
    let log = try AppendOnlyLog.open(path, fileSystem: fileSystem)
    let plan = try UndoPlan(log, Logs.selection(names: "DEL"), fileSystem: fileSystem)
    _ = try plan.rewrite.replace(stamp: "T", fileSystem: fileSystem)
  }

  @Test(arguments: [false, true]) func everyCallFails(_ several: Bool) throws {
    let calls = try countCalls(several)
    #expect(calls > 15)
    for code in [EIO, ENOSPC, EACCES] {
      for number in 0..<calls {
        try withTemporaryDirectory { directory in
          let path = try make(directory.file("d"), several: several)
          let before = try Logs.words(path)
          let files = FaultyFileSystem(failing: [number], with: code)
          let failed: Bool
          do {
            try undo(path, files)
            failed = false
          } catch is ToolError { failed = true }
          let after = try Logs.words(path)
          let isNew = after == before.filter { $0[0] != "DEL" }
          #expect(isNew || after == before, "call \(number), code \(code)")
          if !failed { #expect(isNew) }
          #expect(try Logs.check(path).isOK)
          #expect(files.openDescriptors.isEmpty, "call \(number)")
          if !isNew && failed {
            // Nothing is left behind, unless removing it was what failed.
            let names = try FileManager.default.subpathsOfDirectory(atPath: directory.path)
            let odd = names.filter { $0.contains(".tmp-") || $0.contains("undo-") }
            if files.calls.indices.contains(number), files.calls[number] != .unlink {
              #expect(odd.isEmpty, "call \(number) \(files.calls[number]): \(odd)")
            }
          }
        }
      }
    }
  }

  @Test(arguments: [false, true]) func theProcessDiesAtEveryCall(_ several: Bool) throws {
    let calls = try countCalls(several)
    for number in 0..<calls {
      try withTemporaryDirectory { directory in
        let path = try make(directory.file("d"), several: several)
        let before = try Logs.words(path)
        var faults = FaultyFileSystem.Faults()
        faults.deadFrom = number
        try? undo(path, FaultyFileSystem(faults))
        let after = try Logs.words(path)
        #expect(after == before || after == before.filter { $0[0] != "DEL" }, "call \(number)")
        #expect(try Logs.check(path).isOK)
      }
    }
  }

  @Test func shortTransfersAndInterruptionsChangeNothing() throws {
    try withTemporaryDirectory { directory in
      let path = try make(directory.file("d"), several: true)
      let before = try Logs.words(path)
      var faults = FaultyFileSystem.Faults()
      faults.mostBytes = 7
      faults.interruptions = 2
      try undo(path, FaultyFileSystem(faults))
      #expect(try Logs.words(path) == before.filter { $0[0] != "DEL" })
    }
  }

  private func countCalls(_ several: Bool) throws -> Int {
    try withTemporaryDirectory { directory in
      let files = FaultyFileSystem()
      try undo(try make(directory.file("d"), several: several), files)
      return files.calls.count
    }
  }
}
