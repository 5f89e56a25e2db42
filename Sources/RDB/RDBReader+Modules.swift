internal import Bytes

/// Values of modules (rdb-format.md 10.2).
///
/// ```text
/// len id, [len opcode, payload]*, len 0
///
/// 1  len, signed        3  f32le        5  str
/// 2  len, unsigned      4  f64le
/// ```
extension RDBReader {
  /// The id is passed; ``description()`` gives it.
  mutating func beginModule() throws(RDBError) {
    _ = try input.readLength()
    value.moduleEnded = false
    value.phase = .module
  }

  /// The next item of a module's value, or nil behind the last (and for any other type); the
  /// reader then stands behind the value. Strings are valid until the next call.
  ///
  /// - Throws: ``RDBError``.
  public mutating func nextModuleItem() throws(RDBError) -> ModuleItem? {
    do throws(RDBError) {
      if !value.begun { try beginElements() }
      guard value.phase == .module else { return nil }
      input.cursor.housekeep()
      let opcode = try input.readLength()
      switch opcode {
      case 0:
        value.moduleEnded = true
        value.phase = .done
        valuePending = false
        return nil
      case 1: return .signed(Int64(bitPattern: try input.readLength()))
      case 2: return .unsigned(try input.readLength())
      case 3:
        guard let bits = input.cursor.load(as: UInt32.self) else { throw input.truncated() }
        return .float(Float(bitPattern: bits))
      case 4:
        guard let bits = input.cursor.load(as: UInt64.self) else { throw input.truncated() }
        return .double(Double(bitPattern: bits))
      case 5:
        let string = try input.readElement(into: &firstScratch, keeping: false)
        try throwFault()
        return .string(string)
      default: throw input.fail(.badModuleOpcode(opcode))
      }
    } catch {
      noteFailure(error)
      throw error
    }
  }
}

/// The name in a 64-bit module type id: nine characters of six bits, then ten bits of version
/// (rdb-format.md 10.1).
public struct ModuleTypeID: Sendable, Equatable {
  /// The nine characters.
  public let name: String
  /// The encoding version, 0...1023.
  public let version: Int

  /// The parts of `id`.
  public init(_ id: UInt64) {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var bytes: [UInt8] = []
    for index in 0..<9 { bytes.append(letters[Int(id >> UInt64(58 - 6 * index) & 63)]) }
    name = String(decoding: bytes, as: UTF8.self)
    version = Int(id & 1023)
  }
}
