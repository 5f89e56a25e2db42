import Bytes
import Foundation
import Operations
import RDB
import TestSupport
import Testing

@Suite struct ExportTests {
  static let withTruth = DumpCase.all.filter {
    FileManager.default.fileExists(atPath: Fixture.path($0.name + ".truth.jsonl"))
  }

  static func export(_ path: String, _ options: Export.Options) throws -> String {
    let target = MemoryTarget()
    var output = OutputBuffer(target)
    _ = try Export.write(DataInput(path), to: &output, options)
    return String(decoding: target.bytes, as: UTF8.self)
  }

  static func objects(_ text: String) throws -> [JSONValue] {
    try text.split(separator: "\n").map { try JSONValue($0) }
  }

  /// What two exports of the same value agree on: order where it matters, scores as numbers.
  static func isSame(_ got: JSONValue, _ want: JSONValue, _ type: String?) -> Bool {
    switch type {
    case "set":
      return Set(got.items) == Set(want.items) && got.items.count == want.items.count
    case "hash":
      let rows = { (value: JSONValue) in Set(value.items.map { [$0[0], $0[1], $0[2]] }) }
      return rows(got) == rows(want) && got.items.count == want.items.count
    case "zset":
      return got.items.map { $0[0] } == want.items.map { $0[0] }
        && zip(got.items, want.items).allSatisfy { $0[1].score == $1[1].score }
    case "array":
      return ["len", "count", "next", "items"].allSatisfy { got[$0] == want[$0] }
    default: return got == want
    }
  }

  static func streamDifference(_ got: JSONValue, _ want: JSONValue) -> String? {
    for name in [
      "entries", "length", "last-generated-id", "max-deleted-entry-id", "entries-added",
      "recorded-first-entry-id",
    ] where want[name] != .null && want[name] != got[name] { return name }
    let have = got["groups"].items
    for group in want["groups"].items {
      guard let mine = have.first(where: { $0["name"] == group["name"] }) else { return "groups" }
      for part in ["last-delivered-id", "entries-read"]
      where group[part] != .null && group[part] != mine[part] { return part }
      // Who asks a server of 5.0 for pending entries gets no times.
      let pending = { (group: JSONValue) in Set(group["pel"].items.map { [$0[0], $0[1], $0[3]] }) }
      if pending(group) != pending(mine) { return "pel" }
      let names = { (group: JSONValue) in Set(group["consumers"].items.map { $0["name"] }) }
      if names(group) != names(mine) { return "consumers" }
    }
    return have.count == want["groups"].items.count ? nil : "groups"
  }

  @Test(arguments: withTruth) func agreesWithTheServer(_ dump: DumpCase) throws {
    var options = Export.Options()
    options.base64 = true
    options.expiredBefore = dump.expiredBefore
    var got: [[JSONValue]: JSONValue] = [:]
    let text = try ExportTests.export(Fixture.path(dump.name + ".rdb"), options)
    for object in try ExportTests.objects(text) { got[[object["db"], object["key"]]] = object }
    let truth = try ExportTests.objects(Fixture.text(dump.name + ".truth.jsonl"))
    #expect(got.count == truth.count)
    for want in truth {
      let name = [want["db"], want["key"]]
      let mine = try #require(got[name], "\(name) is missing")
      #expect(mine["type"] == want["type"])
      #expect(mine["pexpireat"] == want["pexpireat"], "\(name)")
      if want["value_omitted"] != .null { continue }
      if want["type"].text == "stream" {
        let difference = ExportTests.streamDifference(mine["value"], want["value"])
        #expect(difference == nil, "\(name): \(difference ?? "")")
      } else {
        let same = ExportTests.isSame(mine["value"], want["value"], want["type"].text)
        #expect(same, "\(name)")
      }
    }
  }

  @Test(arguments: Fixture.files().filter { $0.hasSuffix(".rdb") && !$0.hasPrefix("writing") })
  func everyFormIsValid(_ name: String) throws {
    var options = Export.Options()
    options.all = true
    let lines = try ExportTests.objects(ExportTests.export(Fixture.path(name), options))
    options.format = .json
    let whole = try JSONValue(ExportTests.export(Fixture.path(name), options))
    #expect(whole.items == lines)
    options.format = .csv
    options.all = false
    let rows = CSVRows(try ExportTests.export(Fixture.path(name), options)).rows
    #expect(rows.allSatisfy { $0.count == 10 })
    let keys = Set(rows.dropFirst().map { $0[0] + " " + $0[1] })
    #expect(keys.count == lines.filter { $0["key"] != .null }.count)
  }

  @Test func selectionAndSize() throws {
    var options = Export.Options()
    try options.selection.addTypes("zset")
    let all = try ExportTests.objects(
      ExportTests.export(Fixture.path("live/live_7.4.rdb"), options))
    #expect(!all.isEmpty && all.allSatisfy { $0["type"].text == "zset" })
    options.selection.minimumSize = 1000
    let large = try ExportTests.objects(
      ExportTests.export(Fixture.path("live/live_7.4.rdb"), options))
    #expect(!large.isEmpty && large.count < all.count)
    for object in large { #expect(all.contains(object)) }
  }
}

/// Reads CSV as RFC 4180 describes it.
struct CSVRows {
  var rows: [[String]] = []

  init(_ text: String) {
    var row: [String] = []
    var cell: [UInt8] = []
    var quoted = false
    let bytes = Array(text.utf8)
    var at = 0
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      if quoted {
        if byte != 0x22 {
          cell.append(byte)
        } else if at < bytes.count, bytes[at] == 0x22 {
          cell.append(0x22)
          at += 1
        } else {
          quoted = false
        }
      } else if byte == 0x22 {
        quoted = true
      } else if byte == 0x2C || byte == 0x0A {
        row.append(String(decoding: cell, as: UTF8.self))
        cell = []
        if byte == 0x0A {
          rows.append(row)
          row = []
        }
      } else {
        cell.append(byte)
      }
    }
  }
}
