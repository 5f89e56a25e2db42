import Bytes
import Operations

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension ToolError {
  /// With a question about the name of the file, when it is missing and one that is there is spelled
  /// nearly so.
  var advisingNearFile: ToolError {
    guard case .system(let error) = cause, error.code == ENOENT, role == .input, remedy == nil,
      let file, let near = ToolError.nearFile(file)
    else { return self }
    return advising("Did you mean \(KeyText.shellWord(near))?")
  }

  /// A name beside the missing `path` that may have been meant, as the whole path.
  private static func nearFile(_ path: String) -> String? {
    let files = SystemFileSystem()
    let directory = FilePath.directory(of: path)
    guard let names = try? files.list(directory.isEmpty ? "." : directory), names.count <= 100_000
    else {
      // A directory on the way is missing: that one is looked for.
      guard !directory.isEmpty, directory != path, directory != "/", directory != "." else {
        return nil
      }
      return nearFile(directory).map { FilePath.join($0, FilePath.name(of: path)) }
        .flatMap { files.exists($0) ? $0 : nil }
    }
    let name = FilePath.name(of: path)
    guard let found = NearNames.of(name, among: names).first else {
      return nil
    }
    // As it was given: `dump.rdb`, not `./dump.rdb`.
    return path.contains("/") ? FilePath.join(directory, found) : found
  }
}
