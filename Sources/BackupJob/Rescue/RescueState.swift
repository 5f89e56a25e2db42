internal import Foundation

/// What `rescue` changed on a server, so that it can be put back whatever happened in between. Written
/// before the server is told anything.
struct RescueState: Codable {
  static let parameter = "auto-aof-rewrite-percentage"

  /// The server's address as it was named.
  var endpoint: String
  /// What the setting was.
  var setting: String
  /// The id of the server's run.
  var runID: String
  /// When it was changed.
  var since: UTCTime

  private static func path(_ directory: String, _ endpoint: Endpoint) -> String {
    let safe = String(
      endpoint.description.map { $0.isLetter || $0.isNumber || $0 == "." ? $0 : "_" })
    return "\(directory)/rescue-\(safe).json"
  }

  /// The state of the server at `endpoint` with this run, and its file; nil when there is none.
  ///
  /// A server is known again by its address, or by its run under another one (`localhost`).
  static func find(
    _ directory: String, _ endpoint: Endpoint, runID: String
  ) throws(JobError) -> (path: String, state: RescueState)? {
    let own = path(directory, endpoint)
    if Files.status(own) != nil { return (own, try read(own)) }
    guard Files.status(directory)?.isDirectory == true else { return nil }
    for name in try Files.names(in: directory, step: "read state")
    where name.hasPrefix("rescue-") && name.hasSuffix(".json") {
      let path = "\(directory)/\(name)"
      if let state = try? read(path), state.runID == runID { return (path, state) }
    }
    return nil
  }

  private static func read(_ path: String) throws(JobError) -> RescueState {
    let bytes = try Files.readAll(path, limit: 1 << 16, step: "read state")
    guard let state = try? JSONDecoder().decode(RescueState.self, from: Data(bytes)),
      Int(state.setting) != nil
    else {
      throw JobError(
        .badData, step: "read state", place: path, "it can not be read",
        remedy: "Set \(parameter) yourself (CONFIG SET), then remove this file.")
    }
    return state
  }

  /// Writes the file of a server for which there is none; returns its path.
  func write(_ directory: String, _ endpoint: Endpoint) throws(JobError) -> String {
    try Files.makeDirectory(directory, step: "state directory")
    let path = Self.path(directory, endpoint)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let bytes = try? encoder.encode(self) else {
      preconditionFailure("a state is always JSON")
    }
    try Files.writeAtomically(Array(bytes), to: path, step: "write state")
    return path
  }
}
