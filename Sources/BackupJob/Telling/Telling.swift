/// Metrics and health checks.
struct Telling {
  let context: JobContext

  init(_ context: JobContext) { self.context = context }

  /// Writes the metrics file and pushes it, where configured. `failedPhase` counts an error.
  func metrics(failedPhase: String?) throws(JobError) {
    let config = context.config
    guard config.metricsFile != nil || config.pushURL != nil else { return }
    var before = ""
    if let file = config.metricsFile, Files.status(file) != nil {
      before = String(
        decoding: try Files.readAll(file, limit: 1 << 20, step: "read metrics"), as: UTF8.self)
    }
    let status = try? JobStatus.read(context)
    let text = Metrics.text(
      name: config.name, status: status,
      errors: Metrics.errors(in: before, name: config.name, adding: failedPhase),
      now: .now)
    if let file = config.metricsFile {
      Files.removeAbandoned(in: Files.parent(of: file), marker: "\(Files.name(of: file)).tmp-")
      try Files.writeAtomically(Array(text.utf8), to: file, mode: 0o644, step: "write metrics")
    }
    if let url = config.pushURL {
      try HTTPRequest.send(
        "PUT", url, body: Array(text.utf8), contentType: "text/plain; version=0.0.4")
    }
  }

  /// Tells the health check.
  func ping(success: Bool, message: String) throws(JobError) {
    guard let url = context.config.healthcheckURL else { return }
    try HTTPRequest.send("POST", success ? url : url + "/fail", body: Array(message.utf8))
  }
}
