#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Moment {
  /// This moment, by the clock of the system.
  public static var now: Moment {
    var time = timespec()
    // SAFETY: the call fills the struct.
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Moment(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }
}
