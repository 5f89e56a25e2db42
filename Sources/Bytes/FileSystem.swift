#if canImport(Glibc)
  public import Glibc
#else
  public import Darwin
#endif

/// What the toolkit asks of the file system; the one seam through which every byte of a file
/// comes and goes, so that tests can let any call fail (`ENOSPC`, `EIO`, `EINTR`, short writes).
///
/// The requirements are the bare calls: they may transfer less than asked and may fail with
/// `EINTR`. The extension below adds what callers use: whole reads and writes, repeated when
/// interrupted.
public protocol FileSystem: Sendable {
  /// Opens `path` with the flags of `open(2)`; `O_CLOEXEC` is added.
  func open(_ path: String, _ flags: Int32, mode: mode_t) throws(SystemError) -> Int32
  /// Closes a descriptor. Errors of `close(2)` are of no use after `fsync` and are not reported.
  func close(_ descriptor: Int32)
  /// One `read(2)`.
  @unsafe func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer)
    throws(SystemError) -> Int
  /// One `pread(2)`.
  @unsafe func pread(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemError) -> Int
  /// One `write(2)`.
  @unsafe func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) throws(SystemError)
    -> Int
  /// One `copy_file_range(2)` from `offset` of `source` to the end of what was written to `target`.
  func copyRange(
    from source: Int32, at offset: Int, count: Int, to target: Int32
  ) throws(SystemError) -> Int
  /// Asks the disk to begin with bytes that were written; a hint, so nothing is reported.
  func startWriteback(_ descriptor: Int32, from offset: Int, count: Int)
  /// Asks for room on the disk for bytes that will be written; a hint, so nothing is reported.
  func reserve(_ descriptor: Int32, from offset: Int, count: Int)
  /// Lets writes to a file go past the page cache, or through it again; false where that can't be.
  /// What is written past it has to lie in whole blocks, in memory too, or fails with `EINVAL`.
  func setDirect(_ descriptor: Int32, _ isDirect: Bool) -> Bool
  /// `fsync(2)` of a file or a directory.
  func sync(_ descriptor: Int32) throws(SystemError)
  /// `rename(2)`.
  func rename(_ old: String, to new: String) throws(SystemError)
  /// `link(2)`: fails with `EEXIST` when `new` is there, which makes it the safe way to a new name.
  func link(_ old: String, to new: String) throws(SystemError)
  /// `unlink(2)`.
  func unlink(_ path: String) throws(SystemError)
  /// `mkdir(2)`.
  func makeDirectory(_ path: String, mode: mode_t) throws(SystemError)
  /// `rmdir(2)`.
  func removeDirectory(_ path: String) throws(SystemError)
  /// `stat(2)`, or `lstat(2)` with `followLinks: false`.
  func status(of path: String, followLinks: Bool) throws(SystemError) -> FileStatus
  /// `fstat(2)`.
  func status(of descriptor: Int32) throws(SystemError) -> FileStatus
  /// The names in a directory, without `.` and `..`, sorted by their bytes.
  func list(_ path: String) throws(SystemError) -> [String]
  /// `ftruncate(2)`.
  func truncate(_ descriptor: Int32, to size: Int) throws(SystemError)
  /// `fchmod(2)`.
  func changeMode(_ descriptor: Int32, _ mode: mode_t) throws(SystemError)
  /// `fchown(2)`.
  func changeOwner(_ descriptor: Int32, user: UInt32, group: UInt32) throws(SystemError)
  /// `realpath(3)`: the absolute name behind every symbolic link.
  func realPath(_ path: String) throws(SystemError) -> String
}

/// What `stat(2)` tells, as far as it matters here.
public struct FileStatus: Sendable, Equatable {
  /// The kinds of file that are told apart.
  public enum Kind: Sendable { case regular, directory, pipe, socket, link, other }
  /// What it is.
  public var kind: Kind
  /// Bytes; meaningful for regular files.
  public var size: Int
  /// Permission bits.
  public var mode: mode_t
  /// Owner.
  public var user: UInt32
  /// Group.
  public var group: UInt32
  /// Device and inode: two names with the same pair are one file.
  public var device: UInt64
  /// See ``device``.
  public var inode: UInt64
  /// Time of the last change of the content, in ns since 1970.
  public var modified: Int64
}

