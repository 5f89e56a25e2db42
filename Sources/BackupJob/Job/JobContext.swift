public import Logging

/// What every operation of the job works with.
public struct JobContext: Sendable {
  /// The configuration.
  public let config: JobConfig
  /// Where steps are told.
  public let log: Logger
  /// Told the bytes so far and the whole where it is known; at most a few times a second.
  public var progress: (@Sendable (Int64, Int64?) -> Void)?
  /// The name and version of the program, for records.
  public var tool: String
  /// Where backups are kept.
  package let store: any BackupStore

  /// A context for one configuration.
  public init(_ config: JobConfig, log: Logger, tool: String = "redis-backup") {
    self.config = config
    self.log = log
    self.tool = tool
    store = config.openStore()
  }

  /// A line for a step.
  package func say(_ text: String, _ facts: KeyValuePairs<String, String> = [:]) {
    var metadata: Logger.Metadata = [:]
    for (key, value) in facts { metadata[key] = .string(value) }
    log.info("\(text)", metadata: metadata)
  }

  /// Puts settings of servers back that a run which was killed has changed (AOF rewrites that are
  /// off). Every command does this first; what can't be done now is told, and left for the next.
  public func putSettingsBack() {
    guard let directory = config.stateDirectory else { return }
    RewriteHold.recoverAll(directory, config.nodeSettings) { place, failure in
      if let failure {
        log.warning("AOF rewrites may still be off", metadata: ["error": "\(failure)"])
      } else {
        say("AOF rewrites allowed again after an interrupted run", ["node": place])
      }
    }
  }

  /// The coding of files that are stored now.
  package var coding: FileCoding {
    FileCoding(compression: config.compression, age: config.age, bytesPerSecond: config.rateLimit)
  }
}

/// How long each phase took.
package struct PhaseClock {
  private var start = ContinuousClock.now
  private(set) var seconds: [String: Double] = [:]
  /// The phase that runs now.
  private(set) var phase: String

  init(_ phase: String) { self.phase = phase }

  /// Ends the phase and begins another.
  mutating func begin(_ next: String) {
    let now = ContinuousClock.now
    seconds[phase, default: 0] += (start.duration(to: now).inSeconds * 1000).rounded() / 1000
    start = now
    phase = next
  }
}
