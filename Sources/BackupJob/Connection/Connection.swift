/// Everything needed to open a connection to a node or a Sentinel, besides its address.
public struct ConnectionSettings: Sendable {
  /// The ACL user; nil for the default user.
  public var user: String?
  /// The password; nil when the server asks for none.
  public var password: Secret?
  /// TLS, or nil for a plain connection. Unix sockets never use it.
  public var tls: TLSSettings?
  /// The longest a connection attempt (with TLS handshake) may take.
  public var connectTimeout: Duration
  /// The longest a command may take.
  public var commandTimeout: Duration

  /// Settings for a server without password.
  public init(
    user: String? = nil, password: Secret? = nil, tls: TLSSettings? = nil,
    connectTimeout: Duration = .seconds(3), commandTimeout: Duration = .seconds(10)
  ) {
    self.user = user
    self.password = password
    self.tls = tls
    self.connectTimeout = connectTimeout
    self.commandTimeout = commandTimeout
  }
}

/// A blocking client of one server, speaking RESP2. Used by one thread at a time.
package final class Connection {
  package let endpoint: Endpoint
  package let settings: ConnectionSettings
  private let transport: any ByteTransport
  package let reader: RESPReader

  /// Connects and authenticates.
  package convenience init(_ endpoint: Endpoint, _ settings: ConnectionSettings) throws(JobError) {
    var tls = settings.tls
    if case .unix = endpoint { tls = nil }
    let transport = try Transport(endpoint, tls: tls, timeout: settings.connectTimeout)
    try self.init(endpoint, settings, over: transport)
  }

  /// Authenticates over a transport that is connected already.
  package init(
    _ endpoint: Endpoint, _ settings: ConnectionSettings, over transport: any ByteTransport
  )
    throws(JobError)
  {
    self.endpoint = endpoint
    self.settings = settings
    self.transport = transport
    reader = RESPReader(transport)
    guard let password = settings.password else { return }
    let login = settings.user.map { [$0, password.reveal] } ?? [password.reveal]
    let reply = try exchange(["AUTH"] + login)
    if case .error(let text) = reply {
      // A server without password says "called without any password configured": what is asked for
      // is granted anyway.
      if settings.user == nil, text.contains("without any password configured") { return }
      if text.hasPrefix("ERR unknown command") { return }
      throw JobError(
        .permission, step: "AUTH", place: endpoint.description,
        "the server refused user \(settings.user ?? "default"): \(text)",
        remedy: "Check REDISCLI_AUTH, source.username and source.password-file.")
    }
  }

  /// Sends a command and returns its reply, an error reply included.
  package func exchange(_ arguments: [String], timeout: Duration? = nil) throws(JobError)
    -> RESPValue
  {
    let deadline = Deadline(after: timeout ?? settings.commandTimeout)
    try send(arguments, deadline)
    return try reader.reply(deadline)
  }

  /// Sends a command; an error reply is thrown as a `JobError` that names host and command.
  package func call(_ arguments: String..., timeout: Duration? = nil) throws(JobError) -> RESPValue
  {
    let reply = try exchange(arguments, timeout: timeout)
    if case .error(let text) = reply { throw refused(arguments, text) }
    return reply
  }

  /// Writes a command without waiting for its reply.
  package func send(_ arguments: [String], _ deadline: Deadline) throws(JobError) {
    var bytes = Array("*\(arguments.count)\r\n".utf8)
    for argument in arguments {
      bytes += "$\(argument.utf8.count)\r\n".utf8
      bytes += argument.utf8
      bytes += [0x0D, 0x0A]
    }
    try transport.write(bytes, deadline: deadline)
  }

  /// Sends several commands at once, whose words may be any bytes, and returns their replies, error
  /// replies included.
  package func exchange(all commands: [[[UInt8]]]) throws(JobError) -> [RESPValue] {
    let deadline = Deadline(after: settings.commandTimeout)
    var bytes: [UInt8] = []
    for words in commands {
      bytes += "*\(words.count)\r\n".utf8
      for word in words {
        bytes += "$\(word.count)\r\n".utf8
        bytes += word
        bytes += [0x0D, 0x0A]
      }
    }
    try transport.write(bytes, deadline: deadline)
    var replies: [RESPValue] = []
    replies.reserveCapacity(commands.count)
    for _ in commands { replies.append(try reader.reply(deadline)) }
    return replies
  }

  /// Writes whole commands without waiting for their replies.
  package func send(raw bytes: [UInt8], _ deadline: Deadline) throws(JobError) {
    try transport.write(bytes, deadline: deadline)
  }

  /// The error for a command that the server refused.
  package func refused(_ arguments: [String], _ text: String) -> JobError {
    let step = arguments.prefix(2).joined(separator: " ")
    switch text.prefix(while: { $0 != " " }) {
    case "NOAUTH", "WRONGPASS":
      return JobError(
        .permission, step: step, place: endpoint.description, "the server wants a login: \(text)",
        remedy: "Set REDISCLI_AUTH or source.password-file.")
    case "NOPERM":
      return JobError(
        .permission, step: step, place: endpoint.description, "the ACL does not allow it: \(text)",
        remedy:
          "Give user \(settings.user ?? "default") the permissions of Documentation/backup-job.md.")
    case "LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN", "CLUSTERDOWN":
      return JobError(
        .tryLater, step: step, place: endpoint.description, text,
        remedy: "Run the job again when the server is ready.")
    default:
      return JobError(
        .unavailable, step: step, place: endpoint.description, "the server refused: \(text)",
        remedy: "See the server's log; the command may be renamed or not exist in this version.")
    }
  }

  /// `INFO` (of one section, or all) as a table of its `name:value` lines.
  package func info(_ section: String? = nil) throws(JobError) -> [String: String] {
    let arguments = ["INFO"] + (section.map { [$0] } ?? [])
    let reply = try exchange(arguments)
    if case .error(let text) = reply { throw refused(arguments, text) }
    var table: [String: String] = [:]
    for line in (reply.text ?? "").split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      table[String(line[..<colon])] = String(line[line.index(after: colon)...])
    }
    return table
  }

  /// Ends the connection.
  package func close() { transport.close() }
}
