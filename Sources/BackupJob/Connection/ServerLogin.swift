/// A server that a command line names, and what is needed to log in. Passwords come from the
/// environment or a file, never from the command line, where every user of the machine sees them.
public struct ServerLogin: Sendable {
  /// Where it listens.
  public let endpoint: Endpoint
  /// How it is spoken to.
  public let settings: ConnectionSettings
  /// The URL, which holds no password.
  public let url: String

  /// Reads `url`: `redis://`, `rediss://` or `unix://`. The password is the first line of
  /// `passwordFile`, else `REDISCLI_AUTH` of `environment`.
  ///
  /// - Throws: `JobError`: a URL that is none, that holds a password, or that names Sentinels.
  public init(
    url text: String, user: String? = nil, passwordFile: String? = nil, caFile: String? = nil,
    environment: [String: String]
  ) throws(JobError) {
    let url = try ServerURL(text)
    if url.password != nil {
      throw JobError(
        .usage, step: "read URL", place: "URL",
        "it holds a password, which every user of this machine can read in the process list",
        remedy: "Put it into REDISCLI_AUTH or a file (--password-file).")
    }
    guard case .node(let endpoint) = url.target else {
      throw JobError(
        .usage, step: "read URL", place: "URL", "it names Sentinels",
        remedy: "Name the master itself: redis://host:port.")
    }
    self.endpoint = endpoint
    self.url = text
    var password: Secret?
    if let passwordFile {
      password = try Secret.read(fromFile: passwordFile)
    } else if let text = environment["REDISCLI_AUTH"], !text.isEmpty {
      password = Secret(text)
    }
    settings = ConnectionSettings(
      user: user ?? url.user, password: password,
      tls: url.usesTLS ? TLSSettings(caFile: caFile) : nil)
  }

  /// Connects and logs in.
  package func connect() throws(JobError) -> Connection { try Connection(endpoint, settings) }
}
