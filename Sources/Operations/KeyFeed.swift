internal import Bytes
public import RDB

/// Leads the selected keys of a dump to something that takes them.
public struct KeyFeed: ~Copyable {
  /// Which keys.
  public let selection: KeySelection
  /// Keys, and hash fields, whose time lies before this moment (ms since 1970) are left out, as a
  /// master does when it loads; nil for none.
  public let expiredBefore: Int64?
  private var decoder: ValueDecoder?

  /// A feed of the keys that `selection` names.
  public init(_ selection: KeySelection = KeySelection(), expiredBefore: Int64? = nil) {
    self.selection = selection
    self.expiredBefore = expiredBefore
  }

  /// Whether the current key of `reader` passes, as far as its header tells. Inlined, since a call
  /// would copy this whole struct.
  @inline(__always) public func passes(_ key: KeyHeader) -> Bool {
    if let limit = expiredBefore, let time = key.expiresAt, time < limit { return false }
    return selection.isEverything || selection.matches(key)
  }

  /// Gives the current key of `reader` to `sink`, when it passes.
  ///
  /// - Returns: whether it passed.
  /// - Throws: `RDBError`; the sink has then seen a beginning without an end.
  public mutating func feed<Sink: ValueSink & ~Copyable>(
    _ reader: inout RDBReader, into sink: inout Sink
  ) throws(RDBError) -> Bool {
    guard passes(reader.key) else { return false }
    if selection.minimumSize > 0 { return try feedLarge(&reader, into: &sink) }
    if expiredBefore != nil, reader.key.type.logical == .hash {
      return try feedFields(&reader, into: &sink)
    }
    try reader.drain(into: &sink)
    return true
  }

  /// A hash of which fields may be left out; one that loses all of them does not exist.
  private func feedFields<Sink: ValueSink & ~Copyable>(
    _ reader: inout RDBReader, into sink: inout Sink
  ) throws(RDBError) -> Bool {
    let description = reader.description()
    let limit = expiredBefore ?? .min
    var begun = false
    var dropped = false
    var element = ValueElement()
    while try reader.nextElement(&element) {
      if element.expiresAt != ValueElement.never && element.expiresAt < limit {
        dropped = true
        continue
      }
      if !begun { sink.begin(description) }
      begun = true
      sink.element(&element)
    }
    if !begun && !dropped {
      sink.begin(description)
      begun = true
    }
    if begun { sink.end() }
    return begun
  }

  /// The size of a value is known once it was passed, so it is taken raw first.
  private mutating func feedLarge<Sink: ValueSink & ~Copyable>(
    _ reader: inout RDBReader, into sink: inout Sink
  ) throws(RDBError) -> Bool {
    let key = reader.key
    let from = key.valueOffset
    let raw = try reader.rawValue()
    guard selection.matches(size: raw.count) else { return false }
    var inner = decoder.take() ?? ValueDecoder(dialect: reader.header.dialect)
    if key.type == .templateListpackRef || key.type == .templateArrayRef {
      inner.templates = reader.hashTemplates
    }
    inner.begin(key, raw)
    do throws(RDBError) {
      if expiredBefore != nil, key.type.logical == .hash {
        _ = try feedFields(&inner.reader, into: &sink)
      } else {
        try inner.reader.drain(into: &sink)
      }
    } catch {
      // Offsets inside the value become offsets in the file.
      throw RDBError(error.kind, at: from + error.offset, while: error.activity)
    }
    decoder = consume inner
    return true
  }
}
