#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Names for things that are not finished.
enum TemporaryName {
  /// Calls `make` with hidden names near `path` until one is free.
  static func create<T>(
    near path: String, _ make: (String) throws(SystemError) -> T
  ) throws(SystemError) -> (String, T) {
    let directory = FilePath.directory(of: path)
    var attempt = 0
    while true {
      // A name may have 255 bytes; ours says whose it is as far as it fits.
      let whose = String(decoding: FilePath.name(of: path).utf8.prefix(200), as: UTF8.self)
      let name = ".\(whose).tmp-\(getpid())-\(attempt)"
      let candidate = directory.isEmpty ? name : directory + "/" + name
      do throws(SystemError) { return (candidate, try make(candidate)) } catch {
        attempt += 1
        if error.code != EEXIST || attempt > 1000 { throw error }
      }
    }
  }
}
