/// Commands that the replay knows and refuses: what they make can't be told from the log, or is of
/// a type that only its module understands. A log that holds one can't be replayed past it; what
/// needs no state (`undo`, `cut`, `log`, `check`) works on it.
package enum UnsupportedCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("VADD", arity: -5, .unsupported(.vectorSet)),
    CommandEntry("VREM", arity: 3, .unsupported(.vectorSet)),
    CommandEntry("VSETATTR", arity: 4, .unsupported(.vectorSet)),
    CommandEntry("GCRA", arity: -5, .unsupported(.rateLimiter)),
    CommandEntry("GCRASETVALUE", arity: 3, .unsupported(.rateLimiter)),
    CommandEntry("HIMPORT", arity: -2, .unsupported(.sessionOfClient)),
    CommandEntry("XREADGROUP", arity: -7, .unsupported(.deliveryTime)),
    CommandEntry("EXPIREMEMBER", arity: -4, .unsupported(.keyDB)),
    CommandEntry("EXPIREMEMBERAT", arity: 4, .unsupported(.keyDB)),
    CommandEntry("PEXPIREMEMBERAT", arity: 4, .unsupported(.keyDB)),
    CommandEntry("KEYDB.CRON", arity: -5, .unsupported(.keyDB)),
  ]
}

/// Why a known command can't be replayed.
package enum UnsupportedReason: UInt8, Sendable {
  /// The values of vector sets belong to a module; commands on them need its arithmetic.
  case vectorSet
  /// Redis held the type back from its releases, and its form is not known.
  case rateLimiter
  /// The command refers to what its client prepared before (field sets of HIMPORT). No server logs
  /// it: the log has a RESTORE in its place.
  case sessionOfClient
  /// What is delivered is marked with the time of the delivery. No server logs it: the log has
  /// XCLAIM and XGROUP SETID in its place.
  case deliveryTime
  /// KeyDB's own: times to live of members, scheduled scripts.
  case keyDB
}
