// How servers are named.
//
//   redis://[user[:password]@]host[:port]              plain TCP, port 6379
//   rediss://[user[:password]@]host[:port]             TLS
//   unix://[user[:password]@]/path/to/socket           unix socket
//   redis-sentinel://[user[:password]@]h1[:p1],h2,…/master[?tls=yes]   Sentinels, port 26379
//
// User and password in a Sentinel URL are those of the Redis nodes. A `/db` after the host is
// accepted and has no meaning for a backup. IPv6 addresses stand in brackets. `%XX` is decoded in
// user, password and path.

/// Where a socket connects to.
public enum Endpoint: Sendable, Hashable, CustomStringConvertible {
  /// A host name or address with a port.
  case tcp(host: String, port: UInt16)
  /// A unix socket in the file system.
  case unix(path: String)

  /// `host:port`, `[v6]:port`, or the socket's path.
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): path
    }
  }

  /// Reads `host`, `host:port` or `[v6]:port`; nil when the port is no number from 1 to 65535.
  package init?(hostAndPort text: Substring, defaultPort: UInt16) {
    var host = text
    var port = defaultPort
    if text.first == "[" {
      guard let close = text.firstIndex(of: "]") else { return nil }
      host = text[text.index(after: text.startIndex)..<close]
      let rest = text[text.index(after: close)...]
      if !rest.isEmpty {
        guard rest.first == ":", let number = UInt16(rest.dropFirst()), number > 0 else {
          return nil
        }
        port = number
      }
    } else if let colon = text.lastIndex(of: ":") {
      guard let number = UInt16(text[text.index(after: colon)...]), number > 0 else { return nil }
      host = text[..<colon]
      port = number
    }
    guard !host.isEmpty, !host.contains(where: { " /@?#\r\n\0".contains($0) }) else { return nil }
    self = .tcp(host: String(host), port: port)
  }
}

/// The URL of a server, or of the Sentinels that know it.
public struct ServerURL: Sendable, Equatable {
  /// What the URL leads to.
  public enum Target: Sendable, Equatable {
    /// One node: a single server, or any node of a cluster.
    case node(Endpoint)
    /// Sentinels in the order they are asked, and the name of the master they watch.
    case sentinels([Endpoint], master: String)
  }

  /// What the URL leads to.
  public var target: Target
  /// Whether nodes (and Sentinels) are spoken to through TLS.
  public var usesTLS: Bool
  /// The ACL user, when the URL names one.
  public var user: String?
  /// The password, when the URL holds one.
  public var password: Secret?

  /// Reads a URL; throws a `.usage` error that says which part is wrong. The text of the URL is
  /// never repeated in the error, since it may hold a password.
  public init(_ text: String) throws(JobError) {
    func wrong(_ what: String) -> JobError {
      JobError(
        .usage, step: "read URL", place: "source.url", what,
        remedy: "Write redis://host:6379, rediss://host:6379, unix:///path/to/socket"
          + " or redis-sentinel://host1:26379,host2:26379/mastername.")
    }
    guard let schemeEnd = text.firstRange(of: "://") else {
      throw wrong("it has no scheme")
    }
    let scheme = text[..<schemeEnd.lowerBound].lowercased()
    var rest = text[schemeEnd.upperBound...]
    var query: Substring = ""
    if let mark = rest.firstIndex(of: "?") {
      query = rest[rest.index(after: mark)...]
      rest = rest[..<mark]
    }
    if let at = rest.lastIndex(of: "@") {
      let login = rest[..<at]
      rest = rest[rest.index(after: at)...]
      let colon = login.firstIndex(of: ":") ?? login.endIndex
      guard let name = percentDecoded(login[..<colon]),
        let secret = percentDecoded(login[colon...].dropFirst())
      else { throw wrong("a % in the user or password is not followed by two hex digits") }
      if !name.isEmpty { user = name }
      if !secret.isEmpty { password = Secret(secret) }
    }
    usesTLS = scheme == "rediss" || query.split(separator: "&").contains("tls=yes")
    switch scheme {
    case "redis", "rediss":
      let host = rest.prefix { $0 != "/" }
      guard let endpoint = Endpoint(hostAndPort: host, defaultPort: 6379) else {
        throw wrong("the host or port can not be read")
      }
      let database = rest.dropFirst(host.count + 1)
      guard database.allSatisfy(\.isNumber) else {
        throw wrong("what follows the host is no database number")
      }
      target = .node(endpoint)
    case "unix":
      guard let path = percentDecoded(rest), path.first == "/" else {
        throw wrong("the socket's path does not begin with a slash")
      }
      target = .node(.unix(path: path))
    case "redis-sentinel", "rediss-sentinel":
      if scheme == "rediss-sentinel" { usesTLS = true }
      let hosts = rest.prefix { $0 != "/" }
      guard let master = percentDecoded(rest.dropFirst(hosts.count + 1)), !master.isEmpty else {
        throw wrong("the name of the master is missing after the Sentinels' hosts")
      }
      var endpoints: [Endpoint] = []
      for host in hosts.split(separator: ",", omittingEmptySubsequences: false) {
        guard let endpoint = Endpoint(hostAndPort: host, defaultPort: 26379) else {
          throw wrong("the host or port of Sentinel number \(endpoints.count + 1) can not be read")
        }
        endpoints.append(endpoint)
      }
      target = .sentinels(endpoints, master: master)
    default:
      throw wrong("its scheme is none that is known")
    }
  }
}

extension ServerURL: CustomStringConvertible {
  /// The URL without its password.
  public var description: String {
    let login = user.map { "\($0)@" } ?? ""
    switch target {
    case .node(.unix(let path)): return "unix://\(login)\(path)"
    case .node(let endpoint): return "\(usesTLS ? "rediss" : "redis")://\(login)\(endpoint)"
    case .sentinels(let hosts, let master):
      let list = hosts.map(\.description).joined(separator: ",")
      return "redis-sentinel://\(login)\(list)/\(master)\(usesTLS ? "?tls=yes" : "")"
    }
  }
}

/// `text` with each `%XX` replaced by its byte; nil when a `%` stands alone.
private func percentDecoded(_ text: Substring) -> String? {
  var bytes: [UInt8] = []
  var rest = text.utf8[...]
  while let byte = rest.popFirst() {
    guard byte == 0x25 else {
      bytes.append(byte)
      continue
    }
    guard rest.count >= 2,
      let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
    else { return nil }
    bytes.append(value)
    rest = rest.dropFirst(2)
  }
  return String(decoding: bytes, as: UTF8.self)
}
