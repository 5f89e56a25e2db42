import Bytes
import Foundation
import RDB
import TestSupport
import Testing

@testable import Operations

/// What `export` writes comes back; what people make of it is understood, or refused with the line.
@Suite struct ImportTests {
  static let dumps = RoundTripTests.dumps

  private func export(
    _ input: String, _ directory: TemporaryDirectory, _ name: String,
    _ change: (inout Export.Options) -> Void
  ) throws -> String {
    var options = Export.Options()
    change(&options)
    let target = MemoryTarget()
    var output = OutputBuffer(target)
    _ = try Export.write(DataInput(input), to: &output, options)
    return try directory.write(target.bytes, to: name)
  }

  /// Everything, idle times, frequencies, functions, data and metadata of modules included.
  @Test(arguments: dumps) func everythingComesBack(_ name: String) throws {
    try withTemporaryDirectory { directory in
      let original = Fixture.path(name)
      for base64 in [false, true] {
        let text = try export(original, directory, "x.jsonl") {
          $0.all = true
          $0.base64 = base64
        }
        var options = Convert.Options()
        options.replacing = true
        // The release that wrote the dump, also where an export does not tell.
        options.target = try ComparedState(original).target
        let report = try Import.run(
          text, to: directory.file("y.rdb"), options, base64: base64)
        #expect(!report.isRefused, "\(report.lost)")
        var verify = Verify.Options()
        verify.ignored = []
        let made = try ComparedState(directory.file("y.rdb"))
        let result = try Verify.run(ComparedState(original), made, verify)
        #expect(result.isEqual, "\(result.differences.flatMap(\.lines))")
        #expect(result.excused.isEmpty)
        // And the export itself can be compared.
        let direct = try Verify.run(
          ComparedState(original), ComparedState(text, base64: base64), verify)
        #expect(direct.isEqual, "\(direct.differences.flatMap(\.lines))")
      }
    }
  }

  @Test func theArrayFormAndLogsComeBack() throws {
    try withTemporaryDirectory { directory in
      let original = Fixture.path("r7.0/aof-plain/appendonlydir")
      let text = try export(original, directory, "x.json") {
        $0.format = .json
        $0.all = true
      }
      for form in [Convert.Form.aof, .rdb, .multiPart] {
        var options = Convert.Options()
        options.form = form
        let path = directory.file("\(form.rawValue)")
        _ = try Import.run(text, to: path, options)
        let result = try Verify.run(ComparedState(original), ComparedState(path))
        #expect(result.isEqual, "\(result.differences.flatMap(\.lines))")
      }
    }
  }

