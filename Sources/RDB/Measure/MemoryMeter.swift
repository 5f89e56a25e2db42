internal import Bytes

/// Adds up how much memory a value takes in a server from its elements, as far as its encoding tells
/// how they are kept (see ``ValueShape/memory``). For keys of a log, which has no blobs to measure.
public struct MemoryMeter {
  /// What was found for the key that began last, key and entry included; 0 for modules.
  public var memory: Int { isModule ? 0 : fixed &+ packed() &+ apart }

  private var isModule = false
  private var isPacked = false
  /// Strings are measured by their length when they begin.
  private var isString = false
  private var isList = false
  /// What does not depend on elements.
  private var fixed = 0
  /// Elements that have an allocation of their own.
  private var apart = 0
  /// Bytes of elements inside a blob.
  private var inside = 0

  /// A meter that has seen nothing.
  public init() {}

  /// A key begins.
  public mutating func begin(_ key: KeyDescription) {
    isModule = key.type == .module
    isString = key.type == .string
    apart = 0
    inside = 0
    let encoding = ByteSlice(key.encoding)
    let count = key.count ?? 0
    isList = encoding.equals("quicklist")
    isPacked =
      isList || encoding.starts(with: "listpack") || encoding.equals("intset")
      || encoding.equals("stream")
    fixed = MemoryModel.string(key.key.count) + MemoryModel.entry + MemoryModel.object
    switch key.type {
    case .string:
      let length = key.bytes ?? 0
      if !encoding.equals("int") {
        fixed += MemoryModel.stringValue(length) - MemoryModel.object
      }
    case .list: if isList { fixed += MemoryModel.quicklist }
    case .set, .hash:
      if !isPacked {
        fixed += MemoryModel.dictionary(count) + Int(clamping: count) * MemoryModel.entry
      }
    case .zset:
      if !isPacked {
        fixed +=
          MemoryModel.skiplist + MemoryModel.dictionary(count)
          + MemoryModel.skiplistNodes(count) + Int(clamping: count) * MemoryModel.entry
      }
    case .stream: fixed += MemoryModel.stream
    case .module, .array, .gcra, .cron: break
    }
  }

  /// An element of the key.
  public mutating func element(_ element: inout ValueElement) {
    if isString { return }
    if isPacked {
      // Length and length backwards take one byte each for short elements, up to five for long ones.
      inside &+= MemoryMeter.packed(element.first.count)
      if element.second.count > 0 { inside &+= MemoryMeter.packed(element.second.count) }
    } else {
      apart &+= MemoryModel.string(element.first.count)
      if element.second.count > 0 { apart &+= MemoryModel.string(element.second.count) }
    }
  }

  /// A part of a stream.
  public mutating func stream(_ event: StreamEvent) {
    switch event {
    case .entry: inside &+= 10
    case .field(let name, let value):
      inside &+= MemoryMeter.packed(name.count) &+ MemoryMeter.packed(value.count)
    case .group: apart &+= MemoryModel.group(0)
    case .pending: apart &+= MemoryModel.tree(1) &+ 24
    case .consumer: apart &+= MemoryModel.consumer(0)
    default: break
    }
  }

  private static func packed(_ length: Int) -> Int {
    length &+ (length < 64 ? 2 : length < 4096 ? 4 : 10)
  }

  /// The blobs: one, or nodes of 8 KB for long lists and of 4 KB for streams.
  private func packed() -> Int {
    guard isPacked else { return 0 }
    if !isList { return MemoryModel.allocation(inside &+ 7) }
    let nodes = inside / 8192 &+ 1
    return nodes &* MemoryModel.quicklistNode &+ inside &+ inside / 8
  }
}
