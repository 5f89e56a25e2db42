/// What was put back on a server.
public struct ApplyReport: Sendable {
  /// A key that was not, and why.
  public struct Rest: Sendable {
    /// The number of its database.
    public var database: Int
    /// Its name.
    public var key: [UInt8]
    /// Why, in words.
    public var reason: String
  }

  /// The server's address.
  public var server = ""
  /// What it says it is, as `redis 7.0.15`.
  public var version = ""
  /// How many keys came back that were gone.
  public var restored = 0
  /// How many were replaced by what they were.
  public var replaced = 0
  /// How many that the accident had made were removed.
  public var removed = 0
  /// How many were written as plain commands, since the server does not take payloads of their kind.
  public var asCommands = 0
  /// Keys that were left alone: they are there again, or were changed meanwhile.
  public var leftAlone: [Rest] = []
  /// Keys that the server refused.
  public var failed: [Rest] = []

  /// How many keys were dealt with.
  public var done: Int { restored + replaced + removed }
}
