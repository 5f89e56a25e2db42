import AOF
import Bytes
import Testing

/// One command as the tests compare it.
struct Seen: Equatable, CustomStringConvertible {
  var index: Int
  var offset: Int
  var length: Int
  var database: Int
  var time: Int64
  var transaction: Int
  var position: Int
  var words: [String]
  var description: String { "\(index) @\(offset)+\(length) db\(database) \(words)" }
}

/// The commands of `bytes`, and what ended them.
func walk(_ bytes: [UInt8]) -> (commands: [Seen], error: AOFError?) {
  bytes.withByteSlice { slice in
    var reader = AOFReader(ByteCursor(slice))
    var seen: [Seen] = []
    do throws(AOFError) {
      while try reader.next() { seen.append(look(&reader)) }
      return (seen, nil)
    } catch {
      return (seen, error)
    }
  }
}

func look(_ reader: inout AOFReader) -> Seen {
  let command = reader.command
  return Seen(
    index: command.index, offset: command.offset, length: command.length,
    database: command.database, time: command.time, transaction: command.transaction,
    position: command.position,
    words: (0..<reader.arguments.count).map { reader.arguments[$0].text })
}

/// The bytes of a command.
func resp(_ words: String...) -> [UInt8] { resp(words) }

func resp(_ words: [String]) -> [UInt8] {
  Array("*\(words.count)\r\n".utf8)
    + words.flatMap { Array("$\($0.utf8.count)\r\n\($0)\r\n".utf8) }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct ReaderTests {
  /// A live pipe must not be waited for without need: what a part of a command asks for is never more
  /// than the command has, and always more than is there. (`make mutate` showed that no test looked.)
  @Test func partsOfACommandAskForNoMoreThanTheCommandHas() {
    for words in [
      ["PING"], ["SET", "key", "value"], ["SET", "", String(repeating: "x", count: 1234)],
    ] {
      let whole = resp(words)
      whole.withByteSlice { whole in
        var table = ArgumentTable()
        for count in 1..<whole.count {
          do throws(TokenFailure) {
            _ = try table.fill(from: whole.prefix(count), at: 0)
            Issue.record("\(count) bytes of \(words) were taken for all")
          } catch {
            #expect(error.needed > count && error.needed <= whole.count, "\(words), \(count) bytes")
          }
        }
      }
      // Of a longer argument all is asked for at once.
      if let last = words.last, last.utf8.count > 1000 {
        whole.withByteSlice { slice in
          var table = ArgumentTable()
          do throws(TokenFailure) { _ = try table.fill(from: slice.prefix(100), at: 0) } catch {
            #expect(error.needed == slice.count)
          }
        }
      }
    }
  }

  @Test func everythingBesideTheWordsIsTracked() {
    let log =
      bytes("#TS:1700000000\r\n") + resp("SELECT", "0") + resp("SET", "test", "Nice to meet you")
      + bytes("#TS:1700000005\r\n") + resp("MULTI") + resp("SET", "a", "1") + resp("select", "3")
      + resp("DEL", "b") + resp("EXEC") + bytes("# words\n") + resp("DEL", "test")
    let (commands, error) = walk(log)
    #expect(error == nil)
    #expect(commands.map(\.index) == Array(1...8))
    #expect(commands.map(\.database) == [0, 0, 0, 0, 3, 3, 3, 3])
    #expect(
      commands.map(\.time) == [1_700_000_000, 1_700_000_000]
        + Array(repeating: 1_700_000_005, count: 6))
    #expect(commands.map(\.transaction) == [0, 0, 1, 1, 1, 1, 1, 0])
    #expect(commands.map(\.position) == [0, 0, 0, 1, 2, 3, 4, 0])
    #expect(commands[1].words == ["SET", "test", "Nice to meet you"])
    #expect(commands[1].offset == 16 + 23)
    #expect(commands[7].offset + commands[7].length == log.count)
  }

  @Test func longWordsAndManyWords() {
    let long = String(repeating: "x", count: 123_456)
    let many = (0..<1500).map { "\($0)" }
    let log =
      resp("SET", "a", long) + bytes("*1501\r\n")
      + (["RPUSH"] + many).flatMap { bytes("$\($0.utf8.count)\r\n\($0)\r\n") } + resp("EXEC")
    let (commands, error) = walk(log)
    #expect(error == nil)
    #expect(commands[0].words[2] == long)
    #expect(commands[1].words == ["RPUSH"] + many)
    #expect(commands[2].words == ["EXEC"])
  }

  @Test(
    arguments: [
      // What redis-check-aof reads with strtol is read as well.
      ("*+1\r\n$4\r\nEXEC\r\n", nil), ("*01\r\n$004\r\nEXEC\r\n", nil),
      ("* 1\r\n$ 4\r\nEXEC\r\n", nil),
      ("*0\r\n", .argumentCount(0)), ("*-1\r\n", .argumentCount(-1)),
      ("*2147483648\r\n$1\r\na\r\n", .argumentCount(2_147_483_648)),
      ("*2147483647\r\n$1\r\na\r\n", .truncated),
      ("*1\r\n$-1\r\n", .argumentLength(-1)),
      ("*1\r\n$9223372036854775807\r\nabc\r\n", .argumentLength(.max)),
      ("*1\r\n$9223372036854775808\r\nabc\r\n", .argumentLength(.max)),
      ("*1\r\n$99999999999\r\nabc\r\n", .argumentLength(99_999_999_999)),
      ("*1\r\n$99999\r\nabc\r\n", .truncated),
      ("*1\n$4\r\nEXEC\r\n", .lineEnd), ("*1\r\n$4\nEXEC\r\n", .lineEnd),
      ("*1\r\n$4\r\nEXEC\n*1\r\n", .lineEnd), ("*1\r\n$3\r\nEXEC\r\n", .lineEnd),
      ("*x\r\n", .number), ("*\r\n$4\r\n", .number), ("*1x\r\n$4\r\n", .number),
      ("*1\r\n+OK\r\n", .unexpected(wanted: 0x24, found: 0x2B)),
      ("SET a b\r\n", .unexpected(wanted: 0x2A, found: 0x53)),
      ("\u{0}\u{0}\u{0}\u{0}", .unexpected(wanted: 0x2A, found: 0)),
      ("*1\r\n$" + String(repeating: "0", count: 130) + "\r\n", .lineTooLong),
      ("#" + String(repeating: "x", count: 1022) + "\n", .lineTooLong),
      ("#" + String(repeating: "x", count: 1021) + "\n", nil),
      ("#TS:17", .truncated),
      ("*1\r\n$5\r\nMULTI\r\n", .truncatedInTransaction),
      ("", nil),
    ] as [(String, AOFError.Kind?)])
  func formsAndErrors(_ text: String, _ kind: AOFError.Kind?) {
    let (_, error) = walk(bytes(text))
    #expect(error?.kind == kind)
    if let error { #expect(error.offset >= 0 && error.offset <= text.utf8.count) }
  }

  @Test func everyCutIsATruncationAtTheLastGoodByte() {
    let parts = [
      resp("SELECT", "0"), bytes("#TS:1700000000\r\n"),
      resp("SET", "k", String(repeating: "v", count: 1200)),
      resp("MULTI") + resp("DEL", "k") + bytes("#x\n") + resp("SET", "k", "") + resp("EXEC"),
      resp("INCR", "n"),
    ]
    let log = parts.flatMap { $0 }
    var ends = [0]
    for part in parts { ends.append(ends[ends.count - 1] + part.count) }
    for cut in 0...log.count {
      let (_, error) = walk(Array(log[..<cut]))
      let good = ends.last { $0 <= cut } ?? 0
      if good == cut {
        #expect(error == nil, "cut at \(cut)")
      } else {
        #expect(error?.isTruncation == true, "cut at \(cut): \(String(describing: error))")
        #expect(error?.goodBytes == good, "cut at \(cut)")
        #expect(error?.offset == cut)
      }
    }
  }

  @Test func damageInsideATransactionLeavesWhatIsBeforeIt() {
    let head = resp("SELECT", "0")
    let log = head + resp("MULTI") + resp("SET", "a", "b") + bytes("garbage")
    let error = walk(log).error
    #expect(error?.kind == .unexpected(wanted: 0x2A, found: 0x67))
    #expect(error?.goodBytes == head.count)
    #expect(error?.command == 4)
    #expect(error?.offset == log.count - 7)
  }

  @Test func oddTransactionsAreReadOn() {
    let log = resp("EXEC") + resp("MULTI") + resp("MULTI") + resp("SET", "a", "b") + resp("EXEC")
    let (commands, error) = walk(log)
    #expect(error == nil)
    #expect(commands.map(\.transaction) == [0, 1, 1, 1, 1])
    #expect(commands.map(\.position) == [0, 0, 1, 2, 3])
  }

  @Test func commandsAreReadAgainAtTheirOffset() {
    let log = resp("SELECT", "0") + resp("SET", "key", "value") + resp("DEL", "key")
    let commands = walk(log).commands
    log.withByteSlice { slice in
      var table = ArgumentTable()
      for command in commands.reversed() {
        #expect(
          (try? table.fill(from: slice, at: command.offset)) == command.offset + command.length)
        #expect((0..<table.count).map { table[$0].text } == command.words)
      }
    }
  }

  @Test func indexTimeAndTransactionsGoOnInTheNextFile() {
    let first =
      bytes("#TS:1700000000\r\n") + resp("SELECT", "3") + resp("MULTI") + resp("EXEC")
      + bytes("#TS:1700000009\r\n")
    let second = resp("SET", "a", "b") + resp("MULTI") + resp("EXEC")
    first.withByteSlice { one in
      second.withByteSlice { two in
        var reader = AOFReader(ByteCursor(one))
        while (try? reader.next()) == true {}
        var next = AOFReader(
          ByteCursor(two), file: 1, after: reader.command, transactions: reader.transactionCount)
        var seen: [Seen] = []
        while (try? next.next()) == true { seen.append(look(&next)) }
        #expect(seen.map(\.index) == [4, 5, 6])
        #expect(seen.map(\.database) == [0, 0, 0])
        #expect(seen.map(\.time) == [1_700_000_009, 1_700_000_009, 1_700_000_009])
        #expect(seen.map(\.transaction) == [0, 2, 2])
      }
    }
  }
}
