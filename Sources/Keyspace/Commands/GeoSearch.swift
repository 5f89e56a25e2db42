internal import Bytes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Which members of a sorted set of places lie in a circle or rectangle.
///
/// The cells that can hold one are visited in the server's order (the middle, then north, south,
/// east, west and the corners), since `COUNT n ANY` keeps the first it meets.
struct GeoSearch {
  enum Shape {
    case circle(radius: Double)
    case box(width: Double, height: Double)
    /// The corners, in order (Valkey 9).
    case polygon([Corner])
  }

  /// A place in degrees.
  struct Corner {
    var longitude: Double
    var latitude: Double
  }

  struct Hit {
    var member: ByteSlice
    var score: Double
    /// In meters.
    var distance: Double
  }

  var longitude: Double
  var latitude: Double
  /// In meters.
  var shape: Shape
  /// Whether every member is looked at. Servers before Redis 8 look into nine cells only, which
  /// misses some hits of very large areas; replaying their logs has to miss them too.
  var looksAtAll = false

  /// Whether the cells are chosen as servers up to 6.2 do it.
  var isOld = false

  /// The hits in `zset`; with a `limit`, the first ones met.
  func hits(in zset: SortedSetValue, limit: Int?) -> [Hit] {
    var hits: [Hit] = []
    var last: GeoCell?
    let order = zset.ordered
    if looksAtAll && limit == nil {
      order.forEach { found in
        if let distance = distance(of: found.score) {
          hits.append(Hit(member: found.member, score: found.score, distance: distance))
        }
      }
      return hits
    }
    for cell in cells() {
      if let limit, hits.count >= limit { break }
      // Neighbours of very large cells can be one and the same.
      if cell == last { continue }
      last = cell
      let (from, end) = cell.scores
      var place = order.firstPlace { $0.score >= Double(from) }
      while !order.isEnd(place), order[place].score < Double(end) {
        let found = order[place]
        if let distance = distance(of: found.score) {
          hits.append(Hit(member: found.member, score: found.score, distance: distance))
          if let limit, hits.count >= limit { break }
        }
        place = order.after(place)
      }
    }
    return hits
  }

  /// The distance of a place that lies in the shape.
  private func distance(of score: Double) -> Double? {
    guard score >= 0, score < 18446744073709551616.0 else { return nil }
    let center = GeoCell(bits: UInt64(score), step: 26).center
    switch shape {
    case .circle(let radius):
      let distance = GeoDistance.between(
        longitude, latitude, center.longitude, center.latitude)
      return distance > radius ? nil : distance
    case .box(let width, let height):
      if GeoDistance.ofLatitudes(center.latitude, latitude) > height / 2 { return nil }
      let across = GeoDistance.between(
        center.longitude, center.latitude, longitude, center.latitude)
      if across > width / 2 { return nil }
      return GeoDistance.between(longitude, latitude, center.longitude, center.latitude)
    case .polygon(let corners):
      guard GeoSearch.holds(corners, center.longitude, center.latitude) else { return nil }
      return GeoDistance.between(longitude, latitude, center.longitude, center.latitude)
    }
  }

  /// Whether a place lies in a polygon: a ray to the east crosses an odd number of sides.
  private static func holds(
    _ corners: [Corner], _ longitude: Double, _ latitude: Double
  ) -> Bool {
    var inside = false
    var from = corners[corners.count - 1]
    for to in corners {
      if (to.latitude > latitude) != (from.latitude > latitude) {
        let slope = (from.longitude - to.longitude) * (latitude - to.latitude)
        if longitude < slope / (from.latitude - to.latitude) + to.longitude { inside.toggle() }
      }
      from = to
    }
    return inside
  }

  /// The middle of the corners on the sphere, which polygons are searched around.
  static func middle(of corners: [Corner]) -> Corner {
    var (x, y, z) = (0.0, 0.0, 0.0)
    for corner in corners {
      let longitude = GeoDistance.radians(corner.longitude)
      let latitude = GeoDistance.radians(corner.latitude)
      x += cos(latitude) * cos(longitude)
      y += cos(latitude) * sin(longitude)
      z += sin(latitude)
    }
    return Corner(
      longitude: GeoDistance.degrees(atan2(y, x)),
      latitude: GeoDistance.degrees(atan2(z, (x * x + y * y).squareRoot())))
  }

  private func box(width: Double, height: Double) -> GeoDistance.Box {
    GeoDistance.box(
      longitude, latitude, width: width, height: height, atPlace: isOld)
  }

  /// What surrounds the shape, in degrees, and how far it reaches from its middle, in meters.
  private func bounds() -> (GeoDistance.Box, radius: Double) {
    switch shape {
    case .circle(let radius):
      return (box(width: radius, height: radius), radius)
    case .box(let width, let height):
      let radius = ((width / 2) * (width / 2) + (height / 2) * (height / 2)).squareRoot()
      return (box(width: width / 2, height: height / 2), radius)
    case .polygon(let corners):
      var box: GeoDistance.Box = (west: 180, south: 90, east: -180, north: -90)
      for corner in corners {
        box.west = min(box.west, corner.longitude)
        box.east = max(box.east, corner.longitude)
        box.south = min(box.south, corner.latitude)
        box.north = max(box.north, corner.latitude)
      }
      var radius = 0.0
      for x in [box.west, box.east] {
        for y in [box.south, box.north] {
          radius = max(radius, GeoDistance.between(longitude, latitude, x, y))
        }
      }
      return (box, radius)
    }
  }

  /// The cells that can hold a hit, in the server's order.
  private func cells() -> [GeoCell] {
    let (box, radius) = bounds()
    var step = GeoSearch.step(radius, latitude)
    var middle = GeoCell(longitude: longitude, latitude: latitude, step: step)
    let north = middle.moved(x: 0, y: 1).area.latitude.1
    let south = middle.moved(x: 0, y: -1).area.latitude.0
    let east = middle.moved(x: 1, y: 0).area.longitude.1
    let west = middle.moved(x: -1, y: 0).area.longitude.0
    let tooSmall =
      north < box.north || south > box.south || east < box.east || west > box.west
    if step > 1 && tooSmall {
      step -= 1
      middle = GeoCell(longitude: longitude, latitude: latitude, step: step)
    }
    let area = middle.area
    let prunes = step >= 2
    let southOut = prunes && area.latitude.0 < box.south
    let northOut = prunes && area.latitude.1 > box.north
    let westOut = prunes && area.longitude.0 < box.west
    let eastOut = prunes && area.longitude.1 > box.east
    var cells = [middle]
    let neighbours = [
      (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1),
    ]
    for (x, y) in neighbours {
      if y > 0 && northOut || y < 0 && southOut || x > 0 && eastOut || x < 0 && westOut {
        continue
      }
      cells.append(middle.moved(x: x, y: y))
    }
    return cells
  }

  /// How fine cells may be so that nine of them cover a circle of `radius` meters.
  private static func step(_ radius: Double, _ latitude: Double) -> Int {
    if radius == 0 { return 26 }
    var range = radius
    var step = 1
    while range < 20037726.37 {
      range *= 2
      step += 1
    }
    step -= 2
    if abs(latitude) > 66 { step -= abs(latitude) > 80 ? 2 : 1 }
    return min(max(step, 1), 26)
  }
}
