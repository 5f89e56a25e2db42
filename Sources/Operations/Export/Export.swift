public import Bytes
public import RDB

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
    /// Whether more follows behind the dump: the commands of an AOF with a preamble.
    public var moreFollows = false
  }

  /// Writes the keys that `reader` gives to `output`, and flushes it.
  ///
  /// - Throws: ``ToolError``; `file` is the name of what is read and `target` of what is written.
  public static func write(
    _ reader: inout RDBReader, to output: inout OutputBuffer, _ options: Options,
    file: String, target: String? = nil
  ) throws(ToolError) -> Result {
    var result = Result()
    // The exporter owns the output while it works; it comes back whatever happens.
    let failure: ToolError?
    switch options.format {
    case .csv:
      var exporter = CSVExporter(OutputBuffer(NullTarget(), capacity: 0), base64: options.base64)
      swap(&exporter.output, &output)
      exporter.writeHeader()
      failure = feed(&reader, &exporter, options, file)
      result.keys = exporter.keys
      result.left = exporter.left
      swap(&exporter.output, &output)
    case .json, .jsonl:
      var exporter = JSONExporter(
        OutputBuffer(NullTarget(), capacity: 0), form: options.format == .json ? .array : .lines,
        base64: options.base64, all: options.all)
      swap(&exporter.output, &output)
      failure = feed(&reader, &exporter, options, file)
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

  private static func feed<Sink: ExportSink & ~Copyable>(
    _ reader: inout RDBReader, _ sink: inout Sink, _ options: Options, _ file: String
  ) -> ToolError? {
    var keys = KeyFeed(options.selection, expiredBefore: options.expiredBefore)
    do throws(RDBError) {
      while true {
        let record = try reader.next()
        switch record {
        case .key:
          if options.all { sink.metadata = reader.key.metadata }
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
  /// Raw metadata of the next key.
  var metadata: ByteSlice { get set }
  /// Whether writing has failed, so that going on is in vain.
  var hasFailed: Bool { get }
  /// Writes a record that is no key.
  mutating func write(_ record: RDBRecord)
}

extension CSVExporter: ExportSink {
  var metadata: ByteSlice {
    get { ByteSlice() }
    set {}
  }
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
