internal import Bytes
internal import RDB

/// A dump to which several inputs are written one after another.
struct MergingOutput: ConvertOutput, ~Copyable {
  var output: DumpOutput
  private let choice: MergeChoice
  private var input = 0
  private var passes = true
  /// The libraries written, by name.
  private var libraries: [[UInt8]: [UInt8]] = [:]
  /// What was left out beside keys.
  private(set) var conflicts: [String] = []

  init(taking buffer: inout OutputBuffer, target: RDBTarget, _ choice: MergeChoice) {
    output = DumpOutput(
      taking: &buffer, target: target, isBase: false, keepsVersion: false, isWhole: false)
    self.choice = choice
  }

  /// What follows is of the input number `index`.
  mutating func begin(input index: Int) { input = index }

  var buffer: OutputBuffer {
    _read { yield output.writer.output }
    _modify { yield &output.writer.output }
  }
  var lost: RDBLoss { passes ? output.lost : [] }
  func copies(_ type: ValueType) -> Bool { output.copies(type) }

  mutating func beginLog() { if input == 0 { output.beginLog() } }
  mutating func select(_ db: Int) { output.select(db) }
  mutating func sizes(keys: UInt64, expires: UInt64) {
    output.sizes(keys: keys, expires: expires)
  }
  mutating func aux(_ name: ByteSlice, _ text: ByteSlice) {
    if input == 0 { output.aux(name, text) }
  }
  mutating func function(_ code: ByteSlice) -> Bool {
    let line = code.prefix(code.firstIndex(of: 0x0A) ?? code.count).bytes
    if let known = libraries[line] {
      // Shards hold the same libraries.
      if known != code.bytes {
        conflicts.append(
          "a library of functions that another input has with another text: \(KeyText.quoted(line))"
        )
      }
      return true
    }
    libraries[line] = code.bytes
    return output.function(code)
  }
  mutating func moduleAux(_ raw: ByteSlice) -> Bool { output.moduleAux(raw) }

  mutating func write(_ key: KeyHeader, raw: ByteSlice) {
    passes = choice.takes(key.key, db: key.db, from: input)
    if passes { output.write(key, raw: raw) }
  }
  mutating func begin(_ key: KeyDescription) {
    passes = choice.takes(key.key, db: key.db, from: input)
    if passes { output.begin(key) }
  }
  mutating func element(_ element: inout ValueElement) { if passes { output.element(&element) } }
  mutating func stream(_ event: StreamEvent) { if passes { output.stream(event) } }
  mutating func module(_ item: ModuleItem) { if passes { output.module(item) } }
  mutating func end() { if passes { output.end() } }

  /// Ends the dump.
  consuming func finish(returning buffer: inout OutputBuffer) {
    output.finish(returning: &buffer)
  }
}
