public import AOF
public import Bytes
public import RDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Which exit code an error leads to; the table is in the contract of the command line.
extension ToolError {
  /// How the program ends.
  public var status: ToolStatus {
    switch cause {
    case .system(let error): ToolError.status(of: error, role)
    case .rdb(let error): ToolError.status(of: error)
    case .aof(let error): ToolError.status(of: error)
    case .manifest: .badData
    case .refused(let status, _): status
    }
  }

  /// The status of a failed call on a file of that role.
  public static func status(of error: SystemError, _ role: Role) -> ToolStatus {
    switch error.code {
    case EACCES, EPERM: return .noPermission
    case EEXIST, ENOTEMPTY: return .cannotCreate
    case EAGAIN, EBUSY, ETXTBSY: return .tryAgain
    case ENOSPC, EDQUOT, EFBIG, EIO, EPIPE: return .ioError
    case ECONNREFUSED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH: return .unavailable
    case EILSEQ where error.call == .inflate: return .badData
    case ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP, ENXIO:
      return role == .input ? .noInput : .cannotCreate
    case EISDIR: return role == .input ? .badData : .cannotCreate
    case EROFS: return .cannotCreate
    default:
      switch error.call {
      case .open, .mkdir, .link, .rename: return role == .input ? .ioError : .cannotCreate
      default: return .ioError
      }
    }
  }

  /// The status of a dump that can't be read on.
  public static func status(of error: RDBError) -> ToolStatus {
    if case .unreadable(let system) = error.kind { return status(of: system, .input) }
    return .badData
  }

  /// The status of an AOF that can't be read on.
  public static func status(of error: AOFError) -> ToolStatus {
    if case .system(let system) = error.kind { return status(of: system, .input) }
    return .badData
  }
}
