// A full copy by the replication protocol, as a replica asks for it. The server's disk is not
// touched when it can send the copy diskless (`capa eof`), which is its own choice
// (`repl-diskless-sync`).
//
//   us      REPLCONF rdb-only 1          (7.0+: no command stream behind the copy; refused by others, which does no harm)
//   us      REPLCONF capa eof            (the copy may come without its length)
//   us      REPLCONF version 99.0.0      (Valkey 9.1: without it the copy is of RDB version 11, and fails when a hash field has a time)
//   us      PSYNC ? -1                   (SYNC where PSYNC is refused)
//   server  +FULLRESYNC <replication id> <offset>
//   server  \n …                         (one a second while the copy is being made: the connection is alive)
//   server  $<length>\r\n <RDB>          or   $EOF:<40 bytes>\r\n <RDB> <the same 40 bytes>
//
// Proven on servers 6.2, 7.0 and Valkey 9.1.

/// What a transfer says about itself.
package struct TransferFacts: Sendable, Equatable {
  /// The replication id the server gave with the copy; empty when only SYNC was possible.
  package var replicationID = ""
  /// The replication offset of the copy.
  package var offset: Int64?
  /// Bytes of the RDB.
  package var bytes: Int64 = 0
  /// Whether the copy came without length, straight from memory.
  package var wasDiskless = false
}

/// Takes a full copy from a server into a sink.
package struct ReplicationTransfer {
  /// The longest silence that is borne, keep-alives counting as sound.
  package var idleTimeout: Duration
  /// The longest the whole transfer may take.
  package var timeout: Duration
  /// Told the bytes so far and the whole length where it is known.
  package var progress: (Int64, Int64?) -> Void

  private static let markLength = 40

  package init(
    idleTimeout: Duration, timeout: Duration,
    progress: @escaping (Int64, Int64?) -> Void = { _, _ in }
  ) {
    self.idleTimeout = idleTimeout
    self.timeout = timeout
    self.progress = progress
  }

  /// Takes the copy; the sink is not finished. The connection is of no use afterwards.
  package func run(_ connection: Connection, into sink: any ByteSink) throws(JobError)
    -> TransferFacts
  {
    let end = Deadline(after: timeout)
    _ = try connection.exchange(["REPLCONF", "rdb-only", "1"])
    _ = try connection.exchange(["REPLCONF", "version", "99.0.0"])
    let capability = try connection.exchange(["REPLCONF", "capa", "eof"])
    if case .error(let text) = capability, text.hasPrefix("NOPERM") {
      throw connection.refused(["REPLCONF"], text)
    }
    var facts = TransferFacts()
    try connection.send(["PSYNC", "?", "-1"], Deadline(after: connection.settings.commandTimeout))
    var line = try nextLine(connection, end)
    if line.hasPrefix("-") {
      let text = String(line.dropFirst())
      guard text.hasPrefix("ERR unknown command") else { throw refused(connection, text) }
      try connection.send(["SYNC"], Deadline(after: connection.settings.commandTimeout))
      line = try nextLine(connection, end)
    } else if line.hasPrefix("+FULLRESYNC ") {
      let words = line.split(separator: " ")
      guard words.count == 3, let offset = Int64(words[2]) else {
        throw unexpected(connection, line)
      }
      facts.replicationID = String(words[1])
      facts.offset = offset
      line = try nextLine(connection, end)
    }
    if line.hasPrefix("-") { throw refused(connection, String(line.dropFirst())) }
    if line.hasPrefix("$EOF:"), line.utf8.count == 5 + Self.markLength {
      facts.wasDiskless = true
      facts.bytes = try receive(connection, mark: Array(line.utf8.dropFirst(5)), into: sink, end)
    } else if line.hasPrefix("$"), let length = Int64(line.dropFirst()), length > 0 {
      facts.bytes = try receive(connection, length: length, into: sink, end)
    } else {
      throw unexpected(connection, line)
    }
    return facts
  }

  /// The next line that is not a keep-alive.
  private func nextLine(_ connection: Connection, _ end: Deadline) throws(JobError) -> String {
    while true {
      try Interruption.check("wait for the copy")
      let line = try connection.reader.line(Deadline(after: idleTimeout))
      if !line.isEmpty { return String(decoding: line, as: UTF8.self) }
      if end.hasPassed { throw late(connection) }
    }
  }

  private func receive(
    _ connection: Connection, length: Int64, into sink: any ByteSink, _ end: Deadline
  ) throws(JobError) -> Int64 {
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    var received: Int64 = 0
    while received < length {
      let count = try read(connection, &buffer, from: 0, end)
      guard count > 0 else { throw broken(connection, "after \(received) of \(length) bytes") }
      let take = Int(min(Int64(count), length - received))
      try sink.write(buffer.span.extracting(..<take))
      received += Int64(take)
      progress(received, length)
    }
    return received
  }

  private func receive(
    _ connection: Connection, mark: [UInt8], into sink: any ByteSink, _ end: Deadline
  ) throws(JobError) -> Int64 {
    // The last 40 bytes are held back: they may be the mark. Nothing follows the mark on this
    // connection.
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    var held = 0
    var received: Int64 = 0
    while true {
      let count = try read(connection, &buffer, from: held, end)
      guard count > 0 else {
        throw broken(connection, "after \(received) bytes, before the mark that ends the copy")
      }
      let total = held + count
      guard total >= mark.count else {
        held = total
        continue
      }
      let body = total - mark.count
      if body > 0 { try sink.write(buffer.span.extracting(..<body)) }
      received += Int64(body)
      progress(received, nil)
      if buffer[body..<total].elementsEqual(mark) { return received }
      for index in 0..<mark.count { buffer[index] = buffer[body + index] }
      held = mark.count
    }
  }

  private func read(
    _ connection: Connection, _ buffer: inout [UInt8], from offset: Int, _ end: Deadline
  )
    throws(JobError) -> Int
  {
    try Interruption.check("transfer")
    if end.hasPassed { throw late(connection) }
    return try connection.reader.readRaw(
      into: &buffer, from: offset, deadline: Deadline(after: idleTimeout))
  }

  private func refused(_ connection: Connection, _ text: String) -> JobError {
    if text.hasPrefix("NOMASTERLINK") || text.contains("NOMASTERLINK") {
      return JobError(
        .tryLater, step: "PSYNC", place: connection.endpoint.description,
        "the replica lost its master: \(text)",
        remedy: "Run the job again when the replica is connected.")
    }
    return connection.refused(["PSYNC"], text)
  }

  private func unexpected(_ connection: Connection, _ line: String) -> JobError {
    JobError(
      .unavailable, step: "PSYNC", place: connection.endpoint.description,
      "an answer that does not belong to replication: \(line.prefix(60))",
      remedy: "Check that no proxy stands between; name the server itself in source.url.")
  }

  private func broken(_ connection: Connection, _ at: String) -> JobError {
    JobError(
      .unavailable, step: "transfer", place: connection.endpoint.description,
      "the server ended the copy \(at)",
      remedy:
        "Look into the server's log (client-output-buffer-limit replica, failed BGSAVE, restart).")
  }

  private func late(_ connection: Connection) -> JobError {
    JobError(
      .tryLater, step: "transfer", place: connection.endpoint.description,
      "the copy took longer than \(timeout.text)", remedy: "Raise source.transfer-timeout.")
  }
}
