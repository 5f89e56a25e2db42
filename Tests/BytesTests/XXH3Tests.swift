import Bytes
import Testing

@Suite struct XXH3Tests {
  /// The answers of the reference implementation for the bytes 0, 7, 14, ….
  static let known: [(Int, UInt64)] = [
    (0, 0x2D06_8005_38D3_94C2),
    (1, 0xC44B_DFF4_074E_ECDB),
    (2, 0x9093_381C_8763_D62E),
    (3, 0xC348_9259_E968_AD9E),
    (4, 0xD3D6_0C15_1901_4E89),
    (7, 0x0FFC_4827_844C_63A6),
    (8, 0xB88D_EE77_F6BF_6980),
    (9, 0x0368_8DCA_D730_D826),
    (15, 0x2E52_BC81_C6A3_0FA3),
    (16, 0x9DA2_3836_ADF2_BE1E),
    (17, 0xF34C_3C9C_F5A1_12D1),
    (31, 0x1C67_7662_71B9_5C64),
    (32, 0x99CB_9AD0_F1A1_1FBE),
    (33, 0xC077_B454_92D2_9CDE),
    (64, 0x6EFB_76FF_16F3_7561),
    (65, 0x2640_848E_9137_156B),
    (96, 0x764D_2D5D_B929_42DF),
    (97, 0x077A_CB7E_5F4F_D940),
    (127, 0x9211_3FC2_8F4B_970C),
    (128, 0x65F3_C2C0_0FA9_3185),
    (129, 0x2806_5C6E_C25F_5B25),
    (200, 0x7C64_F3B1_7285_E96A),
    (239, 0x6CE0_B131_91E6_35EA),
    (240, 0x4917_A75C_0EF8_EED7),
    (241, 0x541B_1922_6F00_52E8),
    (1023, 0x2CC3_EB48_D98F_537F),
    (1024, 0xDC5A_CF0B_043C_445B),
    (1025, 0xE1D9_CD94_6277_AE26),
    (1088, 0x4A9C_2219_12B9_3194),
    (5000, 0x6ABE_8BE5_ABCB_2760),
  ]

  @Test func knownAnswers() {
    for (count, hash) in Self.known {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
      #expect(bytes.withByteSlice { XXH3.hash($0) } == hash, "\(count) bytes")
    }
  }
}
