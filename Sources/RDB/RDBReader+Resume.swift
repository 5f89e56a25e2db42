package import Bytes

/// Reading a dump from somewhere in its middle, for whoever repairs it.
extension RDBReader {
  /// A reader of what `input`, which must be over memory or a mapped file, holds from its position
  /// on: records of a dump whose header was `header`. No checksum is computed.
  package init(resuming input: consuming ByteCursor, header: RDBHeader) {
    precondition(input.isStable)
    self.header = header
    start = 0
    self.input = RecordInput(input)
    verifiesChecksum = false
  }

  /// Reads on at the absolute `offset`, where a record begins, whatever happened before; only over
  /// memory and mapped files. Ends the checksum.
  package mutating func resume(at offset: Int, db: Int) {
    _ = input.cursor.finishChecksum()
    verifiesChecksum = false
    input.cursor.seek(to: offset)
    input.clearFault()
    input.activity = .type
    self.db = db
    key = KeyHeader()
    valuePending = false
    value.begun = false
    value.phase = .done
    ended = false
    keyGiven = false
    hasAttributes = false
    canSkipValue = false
  }

  /// Takes over the templates of hashes that another reader of the same dump has met.
  package mutating func takeTemplates(of other: borrowing RDBReader) {
    templates = other.templates
  }
}
