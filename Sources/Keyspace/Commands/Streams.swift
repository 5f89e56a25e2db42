internal import AOF
internal import Bytes
internal import RDB

/// Streams: entries. Groups are in `Streams+Groups.swift`, claiming in `Streams+Claims.swift`,
/// what Redis 8 added to deletion and producers in `Streams+Redis8.swift`.
package enum StreamCommands {
  package static let table: [CommandEntry] = [
    CommandEntry("XADD", arity: -5, .key(xadd)),
    CommandEntry("XDEL", arity: -3, .key(xdel)),
    CommandEntry("XTRIM", arity: -4, .key(xtrim)),
    CommandEntry("XSETID", arity: -3, .key(xsetid)),
    CommandEntry("XGROUP", arity: -2, .keyspace(xgroup)),
    CommandEntry("XACK", arity: -4, .key(xack)),
    CommandEntry("XCLAIM", arity: -6, .key(xclaim)),
    CommandEntry("XAUTOCLAIM", arity: -6, .key(xautoclaim)),
    CommandEntry("XDELEX", arity: -5, .key(xdelex)),
    CommandEntry("XACKDEL", arity: -6, .key(xackdel)),
    CommandEntry("XNACK", arity: -7, .key(xnack)),
    CommandEntry("XCFGSET", arity: -2, .key(xcfgset)),
    CommandEntry("XIDMPRECORD", arity: 5, .key(xidmprecord)),
  ]

  /// What becomes of references in groups when an entry goes (Redis 8.2+).
  enum References {
    case keep
    case delete
    case onlyAcknowledged
  }

  /// What MAXLEN and MINID ask for.
  enum Trim {
    case length(Int64)
    case id(StreamID)
  }

  /// What stands between the key and the id of XADD, or behind the key of XTRIM.
  struct Options {
    var trim: Trim?
    var approximate = false
    var references = References.keep
    var createsStream = true
    var producer: ByteSlice?
    var messageID: ByteSlice?
    var automaticID = false
  }

  /// `XADD key [NOMKSTREAM] [KEEPREF|DELREF|ACKED] [IDMP producer id|IDMPAUTO producer]
  /// [MAXLEN|MINID [=|~] threshold [LIMIT n]] id field value …`
  ///
  /// Servers log the id that was given. `*` stands only where an idempotent message came twice
  /// (Redis 8.6+): no new entry. `~` never stands in a server's log; its effect depends on how the
  /// server packs entries, and nothing is trimmed for it.
  @Sendable
  static func xadd(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let (options, at) = try options(a, from: 2, adding: true)
    guard at < a.count, (a.count - at) % 2 == 1, a.count - at >= 3 else { throw .syntax }
    let given = a[at]
    if options.producer != nil, given.equals("*") {
      if let stream = try state.stream() { stream.idempotencyDuplicates += 1 }
      return .unchanged
    }
    guard !given.equals("*") else { throw .notReproducible }
    let before = try state.stream()
    let id: StreamID
    if given.count > 2, given[given.count - 1] == 0x2A, given[given.count - 2] == 0x2D {
      guard let ms = DecimalText.unsigned(given.prefix(given.count - 2)) else { throw .invalidID }
      let last = before?.lastID ?? .zero
      id = StreamID(ms: UInt64(ms), seq: UInt64(ms) == last.ms ? last.seq &+ 1 : 0)
    } else {
      id = try streamID(given, missing: 0)
    }
    guard id != .zero else { throw .invalidID }
    if !options.createsStream && before == nil { return .unchanged }
    guard id > before?.lastID ?? .zero else { throw .invalidID }
    let words = context.pack(a, from: at + 1)
    guard let stream = try state.stream(creating: true) else { return .unchanged }
    stream.add(StreamEntry(id: id, words: words))
    stream.lastID = id
    stream.entriesAdded &+= 1
    if let producer = options.producer {
      remember(options.messageID, of: producer, made: id, in: stream, context)
    }
    if let trim = options.trim, !options.approximate {
      self.trim(stream, trim, options.references)
    }
    return .changed
  }

  /// `XDEL key id …`
  @Sendable
  static func xdel(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    guard let stream = try state.stream() else { return .unchanged }
    for index in 2..<a.count { _ = try streamID(a[index], missing: 0) }
    var effect = Effect.unchanged
    for index in 2..<a.count {
      if delete(try streamID(a[index], missing: 0), from: stream) { effect = .changed }
    }
    return effect
  }

  /// Deletes an entry as clients do, which is remembered as the highest deleted id.
  static func delete(_ id: StreamID, from stream: StreamValue) -> Bool {
    guard stream.remove(id) else { return false }
    stream.maxDeletedID = max(stream.maxDeletedID, id)
    return true
  }

  /// `XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT n] [KEEPREF|DELREF|ACKED]`
  @Sendable
  static func xtrim(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let (options, end) = try options(a, from: 2, adding: false)
    guard end == a.count, let trim = options.trim else { throw .syntax }
    guard let stream = try state.stream(), !options.approximate else { return .unchanged }
    return self.trim(stream, trim, options.references) ? .changed : .unchanged
  }

  /// Removes the oldest entries; unlike deletion this leaves the highest deleted id as it is.
  @discardableResult
  static func trim(_ stream: StreamValue, _ trim: Trim, _ references: References) -> Bool {
    var goes: Int
    switch trim {
    case .length(let most): goes = max(0, stream.count - Int(clamping: most))
    case .id(let least):
      goes = stream.entries.rank(stream.entries.firstPlace { !($0.id < least) })
    }
    guard goes > 0 else { return false }
    switch references {
    case .keep: stream.removeFirst(goes)
    case .delete:
      var gone: [StreamID] = []
      stream.removeFirst(goes) { gone.append($0) }
      for id in gone { removeReferences(to: id, in: stream) }
    case .onlyAcknowledged:
      var ids: [StreamID] = []
      var place = stream.entries.place(0)
      let candidates: Int =
        switch trim {
        case .length: stream.count
        case .id: goes
        }
      for _ in 0..<candidates where goes > 0 {
        let id = stream.entries[place].id
        if !isReferenced(id, in: stream) {
          ids.append(id)
          goes -= 1
        }
        place = stream.entries.after(place)
      }
      for id in ids { _ = stream.remove(id) }
      return !ids.isEmpty
    }
    return true
  }

  /// `XSETID key id [ENTRIESADDED n] [MAXDELETEDID id]`
  @Sendable
  static func xsetid(
    _ a: Arguments, _ state: inout KeyState, _ context: Context
  ) throws(CommandFault) -> Effect {
    let id = try streamID(a[2], missing: 0)
    var added: UInt64?
    var deleted = StreamID.zero
    var at = 3
    while at < a.count {
      if a.isOption(at, "ENTRIESADDED"), at + 1 < a.count {
        let count = try a.integer(at: at + 1)
        guard count >= 0 else { throw .outOfRange }
        added = UInt64(count)
      } else if a.isOption(at, "MAXDELETEDID"), at + 1 < a.count {
        deleted = try streamID(a[at + 1], missing: 0)
        guard deleted <= id else { throw .invalidID }
      } else {
        throw .syntax
      }
      at += 2
    }
    guard let stream = try state.stream() else { throw .noSuchKey }
    guard id >= stream.maxDeletedID else { throw .invalidID }
    if let top = stream.entries.last {
      guard id >= top.id else { throw .invalidID }
      if let added, added < UInt64(stream.count) { throw .outOfRange }
    }
    stream.lastID = id
    if let added { stream.entriesAdded = added }
    if deleted != .zero { stream.maxDeletedID = deleted }
    return .changed
  }

  // MARK: - Words

  /// The options of XADD and XTRIM from word `start` on, and the first word behind them.
  static func options(
    _ a: Arguments, from start: Int, adding: Bool
  ) throws(CommandFault) -> (Options, Int) {
    var options = Options()
    var at = start
    while at < a.count {
      if a.isOption(at, "MAXLEN") || a.isOption(at, "MINID") {
        let byLength = a.isOption(at, "MAXLEN")
        at += 1
        if at + 1 < a.count, a[at].equals("~") {
          options.approximate = true
          at += 1
        } else if at + 1 < a.count, a[at].equals("=") {
          at += 1
        }
        guard at < a.count else { throw .syntax }
        if byLength {
          let most = try a.integer(at: at)
          guard most >= 0 else { throw .outOfRange }
          options.trim = .length(most)
        } else {
          options.trim = .id(try streamID(a[at], missing: 0))
        }
      } else if a.isOption(at, "LIMIT"), at + 1 < a.count {
        // Only a client's: the loader ignores it, since the threshold tells what really went.
        guard try a.integer(at: at + 1) >= 0 else { throw .outOfRange }
        at += 1
      } else if a.isOption(at, "KEEPREF") {
        options.references = .keep
      } else if a.isOption(at, "DELREF") {
        options.references = .delete
      } else if a.isOption(at, "ACKED") {
        options.references = .onlyAcknowledged
      } else if adding, a.isOption(at, "NOMKSTREAM") {
        options.createsStream = false
      } else if adding, a.isOption(at, "IDMP"), at + 2 < a.count {
        options.producer = a[at + 1]
        options.messageID = a[at + 2]
        at += 2
      } else if adding, a.isOption(at, "IDMPAUTO"), at + 1 < a.count {
        options.producer = a[at + 1]
        options.automaticID = true
        at += 1
      } else {
        break
      }
      at += 1
    }
    return (options, at)
  }

  /// An id: `ms-seq`, or `ms`, which stands for the sequence number `missing`.
  static func streamID(_ text: ByteSlice, missing: UInt64) throws(CommandFault) -> StreamID {
    guard let dash = text.firstIndex(of: 0x2D) else {
      return StreamID(ms: try number(text), seq: missing)
    }
    return StreamID(
      ms: try number(text.prefix(dash)), seq: try number(text.dropFirst(dash + 1)))
  }

  /// The start of a range: an id, `-` or `+`, or `(` before an id that is left out.
  static func rangeStart(_ text: ByteSlice) throws(CommandFault) -> StreamID {
    if text.equals("-") { return .zero }
    if text.equals("+") { return .max }
    guard !text.isEmpty, text[0] == 0x28 else { return try streamID(text, missing: 0) }
    let id = try streamID(text.dropFirst(1), missing: 0)
    guard id != .max else { throw .invalidID }
    return id.seq == .max
      ? StreamID(ms: id.ms + 1, seq: 0) : StreamID(ms: id.ms, seq: id.seq + 1)
  }

  private static func number(_ text: ByteSlice) throws(CommandFault) -> UInt64 {
    guard text.count > 0, text.count <= 20 else { throw .invalidID }
    var value: UInt64 = 0
    for index in 0..<text.count {
      guard ASCII.isDigit(text[index]) else { throw .invalidID }
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(UInt64(text[index] - 0x30))
      guard !overflow, !carry else { throw .invalidID }
      value = sum
    }
    return value
  }
}
