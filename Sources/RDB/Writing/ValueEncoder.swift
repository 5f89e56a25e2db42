internal import Bytes

/// Turns what is told of one key into the bytes of its value, in the encoding that the target would
/// choose (rdb-format.md 13.2).
///
/// Small sets, sorted sets and hashes are gathered and become one blob. Larger ones are written one
/// by one: where the count is known up front, the bytes can be taken as they come (``isOpen``);
/// otherwise, and for lists and streams, they are kept until the end.
struct ValueEncoder: ~Copyable {
  enum Mode {
    /// The key can't be written.
    case skipped
    case string, module
    /// Elements wait in ``gathered``.
    case gathering
    /// Elements are written one by one.
    case single
    /// Elements go to the nodes of a list.
    case nodes
    case array, stream
  }

  let target: RDBTarget
  let compressing: Bool
  /// The value: `head`, then `body`.
  var head = ScratchBuffer()
  var body = ScratchBuffer(capacity: 4096)
  var packed = ScratchBuffer()
  /// How the value is written; final once the key ended or is open.
  var type = ValueType.string
  /// What of the key is lost.
  var loss = RDBLoss()
  /// Whether ``type`` and ``head`` are final, so that the bytes of ``body`` can be taken.
  var isOpen = false
  var mode = Mode.skipped
  var description = KeyDescription()
  var gathered = GatheredElements()
  /// How many elements were written one by one.
  var written: UInt64 = 0
  var listpack = ListpackBuilder()
  var ziplist = ZiplistBuilder()
  var stream = StreamEncoder()

  init(target: RDBTarget, compressing: Bool) {
    self.target = target
    self.compressing = compressing
    ziplist.hasSmallIntegers = target.header.version >= 6
  }

  /// Begins the next key.
  mutating func begin(_ key: KeyDescription) {
    description = key
    // Who is no dump does not say; then any field may.
    if key.valueType == nil && key.type == .hash { description.fieldsMayExpire = true }
    head.clear()
    body.clear()
    loss = []
    isOpen = false
    written = 0
    gathered.clear()
    switch key.type {
    case .string:
      mode = .string
      type = .string
    case .list:
      mode = target.compactListElements > 0 ? .gathering : .nodes
      listpack.clear()
      ziplist.clear()
    case .set, .zset, .hash:
      mode = .gathering
      guard let count = key.count, !(description.fieldsMayExpire && target.hasFieldExpiry)
      else { break }
      if count > UInt64(compactLimit) { beginSingle(count) }
    case .array:
      guard target.loads(.array) else { return skip() }
      mode = .array
      type = .array
      if let count = key.count {
        appendArrayHead(count)
        isOpen = true
      }
    case .stream:
      guard let streamType = target.streamType else { return skip() }
      mode = .stream
      type = streamType
      stream.begin(version: streamType.streamVersion)
    case .module:
      guard target.loads(.module) else { return skip() }
      mode = .module
      type = .module
      body.append(0x81)
      body.append(littleEndian: key.moduleID.byteSwapped)
    case .gcra, .cron: skip()
    }
  }

  private mutating func skip() {
    mode = .skipped
    loss = .key
  }

  /// Up to how many elements a collection of the current type may be compact.
  private var compactLimit: Int {
    switch description.type {
    case .set: max(target.intsetMembers, target.compactSetMembers)
    case .zset: target.compactMembers
    case .hash: target.compactHashFields
    default: target.compactListElements
    }
  }

  /// Takes an element of a string, list, set, sorted set, hash or array.
  mutating func element(_ element: inout ValueElement) {
    switch mode {
    case .string: body.append(string: element.first, compressing: compressing, &packed)
    case .gathering: gather(element)
    case .single: appendSingle(element)
    case .nodes: appendToNode(element.first)
    case .array: appendArrayElement(element)
    case .skipped, .stream, .module: break
    }
  }

  /// Takes an item of a module.
  mutating func module(_ item: ModuleItem) {
    guard mode == .module else { return }
    switch item {
    case .signed(let value):
      body.append(length: 1)
      body.append(length: UInt64(bitPattern: value))
    case .unsigned(let value):
      body.append(length: 2)
      body.append(length: value)
    case .float(let value):
      body.append(length: 3)
      body.append(littleEndian: value.bitPattern)
    case .double(let value):
      body.append(length: 4)
      body.append(littleEndian: value.bitPattern)
    case .string(let value):
      body.append(length: 5)
      body.append(string: value, compressing: compressing, &packed)
    }
  }

  /// Takes a part of a stream.
  mutating func stream(_ event: StreamEvent) {
    guard mode == .stream else { return }
    stream.take(event, &body, compressing, &packed)
  }

