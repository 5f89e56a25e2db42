import TestSupport
import Testing

/// Runs the program with its state files in `directory`, and expects its exit code.
func redisBackup(
  _ arguments: [String], _ directory: TemporaryDirectory, status: Int32 = 0,
  _ location: SourceLocation = #_sourceLocation
) throws -> Shell.Result {
  let result = try Shell.run(
    PackageRoot.redisBackup, arguments, environment: ["XDG_STATE_HOME": directory.file("state")])
  #expect(
    result.status == status, "\(arguments): \(result.text) \(result.errorText)",
    sourceLocation: location)
  return result
}
