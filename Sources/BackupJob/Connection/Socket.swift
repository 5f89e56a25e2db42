internal import Dispatch
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// A connected, non-blocking stream socket that waits with `poll`, so that nothing here lasts
/// longer than its deadline.
///
/// Owned by one thread at a time; `close` may be called twice.
final class Socket {
  /// Where it leads, for messages.
  let endpoint: Endpoint
  private(set) var descriptor: Int32

  private init(_ descriptor: Int32, _ endpoint: Endpoint) {
    self.descriptor = descriptor
    self.endpoint = endpoint
  }

  deinit { close() }

  /// Closes the socket.
  func close() {
    guard descriptor >= 0 else { return }
    shutdown(descriptor, Int32(SHUT_RDWR))
    #if canImport(Glibc)
      _ = Glibc.close(descriptor)
    #else
      _ = Darwin.close(descriptor)
    #endif
    descriptor = -1
  }

  /// Connects; a host with several addresses is tried at each, in the resolver's order.
  static func connect(to endpoint: Endpoint, deadline: Deadline) throws(JobError) -> Socket {
    switch endpoint {
    case .unix(let path):
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      let room = MemoryLayout.size(ofValue: address.sun_path)
      guard path.utf8.count < room else {
        throw JobError(
          .usage, step: "connect", place: path,
          "the path of a unix socket has at most \(room - 1) bytes",
          remedy: "Use a shorter path.")
      }
      unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
      let length = socklen_t(MemoryLayout<sockaddr_un>.size)
      return try unsafe withUnsafePointer(to: &address) { pointer throws(JobError) in
        try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          raw throws(JobError) in
          try unsafe connect(endpoint, family: AF_UNIX, raw, length, deadline)
        }
      }
    case .tcp(let host, let port):
      let addresses = try resolve(host, port, endpoint, deadline)
      var last: JobError?
      for address in addresses {
        var bytes = address.bytes
        let length = socklen_t(bytes.count)
        do throws(JobError) {
          return try unsafe Self.withRebound(&bytes) { raw throws(JobError) in
            try unsafe connect(endpoint, family: address.family, raw, length, deadline)
          }
        } catch {
          last = error
        }
      }
      throw last ?? unreachable(endpoint, "the name has no address")
    }
  }

  private static func withRebound<R>(
    _ bytes: inout [UInt8], _ body: (UnsafePointer<sockaddr>) throws(JobError) -> R
  ) throws(JobError) -> R {
    var storage = sockaddr_storage()
    unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyBytes(from: bytes) }
    return try unsafe withUnsafePointer(to: &storage) { pointer throws(JobError) in
      try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw throws(JobError) in
        try unsafe body(raw)
      }
    }
  }

  private static func unreachable(_ endpoint: Endpoint, _ what: String) -> JobError {
    JobError(
      .unavailable, step: "connect", place: endpoint.description, what,
      remedy: "Check that the server runs there and that the network and firewall allow it.")
  }

  private static func connect(
    _ endpoint: Endpoint, family: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t,
    _ deadline: Deadline
  ) throws(JobError) -> Socket {
    #if canImport(Glibc)
      let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    #else
      let descriptor = socket(family, SOCK_STREAM, 0)
    #endif
    guard descriptor >= 0 else {
      throw Files.failure(errno, step: "socket", path: endpoint.description)
    }
    let connected = Socket(descriptor, endpoint)
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    if family != AF_UNIX {
      var on: Int32 = 1
      unsafe setsockopt(
        descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
      unsafe setsockopt(
        descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<Int32>.size))
    }
    #if canImport(Glibc)
      let result = unsafe Glibc.connect(descriptor, address, length)
    #else
      let result = unsafe Darwin.connect(descriptor, address, length)
    #endif
    if result != 0 {
      guard errno == EINPROGRESS || errno == EINTR || errno == EAGAIN else {
        throw unsafe unreachable(endpoint, String(cString: strerror(errno)))
      }
      guard connected.wait(for: Int16(POLLOUT), deadline) else {
        throw unreachable(endpoint, "no answer to the connection attempt in time")
      }
      var code: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
      guard code == 0 else { throw unsafe unreachable(endpoint, String(cString: strerror(code))) }
    }
    return connected
  }

  private struct Address: Sendable {
    var family: Int32
    var bytes: [UInt8]
  }

  /// Looks a name up on another thread, since the resolver has no deadline of its own.
  private static func resolve(
    _ host: String, _ port: UInt16, _ endpoint: Endpoint, _ deadline: Deadline
  ) throws(JobError) -> [Address] {
    final class Answer: Sendable {
      let result = Mutex<(code: Int32, addresses: [Address])?>(nil)
      let done = DispatchSemaphore(value: 0)
    }
    let answer = Answer()
    DispatchQueue.global().async {
      var hints = unsafe addrinfo()
      #if canImport(Glibc)
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
      #else
        unsafe hints.ai_socktype = SOCK_STREAM
      #endif
      var list: UnsafeMutablePointer<addrinfo>?
      let code = unsafe getaddrinfo(host, String(port), &hints, &list)
      var addresses: [Address] = []
      var next = unsafe list
      while let item = unsafe next {
        let raw = unsafe UnsafeRawBufferPointer(
          start: item.pointee.ai_addr, count: Int(item.pointee.ai_addrlen))
        unsafe addresses.append(Address(family: item.pointee.ai_family, bytes: Array(raw)))
        unsafe next = unsafe item.pointee.ai_next
      }
      if unsafe list != nil { unsafe freeaddrinfo(list) }
      answer.result.withLock { $0 = (code, addresses) }
      answer.done.signal()
    }
    guard
      answer.done.wait(timeout: .now() + .milliseconds(Int(deadline.millisecondsLeft))) == .success,
      let result = answer.result.withLock({ $0 })
    else { throw unreachable(endpoint, "the name server gave no answer in time") }
    guard result.code == 0 else {
      throw unsafe unreachable(
        endpoint, "the name is not known (\(String(cString: gai_strerror(result.code))))")
    }
    return result.addresses
  }

  /// Waits until the socket can be read or written; false when the deadline passes first.
  func wait(for events: Int16, _ deadline: Deadline) -> Bool {
    while true {
      var item = pollfd(fd: descriptor, events: events, revents: 0)
      // Short waits, so that a request to end the process is seen.
      let wait = min(deadline.millisecondsLeft, 250)
      let count = unsafe poll(&item, 1, wait)
      if count > 0 { return true }
      if Interruption.isRequested { return false }
      if count == 0 {
        if deadline.hasPassed { return false }
        continue
      }
      if errno != EINTR { return true }
    }
  }

  /// Reads without waiting: the count, 0 at the end, or nil and `errno` when there is nothing now.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
  }

  /// Writes without waiting.
  func transmit(_ buffer: UnsafeRawBufferPointer) -> Int {
    #if canImport(Glibc)
      unsafe send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
    #else
      unsafe send(descriptor, buffer.baseAddress, buffer.count, 0)
    #endif
  }
}
