import CRdkafkaClock
import Foundation
import Testing

/// What threads see of the monotonic clock: `clock_gettime.c`.
struct MainClockTests {
  private struct Readings {
    var before: Int
    var read: Int
    var after: Int
  }

  private static func nanoseconds(_ clock: clockid_t) -> Int {
    var time = timespec()
    clock_gettime(clock, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  /// Reads a clock on a new thread, between two readings on another.
  private static func read(_ clock: clockid_t, inSteps: Bool) async -> Readings {
    let before = nanoseconds(clock)
    let read = await withCheckedContinuation { continuation in
      Thread {
        if inSteps { rdkafka_clock_step_on_this_thread() }
        continuation.resume(returning: nanoseconds(clock))
      }.start()
    }
    return Readings(before: before, read: read, after: nanoseconds(clock))
  }

  @Test func aThreadThatAskedReadsWholeStepsAhead() async {
    let step = Int(RDKAFKA_CLOCK_STEP_NS)
    for _ in 0..<100 {
      let time = await Self.read(CLOCK_MONOTONIC, inSteps: true)
      #expect(time.read % step == 0)
      #expect(time.read > time.before + step)
      #expect(time.read <= time.after + 2 * step)
    }
  }

  @Test(arguments: [(CLOCK_MONOTONIC, false), (CLOCK_REALTIME, true)])
  func everythingElseIsLeftAlone(clock: clockid_t, inSteps: Bool) async {
    for _ in 0..<100 {
      let time = await Self.read(clock, inSteps: inSteps)
      #expect(time.read >= time.before)
      #expect(time.read <= time.after)
    }
  }
}
