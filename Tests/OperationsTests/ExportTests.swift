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

  static func objects(_ text: String) throws -> [NSDictionary] {
    try text.split(separator: "\n").map { line in
      try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? NSDictionary, "\(line)")
    }
  }

  /// What two exports of the same value agree on: order where it matters, scores as numbers.
  static func normal(_ value: Any?, _ type: String) -> NSObject {
    switch type {
    case "set": return NSSet(array: value as? [Any] ?? [])
    case "hash":
      let rows = (value as? [[Any]] ?? []).map { row in
        NSArray(array: [row[0], row[1], row.count > 2 ? row[2] : NSNull()])
      }
      return NSSet(array: rows)
    case "zset":
      return NSArray(
        array: (value as? [[Any]] ?? []).map { row in
          NSArray(array: [row[0], Double("\(row[1])") ?? .nan])
        })
    case "array":
      let value = value as? NSDictionary
      return NSDictionary(
        dictionary: [
          "len": value?["len"] ?? 0, "count": value?["count"] ?? 0, "next": value?["next"] ?? 0,
          "items": value?["items"] ?? [],
        ])
    default: return value as? NSObject ?? NSNull()
    }
  }

  static func streamDifference(_ got: NSDictionary, _ want: NSDictionary) -> String? {
    for name in [
      "entries", "length", "last-generated-id", "max-deleted-entry-id", "entries-added",
      "recorded-first-entry-id",
    ] {
      guard let expected = want[name], !(expected is NSNull) else { continue }
      if expected as? NSObject != got[name] as? NSObject { return name }
    }
    let groups = { (value: NSDictionary) in
      Dictionary(
        uniqueKeysWithValues: (value["groups"] as? [NSDictionary] ?? []).map {
          ("\($0["name"] ?? "")", $0)
        })
    }
    let have = groups(got)
    for (name, group) in groups(want) {
      guard let mine = have[name] else { return "group \(name)" }
      for part in ["last-delivered-id", "entries-read"] {
        guard let expected = group[part], !(expected is NSNull) else { continue }
        if expected as? NSObject != mine[part] as? NSObject { return "\(name) \(part)" }
      }
      let pending = { (group: NSDictionary) in
        (group["pel"] as? [[Any]] ?? []).map { "\($0[0]) \($0[1]) \($0[3])" }.sorted()
      }
      if pending(group) != pending(mine) { return "\(name) pel" }
      let names = { (group: NSDictionary) in
        (group["consumers"] as? [NSDictionary] ?? []).map { "\($0["name"] ?? "")" }.sorted()
      }
      if names(group) != names(mine) { return "\(name) consumers" }
    }
    return nil
  }

  @Test(arguments: withTruth) func agreesWithTheServer(_ dump: DumpCase) throws {
    var options = Export.Options()
    options.base64 = true
    options.expiredBefore = dump.expiredBefore
    var got: [String: NSDictionary] = [:]
    let text = try ExportTests.export(Fixture.path(dump.name + ".rdb"), options)
    for object in try ExportTests.objects(text) {
      got["\(object["db"] ?? "") \(object["key"] ?? "")"] = object
    }
    let truth = try ExportTests.objects(Fixture.text(dump.name + ".truth.jsonl"))
    #expect(got.count == truth.count)
    for want in truth {
      let name = "\(want["db"] ?? "") \(want["key"] ?? "")"
      let mine = try #require(got[name], "\(name) is missing")
      let type = "\(want["type"] ?? "")"
      #expect(mine["type"] as? String == type)
      #expect(
        (mine["pexpireat"] as? NSObject) == (want["pexpireat"] as? NSObject), "\(name) pexpireat")
      if want["value_omitted"] != nil { continue }
      if type == "stream" {
        let difference = ExportTests.streamDifference(
          try #require(mine["value"] as? NSDictionary), try #require(want["value"] as? NSDictionary)
        )
        #expect(difference == nil, "\(name): \(difference ?? "")")
      } else {
        #expect(
          ExportTests.normal(mine["value"], type) == ExportTests.normal(want["value"], type),
          "\(name)")
      }
    }
  }

  @Test(arguments: Fixture.files().filter { $0.hasSuffix(".rdb") && !$0.hasPrefix("writing") })
  func everyFormIsValid(_ name: String) throws {
    var options = Export.Options()
    options.all = true
    let lines = try ExportTests.objects(ExportTests.export(Fixture.path(name), options))
    options.format = .json
    let whole = try ExportTests.export(Fixture.path(name), options)
    let array = try JSONSerialization.jsonObject(with: Data(whole.utf8)) as? [NSDictionary]
    #expect(array == lines)
    options.format = .csv
    options.all = false
    let rows = CSVRows(try ExportTests.export(Fixture.path(name), options)).rows
    #expect(rows.allSatisfy { $0.count == 10 })
    let keys = Set(rows.dropFirst().map { $0[0] + " " + $0[1] })
    #expect(keys.count == lines.filter { $0["key"] != nil }.count)
  }

  @Test func selectionAndSize() throws {
    var options = Export.Options()
    try options.selection.addTypes("zset")
    let all = try ExportTests.objects(
      ExportTests.export(Fixture.path("live/live_7.4.rdb"), options))
    #expect(!all.isEmpty && all.allSatisfy { $0["type"] as? String == "zset" })
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
