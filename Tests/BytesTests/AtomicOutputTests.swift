import TestSupport
import Testing

@testable import Bytes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Whatever call fails, the old file stays whole, and nothing else stays behind.
@Suite struct AtomicOutputTests {
  enum Job: CaseIterable { case new, replace, keep, likeOld, throughLink }

  static let old = Array("the old content".utf8)
  static let new = [UInt8](repeating: 0x6E, count: 300_000)

  /// Writes the new content; the folder holds `data` with the old one unless `job` is `.new`.
  func run(_ job: Job, _ folder: TemporaryDirectory, _ files: FaultyFileSystem) throws(SystemError)
  {
    let path = folder.file(job == .throughLink ? "link" : "data")
    let like = job == .likeOld ? try SystemFileSystem().status(of: path, followLinks: true) : nil
    var output = try AtomicOutput(path, replacing: job != .new, like: like, fileSystem: files)
    output.buffer.write(AtomicOutputTests.new)
    try output.commit(replacing: job != .new, keeping: job == .keep ? folder.file("kept") : nil)
  }

  func prepare(_ job: Job) throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    if job != .new {
      try folder.write("data", AtomicOutputTests.old)
      _ = unsafe chmod(folder.file("data"), 0o640)
    }
    if job == .throughLink { #expect(unsafe symlink("data", folder.file("link")) == 0) }
    return folder
  }

  func names(_ job: Job, done: Bool) -> [String] {
    switch job {
    case .new: done ? ["data"] : []
    case .replace, .likeOld: ["data"]
    case .keep: done ? ["data", "kept"] : ["data"]
    case .throughLink: ["data", "link"]
    }
  }

  func content(_ folder: TemporaryDirectory) -> [UInt8]? { try? folder.read("data") }