  /// The key is complete: ``type``, ``head`` and ``body`` are final.
  mutating func end() {
    switch mode {
    case .gathering: endGathering()
    case .single:
      if !isOpen { head.append(length: written) }
      precondition(!isOpen || written == description.count, "another count was announced")
    case .nodes: endNodes()
    case .array: if !isOpen { appendArrayHead(written) }
    case .stream: loss.formUnion(stream.finish(&head, &body, compressing, &packed))
    case .module: body.append(length: 0)
    case .string, .skipped: break
    }
  }

  // MARK: - One by one

  /// From here on elements are written one by one; `count` of them where that is known.
  mutating func beginSingle(_ count: UInt64?) {
    mode = .single
    switch description.type {
    case .list: type = .list
    case .set: type = .set
    case .zset: type = target.loads(.zset2) ? .zset2 : .zset
    default: type = .hash
    }
    if let count {
      head.append(length: count)
      isOpen = true
    }
  }

  mutating func appendSingle(_ element: ValueElement) {
    written &+= 1
    body.append(string: element.first, compressing: compressing, &packed)
    switch type {
    case .zset2: body.append(littleEndian: element.score.bitPattern)
    case .zset: appendTextScore(element.score)
    case .hash:
      body.append(string: element.second, compressing: compressing, &packed)
      if element.expiresAt != ValueElement.never { loss.insert(.fieldExpiry) }
    default: break
    }
  }

  private mutating func appendTextScore(_ score: Double) {
    if score.isNaN {
      body.append(253)
    } else if score.isInfinite {
      body.append(score > 0 ? 254 : 255)
    } else {
      packed.clear()
      packed.append(double: score, .printf)
      body.append(UInt8(packed.count))
      body.append(packed.slice)
    }
  }

  // MARK: - Lists

  /// Nodes of a list take up to this many bytes: `list-max-listpack-size -2`.
  private static let nodeSize = 8192

  private mutating func appendToNode(_ element: ByteSlice) {
    let room = ValueEncoder.nodeSize - element.count - 12
    if target.usesListpacks {
      if element.count > ValueEncoder.nodeSize {
        endNode()
        body.append(length: 1)
        body.append(blob: element, compressing: compressing, &packed)
        written += 1
        return
      }
      if listpack.size > room { endNode() }
      listpack.append(element)
    } else {
      if ziplist.size > room { endNode() }
      ziplist.append(element)
    }
  }

  private mutating func endNode() {
    if target.usesListpacks {
      guard listpack.count > 0 else { return }
      body.append(length: 2)
      body.append(blob: listpack.finish(), compressing: compressing, &packed)
      listpack.clear()
    } else {
      guard ziplist.count > 0 else { return }
      body.append(blob: ziplist.finish(), compressing: compressing, &packed)
      ziplist.clear()
    }
    written += 1
  }

  private mutating func endNodes() {
    endNode()
    type = target.usesListpacks ? .quicklist2 : .quicklist
    head.append(length: written)
  }

  // MARK: - Arrays

  private mutating func appendArrayHead(_ count: UInt64) {
    head.append(length: count)
    head.append(length: description.arrayCursor == nil ? 0 : 1)
    if let cursor = description.arrayCursor { head.append(length: cursor) }
  }

  private mutating func appendArrayElement(_ element: ValueElement) {
    written &+= 1
    let text = element.first
    body.append(length: element.index)
    let limit: Int64 = 1 << 61
    if let integer = DecimalText.canonical(text), -limit..<limit ~= integer {
      body.append(length: 1)
      body.append(littleEndian: integer)
    } else if let double = arrayDouble(text) {
      body.append(length: 2)
      body.append(littleEndian: double.bitPattern)
    } else if text.count <= 7 {
      body.append(length: 3)
      body.append(string: text, compressing: false, &packed)
    } else {
      body.append(length: 0)
      body.append(string: text, compressing: compressing, &packed)
    }
  }

  /// The double, without its two lowest bits, that prints as `text`; nil when there is none. `text`
  /// has to be digits with one point among them.
  private mutating func arrayDouble(_ text: ByteSlice) -> Double? {
    guard text.count >= 3, text.count <= 24 else { return nil }
    var points = 0
    for index in 0..<text.count where !ASCII.isDigit(text[index]) {
      if text[index] == 0x2E { points += 1 } else if index > 0 || text[index] != 0x2D { return nil }
    }
    guard points == 1, let parsed = DoubleText.parse(text, .command) else { return nil }
    let double = Double(bitPattern: parsed.bitPattern & ~3)
    packed.clear()
    packed.append(double: double, .server)
    let isPlain =
      packed.slice.firstIndex(of: 0x2E) == nil && packed.slice.firstIndex(of: 0x65) == nil
    if isPlain { packed.append(ByteSlice(".0")) }
    return packed.slice == text ? double : nil
  }
}
