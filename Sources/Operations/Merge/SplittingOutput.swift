internal import Bytes
internal import RDB

/// The dumps that are being made, by name.
final class SplitParts {
  /// One dump.
  final class Part {
    var file: AtomicOutput
    var output: DumpOutput?

    init(_ file: consuming AtomicOutput, _ target: RDBTarget, keepsVersion: Bool) {
      var mine = file
      output = DumpOutput(
        taking: &mine.buffer, target: target, isBase: false, keepsVersion: keepsVersion,
        isWhole: false)
      self.file = mine
    }
  }

  private let folder: String
  private let path: String
  let target: RDBTarget
  private let keepsVersion: Bool
  private let fileSystem: any FileSystem
  private var parts: [String: Part] = [:]
  /// Facts and records that every part begins with.
  private var facts: [(name: [UInt8], text: [UInt8])] = []
  private var functions: [[UInt8]] = []
  private var moduleData: [[UInt8]] = []
  private var isLog = false
  /// The first thing that went wrong.
  private(set) var failure: ToolError?

  init(
    _ folder: String, _ path: String, _ target: RDBTarget, keepsVersion: Bool,
    _ fileSystem: any FileSystem
  ) {
    self.folder = folder
    self.path = path
    self.target = target
    self.keepsVersion = keepsVersion
    self.fileSystem = fileSystem
  }

  /// The part of that name, begun if need be; nil when that fails.
  func part(_ name: String) -> Part? {
    if let part = parts[name] { return part }
    if failure != nil { return nil }
    if parts.count == Split.mostParts {
      failure = .refused(
        .no, "there are more than \(Split.mostParts) parts", file: path, role: .output,
        remedy: "Try: another --by, or fewer keys with convert --key first")
      return nil
    }
    do throws(SystemError) {
      let full = FilePath.join(folder, name + ".rdb")
      let file = try AtomicOutput(full, replacing: true, fileSystem: fileSystem)
      let part = Part(file, target, keepsVersion: keepsVersion)
      if isLog { part.output?.beginLog() }
      for fact in facts {
        fact.name.withByteSlice { name in
          fact.text.withByteSlice { part.output?.aux(name, $0) }
        }
      }
      for code in functions { _ = code.withByteSlice { part.output?.function($0) } }
      for raw in moduleData { _ = raw.withByteSlice { part.output?.moduleAux($0) } }
      parts[name] = part
      return part
    } catch {
      failure = ToolError(error, file: FilePath.join(path, name + ".rdb"), role: .output)
      return nil
    }
  }

  func beginLog() { isLog = true }
  func add(fact name: ByteSlice, _ text: ByteSlice) { facts.append((name.bytes, text.bytes)) }

  func add(function code: ByteSlice) {
    functions.append(code.bytes)
    for part in parts.values { _ = part.output?.function(code) }
  }

  func add(moduleData raw: ByteSlice) {
    moduleData.append(raw.bytes)
    for part in parts.values { _ = part.output?.moduleAux(raw) }
  }

  /// Ends all parts.
  func finish() throws(ToolError) -> [Split.Part] {
    if let failure { throw failure }
    var done: [Split.Part] = []
    for (name, part) in parts.sorted(by: { $0.key < $1.key }) {
      guard let output = part.output.take() else { continue }
      let keys = output.writer.keys
      output.finish(returning: &part.file.buffer)
      let bytes = part.file.buffer.count
      do throws(SystemError) { try part.file.commit(replacing: true) } catch {
        throw ToolError(error, file: FilePath.join(path, name + ".rdb"), role: .output)
      }
      done.append(Split.Part(name: name + ".rdb", keys: keys, bytes: bytes))
    }
    return done
  }
}

/// Leads each key to its part.
struct SplittingOutput: ConvertOutput, ~Copyable {
  private let rule: SplitRule
  private let parts: SplitParts
  private var current: SplitParts.Part?
  /// Where nothing goes; it only tells that work is to stop.
  var buffer = OutputBuffer(NullTarget(), capacity: 1024)

  init(_ rule: SplitRule, _ parts: SplitParts) {
    self.rule = rule
    self.parts = parts
  }

  var lost: RDBLoss { current?.output?.lost ?? [] }
  func copies(_ type: ValueType) -> Bool { parts.target.copies(type) }
  mutating func beginLog() { parts.beginLog() }
  mutating func select(_ db: Int) {}
  mutating func sizes(keys: UInt64, expires: UInt64) {}
  mutating func aux(_ name: ByteSlice, _ text: ByteSlice) { parts.add(fact: name, text) }
  mutating func function(_ code: ByteSlice) -> Bool {
    parts.add(function: code)
    return parts.target.hasFunctions
  }
  mutating func moduleAux(_ raw: ByteSlice) -> Bool {
    parts.add(moduleData: raw)
    return parts.target.hasEvictionHints
  }

  mutating func write(_ key: KeyHeader, raw: ByteSlice) {
    current = parts.part(rule.part(key.key, db: key.db, type: key.type.logical))
    current?.output?.write(key, raw: raw)
  }
  mutating func begin(_ key: KeyDescription) {
    current = parts.part(rule.part(key.key, db: key.db, type: key.type))
    current?.output?.begin(key)
  }
  mutating func element(_ element: inout ValueElement) { current?.output?.element(&element) }
  mutating func stream(_ event: StreamEvent) { current?.output?.stream(event) }
  mutating func module(_ item: ModuleItem) { current?.output?.module(item) }
  mutating func end() { current?.output?.end() }
}
