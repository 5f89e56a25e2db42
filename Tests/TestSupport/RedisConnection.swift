import Foundation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A client of a server on a Unix socket that waits for each reply.
package final class RedisConnection {
  private let descriptor: Int32
  private var received: [UInt8] = []
  private var position = 0

  /// Connects; throws when no server listens.
  package init(socket path: String) throws {
    #if canImport(Glibc)
      let stream = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    #else
      let stream = SOCK_STREAM
    #endif
    let opened = Self.open(type: stream)
    if opened < 0 { throw TestSupportError("no socket", errno: errno) }
    #if !canImport(Glibc)
      _ = fcntl(opened, F_SETFD, FD_CLOEXEC)
    #endif
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = Array(path.utf8)
    precondition(name.count < 104, "the path of the socket is too long: \(path)")
    // SAFETY: the name with its final zero fits into sun_path, and the size given is that of the struct.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
      unsafe field.copyBytes(from: name + [0])
    }
    let connected = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(opened, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    if connected != 0 {
      let code = errno
      Descriptor.close(opened)
      throw TestSupportError("connecting to \(path)", errno: code)
    }
    descriptor = opened
  }

  deinit { Descriptor.close(descriptor) }

  private static func open(type: Int32) -> Int32 { socket(AF_UNIX, type, 0) }

  /// Sends bytes that are whole commands in RESP and reads as many replies.
  package func send(_ bytes: [UInt8], replies count: Int) throws -> [RedisReply] {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = Descriptor.write(descriptor, rest)
      if written < 0 && errno == EINTR { continue }
      if written < 0 { throw TestSupportError("sending to the server", errno: errno) }
      rest = rest.dropFirst(written)
    }
    return try (0..<count).map { _ in try reply() }
  }

  /// Sends one command and gives its reply.
  package func call(_ arguments: [[UInt8]]) throws -> RedisReply {
    try send(Self.encode(arguments), replies: 1)[0]
  }

  /// The bytes of a command in RESP, as they stand in an AOF.
  package static func encode(_ arguments: [[UInt8]]) -> [UInt8] {
    var bytes = Array("*\(arguments.count)\r\n".utf8)
    for argument in arguments {
      bytes += Array("$\(argument.count)\r\n".utf8)
      bytes += argument
      bytes += [0x0d, 0x0a]
    }
    return bytes
  }

  private func reply() throws -> RedisReply {
    let line = try line()
    let text = String(decoding: line.dropFirst(), as: UTF8.self)
    switch line.first {
    case UInt8(ascii: "+"): return .status(text)
    case UInt8(ascii: "-"): return .error(text)
    case UInt8(ascii: ":"): return .integer(try number(text))
    case UInt8(ascii: "$"):
      let count = Int(try number(text))
      if count < 0 { return .bulk(nil) }
      try receive(atLeast: count + 2)
      defer { position += count + 2 }
      return .bulk(Array(received[position..<position + count]))
    case UInt8(ascii: "*"):
      let count = Int(try number(text))
      if count < 0 { return .array(nil) }
      return .array(try (0..<count).map { _ in try reply() })
    default: throw TestSupportError("the server sent no RESP2: \(text)")
    }
  }

  private func number(_ text: String) throws -> Int64 {
    guard let number = Int64(text) else {
      throw TestSupportError("the server sent no number: \(text)")
    }
    return number
  }

  private func line() throws -> [UInt8] {
    var searched = position
    while true {
      if let end = received[searched...].firstIndex(of: 0x0a) {
        defer { position = end + 1 }
        return Array(received[position..<end - 1])
      }
      searched = received.count - position
      try receive(atLeast: searched + 1)
      searched += position
    }
  }

  /// Reads until so many bytes from `position` on are there.
  private func receive(atLeast count: Int) throws {
    if position > 1 << 20 || position == received.count {
      received.removeFirst(position)
      position = 0
    }
    while received.count - position < count {
      let got = Descriptor.read(descriptor, into: &received)
      if got < 0 && errno == EINTR { continue }
      if got < 0 { throw TestSupportError("reading from the server", errno: errno) }
      if got == 0 { throw TestSupportError("the server closed the connection") }
    }
  }
}
