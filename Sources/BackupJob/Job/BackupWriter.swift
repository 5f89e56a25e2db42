/// Stores the files of one unpublished backup and proves what was stored.
struct BackupWriter: Sendable {
  let context: JobContext
  let id: String

  private var store: any BackupStore { context.store }

  /// Stores one file.
  ///
  /// - Parameters:
  ///   - prefix: what sets the parts of a cluster apart, or empty.
  ///   - inspect: reads the plain bytes from a pipe while they pass; nil for files that are small or proven otherwise.
  ///   - produce: writes the plain bytes.
  func store(
    name: String, kind: String, prefix: String = "",
    inspect: (@Sendable (String) throws(JobError) -> FileFacts)?,
    produce: (any ByteSink) throws(JobError) -> Void
  ) throws(JobError) -> (BackupRecord.File, FileFacts?) {
    let stored = prefix + context.coding.storedName(name)
    let target = SpaceGuard(context, try store.file(stored, of: id))
    let (plain, coded) = try context.coding.encoder(into: target)
    var facts: FileFacts?
    if let inspect {
      let inspector = try InspectingSink(place: "\(id)/\(stored)", inspect)
      let tee = TeeSink(inspector, plain)
      try produce(tee)
      try tee.finish()
      facts = try inspector.facts()
    } else {
      try produce(plain)
      try plain.finish()
    }
    let file = BackupRecord.File(
      name: name, stored: stored, kind: kind, size: plain.count, sha256: plain.digest,
      storedSize: coded.count,
      storedSHA256: coded.digest)
    return (file, facts)
  }

  /// Reads a stored file again and compares it with what was written; decodes it too where the key
  /// is at hand. Returns whether it was decoded.
  func readBack(_ file: BackupRecord.File) throws(JobError) -> Bool {
    let canDecode = !context.coding.age.encrypts || context.coding.age.identityFile != nil
    let record = codingRecord
    try StoredFile.check(
      file, of: record, in: store, isPublished: false, age: context.config.age,
      decoding: canDecode && context.config.level > .checksum, into: NullSink())
    return canDecode && context.config.level > .checksum
  }

  /// A record that only says how files are coded.
  private var codingRecord: BackupRecord {
    BackupRecord(
      id: id, name: "", tool: "", started: .now, ended: .now, method: "", parts: [],
      compression: context.config.compression.name,
      encryption: context.config.age.encrypts ? "age" : "none",
      verification: .init(level: "", at: .now, readBack: false), seconds: [:])
  }
}

/// Looks at the free space while bytes are stored, so that a backup never fills the disk to the
/// brim.
private final class SpaceGuard: ByteSink {
  private let context: JobContext
  private let next: any ByteSink
  private var untilLook: Int64 = 0

  init(_ context: JobContext, _ next: any ByteSink) {
    self.context = context
    self.next = next
  }

  func write(_ bytes: Span<UInt8>) throws(JobError) {
    untilLook -= Int64(bytes.count)
    if untilLook < 0, case .directory = context.config.place {
      untilLook = 32 << 20
      try context.requireSpace(0)
    }
    try next.write(bytes)
  }

  func finish() throws(JobError) { try next.finish() }
}

extension JobContext {
  /// Throws when storing `bytes` more would leave less free space than `repository.min-free`.
  func requireSpace(_ bytes: Int64) throws(JobError) {
    guard let free = try store.freeBytes(), free < config.minFree + bytes else { return }
    throw JobError(
      .inputOutput, step: "free space", place: store.place,
      "\(free) bytes are free, and \(config.minFree + bytes) are needed"
        + (bytes > 0 ? " (the last backup took \(bytes))" : ""),
      remedy: "Free space, lower retention or repository.min-free; nothing was published.")
  }
}

/// Reading stored files.
enum StoredFile {
  /// Reads a stored file, compares size and SHA-256 of the stored bytes, and with `decoding` those
  /// of the plain bytes too, which go to `target`; it is finished.
  static func check(
    _ file: BackupRecord.File, of record: BackupRecord, in store: any BackupStore,
    isPublished: Bool, age: AgeSettings,
    decoding: Bool, into target: any ByteSink
  ) throws(JobError) {
    let place = "\(record.id)/\(file.stored)"
    let plain = HashingSink(target)
    let decoder: any ByteSink =
      decoding
      ? try FileCoding.decoder(of: record, place: place, age: age, into: plain) : NullSink()
    // What the decoder makes of damaged bytes matters less than that the bytes are damaged: the
    // hash is compared first.
    let tolerant = TolerantSink(decoder)
    let stored = HashingSink(tolerant)
    try store.read(file.stored, of: record.id, isPublished: isPublished, into: stored)
    try stored.finish()
    func differs(_ what: String) -> JobError {
      JobError(
        .negative, step: "verify", place: place, what,
        remedy: "The stored file was changed or damaged; use another backup.")
    }
    guard stored.count == file.storedSize else {
      throw differs("it has \(stored.count) bytes instead of \(file.storedSize)")
    }
    guard stored.digest == file.storedSHA256 else {
      throw differs("its SHA-256 is \(stored.digest) instead of \(file.storedSHA256)")
    }
    if let error = tolerant.error { throw error }
    guard decoding else { return }
    guard plain.count == file.size, plain.digest == file.sha256 else {
      throw differs(
        "its content has \(plain.count) bytes with another SHA-256 than the \(file.size) recorded")
    }
  }
}

/// Keeps the first error of the next sink and takes everything after it in silence.
private final class TolerantSink: ByteSink {
  private let next: any ByteSink
  private(set) var error: JobError?

  init(_ next: any ByteSink) { self.next = next }

  func write(_ bytes: Span<UInt8>) {
    guard error == nil else { return }
    do throws(JobError) { try next.write(bytes) } catch { self.error = error }
  }

  func finish() {
    guard error == nil else { return }
    do throws(JobError) { try next.finish() } catch { self.error = error }
  }
}
