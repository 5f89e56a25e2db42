import Bytes
import Foundation
import Operations
import RDB
import TestSupport
import Testing

/// The dumps that other projects test with, and what they expect of them.
///
/// They are no part of this package: `corpus/peers` of the shared corpus.
@Suite(.enabled(if: SharedCorpus.isPresent, Comment(rawValue: SharedCorpus.absence)))
struct PeerDumpTests {
  static let projects = ["redis", "redis-8.8", "librdb", "valkey"]
  static let root = SharedCorpus.path("peers") ?? ""

  static func files(_ project: String, _ suffix: String) -> [String] {
    let inside = (try? FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(project)")) ?? []
    return inside.filter { $0.hasSuffix(suffix) }.sorted().map { "\(root)/\(project)/\($0)" }
  }

  static func librdb(_ name: String) -> String { "\(root)/librdb/test/dumps/\(name)" }

  /// How the peer's own loader ends on its file, where it does not end well.
  ///
  /// librdb's names say it; `corrupt_ziplist.rdb` is refused by servers that look inside
  /// (`sanitize-dump-payload yes`), which is what a deep check does.
  static let refusals: [String: @Sendable (RDBError.Kind) -> Bool] = [
    "future_v19.rdb": { $0 == .unsupportedVersion(99) },
    "invalid_chksum_v8.rdb": { if case .checksumMismatch = $0 { true } else { false } },
    "corrupt_ziplist.rdb": { if case .corrupt(.ziplist, _) = $0 { true } else { false } },
  ]

  /// Reads and checks all of it; the checksum that its end gave.
  static func read(_ path: String) throws(RDBError) -> RDBChecksum {
    let cursor: ByteCursor
    do throws(SystemError) { cursor = try InputFile.open(path) } catch {
      throw RDBError(.unreadable(error), at: 0, while: .header)
    }
    var reader = try RDBReader(cursor)
    var checker = ValueChecker()
    while true {
      switch try reader.next() {
      case .key:
        do throws(RDBError) { try checker.check(&reader) } catch {
          // Servers skip empty collections, which `check --deep` calls unusual.
          guard path.hasSuffix("corrupt_empty_keys.rdb"), reader.canSkipValue else { throw error }
        }
      case .end(let checksum): return checksum
      default: break
      }
    }
  }

  @Test(arguments: projects) func everyDumpIsReadOrRefusedAsItsProjectExpects(_ project: String) {
    let dumps = PeerDumpTests.files(project, ".rdb")
    #expect(dumps.count >= 8)
    for dump in dumps {
      let name = dump.split(separator: "/").last.map(String.init) ?? dump
      do throws(RDBError) {
        let checksum = try PeerDumpTests.read(dump)
        #expect(PeerDumpTests.refusals[name] == nil, "\(dump) reads to its end")
        if case .absent = checksum { continue }
        if case .notComputed = checksum { continue }
        guard case .verified = checksum else {
          Issue.record("\(dump): \(checksum)")
          continue
        }
      } catch {
        let isExpected = PeerDumpTests.refusals[name].map { $0(error.kind) } ?? false
        #expect(isExpected, "\(dump): \(error)")
      }
    }
  }

  @Test func logsWithADumpInFrontAreReplayed() throws {
    for project in ["redis", "redis-8.8", "valkey"] {
      let logs = PeerDumpTests.files(project, "rdb-preamble.aof")
      #expect(logs.count == 1)
      for log in logs { #expect(try Digest.of(DataInput(log)).keys > 0, "\(log)") }
    }
  }

  /// What librdb made of which dump, where its file says what clients would see. Its `raw` files hold
  /// bytes of encodings, most of its `struct` files parts of them.
  static let expectations: [(json: String, rdb: String, isPart: Bool)] = [
    ("cluster_slot_info", "cluster_slot_info", false), ("function2", "function2", false),
    ("hash_data", "hash_v3", false), ("hash_struct", "hash_v3", false),
    ("hash_ex_v12_data", "hash_with_expire_v12", false),
    ("hash_lp_ex_v12_data", "hash_lp_with_hexpire_v12", false),
    ("hash_lp_v11_data", "hash_lp_v11", false), ("hash_zl_v6_data", "hash_zl_v6", false),
    ("hash_zm_v2_data", "hash_zm_v2", false), ("mem_policy_lfu", "mem_policy_lfu", false),
    ("mem_policy_lru", "mem_policy_lru", false), ("module_aux_data", "module_aux", false),
    ("multiple_dbs_data", "multiple_dbs", false),
    ("multiple_lists_strings_data", "multiple_lists_strings", false),
    ("multiple_lists_strings_no_aux", "multiple_lists_strings", false),
    ("multiple_lists_strings_2filters", "multiple_lists_strings", true),
    ("multiple_lists_strings_subset_list", "multiple_lists_strings", true),
    ("plain_hash_data", "hash_v3", false), ("plain_hash_struct", "hash_v3", false),
    ("plain_list_v6_data", "plain_list_v6", false), ("plain_set_v6_data", "plain_set_v6", false),
    ("plain_set_v6_struct", "plain_set_v6", false),
    ("plain_zset_2_v11_data", "plain_zset_2_v11", false),
    ("plain_zset_2_v11_struct", "plain_zset_2_v11", false),
    ("plain_zset_v6_data", "plain_zset_v6", false),
    ("plain_zset_v6_struct", "plain_zset_v6", false), ("quicklist_data", "quicklist", false),
    ("set_is_v11_data", "set_is_v11", false), ("set_lp_v11_data", "set_lp_v11", false),
    ("set_expired", "set_expired_v11", false), ("set_not_expired", "set_not_expired_v11", false),
    ("single_key_data", "single_key", false), ("single_key_struct", "single_key", false),
    ("single_list_data", "quicklist2_v11", false), ("stream_data", "stream_v11", false),
    ("stream_data_with_meta", "stream_v11", false), ("stream_v13", "stream_v13_idmp", false),
    ("string_int_encoded", "string_int_encoded", false), ("ziplist_data", "ziplist_v3", false),
    ("zset_lp_v11_data", "zset_lp_v11", false), ("zset_zl_v6_data", "zset_zl_v6", false),
  ]

  /// The keys that a file of librdb names. It is the inside of an object, or an array of databases.
  static func keys(_ text: String) throws -> [String: JSONValue] {
    let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
    let value = try JSONValue(text.hasPrefix("[") ? text : "{\(text)}")
    var keys: [String: JSONValue] = [:]
    for part in text.hasPrefix("[") ? value.items : [value] {
      guard case .object(let members) = part else { continue }
      for (name, value) in members where !name.hasPrefix("__") { keys[name] = value }
    }
    return keys
  }

  @Test func exportsHoldWhatLibrdbFound() throws {
    for (json, rdb, isPart) in PeerDumpTests.expectations {
      let path = PeerDumpTests.librdb(json + ".json")
      let want = try PeerDumpTests.keys(String(contentsOfFile: path, encoding: .utf8))
      var options = Export.Options()
      if json == "set_expired" { options.expiredBefore = 1_795_000_000_000 }
      let text = try ExportTests.export(PeerDumpTests.librdb(rdb + ".rdb"), options)
      var got: [String: JSONValue] = [:]
      for object in try ExportTests.objects(text) { got[object["key"].text ?? ""] = object }
      #expect(isPart || got.count == want.count, "\(json)")
      for (key, value) in want {
        let mine = got[key] ?? .null
        let difference = PeerDumpTests.difference(mine["value"], value, mine["type"].text)
        #expect(difference == nil, "\(json), \(key): \(difference ?? "")")
      }
    }
  }

  /// What two pictures of a value do not agree in.
  static func difference(_ mine: JSONValue, _ theirs: JSONValue, _ type: String?) -> String? {
    switch type {
    case "string", "list": return mine == theirs ? nil : "\(mine)"
    case "set":
      let same = Set(mine.items) == Set(theirs.items) && mine.items.count == theirs.items.count
      return same ? nil : "\(mine)"
    case "hash":
      var fields: [String: JSONValue] = [:]
      for item in mine.items { fields[item[0].text ?? ""] = item[1] }
      return .object(fields) == theirs ? nil : "\(mine)"
    case "zset":
      guard case .object(let members) = theirs else { return "not an object" }
      let same = mine.items.allSatisfy { $0[1].score == members[$0[0].text ?? ""]?.score }
      return same && mine.items.count == members.count ? nil : "\(mine)"
    case "stream": return streamDifference(mine, theirs)
    case "module": return theirs.text == nil ? "not told" : nil
    default: return "no such key"
    }
  }

  private static func streamDifference(_ mine: JSONValue, _ theirs: JSONValue) -> String? {
    let entries = mine["entries"].items
    if entries.count != theirs["entries"].items.count { return "entries" }
    for (entry, other) in zip(entries, theirs["entries"].items) {
      var fields: [String: JSONValue] = [:]
      let words = entry[1].items
      for at in stride(from: 0, to: words.count, by: 2) {
        fields[words[at].text ?? ""] = words[at + 1]
      }
      if entry[0] != other["id"] || .object(fields) != other["items"] { return "entry \(entry)" }
    }
    for (name, other) in [
      ("length", "length"), ("entries-added", "entriesAdded"),
      ("recorded-first-entry-id", "firstID"), ("last-generated-id", "lastID"),
      ("max-deleted-entry-id", "maxDelEntryID"),
    ] where theirs[other] != .null && theirs[other] != mine[name] { return other }
    for (group, other) in zip(mine["groups"].items, theirs["groups"].items) {
      for (name, peer) in [
        ("name", "name"), ("last-delivered-id", "lastid"), ("entries-read", "entriesRead"),
      ] where group[name] != other[peer] { return "group \(peer)" }
      let pending = Set(group["pel"].items.map { [$0[0], $0[2], $0[3]] })
      let wanted = Set(other["pending"].items.map { [$0["id"], $0["sent"], $0["count"]] })
      if pending != wanted { return "pending" }
      for (consumer, peer) in zip(group["consumers"].items, other["consumers"].items) {
        let same =
          consumer["name"] == peer["name"] && consumer["seen-time"] == peer["seenTime"]
          && consumer["active-time"] == peer["activeTime"]
        if !same { return "consumer \(consumer)" }
        let owned = group["pel"].items.filter { $0[1] == consumer["name"] }.map { $0[0] }
        if Set(owned) != Set(peer["pending"].items.map { $0["id"] }) { return "owners" }
      }
    }
    if theirs["groups"] != .null, theirs["groups"].items.count != mine["groups"].items.count {
      return "groups"
    }
    let idempotency = theirs["idmp"]
    if idempotency == .null { return nil }
    if mine["idmp"]["duration"] != idempotency["duration"] { return "duration" }
    if mine["idmp"]["maxsize"] != idempotency["maxEntries"] { return "maxsize" }
    let ids = mine["idmp"]["producers"].items.map { [$0["name"]] + $0["ids"].items }
    let wanted = idempotency["producers"].items.map { producer in
      [producer["pid"]]
        + producer["entries"].items.map { JSONValue.array([$0["iid"], $0["streamId"]]) }
    }
    return ids == wanted ? nil : "producers"
  }

  /// librdb's commands are ours, but for what it writes needlessly (the server's defaults) or loses
  /// (consumers that own nothing).
  @Test(arguments: [
    ("stream_v11", "stream_v11", "6.2"), ("stream_v11", "stream_v11", "7.2"),
    ("stream_v13_idmp", "stream_v13", "8.4"), ("stream_v13_idmp", "stream_v13", "8.6"),
  ])
  func commandsAreThoseOfLibrdb(_ dump: String, _ answer: String, _ version: String) throws {
    try withTemporaryDirectory { directory in
      var options = Convert.Options()
      options.form = .resp
      options.target = RDBTarget("redis:\(version)")
      options.lossy = true
      let made = directory.file("made.aof")
      _ = try Convert.run(DataInput(PeerDumpTests.librdb("\(dump).rdb")), to: made, options)
      let theirs = try [UInt8](
        Data(
          contentsOf: URL(
            fileURLWithPath: PeerDumpTests.librdb("\(answer)_target_ver_\(version).resp"))))
      let isNeedless = { (words: [String]) in
        words[0] == "SELECT" || words.suffix(4) == ["IDMP-DURATION", "100", "IDMP-MAXSIZE", "100"]
      }
      let want = try Logs.words(directory.write(theirs, to: "theirs.aof")).filter {
        !isNeedless($0)
      }
      let mine = try Logs.words(made).filter { $0[0] != "SELECT" && $0[1] != "CREATECONSUMER" }
      #expect(mine == want)
    }
  }
}
