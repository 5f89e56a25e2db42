#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Bytes to and from a peer. The real one is `Transport`; tests script one.
package protocol ByteTransport: AnyObject {
  /// The peer's name for messages.
  var peer: String { get }
  /// Reads at least one byte into `buffer[offset...]`; 0 when the peer has closed.
  func read(into buffer: inout [UInt8], from offset: Int, deadline: Deadline) throws(JobError)
    -> Int
  /// Writes all of `bytes`.
  func write(_ bytes: [UInt8], deadline: Deadline) throws(JobError)
  /// Ends the connection.
  func close()
}

/// A socket, with TLS when asked. Every call ends by its deadline.
package final class Transport: ByteTransport {
  private let socket: Socket
  private let tls: TLSSession?

  package var peer: String { socket.endpoint.description }

  /// Connects and, with `tls`, does the handshake; throws `.unavailable` naming the host and what
  /// to do.
  package init(_ endpoint: Endpoint, tls settings: TLSSettings?, timeout: Duration) throws(JobError)
  {
    let deadline = Deadline(after: timeout)
    socket = try Socket.connect(to: endpoint, deadline: deadline)
    guard let settings else {
      tls = nil
      return
    }
    let session = try TLSSession(settings, socket: socket)
    tls = session
    while true {
      switch session.handshake() {
      case .done: return
      case .wantsRead: try Self.wait(socket, Int16(POLLIN), deadline, "TLS handshake")
      case .wantsWrite: try Self.wait(socket, Int16(POLLOUT), deadline, "TLS handshake")
      case .ended:
        throw JobError(
          .unavailable, step: "TLS handshake", place: socket.endpoint.description,
          "the server closed the connection",
          remedy: "Check that this port speaks TLS and whether it asks for a client certificate"
            + " (source.tls.cert-file, key-file).")
      case .failed(let reason):
        throw JobError(
          .unavailable, step: "TLS handshake", place: socket.endpoint.description, reason,
          remedy: "Check source.tls (ca-file, server-name, cert-file) and the server's certificate."
        )
      }
    }
  }

  package func close() { socket.close() }

  private static func wait(_ socket: Socket, _ events: Int16, _ deadline: Deadline, _ step: String)
    throws(JobError)
  {
    guard socket.wait(for: events, deadline) else {
      try Interruption.check(step)
      throw JobError(
        .unavailable, step: step, place: socket.endpoint.description, "no answer in time",
        remedy: "Check the server's load and the timeouts in the configuration.")
    }
  }

  private func lost(_ step: String, _ reason: String) -> JobError {
    JobError(
      .unavailable, step: step, place: peer, "the connection is lost: \(reason)",
      remedy: "Look into the server's log; the job can simply be run again.")
  }

  package func read(into buffer: inout [UInt8], from offset: Int, deadline: Deadline)
    throws(JobError)
    -> Int
  {
    precondition(offset < buffer.count)
    while true {
      var events = Int16(POLLIN)
      let count = unsafe buffer.withUnsafeMutableBytes { all -> Int in
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: all[offset...])
        guard let tls else { return unsafe socket.receive(into: room) }
        switch unsafe tls.read(into: room) {
        case .done(let count): return count
        case .ended: return 0
        case .wantsRead: errno = EAGAIN
        case .wantsWrite:
          events = Int16(POLLOUT)
          errno = EAGAIN
        case .failed: errno = EIO
        }
        return -1
      }
      if count >= 0 { return count }
      switch errno {
      case EINTR: continue
      case EAGAIN: try Self.wait(socket, events, deadline, "read")
      case ECONNRESET, EPIPE: return 0
      default: throw unsafe lost("read", String(cString: strerror(errno)))
      }
    }
  }

  package func write(_ bytes: [UInt8], deadline: Deadline) throws(JobError) {
    var sent = 0
    while sent < bytes.count {
      var events = Int16(POLLOUT)
      let count = unsafe bytes.withUnsafeBytes { all -> Int in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: all[sent...])
        guard let tls else { return unsafe socket.transmit(rest) }
        switch unsafe tls.write(rest) {
        case .done(let count): return count
        case .wantsRead:
          events = Int16(POLLIN)
          errno = EAGAIN
        case .wantsWrite: errno = EAGAIN
        case .ended: errno = EPIPE
        case .failed: errno = EIO
        }
        return -1
      }
      if count >= 0 {
        sent += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: try Self.wait(socket, events, deadline, "write")
      default: throw unsafe lost("write", String(cString: strerror(errno)))
      }
    }
  }
}