extension FileSystem {
  /// Nothing, where no hint is wanted.
  public func startWriteback(_ descriptor: Int32, from offset: Int, count: Int) {}

  /// Nothing, where no hint is wanted.
  public func reserve(_ descriptor: Int32, from offset: Int, count: Int) {}

  /// Through the page cache.
  public func setDirect(_ descriptor: Int32, _ isDirect: Bool) -> Bool { false }

  /// `open`, repeated while interrupted (FIFOs and network file systems do that).
  public func openFile(
    _ path: String, _ flags: Int32, mode: mode_t = 0
  ) throws(SystemError) -> Int32 {
    while true {
      do throws(SystemError) { return try open(path, flags, mode: mode) } catch {
        if error.code != EINTR { throw error }
      }
    }
  }

  /// Reads until `buffer` is full or the file ends; returns how many bytes came.
  @unsafe public func readWhole(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int {
    var done = 0
    while done < buffer.count {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let got = try unsafe readSome(descriptor, rest)
      if got == 0 { break }
      done += got
    }
    return done
  }

  /// One read, repeated while interrupted; 0 at the end of the file.
  @unsafe public func readSome(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int {
    while true {
      do throws(SystemError) { return try unsafe read(descriptor, buffer) } catch {
        if error.code != EINTR { throw error }
      }
    }
  }

  /// Reads from `offset` on until `buffer` is full or the file ends, without moving in the file.
  @unsafe public func preadWhole(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemError) -> Int {
    var done = 0
    while done < buffer.count {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      do throws(SystemError) {
        let got = try unsafe pread(descriptor, rest, at: offset + done)
        if got == 0 { break }
        done += got
      } catch {
        if error.code != EINTR { throw error }
      }
    }
    return done
  }

  /// Writes every byte, however many calls it takes.
  @unsafe public func writeWhole(
    _ descriptor: Int32, _ buffer: UnsafeRawBufferPointer
  ) throws(SystemError) {
    var done = 0
    while done < buffer.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
      do throws(SystemError) {
        let put = try unsafe write(descriptor, rest)
        // A device that takes nothing and says nothing would keep us here for ever.
        if put <= 0 { throw SystemError(.write, code: EIO) }
        done += put
      } catch {
        if error.code != EINTR { throw error }
      }
    }
  }

  /// `sync`, repeated while interrupted.
  public func syncWhole(_ descriptor: Int32) throws(SystemError) {
    while true {
      do throws(SystemError) { return try sync(descriptor) } catch {
        if error.code != EINTR { throw error }
      }
    }
  }

  /// Makes the names in a directory durable, where its file system knows how to: some that live
  /// in user space or behind a network refuse to sync directories, and keep names in order anyway.
  public func syncDirectory(_ path: String) throws(SystemError) {
    let descriptor = try openFile(path.isEmpty ? "." : path, O_RDONLY | O_DIRECTORY)
    defer { close(descriptor) }
    do throws(SystemError) { try syncWhole(descriptor) } catch {
      switch error.code {
      case EINVAL, EBADF, ENOTSUP, ENOSYS: break
      default: throw error
      }
    }
  }

  /// Whether something of that name is there.
  public func exists(_ path: String) -> Bool {
    (try? status(of: path, followLinks: false)) != nil
  }

  /// What stands under `path`, or nil when nothing does.
  public func statusIfThere(
    of path: String, followLinks: Bool
  ) throws(SystemError) -> FileStatus? {
    do throws(SystemError) { return try status(of: path, followLinks: followLinks) } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
  }

  /// A whole small file, such as a manifest; refuses more than `limit` bytes with `EFBIG`.
  public func contents(of path: String, limit: Int = 1 << 24) throws(SystemError) -> [UInt8] {
    let descriptor = try openFile(path, O_RDONLY)
    defer { close(descriptor) }
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let answer: Result<Int, SystemError> = unsafe chunk.withUnsafeMutableBytes { raw in
        Result { () throws(SystemError) in try unsafe readSome(descriptor, raw) }
      }
      let got = try answer.get()
      if got == 0 { return all }
      all += chunk[..<got]
      if all.count > limit { throw SystemError(.read, code: EFBIG) }
    }
  }
}
