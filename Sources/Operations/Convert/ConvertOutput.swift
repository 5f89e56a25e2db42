internal import Bytes
internal import RDB

/// What ``Convert`` asks of its writers beyond keys.
protocol ConvertOutput: ValueSink, ~Copyable {
  /// Where the bytes go.
  var buffer: OutputBuffer { get set }
  /// What of the key written last the target can't hold.
  var lost: RDBLoss { get }
  /// Whether values written so are taken as their exact bytes.
  func copies(_ type: ValueType) -> Bool
  /// Writes a key from the exact bytes of its value, whose type is one that ``copies(_:)``.
  mutating func write(_ key: KeyHeader, raw: ByteSlice)
  /// Whether strings come as ``string(_:in:)``.
  var takesStrings: Bool { get }
  /// Writes a key that holds a string, which loses nothing.
  mutating func string(_ string: PlainString, in db: Int)
  /// Whether streams need ``prepare(_:)``.
  var wantsStandIns: Bool { get }
  /// What the stream that follows needs.
  mutating func prepare(_ standIns: StandIns)
  /// The state of a log follows, of which no dump tells who made it.
  mutating func beginLog()
  /// Keys of this database follow.
  mutating func select(_ db: Int)
  /// About so many keys follow in the database.
  mutating func sizes(keys: UInt64, expires: UInt64)
  /// A fact about the producer.
  mutating func aux(_ name: ByteSlice, _ text: ByteSlice)
  /// A library of functions.
  ///
  /// - Returns: whether the target has such.
  mutating func function(_ code: ByteSlice) -> Bool
  /// Data of a module that belongs to no key.
  ///
  /// - Returns: whether the target has such.
  mutating func moduleAux(_ raw: ByteSlice) -> Bool
}

extension ConvertOutput where Self: ~Copyable {
  // Writers of dumps copy strings as they are.
  var takesStrings: Bool { false }
  mutating func string(_ string: PlainString, in db: Int) {}
  // Dumps hold pending entries as they are.
  var wantsStandIns: Bool { false }
  mutating func prepare(_ standIns: StandIns) {}
}

/// Writes a dump for some target, with what its producer told of itself.
struct DumpOutput: ConvertOutput, ~Copyable {
  var writer: RDBWriter
  /// Whether an increment of commands follows (the base of a multi-part log).
  let isBase: Bool
  /// Whether what the producer said of its version is true of the output too.
  let keepsVersion: Bool
  /// Whether the output holds all that the input holds, so that its replication id stays true.
  let isWhole: Bool
  private var begun = false
  private var saidVersion = false
  private var saidBase = false

  init(
    taking output: inout OutputBuffer, target: RDBTarget, isBase: Bool, keepsVersion: Bool,
    isWhole: Bool
  ) {
    writer = RDBWriter(taking: &output, target: target)
    self.isBase = isBase
    self.keepsVersion = keepsVersion
    self.isWhole = isWhole
  }

  var buffer: OutputBuffer {
    _read { yield writer.output }
    _modify { yield &writer.output }
  }
  var lost: RDBLoss { writer.loss }
  func copies(_ type: ValueType) -> Bool { writer.target.copies(type) }

  mutating func beginLog() {
    saidVersion = true
    saidBase = true
    begun = true
    writer.writeProducer(time: Moment.now.seconds, isBase: isBase)
  }

  mutating func aux(_ name: ByteSlice, _ text: ByteSlice) {
    if name.equals("redis-ver") || name.equals("valkey-ver") {
      if keepsVersion { return writer.writeAux(name, text) }
      if !saidVersion { tellVersion() }
      return
    }
    if name.equals("aof-base") || name.equals("aof-preamble") {
      if !begun { tellBase() }
      return
    }
    if !isWhole && name.starts(with: "repl-") { return }
    writer.writeAux(name, text)
  }

  private mutating func tellVersion() {
    saidVersion = true
    let target = writer.target
    writer.writeAux(
      target.family == .redis ? "redis-ver" : "valkey-ver", "\(target.major).\(target.minor).0")
  }

  private mutating func tellBase() {
    guard !saidBase else { return }
    saidBase = true
    let version = writer.target.header.version
    if version >= 10 {
      writer.writeAux("aof-base", isBase ? "1" : "0")
    } else if version >= 8 && isBase {
      writer.writeAux("aof-preamble", "1")
    }
  }

  /// Facts end, data begins.
  private mutating func begin() {
    if begun { return }
    begun = true
    if !keepsVersion && !saidVersion { tellVersion() }
    if isBase { tellBase() }
  }

  mutating func select(_ db: Int) {
    begin()
    writer.selectDB(db)
  }
  mutating func sizes(keys: UInt64, expires: UInt64) {
    writer.writeSizes(keys: keys, expires: expires)
  }
  mutating func function(_ code: ByteSlice) -> Bool {
    begin()
    return writer.writeFunction(code)
  }
  mutating func moduleAux(_ raw: ByteSlice) -> Bool {
    begin()
    return writer.writeModuleAux(raw: raw)
  }
  mutating func write(_ key: KeyHeader, raw: ByteSlice) {
    begin()
    writer.writeKey(key, rawValue: raw)
  }

  mutating func begin(_ key: KeyDescription) {
    begin()
    writer.begin(key)
  }
  mutating func element(_ element: inout ValueElement) { writer.element(&element) }
  mutating func stream(_ event: StreamEvent) { writer.stream(event) }
  mutating func module(_ item: ModuleItem) { writer.module(item) }
  mutating func end() { writer.end() }

  /// Ends the dump, and gives the output back.
  consuming func finish(returning output: inout OutputBuffer) {
    if !begun { begin() }
    writer.finish(returning: &output)
  }
}
