import AOF
import Bytes
import Foundation
import TestSupport
import Testing

/// The recorded verdicts about one manifest for each rule of the grammar, which real servers gave
/// as well (`Fixtures/manifests/verdicts.json`).
@Suite struct ManifestVerdictTests {
  struct Verdict: Decodable {
    struct Entry: Decodable {
      var file: String
      var seq: Int64
      var type: String
      var startoffset: Int64?
      var endoffset: Int64?
    }
    var manifest: String
    var verdict: String
    var entries: [Entry]?
    var line: Int?
  }

  @Test func everyVerdictIsOurs() throws {
    let data = try Data(contentsOf: Fixture.url("manifests/verdicts.json"))
    let verdicts = try JSONDecoder().decode([Verdict].self, from: data)
    #expect(verdicts.count >= 56)
    for verdict in verdicts {
      let bytes = try Fixture.bytes("manifests/" + verdict.manifest)
      let result: Result<Manifest, ManifestError> = bytes.withByteSlice { slice in
        Result { () throws(ManifestError) in try Manifest(parsing: slice) }
      }
      switch result {
      case .success(let manifest):
        #expect(verdict.verdict == "good", "\(verdict.manifest) was accepted")
        let wanted = verdict.entries ?? []
        #expect(manifest.entries.map(\.name) == wanted.map(\.file), "\(verdict.manifest)")
        #expect(manifest.entries.map(\.sequence) == wanted.map(\.seq), "\(verdict.manifest)")
        #expect(
          manifest.entries.map { String(UnicodeScalar($0.kind.rawValue)) } == wanted.map(\.type),
          "\(verdict.manifest)")
        #expect(
          manifest.entries.map(\.startOffset) == wanted.map(\.startoffset), "\(verdict.manifest)")
        #expect(manifest.entries.map(\.endOffset) == wanted.map(\.endoffset), "\(verdict.manifest)")
        // What is written is read back the same.
        let again = try manifest.text.withByteSlice { (slice) throws(ManifestError) in
          manifest.text.isEmpty ? manifest : try Manifest(parsing: slice)
        }
        #expect(again == manifest, "\(verdict.manifest)")
      case .failure(let error):
        #expect(verdict.verdict == "bad", "\(verdict.manifest): \(error)")
        if let line = verdict.line { #expect(error.line == line, "\(verdict.manifest): \(error)") }
      }
    }
  }

  @Test func everyCutOfAManifestIsReadOrRefused() throws {
    for name in Fixture.files(under: "manifests") where name.hasSuffix(".manifest") {
      let bytes = try Fixture.bytes(name)
      for cut in 0...bytes.count {
        _ = Array(bytes[..<cut]).withByteSlice { try? Manifest(parsing: $0) }
      }
    }
  }
}
