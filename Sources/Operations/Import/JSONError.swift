/// Why an export can't be read on: what is wrong, and at which byte. Words are made by ``what``.
public struct JSONError: Error, Sendable, Equatable {
  /// What is wrong.
  public enum Kind: Sendable, Equatable {
    /// The text ends inside an object.
    case truncated
    /// Another byte is wanted here.
    case expected(UInt8)
    /// A value is wanted here: neither string nor number nor object nor array.
    case notAValue
    /// Nested deeper than any export.
    case tooDeep
    /// A control character, or a `\` with something unknown behind it.
    case badString
    /// Half of a surrogate pair.
    case loneSurrogate
    /// Bytes that are no UTF-8.
    case notUTF8
    /// No base64.
    case badBase64
    /// No integer, or one out of range.
    case badInteger
    /// No score or floating-point number.
    case badNumber
    /// No id of a stream entry, `ms-seq`.
    case badID
    /// Another kind of value is wanted here.
    case wrongShape
    /// A name that objects of this kind do not have.
    case unknownName
    /// A name that stands twice in the object.
    case repeatedName
    /// The name that the object must have is missing.
    case missing(Field)
    /// No type that keys have.
    case unknownType
    /// A member, field, index or group that was there already.
    case duplicate
    /// Entries or indexes that do not ascend.
    case order
    /// A key that was there already in its database.
    case duplicateKey
    /// The bytes of a record of a module that are none.
    case badRecord
  }

  /// Names of objects that must be there.
  public enum Field: String, Sendable {
    /// Of a key.
    case key, type, value
    /// Of a module.
    case module, items
    /// Of a group or consumer.
    case name
    /// Of records.
    case raw
  }

  /// What is wrong.
  public var kind: Kind
  /// The byte, counted from the start of what is read.
  public var offset: Int

  /// An error of `kind` at byte `offset`.
  public init(_ kind: Kind, at offset: Int) {
    self.kind = kind
    self.offset = offset
  }

  /// What is wrong, in words.
  public var what: String {
    switch kind {
    case .truncated: "the text ends inside an object"
    case .expected(let byte): "expected '\(Character(UnicodeScalar(byte)))'"
    case .notAValue: "expected a string, number, object or array"
    case .tooDeep: "nested deeper than an export is"
    case .badString: "a control character, or an unknown escape, in a string"
    case .loneSurrogate: "half of a surrogate pair in a string"
    case .notUTF8: "a string that is no UTF-8; bytes are written {\"base64\":\"…\"}"
    case .badBase64: "a string that is no base64"
    case .badInteger: "no integer, or one out of range"
    case .badNumber: "no number"
    case .badID: "no id of a stream entry, such as \"1700000000000-0\""
    case .wrongShape: "a value of another kind is wanted here"
    case .unknownName: "a name that means nothing here"
    case .repeatedName: "a name that stands twice in the object"
    case .missing(let field): "the object has no \"\(field.rawValue)\""
    case .unknownType: "no type that keys have"
    case .duplicate: "is there twice"
    case .order: "ids and indexes must ascend"
    case .duplicateKey: "the key is there twice in its database"
    case .badRecord: "these are not the bytes of such a record"
    }
  }
}
