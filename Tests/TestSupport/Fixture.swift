package import Foundation

/// The files of `Fixtures/`; `Fixtures/README.md` tells where each comes from.
package enum Fixture {
  /// The folder `Fixtures/` itself.
  package static let root = PackageRoot.url.appendingPathComponent("Fixtures")

  /// The fixture of this name, which is a path inside `Fixtures/`.
  package static func url(_ name: String) -> URL { root.appendingPathComponent(name) }

  /// The path of the fixture of this name.
  package static func path(_ name: String) -> String { url(name).path }

  /// The whole content of a fixture.
  package static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: url(name)))
  }

  /// The whole content of a fixture as text, without the white space at its ends.
  package static func text(_ name: String) throws -> String {
    String(decoding: try bytes(name), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Copies a fixture, a file or a folder, to where a test may change it.
  package static func copy(_ name: String, to destination: String) throws {
    try FileManager.default.copyItem(atPath: path(name), toPath: destination)
  }

  /// The names of all files (never folders) below a folder of `Fixtures/`, sorted, as paths inside `Fixtures/`.
  package static func files(under folder: String = "") -> [String] {
    let start = folder.isEmpty ? root : url(folder)
    let inside = (try? FileManager.default.subpathsOfDirectory(atPath: start.path)) ?? []
    return inside.filter { name in
      var isFolder: ObjCBool = false
      let path = start.appendingPathComponent(name).path
      // SAFETY: the pointer lives for this call only.
      _ = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      return !isFolder.boolValue
    }.map { folder.isEmpty ? $0 : folder + "/" + $0 }.sorted()
  }
}

/// The large corpus that stands beside a developer's checkout and is no part of the package.
///
/// A suite that needs it says `.enabled(if: SharedCorpus.isPresent, SharedCorpus.absence)`, so that the
/// test run names what it left out.
package enum SharedCorpus {
  /// The folder that holds `corpus/`, `formats/` and `tools/`: `REDIS_BACKUP_SHARED`, or `../shared`; nil when absent.
  package static let root: URL? = {
    let named = ProcessInfo.processInfo.environment["REDIS_BACKUP_SHARED"]
    let folder =
      named.map { URL(fileURLWithPath: $0) }
      ?? PackageRoot.url.deletingLastPathComponent().appendingPathComponent("shared")
    let corpus = folder.appendingPathComponent("corpus").path
    return FileManager.default.fileExists(atPath: corpus) ? folder : nil
  }()

  /// Whether the corpus is there.
  package static var isPresent: Bool { root != nil }

  /// What a skipped suite prints.
  package static let absence = "the shared corpus is not beside this checkout"

  /// The path of a file or folder inside `corpus/`; nil when the corpus is absent.
  package static func path(_ name: String) -> String? {
    root?.appendingPathComponent("corpus").appendingPathComponent(name).path
  }
}

/// Recorded answers, compared exactly; `RECORD=1` in the environment writes them anew for a person to review.
package enum Golden {
  /// Nil when `actual` equals the fixture `name`, else what differs, line by line.
  package static func difference(of actual: String, from name: String) throws -> String? {
    let url = Fixture.url(name)
    if ProcessInfo.processInfo.environment["RECORD"] == "1" {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(actual.utf8).write(to: url)
      return nil
    }
    guard let data = try? Data(contentsOf: url) else {
      return "\(name) is missing; run the test with RECORD=1 to write it"
    }
    let expected = String(decoding: data, as: UTF8.self)
    if expected == actual { return nil }
    let before = expected.split(separator: "\n", omittingEmptySubsequences: false)
    let now = actual.split(separator: "\n", omittingEmptySubsequences: false)
    var text = "\(name) differs (RECORD=1 writes it anew):\n"
    for line in 0..<max(before.count, now.count) {
      let old = line < before.count ? before[line] : nil
      let new = line < now.count ? now[line] : nil
      if old == new { continue }
      if let old { text += "\(line + 1) - \(old)\n" }
      if let new { text += "\(line + 1) + \(new)\n" }
    }
    return text
  }
}
