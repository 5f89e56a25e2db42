import Operations
import Testing

@Suite struct MomentTests {
  let now = Moment(milliseconds: 1_795_399_200_000)  // 2026-11-23T02:00:00Z

  @Test(arguments: [
    ("2026-11-23T02:00:00Z", 1_795_399_200_000),
    ("2026-11-23 02:00:00z", 1_795_399_200_000),
    ("2026-11-23T03:00:00+01:00", 1_795_399_200_000),
    ("2026-11-22T21:30:00-04:30", 1_795_399_200_000),
    ("2026-11-23T02:00:00.25Z", 1_795_399_200_250),
    ("1970-01-01T00:00:00Z", 0), ("2000-02-29T00:00:00Z", 951_782_400_000),
    ("1795399200", 1_795_399_200_000), ("1795399200.5", 1_795_399_200_500), ("0", 0),
    ("now", 1_795_399_200_000), ("-2h", 1_795_392_000_000), ("-1d12h", 1_795_269_600_000),
    ("-90s", 1_795_399_110_000), ("-1w", 1_794_794_400_000), ("-15m", 1_795_398_300_000),
  ])
  func reads(text: String, milliseconds: Int64) throws {
    #expect(try Moment(text, now: now).milliseconds == milliseconds)
  }

  @Test(arguments: [
    "", "-", "yesterday", "-2", "-h", "-2x", "2026-11-23", "2026-11-23T02:00:00",
    "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-23T24:00:00Z", "1795399200000",
    "2026-11-23T02:00:00Zx", "2026-11-23T02:00:00.Z", "99999999999999999999", "1.", ".5",
    "-99999999999999999999h",
    "-999999999999999w",
  ])
  func refuses(text: String) {
    let error = #expect(throws: ToolError.self) { try Moment(text, now: now) }
    #expect(error?.status == .usage)
  }

  @Test func prints() {
    #expect(now.text == "2026-11-23T02:00:00Z")
    #expect(Moment(milliseconds: 1_795_399_200_007).text == "2026-11-23T02:00:00.007Z")
    #expect(Moment(milliseconds: -1).text == "1969-12-31T23:59:59.999Z")
    #expect(Moment(milliseconds: -1).seconds == -1)
  }

  @Test func everyDayReadsBack() throws {
    for day in stride(from: Int64(-200_000), to: 200_000, by: 97) {
      let moment = Moment(milliseconds: day * 86_400_000 + 12_345_000)
      if moment.text.count == 20 { #expect(try Moment(moment.text, now: now) == moment) }
    }
  }
}