  @Test(arguments: Job.allCases) func everyCallMayFail(job: Job) throws {
    let clean = FaultyFileSystem()
    let folder = try prepare(job)
    try run(job, folder, clean)
    #expect(content(folder) == AtomicOutputTests.new)
    #expect(folder.files == names(job, done: true))
    if job == .keep { #expect(try folder.read("kept") == AtomicOutputTests.old) }
    if job == .likeOld {
      #expect(
        try SystemFileSystem().status(of: folder.file("data"), followLinks: true).mode == 0o640)
    }
    #expect(clean.openDescriptors.isEmpty)
    let calls = clean.calls
    let naming = try #require(calls.lastIndex { $0 == .rename || $0 == .link })
    for code in [EIO, ENOSPC, EACCES] {
      for number in calls.indices {
        let folder = try prepare(job)
        let files = FaultyFileSystem(failing: [number], with: code)
        let what = "\(job): \(calls[number]) (\(number)) fails with \(code)"
        var failed = false
        do throws(SystemError) { try run(job, folder, files) } catch { failed = true }
        let ignored = calls[number] == .unlink || calls[number] == .chown
        #expect(failed != ignored, "\(what)")
        let done = number > naming || ignored
        #expect(
          content(folder)
            == (done ? AtomicOutputTests.new : job == .new ? nil : AtomicOutputTests.old),
          "\(what)")
        #expect(folder.files == names(job, done: done), "\(what)")
        #expect(files.openDescriptors.isEmpty, "\(what)")
      }
    }
  }

  @Test(arguments: Job.allCases) func deathAtAnyCallLeavesOldOrNew(job: Job) throws {
    let clean = FaultyFileSystem()
    try run(job, prepare(job), clean)
    for number in clean.calls.indices {
      let folder = try prepare(job)
      var faults = FaultyFileSystem.Faults()
      faults.deadFrom = number
      try? run(job, folder, FaultyFileSystem(faults))
      let content = content(folder)
      #expect(
        content == AtomicOutputTests.new
          || content == (job == .new ? nil : AtomicOutputTests.old), "\(job) \(number)")
    }
  }

  @Test func interruptionsAndShortWritesDoNoHarm() throws {
    for job in Job.allCases {
      let folder = try prepare(job)
      var faults = FaultyFileSystem.Faults()
      faults.interruptions = 3
      faults.mostBytes = 1000
      try run(job, folder, FaultyFileSystem(faults))
      #expect(content(folder) == AtomicOutputTests.new)
      #expect(folder.files == names(job, done: true))
    }
  }

  @Test func aFullDiskIsTold() throws {
    for room in [0, 1, 299_999] {
      let folder = try prepare(.replace)
      var faults = FaultyFileSystem.Faults()
      faults.room = room
      #expect(throws: SystemError(.write, code: ENOSPC)) {
        try run(.replace, folder, FaultyFileSystem(faults))
      }
      #expect(folder.files == ["data"] && content(folder) == AtomicOutputTests.old)
    }
  }

  @Test func worksWithoutHardLinks() throws {
    for code in [EPERM, ENOTSUP, ENOSYS] {
      for job in Job.allCases {
        let folder = try prepare(job)
        var faults = FaultyFileSystem.Faults()
        faults.always = [.link: code]
        try run(job, folder, FaultyFileSystem(faults))
        #expect(content(folder) == AtomicOutputTests.new)
        #expect(folder.files == names(job, done: true))
      }
      // The old file was moved away, then the new one could not take its place.
      let folder = try prepare(.keep)
      var faults = FaultyFileSystem.Faults()
      faults.always = [.link: code]
      faults.nth = [.rename: [1: EIO]]
      #expect(throws: SystemError(.rename, code: EIO)) {
        try run(.keep, folder, FaultyFileSystem(faults))
      }
      #expect(folder.files == ["data"] && content(folder) == AtomicOutputTests.old)
    }
  }

  @Test func directoriesThatCannotBeSyncedAreNoError() throws {
    for code in [EINVAL, EBADF] {
      let folder = try prepare(.replace)
      var faults = FaultyFileSystem.Faults()
      faults.nth = [.fsync: [1: code]]
      try run(.replace, folder, FaultyFileSystem(faults))
      #expect(content(folder) == AtomicOutputTests.new)
    }
  }

  @Test func nothingIsOverwrittenUnasked() throws {
    let folder = try prepare(.replace)
    let path = folder.file("data")
    #expect(throws: SystemError(.open, code: EEXIST)) {
      _ = try AtomicOutput(path, replacing: false)
    }
    // It appeared while we worked.
    let late = folder.file("late")
    for links in [true, false] {
      var faults = FaultyFileSystem.Faults()
      if !links { faults.always = [.link: EPERM] }
      #expect(throws: SystemError(.link, code: EEXIST)) {
        var output = try AtomicOutput(
          late, replacing: false, fileSystem: FaultyFileSystem(faults))
        try folder.write("late", [1])
        try output.commit(replacing: false)
      }
      #expect(try folder.read("late") == [1])
      try SystemFileSystem().unlink(late)
    }
    // The name of the backup is taken, or its folder is missing.
    try folder.write("kept", [2])
    for (backup, code) in [("kept", EEXIST), ("missing/kept", ENOENT)] {
      #expect(throws: SystemError(.link, code: code)) {
        var output = try AtomicOutput(path, replacing: true)
        try output.commit(replacing: true, keeping: folder.file(backup))
      }
    }
    #expect(folder.files == ["data", "kept"] && content(folder) == AtomicOutputTests.old)
    #expect(try folder.read("kept") == [2])
  }

  @Test func whatIsNoFileIsNotReplaced() throws {
    let folder = try TemporaryDirectory()
    #expect(throws: SystemError(.open, code: EISDIR)) {
      _ = try AtomicOutput(folder.path, replacing: true)
    }
    #expect(unsafe mkfifo(folder.file("fifo"), 0o600) == 0)
    #expect(throws: SystemError(.open, code: ENOTSUP)) {
      _ = try AtomicOutput(folder.file("fifo"), replacing: true)
    }
    #expect(throws: SystemError(.open, code: ENOTSUP)) {
      _ = try AtomicOutput("/dev/null", replacing: true)
    }
    #expect(folder.files == ["fifo"])
  }

  @Test func anOutputThatIsDroppedLeavesNothing() throws {
    let folder = try TemporaryDirectory()
    do {
      var output = try AtomicOutput(folder.file("data"), replacing: false)
      output.buffer.write("half")
      #expect(folder.files.count == 1)
    }
    #expect(folder.files == [])
    let long = String(repeating: "n", count: 255)
    var output = try AtomicOutput(folder.file(long), replacing: false)
    try output.commit(replacing: false)
    #expect(folder.files == [long])
  }

  @Test func directoriesAppearWhole() throws {
    func make(_ folder: TemporaryDirectory, _ files: FaultyFileSystem) throws(SystemError) {
      var directory = try AtomicDirectory(folder.file("dir"), fileSystem: files)
      for name in ["a", "b"] {
        var file = try directory.file(name)
        file.buffer.write("content")
        try file.commit(replacing: true)
      }
      try directory.commit()
    }
    let folder = try TemporaryDirectory()
    let clean = FaultyFileSystem()
    try make(folder, clean)
    #expect(try SystemFileSystem().list(folder.file("dir")) == ["a", "b"])
    #expect(clean.openDescriptors.isEmpty && folder.files == ["dir"])
    #expect(throws: SystemError(.mkdir, code: EEXIST)) { try make(folder, FaultyFileSystem()) }
    let naming = try #require(clean.calls.lastIndex { $0 == .rename })
    for number in clean.calls.indices {
      let folder = try TemporaryDirectory()
      let files = FaultyFileSystem(failing: [number], with: EIO)
      #expect(throws: SystemError.self) { try make(folder, files) }
      #expect(folder.files == (number > naming ? ["dir"] : []), "\(clean.calls[number]) \(number)")
      #expect(files.openDescriptors.isEmpty)
    }
    // An empty directory of that name is taken over.
    let other = try TemporaryDirectory()
    try SystemFileSystem().makeDirectory(other.file("dir"), mode: 0o755)
    try make(other, FaultyFileSystem())
    #expect(other.files == ["dir"])
  }

  @Test func cleaningUpStaysOutOfLinkedDirectories() throws {
    let folder = try TemporaryDirectory()
    let files = SystemFileSystem()
    try files.makeDirectory(folder.file("precious"), mode: 0o755)
    try folder.write("precious/file", [1])
    do {
      var faults = FaultyFileSystem.Faults()
      faults.always = [.unlink: EPERM]
      let directory = try AtomicDirectory(
        folder.file("dir"), fileSystem: FaultyFileSystem(faults))
      #expect(unsafe symlink(folder.file("precious"), directory.temporary + "/link") == 0)
    }
    do {
      let directory = try AtomicDirectory(folder.file("other"))
      #expect(unsafe symlink(folder.file("precious"), directory.temporary + "/link") == 0)
      try files.makeDirectory(directory.temporary + "/inner", mode: 0o755)
    }
    #expect(try folder.read("precious/file") == [1])
    #expect(!folder.files.contains { $0.hasPrefix(".other") })
  }

  @Test func pathsAreTakenApartByBytes() {
    for (path, directory, name) in [
      ("a", "", "a"), ("/a", "/", "a"), ("a/b", "a", "b"), ("a/b/", "a", "b"), ("/", "/", ""),
      ("a//b", "a", "b"), ("/a/b//", "/a", "b"), ("x/\u{301}y", "x", "\u{301}y"), ("", "", ""),
    ] {
      #expect(FilePath.directory(of: path) == directory, "\(path)")
      #expect(FilePath.name(of: path) == name, "\(path)")
    }
    #expect(FilePath.join("", "n") == "n" && FilePath.join("/", "n") == "/n")
    #expect(FilePath.join("d", "n") == "d/n" && FilePath.join("d/", "n") == "d/n")
  }
}
