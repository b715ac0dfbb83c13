import EventLog
import Testing

@testable import KafkaLog

private let hour: Int64 = 3_600_000
private let now: Int64 = 1_700_000_000_000

@Suite struct TimestampBoundsTests {
  @Test(
    arguments: [
      ([:], .none),
      (["message.timestamp.type": "CreateTime"], .none),
      (
        ["message.timestamp.before.max.ms": "5", "message.timestamp.after.max.ms": "7"],
        TimestampLimits(before: 5, after: 7)
      ),
      // Up to Kafka 3.5.
      (["message.timestamp.difference.max.ms": "9"], TimestampLimits(before: 9, after: 9)),
      // Up to Kafka 3.9 both are there, and a newer one that is set counts.
      (
        [
          "message.timestamp.difference.max.ms": "9",
          "message.timestamp.before.max.ms": "9223372036854775807",
          "message.timestamp.after.max.ms": "7",
        ], TimestampLimits(before: 9, after: 7)
      ),
      // The broker stamps the records.
      (
        ["message.timestamp.type": "LogAppendTime", "message.timestamp.before.max.ms": "5"], .none
      ),
    ] as [([String: String], TimestampLimits)])
  func limitsComeFromProperties(_ values: [String: String], _ limits: TimestampLimits) {
    #expect(TimestampLimits(values) == limits)
  }

  @Test func withoutLimitsEveryTimePassesWithoutAClock() {
    var bounds = TimestampBounds(.none)
    bounds.renew(now)
    for time in [Int64.min, -1, 0, now, .max] {
      #expect(
        bounds.clamp(
          time,
          now: {
            Issue.record("looked"); return 0
          }) == time)
    }
  }

  @Test func ordinaryTimesReadNoClock() {
    var bounds = TimestampBounds(TimestampLimits(before: 24 * hour, after: hour))
    bounds.renew(now)
    for time in [now, now - 11 * hour, now + hour / 2] {
      #expect(
        bounds.clamp(
          time,
          now: {
            Issue.record("looked"); return now
          }) == time)
    }
  }

  /// Against the broker's own rule, with clocks that differ by less than the margin.
  @Test(arguments: [
    TimestampLimits(before: 24 * hour, after: hour), .init(before: hour),
    .init(after: hour), .init(before: 4000, after: 4000), .init(before: .max - 1, after: .max - 1),
  ])
  func whatComesOutIsAccepted(_ limits: TimestampLimits) {
    var bounds = TimestampBounds(limits)
    let margin = min(60_000, min(limits.before, limits.after) / 4)
    for step in 0..<200 {
      // Looked at now and then only.
      let clock = now + Int64(step) * 1000
      if step % 2 == 0 { bounds.renew(clock) }
      for time in [0, clock - 48 * hour, clock - limits.before / 3, clock, clock + 48 * hour, .max]
      {
        let sent = bounds.clamp(time, now: { clock })
        for skew in [-margin / 2, 0, margin / 2] {
          let broker = clock + skew
          #expect(limits.before == .max || broker - sent <= limits.before)
          #expect(limits.after == .max || sent - broker <= limits.after)
        }
        if limits.before == .max, time <= clock { #expect(sent == time) }
      }
    }
  }

  @Test func aTopicThatRefusesWithoutAReasonGetsThePresent() throws {
    let times = RecordTimes()
    let limited = KafkaAdmin.TopicProperties(["message.timestamp.before.max.ms": "\(hour)"])
    // The first refusal tells of a limit.
    #expect(times.learn(["a"]) { _ in ["a": limited] } == nil)
    #expect(times["a"] == TimestampLimits(before: hour))
    // The same limit explains nothing.
    #expect(times.learn(["a"]) { _ in ["a": limited] } == nil)
    #expect(times["a"] == .now)
    // What is left are clocks that differ.
    let error = try #require(times.learn(["a"]) { _ in ["a": limited] })
    #expect(error.reaction == .abandonPartition && error.message.contains("clocks"))
    // A client that may not ask.
    let denied = LogError(.denied, "no", reaction: .stopDaemon)
    #expect(times.learn(["b"]) { _ throws(LogError) in throw denied } == nil)
    #expect(times["b"] == .now && times.version > 0)
  }

  /// A time that was wrong once does not cost a topic its records' times for ever.
  @Test func theNextLookEndsThePresent() {
    let times = RecordTimes()
    let limits = TimestampLimits(before: hour)
    times.note(["a": limits])
    for topic in ["a", "b"] { #expect(times.learn([topic]) { _ in [:] } == nil) }
    #expect(times["a"] == .now && times["b"] == .now)
    let version = times.version
    times.note(["a": limits])
    #expect(times["a"] == limits && times["b"] == .none && times.version > version)
  }

  @Test func onlyNowIsNow() {
    var bounds = TimestampBounds(.now)
    bounds.renew(now)
    for time in [0, now - 1, now + 1, .max] {
      #expect(bounds.clamp(time, now: { now + 5 }) == now + 5)
    }
  }
}
