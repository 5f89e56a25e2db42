import Foundation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A helper process that outlives this one by a moment: when the test process ends in whatever way, it kills
/// the servers and removes the temporary folders that are left.
///
/// It reads one line an event from a pipe whose other end closes with this process.
package final class Watchdog: Sendable {
  package static let shared = Watchdog()

  private static let script = """
    trap '' INT TERM HUP
    pids=; folders=
    without() { rest=; for item in $1; do [ "$item" = "$2" ] || rest="$rest $item"; done; }
    while read -r event subject; do
      case $event in
        +p) pids="$pids $subject" ;;
        -p) without "$pids" "$subject"; pids=$rest ;;
        +d) folders="$folders $subject" ;;
        -d) without "$folders" "$subject"; folders=$rest ;;
      esac
    done
    [ -z "$pids" ] || kill -KILL $pids 2>/dev/null
    [ -z "$folders" ] || rm -rf $folders
    """

  private let input: Int32
  private let lock = NSLock()

  private init() {
    let pipe = Descriptor.pipe()
    input = pipe.write
    do {
      _ = try Child.start(
        "/bin/sh", ["-c", Self.script], input: pipe.read, output: nil, error: nil, environment: nil)
    } catch {
      preconditionFailure("/bin/sh could not be started: \(error)")
    }
    Descriptor.close(pipe.read)
  }

  package func watch(process: Int32) { tell("+p \(process)\n") }
  package func release(process: Int32) { tell("-p \(process)\n") }

  /// A folder whose path holds a blank is left alone.
  func watch(directory: String) { if !directory.contains(" ") { tell("+d \(directory)\n") } }
  func release(directory: String) { if !directory.contains(" ") { tell("-d \(directory)\n") } }

  /// Lines are shorter than PIPE_BUF, so that each is written whole.
  private func tell(_ line: String) {
    lock.lock()
    defer { lock.unlock() }
    _ = Descriptor.write(input, Array(line.utf8)[...])
  }
}
