/// One HTTP/1.1 request to a health check or Pushgateway; `http://` and `https://` with verified
/// certificates.
package enum HTTPRequest {
  /// Sends a request and returns the status; throws `.unavailable` when there is no answer or it is
  /// not 2xx.
  @discardableResult
  package static func send(
    _ method: String, _ url: String, body: [UInt8] = [], contentType: String = "text/plain",
    timeout: Duration = .seconds(10)
  ) throws(JobError) -> Int {
    let isSecure = url.hasPrefix("https://")
    guard isSecure || url.hasPrefix("http://") else {
      throw JobError(
        .usage, step: method, place: "URL", "it is neither http:// nor https://",
        remedy: "Check the URL.")
    }
    let rest = url.dropFirst(isSecure ? 8 : 7)
    let host = rest.prefix { $0 != "/" && $0 != "?" }
    var path = String(rest.dropFirst(host.count))
    if !path.hasPrefix("/") { path = "/" + path }
    let safe = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    guard safe, let endpoint = Endpoint(hostAndPort: host, defaultPort: isSecure ? 443 : 80) else {
      throw JobError(
        .usage, step: method, place: "URL", "it can not be read", remedy: "Check the URL.")
    }
    let transport = try Transport(endpoint, tls: isSecure ? TLSSettings() : nil, timeout: timeout)
    defer { transport.close() }
    let deadline = Deadline(after: timeout)
    let head =
      "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: redis-backup\r\nConnection: close\r\n"
      + "Content-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n\r\n"
    try transport.write(Array(head.utf8) + body, deadline: deadline)
    let line = String(decoding: try RESPReader(transport).line(deadline), as: UTF8.self)
    let words = line.split(separator: " ")
    guard words.count >= 2, words[0].hasPrefix("HTTP/1"), let status = Int(words[1]) else {
      throw JobError(
        .unavailable, step: method, place: endpoint.description, "the answer is no HTTP",
        remedy: "Check the URL.")
    }
    guard (200..<300).contains(status) else {
      throw JobError(
        .unavailable, step: method, place: endpoint.description, "it answers \(line)",
        remedy: "Check the URL.")
    }
    return status
  }
}
