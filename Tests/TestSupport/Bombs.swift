/// Small dumps that claim to hold far more than they do.
package enum Bombs {
  /// Bytes that claim to be far more than they are.
  package static let dumps: [(String, [UInt8])] = {
    func dump(_ body: [UInt8]) -> [UInt8] { Array("REDIS0012".utf8) + body }
    let four: [UInt8] = [0x80, 0xFF, 0xFF, 0xFF, 0xFF]
    let most: [UInt8] = [0x81] + [UInt8](repeating: 0xFF, count: 8)
    let large: [UInt8] = [0x81, 0x7F] + [UInt8](repeating: 0xFF, count: 7)
    let key: [UInt8] = [1, 0x6B]
    func listpack(_ count: UInt16, _ body: [UInt8]) -> [UInt8] {
      let size = body.count + 7
      return [UInt8(size), 0, 0, 0, UInt8(count & 255), UInt8(count >> 8)] + body + [0xFF]
    }
    func string(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count)] + bytes }
    var bombs: [(String, [UInt8])] = [
      ("LZF that claims 4 GB", dump([0] + key + [0xC3, 4] + four + [0, 0x61, 0, 0x61])),
      ("LZF that claims 2^64", dump([0] + key + [0xC3, 4] + most + [0, 0x61, 0, 0x61])),
      ("LZF of 2^63 packed bytes", dump([0] + key + [0xC3] + large + four)),
      ("a key of 1 GB", dump([0, 0x80, 0x40, 0, 0, 0] + [UInt8](repeating: 0x61, count: 1000))),
      ("a key of 2^64", dump([0] + most)),
      ("a value of 2^63", dump([0] + key + large)),
      ("a listpack that counts 65535", dump([20] + key + string(listpack(0xFFFF, [])))),
      ("a listpack that counts 65534", dump([20] + key + string(listpack(0xFFFE, [1, 1])))),
      (
        "a listpack string of 4 GB",
        dump([20] + key + string(listpack(1, [0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 1])))
      ),
      ("an intset of 2^32", dump([11] + key + string([8, 0, 0, 0, 255, 255, 255, 255]))),
      (
        "a ziplist of 4 GB",
        dump([10] + key + string([255, 255, 255, 255, 10, 0, 0, 0, 0, 0, 255]))
      ),
      ("a zipmap string of 4 GB", dump([9] + key + string([1, 254, 255, 255, 255, 255, 255]))),
      ("module opcodes without end", dump([7] + key + most + [2, 1, 2, 1, 2, 1])),
      ("2^64 streams nodes", dump([21] + key + most)),
      ("an array of 2^64", dump([28] + key + most + [0])),
      ("a template of 2^64 fields", Array("REDIS0015".utf8) + [242, 0] + most + [1, 0x61, 2]),
      (
        "slots without end",
        Array("VALKEY080".utf8) + [243, 40]
          + [UInt8](repeating: 0x61, count: 40) + most
      ),
    ]
    for type: UInt8 in [1, 2, 3, 4, 5, 14, 18, 22, 24] {
      bombs.append(("\(type) with 2^64 elements", dump([type] + key + most)))
      bombs.append(
        ("\(type) with 2^64 elements, some", dump([type] + key + most + [1, 0x61, 1, 0x62, 0, 0])))
    }
    // Groups with pending entries and consumers without end.
    let head: [UInt8] = [0] + [UInt8](repeating: 0, count: 8) + [0]
    bombs.append(("2^64 groups", dump([21] + key + head.dropLast() + most)))
    let group: [UInt8] = [1, 1, 0x67, 0, 0, 0]
    bombs.append(("2^64 pending", dump([21] + key + head.dropLast() + group + most)))
    bombs.append(("2^64 consumers", dump([21] + key + head.dropLast() + group + [0] + most)))
    bombs.append(
      (
        "2^64 ids",
        dump(
          [21] + key + head.dropLast() + group + [0, 1, 1, 0x63]
            + [UInt8](repeating: 0, count: 16) + most)
      ))
    return bombs
  }()
}
