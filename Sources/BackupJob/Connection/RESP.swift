// RESP2, the protocol of Redis servers:
// https://redis.io/docs/latest/develop/reference/protocol-spec/
//
//   +text\r\n          simple string          -text\r\n       error
//   :number\r\n        integer                $n\r\n…\r\n     bulk string, $-1 is null
//   *n\r\n…            array, *-1 is null
//
// Nothing the peer says is trusted: lines have at most 64 KiB, bulk strings at most
// `RESPReader.bulkLimit`, arrays are built as their elements arrive and nest at most eight deep.

/// One reply of a server.
package enum RESPValue: Sendable, Equatable {
  case simple(String)
  case error(String)
  case integer(Int64)
  case bulk([UInt8])
  case array([RESPValue])
  case null

  /// The text of a simple or bulk string, or the digits of an integer.
  package var text: String? {
    switch self {
    case .simple(let text): text
    case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
    case .integer(let number): String(number)
    default: nil
    }
  }

  /// The number of an integer, or of text that is one.
  package var number: Int64? {
    if case .integer(let number) = self { return number }
    return text.flatMap { Int64($0) }
  }

  /// The elements of an array.
  package var elements: [RESPValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// A flat array of names and values (`SENTINEL REPLICAS`, `CONFIG GET`) as a table.
  package var table: [String: String]? {
    guard let elements, elements.count % 2 == 0 else { return nil }
    var table: [String: String] = [:]
    for index in stride(from: 0, to: elements.count, by: 2) {
      guard let name = elements[index].text else { return nil }
      table[name] = elements[index + 1].text ?? ""
    }
    return table
  }
}

/// Reads replies from a transport through one buffer; what follows a reply (the payload of PSYNC)
/// can be taken raw.
package final class RESPReader {
  /// The largest bulk string that is accepted as a reply.
  package static let bulkLimit = 64 << 20

  private let transport: any ByteTransport
  private var buffer: [UInt8]
  private var start = 0
  private var end = 0

  package init(_ transport: any ByteTransport, capacity: Int = 64 << 10) {
    self.transport = transport
    buffer = [UInt8](repeating: 0, count: capacity)
  }

  private func bad(_ what: String) -> JobError {
    JobError(
      .unavailable, step: "read reply", place: transport.peer, what,
      remedy: "Check that a Redis or Valkey server answers at this port.")
  }

  /// Gets more bytes into the buffer; throws at the end of the connection.
  private func fill(_ deadline: Deadline) throws(JobError) {
    if start == end {
      start = 0
      end = 0
    } else if end == buffer.count {
      if start > 0 {
        buffer.removeSubrange(..<start)
        buffer.append(contentsOf: repeatElement(0, count: start))
        end -= start
        start = 0
      } else {
        buffer.append(contentsOf: repeatElement(0, count: buffer.count))
      }
    }
    let count = try transport.read(into: &buffer, from: end, deadline: deadline)
    guard count > 0 else {
      throw JobError(
        .unavailable, step: "read reply", place: transport.peer, "the server closed the connection",
        remedy: "Look into the server's log.")
    }
    end += count
  }

  /// The next line without its line end.
  package func line(_ deadline: Deadline) throws(JobError) -> [UInt8] {
    var scanned = start
    while true {
      if let newline = buffer[scanned..<end].firstIndex(of: 0x0A) {
        var stop = newline
        if stop > start, buffer[stop - 1] == 0x0D { stop -= 1 }
        let line = Array(buffer[start..<stop])
        start = newline + 1
        return line
      }
      let seen = end - start
      guard seen < 64 << 10 else { throw bad("a line of more than 64 KiB") }
      try fill(deadline)
      scanned = start + seen
    }
  }

  /// The next reply.
  package func reply(_ deadline: Deadline) throws(JobError) -> RESPValue {
    try reply(deadline, depth: 0)
  }

  private func reply(_ deadline: Deadline, depth: Int) throws(JobError) -> RESPValue {
    guard depth < 8 else { throw bad("a reply that nests deeper than eight arrays") }
    let line = try line(deadline)
    guard let kind = line.first else { throw bad("an empty line instead of a reply") }
    let text = String(decoding: line.dropFirst(), as: UTF8.self)
    switch kind {
    case UInt8(ascii: "+"): return .simple(text)
    case UInt8(ascii: "-"): return .error(text)
    case UInt8(ascii: ":"):
      guard let number = Int64(text) else { throw bad("an integer that is none") }
      return .integer(number)
    case UInt8(ascii: "$"):
      guard let length = Int(text), length >= -1, length <= Self.bulkLimit else {
        throw bad("a string with an impossible length")
      }
      guard length >= 0 else { return .null }
      let bytes = try exactly(length, deadline)
      guard try exactly(2, deadline) == [0x0D, 0x0A] else {
        throw bad("a string without its line end")
      }
      return .bulk(bytes)
    case UInt8(ascii: "*"):
      guard let count = Int(text), count >= -1 else {
        throw bad("an array with an impossible length")
      }
      guard count >= 0 else { return .null }
      var elements: [RESPValue] = []
      while elements.count < count { elements.append(try reply(deadline, depth: depth + 1)) }
      return .array(elements)
    default: throw bad("a reply that begins with byte \(kind)")
    }
  }

  /// The next `count` bytes, whatever they are; memory grows with what arrives, not with `count`.
  package func exactly(_ count: Int, _ deadline: Deadline) throws(JobError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      if start == end { try fill(deadline) }
      let take = min(count - bytes.count, end - start)
      bytes += buffer[start..<start + take]
      start += take
    }
    return bytes
  }

  /// Hands out bytes that were read already, else reads from the transport, into
  /// `target[offset...]`; returns 0 at the end of the connection.
  package func readRaw(into target: inout [UInt8], from offset: Int, deadline: Deadline)
    throws(JobError) -> Int
  {
    if start < end {
      let take = min(target.count - offset, end - start)
      target.replaceSubrange(offset..<offset + take, with: buffer[start..<start + take])
      start += take
      return take
    }
    return try transport.read(into: &target, from: offset, deadline: deadline)
  }
}
