/// How TLS is spoken: version 1.2 or newer always, the peer verified unless that is switched off by
/// name.
public struct TLSSettings: Sendable, Equatable {
  /// A file of trusted certificates (PEM). Without it, those of the system are trusted.
  public var caFile: String?
  /// A directory of trusted certificates with OpenSSL's hashed names.
  public var caDirectory: String?
  /// The client's certificate chain (PEM).
  public var certificateFile: String?
  /// The private key of that certificate (PEM).
  public var keyFile: String?
  /// The name that is sent as SNI and that the certificate must carry; without it, the host that is
  /// connected to.
  public var serverName: String?
  /// Whether the peer's chain and name are verified. Off is for tests only.
  public var verifiesPeer: Bool

  /// Settings with the system's trust and verification on.
  public init(
    caFile: String? = nil, caDirectory: String? = nil, certificateFile: String? = nil,
    keyFile: String? = nil, serverName: String? = nil, verifiesPeer: Bool = true
  ) {
    self.caFile = caFile
    self.caDirectory = caDirectory
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.serverName = serverName
    self.verifiesPeer = verifiesPeer
  }
}
