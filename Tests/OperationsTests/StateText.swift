import Bytes
import Foundation
import TestSupport
import Testing

@testable import Operations

/// A small state as an export, of which single things are changed.
enum StateText {
  /// Every type that each release from 7.4 on has, with all that keys can have.
  static let lines = [
    #"{"aux":"redis-ver","value":"7.4.0"}"#,
    ##"{"function":"#!lua name=lib\nredis.register_function('f', function() return 1 end)"}"##,
    #"{"db":0,"key":"s","type":"string","value":"hello world"}"#,
    #"{"db":0,"key":"n","type":"string","pexpireat":4102444800000,"value":"12345"}"#,
    #"{"db":0,"key":"l","type":"list","value":["a","b","c","17"]}"#,
    #"{"db":0,"key":"set","type":"set","value":["1","2","x"]}"#,
    #"{"db":0,"key":"z","type":"zset","value":[["m","1"],["n","2.5"]]}"#,
    #"{"db":0,"key":"h","type":"hash","value":[["f","v",4102444800000],["g","w",null]]}"#,
    #"{"db":3,"key":"other","type":"string","value":"x"}"#,
    #"{"db":0,"key":"x","type":"stream","value":{"entries":[["1-0",["f","v"]],["2-0",["f","w"]]],"length":2,"last-generated-id":"5-0","max-deleted-entry-id":"3-0","recorded-first-entry-id":"1-0","entries-added":4,"groups":[{"name":"g","last-delivered-id":"2-0","entries-read":2,"pel":[["1-0","c",1700000000000,3]],"consumers":[{"name":"c","seen-time":1700000000001,"active-time":1700000000001},{"name":"d","seen-time":1700000000002,"active-time":-1}]}]}}"#,
  ]

  static var text: String { lines.joined(separator: "\n") + "\n" }

  /// The text with one thing changed, which must be there.
  static func changing(_ from: String, to: String) throws -> String {
    guard text.contains(from) else { throw TestSupportError("\(from) is not in the text") }
    return text.replacingOccurrences(of: from, with: to)
  }

  /// Imports `text` into a file of `directory`.
  static func make(
    _ text: String, _ form: Convert.Form, _ name: String, in directory: TemporaryDirectory
  ) throws -> String {
    let source = try directory.write(text, to: name + ".jsonl")
    var options = Convert.Options()
    options.form = form
    let report = try Import.run(source, to: directory.file(name), options)
    guard !report.isRefused else { throw TestSupportError("\(report.lost)") }
    return directory.file(name)
  }
}

/// One change of ``StateText``, and what tells of it.
struct SingleChange: CustomTestStringConvertible, Sendable {
  var name: String
  var from: String
  var to: String
  /// The key that differs.
  var key: String
  var part: StateDifference.Part
  /// Whether a log of commands holds it.
  var isInLogs = true
  var testDescription: String { name }

  static let all = [
    SingleChange(
      name: "a byte of a value", from: "hello world", to: "hello_world", key: "s", part: .value),
    SingleChange(
      name: "the order of a list", from: #"["a","b","c","17"]"#, to: #"["a","c","b","17"]"#,
      key: "l", part: .element),
    SingleChange(
      name: "expiry one ms later", from: #""pexpireat":4102444800000"#,
      to: #""pexpireat":4102444800001"#, key: "n", part: .expiry),
    SingleChange(
      name: "expiry one ms earlier", from: #""pexpireat":4102444800000"#,
      to: #""pexpireat":4102444799999"#, key: "n", part: .expiry),
    SingleChange(
      name: "no expiry", from: #""pexpireat":4102444800000"#, to: #""pexpireat":null"#, key: "n",
      part: .expiry),
    SingleChange(
      name: "field expiry one ms later", from: #"["f","v",4102444800000]"#,
      to: #"["f","v",4102444800001]"#, key: "h", part: .fieldExpiry),
    SingleChange(
      name: "field expiry one ms earlier", from: #"["f","v",4102444800000]"#,
      to: #"["f","v",4102444799999]"#, key: "h", part: .fieldExpiry),
    SingleChange(
      name: "a field's value", from: #"["g","w",null]"#, to: #"["g","W",null]"#, key: "h",
      part: .field),
    SingleChange(
      name: "a member", from: #"["1","2","x"]"#, to: #"["1","2","y"]"#, key: "set", part: .member),
    SingleChange(
      name: "the last bit of a score", from: #"["n","2.5"]"#, to: #"["n","2.5000000000000004"]"#,
      key: "z", part: .score),
    SingleChange(
      name: "a removed consumer",
      from: #",{"name":"d","seen-time":1700000000002,"active-time":-1}"#,
      to: "", key: "x", part: .consumer),
    SingleChange(
      name: "how often an entry was delivered", from: "1700000000000,3]", to: "1700000000000,4]",
      key: "x", part: .deliveries),
    SingleChange(
      name: "when an entry was delivered", from: "1700000000000,3]", to: "1700000000001,3]",
      key: "x", part: .deliveryTime),
    SingleChange(
      name: "who owns a pending entry", from: #"["1-0","c",17"#, to: #"["1-0","d",17"#, key: "x",
      part: .owner),
    SingleChange(
      name: "the last id of a stream", from: #""last-generated-id":"5-0""#,
      to: #""last-generated-id":"5-1""#, key: "x", part: .lastID),
    SingleChange(
      name: "entries added", from: #""entries-added":4"#, to: #""entries-added":5"#, key: "x",
      part: .entriesAdded),
    SingleChange(
      name: "the highest deleted id", from: #""max-deleted-entry-id":"3-0""#,
      to: #""max-deleted-entry-id":"3-1""#, key: "x", part: .maxDeletedID),
    SingleChange(
      name: "the last id of a group", from: #""last-delivered-id":"2-0""#,
      to: #""last-delivered-id":"1-0""#, key: "x", part: .lastDelivered),
    SingleChange(
      name: "entries read", from: #""entries-read":2"#, to: #""entries-read":1"#, key: "x",
      part: .entriesRead),
    SingleChange(
      name: "a field of an entry", from: #"["2-0",["f","w"]]"#, to: #"["2-0",["f","W"]]"#,
      key: "x", part: .entry),
    SingleChange(
      name: "when a consumer was seen", from: #""seen-time":1700000000002"#,
      to: #""seen-time":1700000000003"#, key: "x", part: .seenTime, isInLogs: false),
    SingleChange(
      name: "the text of a function", from: "return 1", to: "return 2", key: "lib", part: .value),
    SingleChange(
      name: "the type", from: #""key":"set","type":"set""#, to: #""key":"set","type":"list""#,
      key: "set", part: .type),
  ]
}
