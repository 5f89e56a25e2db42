public import Bytes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A directory for one test, removed when the test drops it.
public final class TemporaryFolder: Sendable {
  /// Where it is.
  public let path: String

  /// A new empty directory below `TMPDIR` or `/tmp`.
  public init() {
    let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var template = Array((parent + "/redis-backup-test-XXXXXX").utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer {
      unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) }
    }
    precondition(unsafe made != nil, "no temporary directory in \(parent)")
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { TemporaryFolder.remove(path) }

  private static func remove(_ path: String) {
    let files = SystemFileSystem()
    for name in (try? files.list(path)) ?? [] {
      let inner = path + "/" + name
      if (try? files.status(of: inner, followLinks: false))?.kind == .directory {
        remove(inner)
      } else {
        try? files.unlink(inner)
      }
    }
    try? files.removeDirectory(path)
  }

  /// The path of `name` in the folder.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Writes `bytes` as the file `name`, and returns its path.
  @discardableResult
  public func write(_ name: String, _ bytes: [UInt8]) throws(SystemError) -> String {
    let files = SystemFileSystem()
    let descriptor = try files.openFile(file(name), O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    defer { files.close(descriptor) }
    try bytes.withByteSlice { slice throws(SystemError) in
      try FileTarget(descriptor).write(slice)
    }
    return file(name)
  }

  /// The bytes of the file `name`.
  public func read(_ name: String) throws(SystemError) -> [UInt8] {
    try SystemFileSystem().contents(of: file(name), limit: 1 << 30)
  }

  /// The names in the folder, sorted.
  public var names: [String] { (try? SystemFileSystem().list(path)) ?? [] }
}
