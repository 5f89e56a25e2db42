import Foundation
import Logging
import Synchronization
import TestSupport

@testable import BackupJob

/// Collects what the job says.
final class LogLines: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }
  var text: String { all.joined(separator: "\n") }

  var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

  private struct Handler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let facts = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map {
        " \($0.key)=\($0.value)"
      }.joined()
      lines.lines.withLock { $0.append("\(event.message)\(facts)") }
    }
  }
}

/// A context for a test: YAML with `$DIR` for the private directory, where `$DIR/repo` is the usual
/// repository.
func makeContext(
  _ yaml: String, _ directory: TemporaryDirectory, environment: [String: String] = [:],
  log: LogLines = LogLines()
) throws -> JobContext {
  let text = yaml.replacingOccurrences(of: "$DIR", with: directory.path)
  return JobContext(
    try JobConfig(yaml: text, file: "test.yaml", environment: environment), log: log.logger,
    tool: "test")
}

/// The configuration most tests use.
func yaml(_ url: String, source: String = "", repository: String = "", more: String = "") -> String
{
  """
  name: test
  source:
    url: \(url)
    wait: 0s
    idle-timeout: 20s
  \(indented(source))
  repository:
    path: $DIR/repo
    min-free: 0
    compression-level: 1
  \(indented(repository))
  \(more)
  """
}

private func indented(_ text: String) -> String {
  text.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
}

/// The error that `body` throws.
func jobError(_ body: () throws -> Void) -> JobError? {
  do { try body() } catch { return error as? JobError }
  return nil
}

/// All names below a directory, hidden ones too.
func tree(_ path: String) -> [String] {
  (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []).sorted()
}
