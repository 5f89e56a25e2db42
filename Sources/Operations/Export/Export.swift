public import Bytes
public import RDB
internal import Keyspace

/// Writes the data of a file for other programs.
public enum Export {
  /// The text that is written.
  public enum Format: String, Sendable, CaseIterable {
    /// One JSON object a line.
    case jsonl
    /// One JSON array of the same objects.
    case json
    /// One line an element.
    case csv
  }

  /// What is written, and how.
  public struct Options: Sendable {
    /// The text that is written.
    public var format = Format.jsonl
    /// Whether all strings are base64, whatever they hold.
    public var base64 = false
    /// Whether everything that a dump holds is written: idle times, frequencies, types of the file,
    /// and auxiliary fields, functions and module data as objects of their own.
    public var all = false
    /// Which keys.
    public var selection = KeySelection()
    /// Keys and fields whose time lies before this moment (ms since 1970) are left out.
    public var expiredBefore: Int64?

    /// Everything, as JSON Lines.
    public init() {}
  }

  /// What was done.
  public struct Result: Sendable {
    /// How many keys were written.
    public var keys = 0
    /// What CSV could not carry.
    public var left = CSVExporter.Left()
    /// Sentences for the user, about commands that a server would answer with an error.
    public var notes: [String] = []
  }

  /// Writes the keys that `reader` gives to `output`, and flushes it.
  ///
  /// - Throws: ``ToolError``; `file` is the name of what is read and `target` of what is written.
  public static func write(
    _ reader: inout RDBReader, to output: inout OutputBuffer, _ options: Options,
    file: String, target: String? = nil
  ) throws(ToolError) -> Result {
    try write(
      to: &output, options, target, json: { feed(&reader, &$0, options, file) },
      csv: { feed(&reader, &$0, options, file) })
  }

  /// Writes the keys of whatever `input` is to `output`, and flushes it.
  ///
  /// - Throws: ``ToolError``, also when something stands behind the end of a dump.
  public static func write(
    _ input: consuming DataInput, to output: inout OutputBuffer, _ options: Options,
    target: String? = nil
  ) throws(ToolError) -> Result {
    let file = input.facts.file
    if var reader = input.takeDump() {
      let result = try write(&reader, to: &output, options, file: file, target: target)
      try DataInput.checkEnd(reader, file)
      return result
    }
    guard let log = input.log else { preconditionFailure("an input is a dump or a log") }
    var result = try write(
      to: &output, options, target,
      json: { exporter in
        var sink = SelectingSink(jsonExporter(options), options.selection)
        swap(&sink.inner, &exporter)
        defer { swap(&sink.inner, &exporter) }
        return feed(log, &sink, options)
      },
      csv: { exporter in
        var sink = SelectingSink(csvExporter(options), options.selection)
        swap(&sink.inner, &exporter)
        defer { swap(&sink.inner, &exporter) }
        return feed(log, &sink, options)
      })
    result.notes = log.faultNotes()
    return result
  }

  private static func jsonExporter(_ options: Options) -> JSONExporter {
    JSONExporter(
      OutputBuffer(NullTarget(), capacity: 0), form: options.format == .json ? .array : .lines,
      base64: options.base64, all: options.all)
  }

  private static func csvExporter(_ options: Options) -> CSVExporter {
    CSVExporter(OutputBuffer(NullTarget(), capacity: 0), base64: options.base64)
  }

  /// Lets one of the two feed its writer. The writer owns the output while it works; the output
  /// comes back whatever happens.
  private static func write(
    to output: inout OutputBuffer, _ options: Options, _ target: String?,
    json: (inout JSONExporter) -> ToolError?, csv: (inout CSVExporter) -> ToolError?
  ) throws(ToolError) -> Result {
    var result = Result()
    let failure: ToolError?
    switch options.format {
    case .csv:
      var exporter = csvExporter(options)
      swap(&exporter.output, &output)
      exporter.writeHeader()
      failure = csv(&exporter)
      result.keys = exporter.keys
      result.left = exporter.left
      swap(&exporter.output, &output)
    case .json, .jsonl:
      var exporter = jsonExporter(options)
      swap(&exporter.output, &output)
      failure = json(&exporter)
      if failure == nil { exporter.finish() }
      result.keys = exporter.keys
      swap(&exporter.output, &output)
    }
    do throws(SystemError) { try output.flush() } catch {
      throw ToolError(error, file: target, role: .output)
    }
    if let failure { throw failure }
    return result
  }

