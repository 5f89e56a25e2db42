import Benchmark
import RedisBackup

/// The pieces of which reading and writing consist, each by itself on inputs of fixed bytes.
///
/// Each sample is one pass over its input; `MB` in a name says how large that is, so that time becomes a rate.
/// What counts is the ratio of two runs on one machine: `make bench-micro BENCH_MICRO_ARGS="baseline compare …"`.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .peakMemoryResident],
    warmupIterations: 2, maxDuration: .seconds(2), maxIterations: 1000)

  Benchmark("cursor: 1 MB in slices of 1 to 64 bytes") { benchmark in
    let input = Inputs.noise(1 << 20)
    input.withByteSlice { bytes in
      benchmark.startMeasurement()
      var cursor = ByteCursor(bytes)
      var sum = 0
      while let length = cursor.byte() {
        guard let slice = cursor.slice(Int(length & 63)) else { break }
        sum &+= slice.count
      }
      benchmark.stopMeasurement()
      blackHole(sum)
    }
  }

  Benchmark("tokenizer: 1 MB of commands") { benchmark in
    let log = Inputs.log(bytes: 1 << 20, keys: 1000)
    try log.withByteSlice { bytes in
      benchmark.startMeasurement()
      var reader = AOFReader(ByteCursor(bytes))
      var words = 0
      while try reader.next() { words &+= reader.arguments.count }
      benchmark.stopMeasurement()
      blackHole(words)
    }
  }

  Benchmark("LZF: 1 MB decompressed") { benchmark in
    let text = Inputs.text(1 << 20)
    var packed = ScratchBuffer()
    guard text.withByteSlice({ LZF.compress($0, into: &packed) }) else { return }
    var target = ScratchBuffer()
    benchmark.startMeasurement()
    let isGood = LZF.decompress(packed.slice, length: text.count, into: &target)
    benchmark.stopMeasurement()
    blackHole(isGood)
  }

  Benchmark("LZF: 1 MB compressed") { benchmark in
    let text = Inputs.text(1 << 20)
    var packed = ScratchBuffer()
    benchmark.startMeasurement()
    let isGood = text.withByteSlice { LZF.compress($0, into: &packed) }
    benchmark.stopMeasurement()
    blackHole(isGood)
  }

  Benchmark("CRC64: 1 MB") { benchmark in
    let input = Inputs.noise(1 << 20)
    benchmark.startMeasurement()
    blackHole(input.withByteSlice { CRC64.checksum($0) })
    benchmark.stopMeasurement()
  }

  Benchmark("listpack: 1,000 hashes of 100 fields, every element") { benchmark in
    let dump = Inputs.dump(hashes: 1000, fields: 100)
    try dump.withByteSlice { bytes in
      benchmark.startMeasurement()
      var reader = try RDBReader(ByteCursor(bytes))
      var element = ValueElement()
      var sum = 0
      reading: while true {
        switch try reader.next() {
        case .key:
          while try reader.nextElement(&element) {
            sum &+= element.first.count &+ element.second.count
          }
        case .end: break reading
        default: break
        }
      }
      benchmark.stopMeasurement()
      blackHole(sum)
    }
  }

  Benchmark("hash index: 4 MB of commands replayed over 20,000 keys") { benchmark in
    let path = try Inputs.logFile(bytes: 4 << 20, keys: 20_000)
    benchmark.startMeasurement()
    let log = try ReplayedLog(path, ReplayedLog.Options())
    benchmark.stopMeasurement()
    blackHole(log.commands)
  }

  Benchmark("output: 100,000 commands of 4 words") { benchmark in
    let key = Array("session:1234567".utf8)
    key.withByteSlice { key in
      benchmark.startMeasurement()
      var output = OutputBuffer(NullTarget())
      for number in 0..<100_000 {
        output.write(commandOf: 4)
        output.write(bulk: "SET")
        output.write(bulk: key)
        output.write(bulkDecimal: Int64(number))
        output.write(bulk: "KEEPTTL")
      }
      benchmark.stopMeasurement()
      blackHole(output.count)
    }
  }

  Benchmark("output: 10,000 doubles") { benchmark in
    var output = OutputBuffer(NullTarget())
    benchmark.startMeasurement()
    for number in 0..<10_000 { output.write(bulkDouble: Double(number) / 7) }
    benchmark.stopMeasurement()
    blackHole(output.count)
  }

  Benchmark("output: 1 MB of text as JSON") { benchmark in
    let text = Inputs.text(1 << 20)
    text.withByteSlice { text in
      var output = OutputBuffer(NullTarget())
      benchmark.startMeasurement()
      blackHole(output.writeJSON(string: text))
      benchmark.stopMeasurement()
      blackHole(output.count)
    }
  }
}
