internal import AOF
internal import Bytes

// # What is kept of a log with commands that nobody here knows
//
// A command of a module, or of a newer server, does something to the data that can't be told. A log
// that holds some is compacted in three parts, one behind the other:
//
//     base       what the dump in front of the log says of the kept keys
//     verbatim   the unknown commands, and every command that touches a kept key, as they stand in
//                the log and in its order, each in its database
//     rest       all other keys, each as the few commands that make it
//
// **Kept keys.** Where the keys of an unknown command stand is not known either: every word behind
// its name may be one, in the database that it runs in. A command that is known and touches a kept
// key makes all its other keys kept ones (RENAME, COPY, SUNIONSTORE, …), and so on until nothing is
// added: keys of one command are joined in a union-find (``KeyGroups``), and kept is what is joined
// with the unknown. A transaction that holds a kept command stays whole, so it counts as one command.
// `SORT … STORE` with BY or GET touches all keys that its patterns may name. Databases that SWAPDB
// exchanges count as one. Keys are told apart by 64-bit hashes; two that share one are both kept,
// which costs room and nothing else.
//
// **Why the data is the same.** No command of the verbatim part touches a key of the rest, nor the
// other way round, except those that touch all: FLUSHALL, FLUSHDB, SWAPDB, and what empties slots.
// They are executed for the rest, and stand in the verbatim part too, in their place; there they find
// kept keys only, since the rest comes behind. (A DEL of several keys is the same: it deletes what is
// kept there, and what is not, here.) So every unknown command meets each of its possible keys as it
// did in the log, and what came of it afterwards is the same.
//
// Libraries of functions and scripts may be used by any unknown command: they count as touched by
// all of them, and their commands (FUNCTION, SCRIPT) are kept.
//
// What this can't see: an unknown command that touches keys which none of its words names, or keys of
// another database.

/// The part of a log that is kept as it stands. Made by ``UnknownSearch``, filled while a ``Keyspace``
/// replays the rest (``Keyspace/verbatim``).
package final class VerbatimPart {
  /// Commands that lie one behind the other in a file and work on one database; POD.
  struct Run: BitwiseCopyable {
    /// Where the first begins, in all files.
    let position: Int
    /// How many bytes they have.
    var count: Int
    /// The database they work on.
    let database: Int
    /// How many they are.
    var commands: Int
  }

  /// A command that is not known, by its name.
  package struct UnknownName: Sendable {
    /// Its name as it stands at the first place, at most 64 bytes of it.
    package let name: [UInt8]
    /// How often it stands in the log.
    package var count: Int
    /// Number of the file that holds the first, from 0.
    package let file: Int
    /// Where the first begins in that file.
    package let offset: Int
    /// The number of the first in the log, from 1.
    package let index: Int
    /// The database of the first.
    package let database: Int
  }

  /// So many names are told apart.
  package static let mostNames = 100

  /// Where the memory of what grows lies.
  let backing: PageBacking
  let touches: TouchReader
  let keys: KeptKeys
  @safe @exclusivity(unchecked) var runs: PagedArray<Run>
  /// The dumps whose kept keys stand in front of run `runs`.
  private(set) var bases: [(state: Keyspace, runs: Int)] = []
  /// The names that were met, in the order of their first places.
  package private(set) var names: [UnknownName] = []
  private var places: [[UInt8]: Int] = [:]
  /// How many commands that are not known are kept.
  package private(set) var unknownCount = 0
  /// How many others are kept with them.
  package private(set) var knownCount = 0
  /// The bytes of all of them.
  package private(set) var byteCount = 0
  /// The MULTI of the transaction that is being read.
  @safe @exclusivity(unchecked) var multi = AOFCommand()
  /// Where a run may not be continued any more.
  private var barrier = 0
  /// Where each piece of ``write(to:from:)`` ended.
  var pieces: [Piece] = []

  init(_ keys: KeptKeys, _ touches: TouchReader, in backing: PageBacking) {
    self.keys = keys
    self.touches = touches
    self.backing = backing
    runs = PagedArray(in: backing)
  }

  /// How many keys that are known to be keys were kept: those of dumps and of known commands.
  package var keyCount: Int { keys.touchedCount }

  /// The first value of a kept key of a dump that turned out to be damaged.
  package var damage: DumpDamage? { bases.lazy.compactMap(\.state.damage).first }

  /// Why tables are in memory although they should be in files.
  var backingFailure: SystemError? {
    runs.failure ?? keys.failure ?? bases.lazy.compactMap(\.state.backingFailure).first
  }

  /// What the kept keys of a dump, and its functions, go into.
  func beginBase(_ decoder: DumpDecoder) -> Keyspace {
    let state = Keyspace(now: 0, backing: backing)
    state.dumps = [decoder]
    bases.append((state, runs.count))
    barrier = runs.count
    return state
  }

  /// Whether a key of a dump is kept.
  func holds(_ key: ByteSlice, _ database: Int) -> Bool {
    let touched = touches.touched(key, database)
    guard keys.holds(touched) else { return false }
    keys.note(touched)
    return true
  }

  /// Keeps a command whose place in all files is `position`.
  func keep(_ command: AOFCommand, _ position: Int, isKnown: Bool) {
    byteCount += command.length
    if isKnown { knownCount += 1 }
    let last = runs.count - 1
    // Files lie one behind the other, too, but are mapped apart.
    if last >= barrier, command.offset > 0, runs[last].database == command.database,
      runs[last].position + runs[last].count == position
    {
      runs[last].count += command.length
      runs[last].commands += 1
      return
    }
    runs.append(
      Run(position: position, count: command.length, database: command.database, commands: 1))
  }

  /// Counts a command that is not known.
  func noteUnknown(_ command: AOFCommand, _ name: ByteSlice) {
    unknownCount += 1
    let text = name.prefix(min(name.count, 64)).bytes
    let folded = text.map { ASCII.uppercased($0) }
    if let place = places[folded] {
      names[place].count += 1
      return
    }
    guard names.count < VerbatimPart.mostNames else { return }
    places[folded] = names.count
    names.append(
      UnknownName(
        name: text, count: 1, file: command.file, offset: command.offset, index: command.index,
        database: command.database))
  }
}
