import ArgumentParser
import BackupJob
import Foundation
import Logging
import Operations

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What every command of the backup job understands.
struct JobOptions: ParsableArguments {
  @Option(
    name: [.customShort("c"), .long],
    help: "The configuration; REDIS_BACKUP_CONFIG names another default.",
    completion: .file(extensions: ["yaml"]))
  var config =
    ProcessInfo.processInfo.environment["REDIS_BACKUP_CONFIG"]
    ?? "/etc/redis-backup/redis-backup.yaml"

  @OptionGroup var global: GlobalOptions

  /// Whether one JSON document is wanted.
  var json: Bool { global.json }
  /// Whether only the answer is wanted.
  var quiet: Bool { global.quiet }

  /// Runs `body` with the job's context. Every failure becomes one line on stderr and its exit
  /// code.
  func run(_ body: (JobContext) throws(JobError) -> Void) throws {
    JobSignals.install()
    do throws(JobError) {
      let config = try JobConfig(path: config, environment: ProcessInfo.processInfo.environment)
      var context = JobContext(
        config,
        log: Logger(label: "redis-backup") { [quiet, verbose = global.verbose] _ in
          JobLogHandler(
            isJSON: config.logsJSON, logLevel: quiet ? .error : verbose ? .debug : .info)
        }, tool: "redis-backup \(RedisBackupCommand.version)")
      let isShown =
        switch global.progress {
        case .always: true
        case .never: false
        case .auto: Terminal(global.color).errorDrawsOver && !quiet
        }
      if isShown { context.progress = JobProgress().show }
      context.putSettingsBack()
      try body(context)
    } catch {
      FileHandle.standardError.write(Data("redis-backup: \(error)\n".utf8))
      throw ExitCode(error.exitCode)
    }
  }

  /// One JSON document on stdout.
  func print(json value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { return }
    FileHandle.standardOutput.write(data + Data("\n".utf8))
  }
}

/// Ending the job from outside: it stops at the next chunk, publishes nothing and puts back what it
/// changed.
enum JobSignals {
  static func install() {
    for number in [SIGTERM, SIGINT, SIGHUP] {
      signal(number) { _ in Interruption.request() }
    }
    signal(SIGPIPE, SIG_IGN)
  }
}

/// The log of the job: one line a step on stderr, as text or as JSON.
struct JobLogHandler: LogHandler {
  var isJSON: Bool
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let facts = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
    var line: String
    if isJSON {
      line =
        "{\"time\":\"\(UTCTime.now)\",\"level\":\"\(event.level)\",\"message\":\(Self.quoted("\(event.message)"))"
      for (key, value) in facts { line += ",\(Self.quoted(key)):\(Self.quoted("\(value)"))" }
      line += "}\n"
    } else {
      line = "\(UTCTime.now) \(event.level) \(event.message)"
      for (key, value) in facts {
        let text = "\(value)"
        line += " \(key)=\(text.contains { $0 == " " || $0 == "\"" } ? Self.quoted(text) : text)"
      }
      line += "\n"
    }
    FileHandle.standardError.write(Data(line.utf8))
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}

/// Bytes and rate of a transfer, on one line of the terminal that is drawn over.
final class JobProgress: Sendable {
  private let start = Date()
  private let last = NSLock()
  nonisolated(unsafe) private var shown = Date()

  /// Shows how far it is, at most five times a second and not in the first half second.
  @Sendable func show(_ bytes: Int64, _ total: Int64?) {
    last.lock()
    defer { last.unlock() }
    let now = Date()
    guard now.timeIntervalSince(start) > 0.5, unsafe now.timeIntervalSince(shown) > 0.2 else {
      return
    }
    unsafe shown = now
    let rate = Double(bytes) / max(0.001, now.timeIntervalSince(start))
    var line = "\r\(ByteCount.text(Int(bytes)))"
    if let total, total > 0 {
      line += " of \(ByteCount.text(Int(total))) (\(bytes * 100 / total) %)"
      if rate > 0 { line += ", \(Int((Double(total - bytes) / rate).rounded(.up))) s left" }
    }
    line += ", \(ByteCount.text(Int(rate)))/s\u{1B}[K"
    if bytes == total { line += "\r\u{1B}[K" }
    FileHandle.standardError.write(Data(line.utf8))
  }
}
