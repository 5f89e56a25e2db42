/// Taking paths apart. Only the byte `/` has a meaning.
public enum FilePath {
  /// What stands before the last `/`; empty when there is none, `/` for names in the root.
  public static func directory(of path: String) -> String {
    let whole = trimming(path)
    guard let slash = whole.lastIndex(of: slash) else { return "" }
    return slash == whole.startIndex ? "/" : text(trimming(text(whole[..<slash])))
  }

  /// What stands behind the last `/`.
  public static func name(of path: String) -> String {
    let whole = trimming(path)
    guard let slash = whole.lastIndex(of: slash) else { return text(whole) }
    return text(whole[whole.index(after: slash)...])
  }

  /// `name` inside `directory`.
  public static func join(_ directory: String, _ name: String) -> String {
    if directory.isEmpty { return name }
    return directory.utf8.last == slash ? directory + name : directory + "/" + name
  }

  // Bytes, not characters: a combining mark behind a `/` would melt with it into one character.
  private static let slash = UInt8(ascii: "/")

  private static func text(_ bytes: Substring.UTF8View) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  /// `path` without slashes at its end, except that `/` stays.
  private static func trimming(_ path: String) -> Substring.UTF8View {
    var rest = path[...].utf8
    while rest.count > 1 && rest.last == slash { rest.removeLast() }
    return rest
  }
}
