internal import Bytes

/// Where the elements of the current value stand; reset by the first element asked for.
///
/// All strings of the value that were read stand behind the input's position; what is still before
/// it is told by the counters alone. So the rest of a value can be passed even where the content
/// of a blob made no sense.
struct ValueState {
  /// What the next element is read from.
  enum Phase: UInt8 {
    /// All elements were given.
    case done
    /// Strings one by one.
    case string, strings, pairs, textScores, binaryScores
    /// Fields with expiry times, relative, absolute, of Valkey.
    case relativeFields, absoluteFields, valkeyFields
    /// Elements of an array.
    case arrayElements
    /// A blob.
    case listpack, listpackPairs, listpackScores, listpackTriples
    case ziplist, ziplistPairs, ziplistScores, zipmap, intset
    /// Nodes of a list, one after another.
    case quicklist, quicklist2
    /// Values of a template's fields.
    case templateListpack, templateStrings
    /// Other lone values: one number; KeyDB's script, numbers and two lists.
    case number, cron, cronStart, cronInterval, cronKeys, cronArguments
    /// Asked for as stream events or module items.
    case stream, module
  }

  /// Whether elements were asked for.
  var begun = false
  var phase = Phase.done
  /// How many strings, pairs, nodes … are still before the input's position.
  var left: UInt64 = 0
  /// The blob that is being walked.
  var listpack = ListpackCursor()
  var ziplist = ZiplistCursor()
  var intset = IntsetCursor()
  var zipmap = ZipmapCursor()
  /// The smallest field expiry, to which others are relative.
  var base: Int64 = 0
  /// Names of a template's fields, and how many were given.
  var template = HashTemplate()
  var templateIndex = 0
  /// The cursor of an array, where it has one.
  var arrayCursor: UInt64?
  var stream = StreamState()
  /// Whether what is left is passed without a look into it.
  var isPassing = false
  /// Whether the end of a module's value was met.
  var moduleEnded = false
}

extension RDBReader {
  /// Reads what stands before the first element.
  mutating func beginElements() throws(RDBError) {
    value.begun = true
    value.phase = .done
    value.left = 0
    value.isPassing = false
    guard valuePending else { return }
    switch key.type {
    case .string: value.phase = .string
    case .list, .set: try begin(.strings)
    case .hash: try begin(.pairs)
    case .zset: try begin(.textScores)
    case .zset2: try begin(.binaryScores)
    case .hashZipmap:
      value.zipmap = try ZipmapCursor(try readBlob(), origin: blobOrigin)
      value.phase = .zipmap
    case .listZiplist: try beginZiplist(.ziplist)
    case .zsetZiplist: try beginZiplist(.ziplistScores)
    case .hashZiplist: try beginZiplist(.ziplistPairs)
    case .setIntset:
      value.intset = try IntsetCursor(try readBlob(), origin: blobOrigin)
      value.phase = .intset
    case .setListpack: try beginListpack(.listpack)
    case .zsetListpack: try beginListpack(.listpackScores)
    case .hashListpack: try beginListpack(.listpackPairs)
    case .quicklist: try beginQuicklist(.quicklist)
    case .quicklist2: try beginQuicklist(.quicklist2)
    case .hashMetadata: try beginTimedFields(.relativeFields, hasBase: true)
    case .hashMetadataPreRelease: try beginTimedFields(.absoluteFields, hasBase: false)
    case .valkeyHash: try begin(.valkeyFields)
    case .hashListpackEx:
      guard input.cursor.skip(8) else { throw input.truncated() }
      try beginListpack(.listpackTriples)
    case .hashListpackPreRelease: try beginListpack(.listpackTriples)
    case .array: try beginArray()
    case .templateListpack, .templateListpackRef, .templateArray, .templateArrayRef:
      try beginTemplate()
    case .stream, .stream2, .stream3, .stream4, .stream5: try beginStream()
    case .module: try beginModule()
    case .modulePreRelease: throw input.fail(.opaqueModule, at: key.typeOffset)
    case .gcra: value.phase = .number
    case .cron: value.phase = .cron
    }
  }

  private mutating func begin(_ phase: ValueState.Phase) throws(RDBError) {
    value.left = try input.readLength()
    value.phase = phase
  }

  mutating func beginListpack(_ phase: ValueState.Phase) throws(RDBError) {
    value.listpack = try ListpackCursor(try readBlob(), origin: blobOrigin)
    value.phase = phase
  }

  private mutating func beginZiplist(_ phase: ValueState.Phase) throws(RDBError) {
    value.ziplist = try ZiplistCursor(try readBlob(), origin: blobOrigin)
    value.phase = phase
  }

  /// A string that is a blob; its offset is kept for errors. Valid until the next read of the
  /// input, compressed or not.
  mutating func readBlob() throws(RDBError) -> ByteSlice {
    blobOrigin = input.cursor.offset
    let blob = try input.readElement(into: &blobScratch, keeping: false)
    try throwFault()
    return blob
  }

  /// Throws what was found wrong inside a string of known length.
  @inline(__always) mutating func throwFault() throws(RDBError) {
    if input.hasFault {
      let fault = input.takeFault()
      if !value.isPassing { throw fault }
    }
  }

  /// Passes what is left of a value whose elements were begun, whatever its blobs hold.
  mutating func finishElements() throws(RDBError) {
    let phase = value.phase
    value.phase = .done
    switch phase {
    case .done, .listpack, .listpackPairs, .listpackScores, .listpackTriples, .ziplist,
      .ziplistPairs, .ziplistScores, .zipmap, .intset, .templateListpack:
      break
    case .string: try input.skipString()
    case .strings, .quicklist, .templateStrings: try skipStrings(value.left)
    case .pairs: try skipPairs(value.left, tail: 0)
    case .textScores: try skipTextScores(value.left)
    case .binaryScores: try skipScores(value.left)
    case .quicklist2: try skipQuicklist2(value.left)
    case .relativeFields, .absoluteFields: try skipTimedFields(value.left)
    case .valkeyFields: try skipPairs(value.left, tail: 8)
    case .arrayElements: try skipArrayElements(value.left)
    case .stream:
      value.phase = .stream
      value.isPassing = true
      while try stepStream() != nil {}
    case .module:
      if !value.moduleEnded { try skipModuleOpcodes() }
    case .number: _ = try input.readLength()
    case .cron, .cronStart, .cronInterval, .cronKeys, .cronArguments:
      value.phase = phase
      value.isPassing = true
      var element = ValueElement()
      while try stepCron(&element) {}
    }
    input.clearFault()
  }
}