  /// The keys of a log.
  private static func feed<Sink: ExportSink & ~Copyable>(
    _ log: ReplayedLog, _ sink: inout SelectingSink<Sink>, _ options: Options
  ) -> ToolError? {
    if options.all {
      for library in log.keyspace.functions {
        sink.inner.write(.function(library.code, preRelease: false))
      }
    }
    log.keyspace.feed(&sink, expiredBefore: options.expiredBefore)
    do throws(ToolError) { try log.checkDamage() } catch { return error }
    return nil
  }

  /// The keys of a dump.
  private static func feed<Sink: ExportSink & ~Copyable>(
    _ reader: inout RDBReader, _ sink: inout Sink, _ options: Options, _ file: String
  ) -> ToolError? {
    var keys = KeyFeed(options.selection, expiredBefore: options.expiredBefore)
    do throws(RDBError) {
      while true {
        let record = try reader.next()
        switch record {
        case .key:
          _ = try keys.feed(&reader, into: &sink)
          if sink.hasFailed { return nil }
        case .end: return nil
        default: if options.all { sink.write(record) }
        }
      }
    } catch {
      return ToolError(error, file: file, database: reader.key.db, key: reader.key.key)
    }
  }
}
/// What ``Export`` asks of its writers beyond keys.
protocol ExportSink: ValueSink, ~Copyable {
  /// Whether writing has failed, so that going on is in vain.
  var hasFailed: Bool { get }
  /// Writes a record that is no key.
  mutating func write(_ record: RDBRecord)
}

extension CSVExporter: ExportSink {
  var hasFailed: Bool { output.failure != nil }
  mutating func write(_ record: RDBRecord) {}
}

extension JSONExporter: ExportSink {
  var hasFailed: Bool { output.failure != nil }

  /// ```text
  /// {"aux":S,"value":S}
  /// {"function":S}
  /// {"module-aux":NAME,"version":N,"when":1|2,"raw":base64}
  /// {"slot":N,"keys":N,"expires":N}
  /// {"slot-import":S,"raw":base64}
  /// ```
  mutating func write(_ record: RDBRecord) {
    switch record {
    case .aux(let name, let value):
      beginObject()
      output.write("{\"aux\":")
      write(string: name)
      output.write(",\"value\":")
      write(string: value)
    case .function(let code, _):
      beginObject()
      output.write("{\"function\":")
      write(string: code)
    case .moduleAux(let id, let when, let raw):
      beginObject()
      let name = ModuleTypeID(id)
      output.write("{\"module-aux\":\"")
      output.write(text: name.name)
      output.write("\",\"version\":")
      output.write(decimal: Int64(name.version))
      output.write(",\"when\":")
      output.write(decimal: when)
      output.write(",\"raw\":\"")
      output.write(base64: raw)
      output.write(0x22)
    case .slotInfo(let slot, let keys, let expires):
      beginObject()
      output.write("{\"slot\":")
      output.write(decimal: slot)
      output.write(",\"keys\":")
      output.write(decimal: keys)
      output.write(",\"expires\":")
      output.write(decimal: expires)
    case .slotImport(let job, let raw):
      beginObject()
      output.write("{\"slot-import\":")
      write(string: job)
      output.write(",\"raw\":\"")
      output.write(base64: raw)
      output.write(0x22)
    case .key, .selectDB, .resizeDB, .hashTemplate, .end: return
    }
    endObject()
  }
}
