import AOF
public import Bytes

/// What lies in a directory of a server, and which of it a server would load.
public struct DataDirectory: Sendable {
  /// One name in it.
  public struct Entry: Sendable {
    /// What it is.
    public enum Role: Sendable, Equatable {
      /// A dump, or an AOF that begins with one.
      case rdb
      /// An AOF of one file, or one file of a multi-part AOF.
      case aof
      /// A directory with a manifest in it.
      case logDirectory
      /// A manifest.
      case manifest
      /// A file without any byte.
      case empty
      /// What a server left when it was interrupted: `temp-….rdb`, `temp-rewriteaof-….aof`.
      case leftover
      /// `redis.conf`, `valkey.conf`.
      case configuration
      /// Nothing of a server's data, such as `lost+found`.
      case other
      /// Something that could not be looked into.
      case unreadable
    }
    /// The name.
    public var name: String
    /// What it is.
    public var role: Role
    /// Its size; of a directory the sum of its files.
    public var bytes: Int
    /// When it was last changed, in ns since 1970.
    public var modified: Int64
  }

  /// The path of the directory.
  public var path: String
  /// Everything in it, by name.
  public var entries: [Entry]
  /// What its configuration says, when there is one.
  public var configuration: ServerConfiguration

  /// Looks into the directory at `path`, and into the first bytes of its files.
  public init(_ path: String, _ fileSystem: any FileSystem) throws(ToolError) {
    self.path = path
    let names = try ToolError.wrap(path) { () throws(SystemError) in try fileSystem.list(path) }
    configuration = ServerConfiguration()
    entries = []
    for name in names {
      let full = FilePath.join(path, name)
      guard let status = try? fileSystem.status(of: full, followLinks: true) else { continue }
      let role: Entry.Role
      var bytes = status.size
      switch status.kind {
      case .regular where name == "redis.conf" || name == "valkey.conf":
        role = .configuration
        if let text = try? fileSystem.contents(of: full) { configuration.read(text) }
      case .regular where status.size == 0: role = .empty
      case .regular where name.hasPrefix("temp-"): role = .leftover
      case .regular: role = DataDirectory.role(of: full, fileSystem)
      case .directory:
        let inner = (try? fileSystem.list(full)) ?? []
        role = inner.contains { DataDirectory.isManifestName($0) } ? .logDirectory : .other
        bytes = 0
        for file in role == .logDirectory ? inner : [] {
          let part = try? fileSystem.status(of: FilePath.join(full, file), followLinks: true)
          bytes += part?.size ?? 0
        }
      default: role = .other
      }
      entries.append(Entry(name: name, role: role, bytes: bytes, modified: status.modified))
    }
  }

  /// The entry of that name.
  public func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }

  /// Whether a name is that of a manifest that is in use.
  static func isManifestName(_ name: String) -> Bool {
    name.hasSuffix(".manifest") && !name.hasPrefix("temp-")
  }

  private static func role(of path: String, _ fileSystem: any FileSystem) -> Entry.Role {
    do throws(ToolError) {
      let opened = try OpenedFile(path, fileSystem)
      switch opened.kind {
      case .rdb: return .rdb
      case .aof: return .aof
      case .multiPart: return .manifest
      case .empty: return .empty
      }
    } catch {
      if case .refused = error.cause { return .other }
      return .unreadable
    }
  }
}

/// What redis.conf or valkey.conf says about the names of files, with a server's defaults.
public struct ServerConfiguration: Sendable {
  /// `appendonly`; nil when the configuration does not say.
  public var appendOnly: Bool?
  /// `appendfilename`.
  public var appendFileName = "appendonly.aof"
  /// `appenddirname`.
  public var appendDirectoryName = "appendonlydir"
  /// `dbfilename`.
  public var dumpFileName = "dump.rdb"

  /// Takes over what `text` says.
  mutating func read(_ text: [UInt8]) {
    for line in text.split(separator: 0x0A) {
      let words = String(decoding: line, as: UTF8.self).split { " \t\r".contains($0) }
      guard words.count >= 2 else { continue }
      let value = String(words[1]).trimmingQuotes
      guard !value.isEmpty, !value.contains("/") else { continue }
      switch words[0].lowercased() {
      case "appendonly": appendOnly = value.lowercased() == "yes"
      case "appendfilename": appendFileName = value
      case "appenddirname": appendDirectoryName = value
      case "dbfilename": dumpFileName = value
      default: break
      }
    }
  }
}

extension String {
  fileprivate var trimmingQuotes: String {
    for quote in ["\"", "'"] where count >= 2 && hasPrefix(quote) && hasSuffix(quote) {
      return String(dropFirst().dropLast())
    }
    return self
  }
}
