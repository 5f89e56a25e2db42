internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// One TLS client session over a connected socket, with OpenSSL of the system.
///
/// The unsafe steps are the calls into OpenSSL: `context` and `session` are owned here and freed in
/// `deinit`, and no buffer is kept by OpenSSL beyond a call.
@safe final class TLSSession {
  /// What OpenSSL wants before it can go on.
  enum Outcome {
    case done(Int)
    case wantsRead
    case wantsWrite
    case ended
    case failed(String)
  }

  private let context: OpaquePointer
  private let session: OpaquePointer

  deinit {
    unsafe SSL_free(session)
    unsafe SSL_CTX_free(context)
  }

  /// Prepares a session; the handshake is a step of its own.
  init(_ settings: TLSSettings, socket: Socket) throws(JobError) {
    let place = socket.endpoint.description
    guard let context = unsafe SSL_CTX_new(TLS_client_method()) else {
      throw Self.failure(place, "OpenSSL can not start", "Check the OpenSSL installation.")
    }
    unsafe self.context = context
    guard let session = try unsafe Self.configured(context, settings, socket) else {
      unsafe SSL_CTX_free(context)
      throw Self.failure(place, "OpenSSL can not make a session", "Check the OpenSSL installation.")
    }
    unsafe self.session = session
  }

  private static func failure(_ place: String, _ what: String, _ remedy: String) -> JobError {
    JobError(.unavailable, step: "TLS", place: place, what, remedy: remedy)
  }

  private static func configured(
    _ context: OpaquePointer, _ settings: TLSSettings, _ socket: Socket
  ) throws(JobError) -> OpaquePointer? {
    func unusable(_ file: String, _ what: String) -> JobError {
      unsafe SSL_CTX_free(context)
      return JobError(
        .usage, step: "TLS", place: file, "\(what): \(reason())",
        remedy: "Name a readable PEM file in the configuration.")
    }
    // SSL_CTX_set_min_proto_version is a macro over SSL_CTX_ctrl.
    unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    if settings.caFile != nil || settings.caDirectory != nil {
      guard
        unsafe SSL_CTX_load_verify_locations(context, settings.caFile, settings.caDirectory) == 1
      else {
        throw unusable(
          settings.caFile ?? settings.caDirectory ?? "", "can not read the trusted certificates")
      }
    } else {
      unsafe SSL_CTX_set_default_verify_paths(context)
    }
    if let file = settings.certificateFile {
      guard unsafe SSL_CTX_use_certificate_chain_file(context, file) == 1 else {
        throw unusable(file, "can not read the client certificate")
      }
      let key = settings.keyFile ?? file
      guard unsafe SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1,
        unsafe SSL_CTX_check_private_key(context) == 1
      else { throw unusable(key, "can not use the private key") }
    }
    unsafe SSL_CTX_set_verify(
      context, settings.verifiesPeer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
    guard let session = unsafe SSL_new(context) else { return nil }
    var name = settings.serverName
    if name == nil, case .tcp(let host, _) = socket.endpoint { name = host }
    if let name {
      var v4 = in_addr()
      var v6 = in6_addr()
      let isAddress =
        unsafe inet_pton(AF_INET, name, &v4) == 1 || inet_pton(AF_INET6, name, &v6) == 1
      if isAddress {
        unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name)
      } else {
        // SSL_set_tlsext_host_name is a macro over SSL_ctrl; OpenSSL copies the name.
        var bytes = Array(name.utf8CString)
        unsafe bytes.withUnsafeMutableBytes {
          _ = unsafe SSL_ctrl(
            session, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), $0.baseAddress)
        }
        unsafe SSL_set1_host(session, name)
      }
    }
    unsafe SSL_set_fd(session, socket.descriptor)
    return unsafe session
  }

  /// One step of the handshake.
  func handshake() -> Outcome {
    ERR_clear_error()
    let result = unsafe SSL_connect(session)
    return result == 1 ? .done(0) : outcome(result)
  }

  /// Reads what is there.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
    ERR_clear_error()
    var count = 0
    let result = unsafe SSL_read_ex(session, buffer.baseAddress, buffer.count, &count)
    return result == 1 ? .done(count) : outcome(result)
  }

  /// Writes some of `buffer`.
  func write(_ buffer: UnsafeRawBufferPointer) -> Outcome {
    ERR_clear_error()
    var count = 0
    let result = unsafe SSL_write_ex(session, buffer.baseAddress, buffer.count, &count)
    return result == 1 ? .done(count) : outcome(result)
  }

  private func outcome(_ result: Int32) -> Outcome {
    switch unsafe SSL_get_error(session, result) {
    case SSL_ERROR_WANT_READ: return .wantsRead
    case SSL_ERROR_WANT_WRITE: return .wantsWrite
    case SSL_ERROR_ZERO_RETURN: return .ended
    case SSL_ERROR_SYSCALL where ERR_peek_error() == 0: return .ended
    default:
      let verdict = unsafe SSL_get_verify_result(session)
      if verdict != 0 {
        return unsafe .failed(
          "the server's certificate is refused: \(String(cString: X509_verify_cert_error_string(verdict)))"
        )
      }
      return .failed(Self.reason())
    }
  }

  private static func reason() -> String {
    let code = ERR_get_error()
    guard code != 0, let text = unsafe ERR_reason_error_string(code) else {
      return "unknown reason"
    }
    return unsafe String(cString: text)
  }
}
