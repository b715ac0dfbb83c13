import CRdkafkaClock
import Foundation
import Testing

/// What librdkafka's main threads see of the monotonic clock, and others don't: `clock_gettime.c`.
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

  /// Reads a clock on a thread of this name, between two readings on others.
  private static func read(_ clock: clockid_t, onThreadNamed name: String) async -> Readings {
    let before = nanoseconds(clock)
    let read = await withCheckedContinuation { continuation in
      let thread = Thread {
        FileHandle(forWritingAtPath: "/proc/thread-self/comm")?.write(Data(name.utf8))
        continuation.resume(returning: nanoseconds(clock))
      }
      thread.start()
    }
    return Readings(before: before, read: read, after: nanoseconds(clock))
  }

  @Test func mainThreadsReadWholeStepsAhead() async {
    let step = Int(RDKAFKA_CLOCK_STEP_NS)
    for _ in 0..<100 {
      let time = await Self.read(CLOCK_MONOTONIC, onThreadNamed: "rdk:main")
      #expect(time.read % step == 0)
      #expect(time.read > time.before + step)
      #expect(time.read <= time.after + 2 * step)
    }
  }

  @Test(arguments: [(CLOCK_MONOTONIC, "rdk:broker1"), (CLOCK_REALTIME, "rdk:main")])
  func othersReadWhatIs(clock: clockid_t, name: String) async {
    for _ in 0..<100 {
      let time = await Self.read(clock, onThreadNamed: name)
      #expect(time.read >= time.before)
      #expect(time.read <= time.after)
    }
  }
}
