import Foundation
import TestSupport
import Testing

/// What the program does on a terminal, which `script` of util-linux plays.
@Suite struct PseudoTerminalTests {
  private static let isThere =
    (try? Shell.run("script", ["--version"]).text.contains("util-linux")) == true

  /// What appears on the terminal when a shell there runs `command`; `RB` is the program, `FILE`
  /// the fixture.
  private func screen(
    _ command: String, _ path: String, _ environment: [String: String] = [:]
  ) throws -> String {
    var all = ["TERM": "xterm", "NO_COLOR": "", "RB": PackageRoot.redisBackup, "FILE": path]
    all.merge(environment) { _, new in new }
    return try Shell.run("script", ["-qec", command, "/dev/null"], environment: all).text
  }

  private let dump = Fixture.path("r7.0/types.rdb")

  @Test(.enabled(if: isThere)) func colours() throws {
    let check = #""$RB" check "$FILE""#
    #expect(try screen(check, dump).contains("\u{1B}[32mgood"))
    #expect(!(try screen(check, dump, ["NO_COLOR": "1"]).contains("\u{1B}")))
    #expect(!(try screen(check, dump, ["TERM": "dumb"]).contains("\u{1B}")))
    #expect(!(try screen(check + " | cat", dump).contains("\u{1B}")))
    let always = #""$RB" check --color always "$FILE" | cat"#
    #expect(try screen(always, dump, ["NO_COLOR": "1"]).contains("\u{1B}[32mgood"))
    #expect(!(try screen(#""$RB" check --json "$FILE""#, dump).contains("\u{1B}")))
    #expect(!(try screen(#""$RB" report "$FILE""#, dump, ["NO_COLOR": "1"]).contains("\u{1B}")))
    #expect(try screen(#""$RB" report "$FILE""#, dump).contains("\u{1B}[1m"))
  }

  /// The bar is drawn on a terminal only, and not for quick work.
  @Test(.enabled(if: isThere)) func progress() throws {
    let slow = #"(head -c 1000 "$FILE"; sleep 1.2; tail -c +1001 "$FILE") | "$RB" "#
    #expect(try screen(slow + "check -", dump).contains("1.0 kB"))
    #expect(!(try screen(slow + "check - 2>&1 | cat", dump).contains("1.0 kB")))
    #expect(!(try screen(slow + "check --quiet -", dump).contains("1.0 kB")))
    #expect(!(try screen(slow + "check --progress never -", dump).contains("1.0 kB")))
    #expect(!(try screen(slow + "check -", dump, ["TERM": "dumb"]).contains("1.0 kB")))
  }
}