  @Test func handMadeTextIsUnderstood() throws {
    let text =
      "\u{FEFF}" + #"""

        { "value" : "v\u00e9\ud83d\ude00\n\"\\\/" ,
          "key" : "k" }
        {"key":{"base64":"AP8="},"value":7,"db":2,"pexpireat":4102444800000}
        {"type":"hash","key":"h","value":[["f","v"],["g",{"base64":"/w"},null]]}
        {"type":"zset","key":"z","value":[["b",2],["a","1e3"],["c","-inf"]]}
        {"type":"stream","key":"x","value":{"entries":[["1-1",["a","b"]]],"groups":[{"name":"g","pel":[["1-1","c",5,1]]}]}}
        {"type":"stream","key":"empty","value":{}}
        """#
    try withTemporaryDirectory { directory in
      let path = try directory.write(text, to: "x.jsonl")
      let made = directory.file("x.rdb")
      let report = try Import.run(path, to: made)
      #expect(report.keys == 6)
      let again = try export(made, directory, "y.jsonl") { _ in }
      let lines = try String(contentsOfFile: again, encoding: .utf8).split(separator: "\n")
      func line(_ key: String) throws -> Substring {
        try #require(lines.first { $0.contains(#""key":\#(key)"#) })
      }
      #expect(try line(#""k""#).contains(##""value":"vé😀\n\"\\/""##))
      #expect(try line(#"{"base64":"AP8="}"#).contains(#""db":2"#))
      #expect(try line(#"{"base64":"AP8="}"#).contains(#""pexpireat":4102444800000,"value":"7""#))
      #expect(try line(#""h""#).contains(#"[["f","v",null],["g",{"base64":"/w=="},null]]"#))
      #expect(try line(#""z""#).contains(#"[["c","-inf"],["b","2"],["a","1000"]]"#))
      #expect(
        try line(#""x""#).contains(
          #""pel":[["1-1","c",5,1]],"consumers":[{"name":"c","seen-time":5,"active-time":5}]"#))
      #expect(try line(#""empty""#).contains(#""entries-added":0"#))
    }
  }

  struct Bad: CustomTestStringConvertible, Sendable {
    var text: String
    var line: Int
    var kind: String
    var testDescription: String { text }
  }

  static let bad = [
    Bad(
      text: #"{"key":"a","value":"b"}"# + "\n" + #"{"key":"a","value":"c"}"#, line: 2, kind: "twice"
    ),
    Bad(text: "{\"key\":\"a\",\n\"value\":tru}", line: 2, kind: "expected a string"),
    Bad(text: #"{"key":"a"}"#, line: 1, kind: "\"value\""),
    Bad(text: #"{"value":"a"}"#, line: 1, kind: "\"key\""),
    Bad(text: #"{"key":"a","value":["x"]}"#, line: 1, kind: "\"type\""),
    Bad(text: #"{"key":"a","type":"strin","value":"x"}"#, line: 1, kind: "no type"),
    Bad(text: #"{"key":"a","pexpirat":5,"value":"x"}"#, line: 1, kind: "means nothing"),
    Bad(text: #"{"key":"a","key":"b","value":"x"}"#, line: 1, kind: "stands twice"),
    Bad(text: #"{"key":"a","value":"\ud800x"}"#, line: 1, kind: "surrogate"),
    Bad(text: #"{"key":"a","value":"\q"}"#, line: 1, kind: "escape"),
    Bad(text: #"{"key":"a","value":{"base64":"%%%"}}"#, line: 1, kind: "base64"),
    Bad(text: #"{"key":"a","value":"x""#, line: 1, kind: "ends inside"),
    Bad(text: "{\"key\":\"a\",\"value\":\"x\n\"}", line: 1, kind: "control character"),
    Bad(text: #"{"key":"a","db":-1,"value":"x"}"#, line: 1, kind: "integer"),
    Bad(text: #"{"key":"a","pexpireat":1e5,"value":"x"}"#, line: 1, kind: "integer"),
    Bad(
      text: #"{"key":"a","pexpireat":99999999999999999999,"value":"x"}"#, line: 1, kind: "integer"),
    Bad(text: #"{"key":"s","type":"set","value":["x","x"]}"#, line: 1, kind: "twice"),
    Bad(text: #"{"key":"s","type":"zset","value":[["x","nan1"]]}"#, line: 1, kind: "no number"),
    Bad(text: #"{"key":"s","type":"hash","value":[["x"]]}"#, line: 1, kind: "expected ','"),
    Bad(
      text:
        #"{"key":"x","type":"stream","value":{"entries":[["2-0",["a","b"]],["1-0",["a","b"]]]}}"#,
      line: 1, kind: "ascend"),
    Bad(
      text: #"{"key":"x","type":"stream","value":{"entries":[["2",["a","b"]]]}}"#, line: 1,
      kind: "id"),
    Bad(
      text: #"{"key":"x","type":"array","value":{"items":[[2,"a"],[1,"b"]]}}"#, line: 1,
      kind: "ascend"),
    Bad(text: #"[{"key":"a","value":"x"} {"key":"b","value":"x"}]"#, line: 1, kind: "expected ','"),
    Bad(text: #"[{"key":"a","value":"x"}"#, line: 1, kind: "ends inside"),
    Bad(text: "{\"key\":\"a\",\"value\":\"x\"}\n\n[]", line: 3, kind: "expected '{'"),
    Bad(
      text: #"{"key":"a","value":"\#(String(repeating: "x", count: 9))"}{"key":"b"}"#, line: 1,
      kind: "value"),
  ]

  @Test(arguments: bad) func whatIsWrongIsToldWithItsLine(_ bad: Bad) throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(bad.text, to: "x.jsonl")
      do {
        _ = try Import.run(path, to: directory.file("x.rdb"))
        Issue.record("it was taken")
      } catch let error as ToolError {
        #expect(error.line.contains("line \(bad.line):"), "\(error.line)")
        #expect(error.line.contains(bad.kind), "\(error.line)")
        #expect(error.status == .badData)
      }
      // Nothing was made.
      #expect(try directory.names() == ["x.jsonl"])
    }
  }

  @Test func bytesThatAreNoUTF8AreRefused() throws {
    try withTemporaryDirectory { directory in
      let text = Array(#"{"key":"a","value":""#.utf8) + [0xFF, 0x22, 0x7D]
      let path = try directory.write(text, to: "x.jsonl")
      #expect(throws: ToolError.self) { try Import.run(path, to: directory.file("x.rdb")) }
    }
  }

  @Test func deepNestingIsRefused() throws {
    try withTemporaryDirectory { directory in
      let text =
        #"{"key":"a","value":"# + String(repeating: "[", count: 100_000)
        + String(repeating: "]", count: 100_000) + "}"
      let path = try directory.write(text, to: "x.jsonl")
      #expect(throws: ToolError.self) { try Import.run(path, to: directory.file("x.rdb")) }
    }
  }

  @Test func theTargetHoldsWhatIsThere() throws {
    let cases: [(String, String)] = [
      (#"{"key":"a","value":"b"}"#, "redis:7.2"),
      (#"{"key":"h","type":"hash","value":[["f","v",4102444800000]]}"#, "redis:7.4"),
      (#"{"key":"r","type":"array","value":{"items":[[1,"b"]]}}"#, "redis:8.8"),
      (
        #"{"aux":"valkey-ver","value":"9.0.1"}{"key":"h","type":"hash","value":[["f","v",4102444800000]]}"#,
        "valkey:9.0"
      ),
      (
        #"{"aux":"redis-ver","value":"6.2.0"}{"key":"h","type":"hash","value":[["f","v",4102444800000]]}"#,
        "redis:7.4"
      ),
    ]
    for (text, target) in cases {
      try withTemporaryDirectory { directory in
        let path = try directory.write(text, to: "x.jsonl")
        let report = try Import.run(path, to: directory.file("x.rdb"))
        #expect(report.target.description == target)
        #expect(report.lost.isEmpty)
      }
    }
  }

  /// Whatever stands there: an answer or an error, never a trap, never more than the text's own
  /// memory.
  @Test func anyTextEndsInAnErrorOrAnAnswer() throws {
    let seeds: [UInt64] = [1, 2, 3, 4]
    let base = Array(StateText.text.utf8)
    let other = Array(
      #"{"key":"m","type":"module","value":{"module":"test___dt","version":0,"items":[["unsigned",7],["float","1.5"],["double","-2"],["signed",-3],["string","x"]]}}"#
        .utf8)
    let alphabet = Array("{}[]\",:\\u0019-e+.\u{0}ntrufals \n".utf8) + [0x80, 0xFF, 0xC3]
    var errors = 0
    var answers = 0
    for seed in seeds {
      var random = SplitMix64(seed: seed)
      for _ in 0..<2500 {
        var text = random.below(4) == 0 ? other : base
        for _ in 0...random.below(4) {
          let at = random.below(text.count)
          switch random.below(5) {
          case 0: text[at] = alphabet[random.below(alphabet.count)]
          case 1: text.insert(alphabet[random.below(alphabet.count)], at: at)
          case 2: text.remove(at: at)
          case 3: text.removeSubrange(at..<min(text.count, at + random.below(40)))
          default:
            let piece = text[at..<min(text.count, at + random.below(40))]
            text.insert(contentsOf: piece, at: random.below(text.count))
          }
          if text.isEmpty { text = [0x7B] }
        }
        let failed: Bool = text.withByteSlice { bytes in
          var reader = ExportReader(ByteCursor(bytes), base64: random.below(8) == 0, named: "x")
          var survey = ExportSurvey()
          do {
            try survey.run(&reader)
            return false
          } catch { return true }
        }
        if failed { errors += 1 } else { answers += 1 }
      }
    }
    #expect(errors > 1000)
    #expect(answers > 100)
  }

  @Test func base64IsThatOfTheStandard() {
    var scratch = ScratchBuffer()
    func decode(_ text: String) -> [UInt8]? {
      scratch.clear()
      let isGood = Array(text.utf8).withByteSlice { Base64Text.decode($0, into: &scratch) }
      return isGood ? scratch.slice.bytes : nil
    }
    #expect(decode("") == [])
    #expect(decode("Zg==") == Array("f".utf8))
    #expect(decode("Zg") == Array("f".utf8))
    #expect(decode("Zm8=") == Array("fo".utf8))
    #expect(decode("Zm9v") == Array("foo".utf8))
    #expect(decode("/+8=") == [0xFF, 0xEF])
    for bad in ["Z", "Zh==", "Zg=", "Z===", "Zm9v=", "Zm 9v", "Zm9_"] {
      #expect(decode(bad) == nil, "\(bad)")
    }
    var random = SplitMix64(seed: 3)
    for count in 0..<100 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(decode(Data(bytes).base64EncodedString()) == bytes)
    }
  }
}
