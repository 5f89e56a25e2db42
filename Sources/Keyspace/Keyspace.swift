internal import AOF
package import Bytes

// # How to add commands (read this first)
//
// The keyspace replays logs. A *family file* in `Commands/` holds the commands of one group and
// one static table of them; `CommandRegistry.families` lists the tables. To add a command:
//
// 1. Write its handler as a static function of the family's enum.
//    * One key (the usual case), key at argv[1]:
//      `static func hset(_ a: Arguments, _ state: inout KeyState, _ context: Context)
//         throws(CommandFault) -> Effect`
//      `state` is what the key holds at this moment. The core calls the handler at once (eager
//      mode) or much later, when the postponed commands of the key are folded (lazy mode); the
//      handler can't tell and must look at nothing but `a`, `state` and `context`.
//    * Several keys, or databases: `static func rename(_ a: Arguments, _ keyspace: Keyspace)
//         throws(CommandFault) -> Effect`; it reads with `keyspace.state(of:)`, writes with
//      `keyspace.setState(_:of:)`, removes with `keyspace.remove(_:)`. It runs in order, at once;
//      the keys it reads are folded then. Read with `state(of:)`, change the copy, write it back:
//      values are reference types, so call `value.copy()` before a value goes to a second key.
// 2. Add one line to the table: `CommandEntry("HSET", arity: -4, .key(hset))`. Arity counts the
//    name; negative is a minimum; a violation is a format error found before the handler runs.
//    Names are upper case; sub-commands ("XGROUP CREATE") are told apart by the handler of the
//    first word. A command known to change no data gets `.nothing`.
//
// Rules for handlers:
// * Semantics are those of the server's loader: what the server would do when it meets the command
//   in a log. Nothing ever expires, and times in the past are stored, not acted upon.
// * Check everything before changing anything. A thrown `CommandFault` means "the server answers
//   with an error and changes nothing"; the core counts it.
// * Return `.changed` or `.unchanged` (nothing happened: HDEL of an absent field).
// * `state.hash(creating: true)` gives the value of that type, makes an empty one, or throws
//   `.wrongType`. An empty list, set, sorted set, hash or array left behind is removed by the core
//   together with its time to live: don't do it yourself. Streams may be empty.
// * A new value that replaces the key as a whole (SET, *STORE, RENAME target) is written as a fresh
//   `KeyState(value: …)`: that drops the time to live.
// * Slices in `a` stay valid as long as the keyspace lives: keep them without copying. Bytes you
//   compute (`context.scratch`) must be kept by `context.keep(_:)`, which copies them to memory
//   that lives as long. Never keep a slice of `context.scratch` itself.
// * No allocation per element beyond the growth of the value's own tables; no String.
// * Option words compare with `word.equalsIgnoringCase("…")`; integers read with
//   `a.integer(at:)`, which throws `.notInteger`.

