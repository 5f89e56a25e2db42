#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Places on earth as 52-bit integers, bit for bit as servers compute them: latitude and longitude
/// are scaled to 26 bits each and interleaved, latitude in the even bits. A cell of fewer bits
/// stands for all places whose hash begins with them.
struct GeoCell: Equatable {
  var bits: UInt64
  /// How many bits of each coordinate there are: 1...26.
  var step: Int

  static let longitudes = -180.0...180.0
  static let latitudes = -85.05112878...85.05112878

  /// The cell of `step` bits around a place.
  init(longitude: Double, latitude: Double, step: Int) {
    let scale = Double(UInt64(1) << UInt64(step))
    let y = (latitude - -85.05112878) / (85.05112878 - -85.05112878) * scale
    let x = (longitude - -180.0) / (180.0 - -180.0) * scale
    bits = GeoCell.spread(UInt32(y)) | GeoCell.spread(UInt32(x)) << 1
    self.step = step
  }

  init(bits: UInt64, step: Int) {
    self.bits = bits
    self.step = step
  }

  /// The borders of the cell.
  var area: (longitude: (Double, Double), latitude: (Double, Double)) {
    let scale = Double(UInt64(1) << UInt64(step))
    let y = Double(GeoCell.gather(bits))
    let x = Double(GeoCell.gather(bits >> 1))
    let height = 85.05112878 - -85.05112878
    return (
      (-180.0 + x / scale * 360.0, -180.0 + (x + 1) / scale * 360.0),
      (-85.05112878 + y / scale * height, -85.05112878 + (y + 1) / scale * height)
    )
  }

  /// The place in the middle.
  var center: (longitude: Double, latitude: Double) {
    let area = area
    let longitude = (area.longitude.0 + area.longitude.1) / 2
    let latitude = (area.latitude.0 + area.latitude.1) / 2
    return (
      min(max(longitude, -180.0), 180.0), min(max(latitude, -85.05112878), 85.05112878)
    )
  }

  /// The scores of the places in the cell: from the first to before the second.
  var scores: (UInt64, UInt64) {
    let shift = UInt64(52 - step * 2)
    return (bits << shift, (bits + 1) << shift)
  }

  /// The cell `x` to the east and `y` to the north, round the world at the borders. The last
  /// meridian and the last parallel belong to no cell: as on servers, a step along the other axis
  /// stays outside.
  func moved(x: Int, y: Int) -> GeoCell {
    let mask = UInt64(1) << UInt64(step) - 1
    var column = UInt64(bitPattern: Int64(GeoCell.gather(bits >> 1)) + Int64(x))
    var row = UInt64(bitPattern: Int64(GeoCell.gather(bits)) + Int64(y))
    if x != 0 { column &= mask }
    if y != 0 { row &= mask }
    return GeoCell(
      bits: GeoCell.spread(UInt32(row)) | GeoCell.spread(UInt32(column)) << 1, step: step)
  }

  private static func spread(_ value: UInt32) -> UInt64 {
    var x = UInt64(value)
    x = (x | x << 16) & 0x0000_FFFF_0000_FFFF
    x = (x | x << 8) & 0x00FF_00FF_00FF_00FF
    x = (x | x << 4) & 0x0F0F_0F0F_0F0F_0F0F
    x = (x | x << 2) & 0x3333_3333_3333_3333
    return (x | x << 1) & 0x5555_5555_5555_5555
  }

  private static func gather(_ value: UInt64) -> UInt32 {
    var x = value & 0x5555_5555_5555_5555
    x = (x | x >> 1) & 0x3333_3333_3333_3333
    x = (x | x >> 2) & 0x0F0F_0F0F_0F0F_0F0F
    x = (x | x >> 4) & 0x00FF_00FF_00FF_00FF
    x = (x | x >> 8) & 0x0000_FFFF_0000_FFFF
    return UInt32(truncatingIfNeeded: x | x >> 16)
  }
}

/// Distances on earth in meters, by the haversine formula with the server's radius.
enum GeoDistance {
  private static let radius = 6372797.560856

  /// The borders of an area in degrees.
  typealias Box = (west: Double, south: Double, east: Double, north: Double)

  static func radians(_ degrees: Double) -> Double { degrees * (Double.pi / 180.0) }
  static func degrees(_ radians: Double) -> Double { radians / (Double.pi / 180.0) }

  static func between(
    _ longitude1: Double, _ latitude1: Double, _ longitude2: Double, _ latitude2: Double
  ) -> Double {
    let v = sin((radians(longitude2) - radians(longitude1)) / 2)
    if v == 0 { return ofLatitudes(latitude1, latitude2) }
    let y1 = radians(latitude1)
    let y2 = radians(latitude2)
    let u = sin((y2 - y1) / 2)
    let a = u * u + cos(y1) * cos(y2) * v * v
    return 2.0 * radius * asin(a.squareRoot())
  }

  static func ofLatitudes(_ a: Double, _ b: Double) -> Double {
    radius * abs(radians(b) - radians(a))
  }

  /// The borders around everything within `width` and `height` meters of a place. Servers up to 6.2
  /// measure the width at the place itself, later ones where the area is widest.
  static func box(
    _ longitude: Double, _ latitude: Double, width: Double, height: Double, atPlace: Bool
  ) -> Box {
    let up = degrees(height / radius)
    let widest = atPlace ? latitude : latitude < 0 ? latitude - up : latitude + up
    let sideways = degrees(width / radius / cos(radians(widest)))
    return (longitude - sideways, latitude - up, longitude + sideways, latitude + up)
  }
}
