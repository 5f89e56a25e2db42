/// A repository in a directory. Backups are made in `.unfinished-<id>` and renamed when they are
/// complete, verified and synced.
package struct DirectoryStore: BackupStore {
  package let path: String
  package var place: String { path }

  package init(_ path: String) { self.path = path }

  private func folder(_ id: String, isPublished: Bool) -> String {
    "\(path)/\(isPublished ? "" : ".unfinished-")\(id)"
  }

  package func prepare() throws(JobError) {
    try Files.makeDirectory(path, step: "open repository")
    try Files.makeDirectory("\(path)/locks", step: "open repository")
  }

  package func published() throws(JobError) -> [String] {
    guard Files.status(path) != nil else {
      throw JobError(
        .missing, step: "open repository", place: path, "there is no repository",
        remedy: "Check repository.path and the mount; `snapshot create` makes one.")
    }
    return try Files.names(in: path, step: "list repository").filter {
      BackupID.isValid($0) && Files.status("\(path)/\($0)/backup.json") != nil
    }
  }

  /// Also names half-written notes, whose writers are gone.
  package func unfinished() throws(JobError) -> [String] {
    var notes: [String] = []
    for folder in ["locks", "damaged", ".state"] {
      notes += Files.abandoned(in: "\(path)/\(folder)").map { "\(folder)/\($0)" }
    }
    return try notes
      + Files.names(in: path, step: "list repository").filter {
        $0.hasPrefix(".unfinished-") || $0.hasPrefix(".removed-")
          || (BackupID.isValid($0) && Files.status("\(path)/\($0)/backup.json") == nil)
      }
  }

  package func removeUnfinished(_ name: String) throws(JobError) {
    try Files.removeTree("\(path)/\(name)", step: "clean up")
  }

  package func begin(_ id: String) throws(JobError) {
    try Files.makeDirectory(folder(id, isPublished: false), step: "begin backup")
  }

  package func file(_ name: String, of id: String) throws(JobError) -> any ByteSink {
    try FileSink("\(folder(id, isPublished: false))/\(name)", step: "store")
  }

  package func read(_ name: String, of id: String, isPublished: Bool, into sink: any ByteSink)
    throws(JobError)
  {
    let file = "\(folder(id, isPublished: isPublished))/\(name)"
    let descriptor = try Files.openForReading(file, step: "read backup")
    defer { Files.closeQuietly(descriptor) }
    try pump(descriptor, into: sink, step: "read backup", path: file)
  }

  package func files(of id: String) throws(JobError) -> [(name: String, size: Int64)] {
    let folder = folder(id, isPublished: true)
    return try Files.names(in: folder, step: "list backup").map {
      ($0, Files.status("\(folder)/\($0)", followingLinks: false)?.size ?? 0)
    }
  }

  package func publish(_ id: String, record: [UInt8]) throws(JobError) {
    let folder = folder(id, isPublished: false)
    try Files.writeAtomically(record, to: "\(folder)/backup.json", step: "publish")
    try Files.syncDirectory(folder, step: "publish")
    try Files.rename(folder, to: self.folder(id, isPublished: true), step: "publish")
  }

  package func remove(_ id: String) throws(JobError) {
    let gone = "\(path)/.removed-\(id)"
    try Files.rename(folder(id, isPublished: true), to: gone, step: "remove backup")
    try Files.removeTree(gone, step: "remove backup")
  }

  package func freeBytes() throws(JobError) -> Int64? {
    try Files.freeBytes(at: path, step: "free space")
  }

  package func writeNote(_ name: String, _ bytes: [UInt8]) throws(JobError) {
    try Files.makeDirectory(Files.parent(of: "\(path)/\(name)"), step: "write \(name)")
    try Files.writeAtomically(bytes, to: "\(path)/\(name)", step: "write \(name)")
  }

  package func readNote(_ name: String) throws(JobError) -> [UInt8]? {
    do throws(JobError) {
      return try Files.readAll("\(path)/\(name)", limit: 1 << 20, step: "read \(name)")
    } catch {
      if error.kind == .missing { return nil }
      throw error
    }
  }

  package func notes(in folder: String) throws(JobError) -> [String] {
    guard Files.status("\(path)/\(folder)") != nil else { return [] }
    return try Files.names(in: "\(path)/\(folder)", step: "list \(folder)")
  }

  package func removeNote(_ name: String) throws(JobError) {
    try Files.remove("\(path)/\(name)", step: "remove \(name)")
  }
}
