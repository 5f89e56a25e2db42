internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

extension Files {
  /// The names in a directory that were made by a process which is gone: `marker` and its number
  /// stand in them, as in `backup.json.tmp-4711`.
  package static func abandoned(in directory: String, marker: String = ".tmp-") -> [String] {
    let names = (try? names(in: directory, step: "clean up")) ?? []
    return names.filter { name in
      guard let mark = name.range(of: marker) else { return false }
      guard let process = Int32(name[mark.upperBound...].prefix(while: \.isNumber)) else {
        return false
      }
      return process != getpid() && kill(process, 0) != 0 && errno == ESRCH
    }
  }

  /// Removes what such processes have left; failures are left to the next run.
  package static func removeAbandoned(in directory: String, marker: String = ".tmp-") {
    for name in abandoned(in: directory, marker: marker) {
      try? removeTree("\(directory)/\(name)", step: "clean up")
    }
  }
}