/// Databases that were loaded from dumps and changed by commands.
///
/// The object owns everything the state refers to; slices handed out live as long as it does.
package final class Keyspace {
  /// What handlers use.
  package let context: Context
  /// The database of the command that is executed.
  package var database: Int {
    get { context.database }
    set { context.database = newValue }
  }
  /// The libraries of functions, in the order they were loaded.
  package var functions: [FunctionLibrary] = []
  /// Whether every command is executed at once instead of being postponed.
  package let isEager: Bool
  /// Is told what commands do; to be set before the first one. In a lazy replay it is told of what may
  /// destroy something only (see `Keyspace+Observe.swift`).
  @safe @exclusivity(unchecked) package var observer: (any ReplayObserver)?
  /// Another keyspace, which holds whatever this one has no entry for: this one then is what differs
  /// from it (see ``TwinReplay``). The states and postponed commands of both are kept by the lower one.
  @safe @exclusivity(unchecked) var lower: Keyspace?
  /// While a command is executed that a keyspace over this one is not to see: the one that keeps what
  /// was.
  @safe @exclusivity(unchecked) var upper: Keyspace?
  /// What the keys were that the command being executed has looked at, for an observer.
  @safe @exclusivity(unchecked) var summaries:
    [(key: ByteSlice, database: Int, summary: KeySummary)] = []
  /// Copies of strings that the command being executed was given.
  @safe @exclusivity(unchecked) var lent: [KeyState] = []
  /// Is asked first for commands from ``twinFrom`` on.
  @safe @exclusivity(unchecked) var twin: TwinReplay?
  /// The first command that ``twin`` is asked for.
  @safe @exclusivity(unchecked) var twinFrom = Int.max
  /// Whether the states of ``twin`` differ: commands on one key then wait in ``queue`` with what is
  /// known of them.
  @safe @exclusivity(unchecked) var twinIsDivided = false
  /// The number of the next command that ``twin`` leaves out.
  @safe @exclusivity(unchecked) var twinRemoval = Int.max
  /// What has to execute the commands that are postponed on a key in two states before the key is
  /// looked at.
  @safe @exclusivity(unchecked) var pairs: TwinReplay?
  /// While queued commands are executed in both states.
  @safe @exclusivity(unchecked) var isFlushing = false
  @safe @exclusivity(unchecked) var twinCandidates = PODArray<Int>(repeating: 0, count: 32)
  @safe @exclusivity(unchecked) var twinWords = ArgumentTable()
  /// From which command on which second, for commands from ``twinFrom`` on.
  @safe @exclusivity(unchecked) var moments = PODArray<LogMoment>()
  /// How many commands were read from logs.
  @safe @exclusivity(unchecked) package var commandCount = 0

  /// Commands that are left out; to be set before the first is read.
  package var omissions = ReplayOmissions() {
    didSet { nextOmission = omissions.next }
  }
  /// The number of the next of them.
  @safe @exclusivity(unchecked) var nextOmission = Int.max

  /// Takes the commands that are not known, and all that touch the same keys; what the keyspace amounts
  /// to is the rest. To be set before the first file is read.
  @safe @exclusivity(unchecked) package var verbatim: VerbatimPart?
  /// Whether the log was looked through for commands that are not known, so that those which
  /// ``verbatim`` does not expect stand in transactions without EXEC.
  package var keepsUnknown = false

  /// Reading stops behind the command of this number.
  @safe @exclusivity(unchecked) package var lastIndex = Int.max
  /// Reading stops before the first command of a later second.
  @safe @exclusivity(unchecked) package var lastTime = Int64.max
  /// Whether reading stopped before the end.
  package internal(set) var isStopped = false
  /// The transaction inside which reading stopped: the numbers of its MULTI and, when it has one, of
  /// its EXEC. It is not executed.
  package internal(set) var openTransaction: (multi: Int, exec: Int?)?

  let registry = CommandRegistry.shared
  /// What the replay does with each command of the registry.
  let plans: [Plan]
  /// The largest number of words each command was met with; 255 for more.
  @safe @exclusivity(unchecked) var mostWords: PODArray<UInt8>
  /// How many annotations were read.
  package internal(set) var annotationCount = 0
  enum Plan: UInt8 { case now, postpone, overwrite, delete }

  /// The databases by number; tables come into being when first used.
  var tables: [Int: KeyTable] = [:]
  /// The database that is being filled, and its table.
  @safe @exclusivity(unchecked) var currentDatabase = -1
  @safe @exclusivity(unchecked) var current = KeyTable(database: -1)
  /// Values that were made by executing commands; entries refer to them by number.
  @safe @exclusivity(unchecked) var states = StateStore()
  /// Commands that wait to be executed.
  @safe @exclusivity(unchecked) var chains: OperationChains
  /// Values of dumps; entries refer to them by number.
  @safe @exclusivity(unchecked) var dumpValues: PagedArray<DumpValue>
  /// What decodes the values of each dump.
  var dumps: [DumpDecoder] = []
  /// The first value of a dump that turned out to be damaged when it was decoded.
  package internal(set) var damage: DumpDamage?
  /// What the dumps say of their makers.
  package internal(set) var producer = DumpProducer()
  /// The bytes of all files.
  let log = LogBytes()

  /// How many keys the last ``write(to:hash:expiredBefore:)`` wrote of each database.
  package internal(set) var writtenKeys: [(database: Int, keys: Int)] = []

  /// Why tables are in memory although they should be in files.
  package var backingFailure: SystemError? {
    chains.failure ?? dumpValues.failure ?? context.kept.failure ?? verbatim?.backingFailure
      ?? tables.values.lazy.compactMap(\.failure).first
  }

  /// Whose log is replayed; to be set before the first command.
  package var generation: ServerGeneration {
    get { context.generation }
    set {
      context.generation = newValue
      foldContext.generation = newValue
    }
  }

  /// What ``mergesDense()`` has found.
  @safe @exclusivity(unchecked) var mergesDenseIfKnown: Bool?

  /// What handlers of postponed commands use.
  let foldContext: Context
  /// Collections for what is looked at in passing, used again and again.
  @safe @exclusivity(unchecked) var spare = SpareValues()
  /// The name of the key that was looked at last in passing, preferably where its commands lie, which
  /// is nearer than where the log has it first.
  @safe @exclusivity(unchecked) var passingKey = ByteSlice()
  /// Memory of what is looked at in passing.
  let passing = KeptBytes()
  @safe @exclusivity(unchecked) var foldWords = ArgumentTable()
  @safe @exclusivity(unchecked) var walk = ChainWalk()
  @safe @exclusivity(unchecked) var queue = PODArray<QueuedCommand>()
  /// What is known of each command of ``queue``, for an observer.
  @safe @exclusivity(unchecked) var queuedCommands = PODArray<AOFCommand>()
  /// Which commands an observer need not see.
  lazy var quietness = Quietness.table(registry)
  var held = PODArray<HeldCommand>()
  var heldWords = ArgumentTable()

  /// Commands that the server would answer with an error: how many, and the first of them.
  package var faultCount = 0
  var faultList: [ReplayFault] = []
  /// Whether faults are still counted; they are met once, when a command is executed first.
  @safe @exclusivity(unchecked) var recordsFaults = true
  /// The numbers of the commands that were counted.
  var notedFaults: Set<Int> = []

  /// Where the tables live.
  let backing: PageBacking

  /// An empty keyspace. `now` is what relative times in a log refer to, in unix milliseconds. Tables
  /// of keys and commands, and bytes that are computed and stay, live in `backing`.
  package init(now: Int64, eager: Bool = false, backing: PageBacking = .memory) {
    self.backing = backing
    chains = OperationChains(in: backing)
    dumpValues = PagedArray(in: backing)
    let kept = KeptBytes(in: backing)
    context = Context(now: now, kept: kept)
    foldContext = Context(now: now, kept: kept)
    isEager = eager
    mostWords = PODArray(repeating: 0, count: CommandRegistry.shared.entries.count)
    plans = CommandRegistry.shared.entries.map { entry in
      switch entry.action {
      case .key: .postpone
      case .overwrite: .overwrite
      case .delete: .delete
      default: .now
      }
    }
  }

  /// The first faults, in the order of the log.
  package var faults: [ReplayFault] { faultList.sorted { $0.index < $1.index } }
}

/// A library of functions.
package struct FunctionLibrary {
  /// Its name, as it stands behind `name=` in the first line of its code.
  package var name: ByteSlice
  /// Its code.
  package var code: ByteSlice

  package init(name: ByteSlice, code: ByteSlice) {
    self.name = name
    self.code = code
  }
}
