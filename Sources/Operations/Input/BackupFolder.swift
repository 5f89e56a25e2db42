import Bytes

/// A backup of `snapshot create` in a repository that is a directory: known by its `backup.json` and
/// `SHA256SUMS`. What it stores in one file is read as it is, also compressed. A log of several files
/// lies there under other names than its manifest says, so it has to be restored first.
enum BackupFolder {
  private static let record = "backup.json"
  private static let sums = "SHA256SUMS"

  /// The name of the file to read, of the folder at `path` with these `names`; nil when it is no
  /// backup.
  static func file(in path: String, _ names: [String]) throws(ToolError) -> String? {
    guard names.contains(record), names.contains(sums) else { return nil }
    let files = names.filter { $0 != record && $0 != sums }
    if files.contains(where: { $0.hasSuffix(".age") }) {
      throw refused(path, "is an encrypted backup")
    }
    if files.contains(where: { $0.contains(".manifest") }) {
      throw refused(path, "is a backup of a log of several files")
    }
    if files.count == 1 { return files[0] }
    throw .refused(
      .usage,
      files.isEmpty
        ? "is a backup without files"
        : "is a backup of several shards: \(files.prefix(5).joined(separator: ", "))",
      file: path, remedy: "Try: give the path of one of its files")
  }

  private static func refused(_ path: String, _ what: String) -> ToolError {
    .refused(
      .badData, what, file: path,
      remedy:
        "Try: redis-backup snapshot restore \(KeyText.shellWord(FilePath.name(of: path))) -o DIR")
  }
}
