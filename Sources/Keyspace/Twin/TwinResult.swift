package import AOF
package import Bytes

/// A key that holds different things with and without the commands that were left out. Its name
/// lives as long as the ``TwinReplay``.
package struct KeyDifference: BitwiseCopyable {
  /// The database.
  package let database: Int
  /// The key.
  package let key: ByteSlice
  /// What the log as it is amounts to.
  package let before: KeySummary
  /// What it amounts to with the commands left out.
  package let after: KeySummary
  /// Whether elements differ, and not only when the key expires; said of values of one type with as
  /// many elements and bytes.
  package let hasOtherContent: Bool

  init(
    _ database: Int, _ key: ByteSlice, _ before: borrowing KeyState, _ after: borrowing KeyState
  ) {
    self.database = database
    self.key = key
    self.before = KeySummary(before)
    self.after = KeySummary(after)
    // What differs and expires at the same time has other content.
    if before.expiresAt != after.expiresAt, let old = before.value, let new = after.value {
      hasOtherContent = !old.isSame(as: new)
    } else {
      hasOtherContent = true
    }
  }

  /// What happens to a key.
  package enum Kind {
    /// It was gone, and is back.
    case restored
    /// It holds something else.
    case changed
    /// It is there no longer.
    case gone
  }

  /// What happens to it.
  package var kind: Kind {
    before.exists ? after.exists ? .changed : .gone : .restored
  }
}

/// A command as it is told of.
package struct TwinCommand: Sendable {
  /// Its number in the whole log, from 1.
  package let index: Int
  /// The number of the file, from 0.
  package internal(set) var file = 0
  /// Where it begins in that file.
  package internal(set) var offset = 0
  /// Unix time in seconds of the last `#TS:` annotation before it; -1 when there was none.
  package internal(set) var time: Int64 = -1
  /// Its name.
  package internal(set) var word = CommandWord(ByteSlice())

  init(index: Int) { self.index = index }
}

/// A later command that acts differently once commands are left out: the first of those that do so
/// to one key in one way.
package struct TwinConflict: Sendable {
  /// How it acts differently.
  package enum Kind: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    /// It made the key anew, and now meets the one that is back.
    case recreated
    /// It counts, appends or overwrites a part, and now does so on another value.
    case counter
    /// It takes or cuts elements by their place, and now meets other ones.
    case position
    /// Its condition (NX, XX, GT, …) held, and does so no longer: what it wrote is lost.
    case refused
    /// A server now answers with an error: the key holds another type. What it wrote is lost.
    case wrongType
    /// A server now answers with another error. What it wrote is lost.
    case fails
    /// It had nothing to remove, and now removes the key that is back.
    case removedAgain

    /// Whether something that was written later would be lost.
    package var losesWrites: Bool {
      self == .refused || self == .wrongType || self == .fails
    }
  }
  /// How.
  package let kind: Kind
  /// The command, by its place.
  package let command: TwinCommand
  /// The key.
  package let key: ByteSlice
  /// The database of the key.
  package let database: Int
  /// The error, where there is one.
  package let fault: CommandFault?
  /// How many commands do so, this one included.
  package var commands = 1
  /// How many keys it does so to, for a command on databases.
  package var keys = 1

  /// Whether something that was written later would be lost.
  package var losesWrites: Bool { kind.losesWrites }
}

/// What has to become of a later command so that a conflict is solved.
package struct TwinAmendment: Sendable {
  /// What.
  package enum Action: Sendable {
    /// It goes; of its keys those at these places, all of it when there are none.
    case drop(places: [Int])
    /// These bytes, whole commands, come before it.
    case insert([UInt8])
  }
  /// The command.
  package let command: AOFCommand
  /// What becomes of it.
  package let action: Action
}
