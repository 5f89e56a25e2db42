internal import AOF
package import Bytes

// The base and the verbatim part as they are written, and how they are read back.

extension VerbatimPart {
  /// What was written, up to where.
  struct Piece {
    enum Kind {
      /// Kept keys of a dump, with the hash of their state.
      case base(StateHash)
      /// Runs of commands.
      case runs(Range<Int>)
    }
    let kind: Kind
    let end: Int
  }

  /// Writes what stands in front of the rest: of each dump the kept keys, then the commands behind it.
  /// What follows must select its database anew.
  ///
  /// - Parameter keyspace: the one that replayed the log.
  package func write(to writer: inout CommandWriter, from keyspace: Keyspace) {
    pieces = []
    var run = 0
    for (number, base) in bases.enumerated() {
      writeRuns(run..<base.runs, to: &writer, keyspace)
      run = base.runs
      var hash = StateHash(StateHash.View(writer.target))
      writer.forgetDatabase()
      _ = bases[number].state.write(to: &writer, hash: &hash)
      pieces.append(Piece(kind: .base(hash), end: writer.output.count))
      writer.forgetDatabase()
    }
    writeRuns(run..<runs.count, to: &writer, keyspace)
    writer.forgetDatabase()
  }

  private func writeRuns(
    _ range: Range<Int>, to writer: inout CommandWriter, _ keyspace: Keyspace
  ) {
    for index in range {
      let run = runs[index]
      writer.select(run.database)
      writer.verbatim(keyspace.bytes(of: run), commands: run.commands)
      if writer.output.failure != nil { return }
    }
    pieces.append(Piece(kind: .runs(range), end: writer.output.count))
  }

  /// Whether `bytes` begin with what was written last: the states of the bases, and every command of
  /// the log byte by byte, in its database. `isLossy`: the target could not hold all of the bases.
  ///
  /// - Returns: where the rest begins; nil when something differs.
  package func check(
    _ bytes: ByteSlice, from keyspace: Keyspace, isLossy: Bool
  ) -> Int? {
    var at = 0
    for piece in pieces {
      guard at <= piece.end, piece.end <= bytes.count else { return nil }
      switch piece.kind {
      case .base(let wanted):
        let state = Keyspace(now: 0, eager: true)
        var found = StateHash(wanted.view)
        let cursor = ByteCursor(bytes.slice(at: at, count: piece.end - at))
        guard (try? state.pass(cursor, into: &found)) != nil, state.faultCount == 0,
          found == wanted || isLossy
        else { return nil }
        at = piece.end
      case .runs(let range):
        guard check(range, bytes, &at, keyspace), at == piece.end else { return nil }
      }
    }
    return at
  }

  private func check(
    _ range: Range<Int>, _ bytes: ByteSlice, _ at: inout Int, _ keyspace: Keyspace
  ) -> Bool {
    var database = -1
    var words = ArgumentTable()
    for index in range {
      let run = runs[index]
      if run.database != database {
        database = run.database
        guard let end = try? words.fill(from: bytes, at: at), words.count == 2,
          words[0].equals("SELECT"), DecimalText.canonical(words[1]) == Int64(database)
        else { return false }
        at = end
      }
      guard bytes.holds(run.count, at: at),
        bytes.slice(at: at, count: run.count) == keyspace.bytes(of: run)
      else { return false }
      at += run.count
    }
    return true
  }
}

extension Keyspace {
  /// The commands of a run.
  func bytes(of run: VerbatimPart.Run) -> ByteSlice {
    let (bytes, offset) = log.locate(run.position)
    return bytes.slice(at: offset, count: run.count)
  }
}
