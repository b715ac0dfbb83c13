import CRdkafkaClock
import EventLog
import Foundation
import Logging
import Synchronization
import Testing

@testable import KafkaLog

private let step = Int(RDKAFKA_CLOCK_STEP_NS)

private func nanoseconds(_ clock: clockid_t) -> Int {
  var time = timespec()
  clock_gettime(clock, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// What threads see of the monotonic clock: `clock_gettime.c`.
@Suite struct MainClockTests {
  private struct Readings {
    var before: Int
    var read: Int
    var after: Int
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

  /// librdkafka logs on the threads concerned.
  @Test func onlyTheMainThreadsOfAnOldLibraryAsk() throws {
    let recorder = ClockRecorder()
    let broker = try MockBroker(logger: quiet)
    let settings = KafkaSettings(
      bootstrapServers: broker.bootstrapServers, properties: ["debug": "all"])
    let reader = try KafkaLog(settings: settings, logger: recorder.logger).makeConsumer(
      ConsumerConfiguration(topics: ["any"], group: nil, clientID: "reader"))
    func readings(ofMain: Bool) -> [Int] {
      recorder.all.filter { ($0.thread == "rdk:main") == ofMain }.map(\.time)
    }
    let deadline = ContinuousClock.now + patience
    while readings(ofMain: true).count < 10 || readings(ofMain: false).count < 10,
      ContinuousClock.now < deadline
    {
      _ = try reader.poll(maxRecords: 1, timeout: .milliseconds(20)) { _ in true }
    }
    reader.close()
    // Once: the client's threads may still log.
    let (main, others) = (readings(ofMain: true), readings(ofMain: false))
    let needed = Mend.spinningMainThread.isNeeded()
    #expect(main.allSatisfy { ($0 % step == 0) == needed })
    #expect(!main.isEmpty)
    #expect(!others.isEmpty)
    #expect(others.allSatisfy { $0 % step != 0 })
  }
}

/// Reads the monotonic clock on every thread that logs.
private typealias ClockRecorder = Recorder<(thread: String, time: Int)>

extension ClockRecorder {
  fileprivate convenience init() {
    self.init { _ in
      // Linux has this file for every thread, so reading it does not fail.
      let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
      return ((name ?? "").trimmingCharacters(in: .newlines), nanoseconds(CLOCK_MONOTONIC))
    }
  }
}
