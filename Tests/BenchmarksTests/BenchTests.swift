import EventLog
import EventStream
import Foundation
import Streams
import TestSupport
import Testing

@testable import Benchmarks
@testable import Console

@Suite("Bench: zero lag")
struct ZeroLagTests {
  private static let upstream = TopicPartition("a", 0)
  private static let downstream = TopicPartition("b", 0)
  private static let start = ContinuousClock.now

  private var lag = ZeroLag([
    GroupInputs(stage: "one", group: "g1", partitions: [Self.upstream]),
    GroupInputs(stage: "two", group: "g2", partitions: [Self.downstream]),
  ])

  private static func look(
    _ first: Int64?, of firstEnd: Int64, _ second: Int64?, of secondEnd: Int64
  ) -> ZeroLag.Look {
    ZeroLag.Look(
      committed: [
        "g1": first.map { [upstream: $0] } ?? [:], "g2": second.map { [downstream: $0] } ?? [:],
      ],
      offsets: [upstream: 0..<firstEnd, downstream: 0..<secondEnd])
  }

  /// Takes a look in at so many milliseconds. Only the gaps listed hold nothing but markers.
  private mutating func note(
    _ look: ZeroLag.Look, at milliseconds: Int, markers: [TopicPartition: Range<Int64>] = [:]
  ) {
    lag.note(look, at: Self.start + .milliseconds(milliseconds)) { partition, range in
      markers[partition] != range
    }
  }

  private func isReached(at milliseconds: Int) -> Bool {
    lag.isReached(at: Self.start + .milliseconds(milliseconds))
  }

  @Test("everything committed counts from the first look on, after a rest")
  mutating func reached() {
    note(Self.look(10, of: 10, 4, of: 5), at: 0)
    #expect(lag.since == nil)
    note(Self.look(10, of: 10, 5, of: 5), at: 100)
    #expect(!isReached(at: 100))
    note(Self.look(10, of: 10, 5, of: 5), at: 350)
    #expect(!isReached(at: 399))
    #expect(isReached(at: 400))
    #expect(lag.since == Self.start + .milliseconds(100))
  }

  @Test("a group at its end does not count while one upstream is behind")
  mutating func downstreamIdle() {
    note(Self.look(3, of: 10, 0, of: 0), at: 0)
    note(Self.look(3, of: 10, 0, of: 0), at: 1000)
    #expect(lag.since == nil)
  }

  @Test("an input that grows starts the rest again")
  mutating func movement() {
    note(Self.look(10, of: 10, 5, of: 5), at: 0)
    note(Self.look(10, of: 10, 5, of: 9), at: 200)
    #expect(lag.since == nil)
    note(Self.look(10, of: 10, 9, of: 9), at: 300)
    #expect(!isReached(at: 500))
    #expect(isReached(at: 600))
    #expect(lag.since == Self.start + .milliseconds(300))
  }

  @Test("a gap of transaction markers is no lag, a gap with a record is")
  mutating func markers() {
    note(Self.look(10, of: 10, 5, of: 6), at: 0)
    #expect(lag.since == nil)
    note(
      Self.look(10, of: 10, 6, of: 7), at: 10, markers: [Self.downstream: 6..<7])
    #expect(lag.since == Self.start + .milliseconds(10))
  }

  @Test("a wide gap is asked about only when nothing moves any more")
  mutating func wideGap() {
    let markers = [Self.downstream: Int64(0)..<1000]
    note(Self.look(10, of: 10, nil, of: 1000), at: 0, markers: markers)
    #expect(lag.since == nil)
    note(Self.look(10, of: 10, nil, of: 1000), at: 50, markers: markers)
    #expect(lag.since == Self.start + .milliseconds(50))
  }

  @Test("a partition the look does not know is lag")
  mutating func unknownPartition() {
    var look = Self.look(10, of: 10, 5, of: 5)
    look.offsets[Self.downstream] = nil
    note(look, at: 0)
    #expect(lag.since == nil)
  }

  @Test("offsets passed leave out what was deleted before")
  func passed() {
    var look = Self.look(10, of: 20, nil, of: 5)
    look.offsets[Self.upstream] = 4..<20
    #expect(ZeroLag.passed(look, lag.groups[0]) == 6)
    #expect(ZeroLag.passed(look, lag.groups[1]) == 0)
  }
}

@Suite("Bench: freshness")
struct FreshnessMatcherTests {
  private static let start = ContinuousClock.now
  private var matcher = FreshnessMatcher()

  private func time(_ milliseconds: Int) -> ContinuousClock.Instant {
    Self.start + .milliseconds(milliseconds)
  }

  private mutating func arrivals(user: Int64, timestamp: Int64, at milliseconds: Int) -> [Duration]
  {
    var latencies: [Duration] = []
    matcher.arrive(user: user, timestamp: timestamp, at: time(milliseconds)) {
      latencies.append($0)
    }
    return latencies
  }

  @Test("a record answers its user's events up to its time, once")
  mutating func batch() {
    matcher.produce(user: 1, timestamp: 100, at: time(0), isCounted: true)
    matcher.produce(user: 1, timestamp: 105, at: time(5), isCounted: true)
    matcher.produce(user: 2, timestamp: 101, at: time(1), isCounted: true)
    matcher.produce(user: 1, timestamp: 120, at: time(20), isCounted: true)
    #expect(matcher.outstanding == 4)
    #expect(arrivals(user: 1, timestamp: 99, at: 21) == [])
    #expect(
      arrivals(user: 1, timestamp: 105, at: 30) == [.milliseconds(30), .milliseconds(25)])
    #expect(arrivals(user: 1, timestamp: 105, at: 31) == [])
    #expect(matcher.outstanding == 2)
    #expect(arrivals(user: 2, timestamp: 101, at: 40) == [.milliseconds(39)])
    #expect(arrivals(user: 1, timestamp: 200, at: 50) == [.milliseconds(30)])
    #expect(matcher.outstanding == 0)
  }

  @Test("the warm-up is awaited and not measured")
  mutating func warmUp() {
    matcher.produce(user: 7, timestamp: 1, at: time(0), isCounted: false)
    #expect(matcher.outstanding == 1)
    #expect(arrivals(user: 7, timestamp: 1, at: 9) == [])
    #expect(matcher.outstanding == 0)
  }

  @Test("features nobody waits for are no arrival")
  mutating func stranger() {
    #expect(arrivals(user: 3, timestamp: 1, at: 0) == [])
  }

  @Test("percentiles are of the latencies recorded")
  func percentiles() {
    var histogram = LatencyHistogram()
    for milliseconds in 1...1000 { histogram.record(.milliseconds(milliseconds)) }
    #expect(histogram.count == 1000)
    let expected: [String: Double] = [
      "p50_milliseconds": 500, "p95_milliseconds": 950, "p99_milliseconds": 990,
      "max_milliseconds": 1000,
    ]
    for figure in histogram.figures {
      guard case .decimal(let value, _) = figure.value, let wanted = expected[figure.key] else {
        Issue.record("\(figure)")
        continue
      }
      #expect(abs(value - wanted) <= wanted / 500)
    }
  }
}

@Suite("Bench: output")
struct BenchReportTests {
  @Test("figures of /proc are read, whatever the process is called")
  func usage() throws {
    let fields = (3...52).map(String.init)
    let stat = "42 (a b) c) S " + fields.dropFirst().joined(separator: " ")
    let usage = try #require(
      ProcessUsage(
        stat: stat, status: "Name:\tx\nVmHWM:\t  2048 kB\nRssAnon:\t 1024 kB\nRssFile:\t512 kB\n",
        ticksPerSecond: 100))
    // utime and stime are the fields 14 and 15.
    #expect(usage.cpuSeconds == 0.29)
    #expect(usage.peakBytes == 2 << 20)
    #expect(usage.anonymousBytes == 1 << 20)
    #expect(usage.mappedBytes == 1 << 19)
    #expect(ProcessUsage(stat: "nothing", status: "", ticksPerSecond: 100) == nil)
  }

  @Test("this process uses CPU and memory")
  func ownUsage() throws {
    let usage = try #require(ProcessUsage(of: getpid()))
    #expect(usage.peakBytes > 0)
    #expect(ProcessUsage.ownCPUSeconds > 0)
  }

  @Test("JSON has the figures by key, the table by label")
  func report() throws {
    var report = BenchReport("latency")
    report.figures = [
      .text("guarantee", "guarantee", "exactly_once"), .bytes("peak", "peak_bytes", 3 << 19),
    ]
    let figure = Figure.decimal("p50", "ms", "p50_milliseconds", 1.25)
    report.columns = [.init(title: "Redis", key: "redis", figures: [figure])]
    let object = try JSONSerialization.jsonObject(with: Data(try JSONText.of(report).utf8))
    #expect(
      object as? NSDictionary == [
        "bench": "latency", "guarantee": "exactly_once", "peak_bytes": 3 << 19,
        "redis": ["p50_milliseconds": 1.25],
      ])
    #expect(
      report.text == """
        LATENCY           VALUE  UNIT
        guarantee  exactly_once
        peak                1.5  MiB

             REDIS  UNIT
        p50    1.2  ms

        """)
  }

  @Test("a correlation id is read back; another's is none, or names no client")
  func identifiers() {
    let identifier = RequestIdentifier(client: 15, request: 1 << 40)
    #expect(identifier.bytes == [0, 0, 0, 0, 0, 0, 0, 15, 0, 0, 1, 0, 0, 0, 0, 0])
    #expect(RequestIdentifier(identifier.bytes) == identifier)
    #expect(RequestIdentifier([]) == nil)
    #expect(RequestIdentifier([UInt8](repeating: 0, count: 16)) == nil)
    #expect(RequestIdentifier([UInt8](repeating: 0xff, count: 16)) == nil)
    #expect(RequestIdentifier([UInt8](repeating: 1, count: 17)) == nil)
  }
}

@Suite("Bench: restore and restart")
struct RestartFiguresTests {
  private static let start: Int64 = 1_767_225_600_000
  private static let reason = Reason(.redisUnavailable, "refused")

  private static func event(_ stage: String, _ kind: EngineEvent.Kind, at milliseconds: Int64)
    -> EventMessage
  {
    EventMessage(time: start + milliseconds, .event(EngineEvent(stage: stage, kind)))
  }

  private static func restored(_ stage: String, at milliseconds: Int64, took: Int)
    -> EventMessage
  {
    let summary = RestoreSummary(
      changelog: stage, partitions: 1, records: 1, duration: .milliseconds(took))
    return event(stage, .restored(summary), at: milliseconds)
  }

  private static func history(_ messages: [EventMessage]) -> DaemonHistory {
    var history = DaemonHistory()
    for message in messages { history.receive(message) }
    return history
  }

  private static func time(_ milliseconds: Int64) -> Date {
    Date(timeIntervalSince1970: Double(start + milliseconds) / 1000)
  }

  @Test("a daemon's history knows its moments and what went wrong")
  func history() {
    var history = Self.history([
      EventMessage(time: Self.start, .snapshot(StatusBoard(), isReady: false)),
      EventMessage(
        time: Self.start + 1,
        .daemon(.starting(application: "a", instance: "i", guarantee: "exactly_once"))),
      Self.event("user", .waiting(Self.reason), at: 2), Self.event("user", .resumed, at: 3),
      Self.event("user", .fenced(Self.reason), at: 4),
      Self.event("user", .rejoining(Self.reason, attempt: 1), at: 4),
      Self.event("user", .stopped(nil), at: 5),
    ])
    #expect(history.count == 7 && history.events.count == 5)
    #expect(history.starting == Self.time(1))
    #expect(history.complaints == 2)
    #expect(!history.isReady)
    history.receive(EventMessage(time: Self.start + 6, .daemon(.ready)))
    #expect(history.isReady)
  }

  @Test("a follower that came late knows whether the daemon is ready")
  func lateFollower() {
    #expect(
      Self.history([EventMessage(time: 0, .snapshot(StatusBoard(), isReady: true))]).isReady)
  }

  @Test("a daemon is followed from its start to its end")
  func follower() throws {
    let directory = FileManager.default.temporaryDirectory
      .appending(path: "follower-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appending(path: "events.sock").path
    let follower = DaemonFollower(path: path)
    defer { follower.stop() }
    let server = try EventServer(path: path, board: StatusBoard(stage: "user"))
    defer { server.stop() }
    func wait(_ condition: (DaemonHistory) -> Bool) throws {
      try TestSupport.wait { condition(follower.history) }
    }
    try wait { $0.count == 1 }
    server.announceStart(application: "a", instance: "i", guarantee: "at_least_once")
    server.sink.receive(EngineEvent(stage: "user", .joining(group: "g")))
    server.sink.receive(EngineEvent(stage: "user", .positions([:])))
    server.sink.receive(EngineEvent(stage: "user", .processing([])))
    try wait(\.isReady)
    let history = follower.history
    #expect(history.starting != nil)
    #expect(history.events.map(\.event.kind) == [.joining(group: "g"), .processing([])])
  }

  @Test("a restore runs from the first stage's start to the last one's end")
  func span() throws {
    let history = Self.history([
      Self.restored("user", at: 5_000, took: 3_000),
      Self.restored("movie", at: 2_500, took: 1_000),
      Self.event("user", .joining(group: "g"), at: 4_000),
    ])
    let all = try #require(RestoreSpan(of: ["user", "movie"], in: history))
    #expect(abs(all.seconds - 3.5) < 1e-6)
    let movie = try #require(RestoreSpan(of: ["movie"], in: history))
    #expect(abs(movie.seconds - 1) < 1e-6)
    #expect(RestoreSpan(of: ["intake"], in: history) == nil)
  }

  @Test("memory is compared by the quarters of a restore")
  func quarters() throws {
    let history = Self.history([Self.restored("user", at: 5_000, took: 4_000)])
    let span = try #require(RestoreSpan(of: ["user"], in: history))
    var course = MemoryCourse()
    for (milliseconds, bytes) in [
      (900, 9), (1_000, 1), (1_900, 3), (3_500, 2), (5_000, 4), (5_100, 9),
    ] as [(Int64, Int)] {
      course.note(bytes, at: Self.time(milliseconds))
    }
    #expect(course.peaks(during: span, parts: 4) == [3, 0, 2, 4])
  }

  @Test("the parts of a restart add up, each until the slower stage has passed it")
  func parts() throws {
    var messages = [
      EventMessage(
        time: Self.start + 50,
        .daemon(.starting(application: "a", instance: "i", guarantee: "exactly_once"))),
      Self.event("intake", .joining(group: "g"), at: 300),
      Self.event("user", .joining(group: "g"), at: 700),
      Self.event("intake", .assigned([]), at: 310), Self.event("user", .assigned([]), at: 720),
      Self.event("intake", .processing([]), at: 320), Self.event("user", .processing([]), at: 765),
      // A second assignment is none of the start's.
      Self.event("user", .assigned([]), at: 5_000),
    ]
    #expect(Restart(started: Self.time(0), seen: Self.time(800), Self.history(messages)) == nil)
    messages.append(Self.restored("user", at: 760, took: 30))
    let restart = try #require(
      Restart(started: Self.time(0), seen: Self.time(800), Self.history(messages)))
    #expect(abs(restart.total - 0.8) < 1e-6)
    #expect(abs(restart.broker - 0.67) < 1e-6)
    #expect(abs(restart.restoring - 0.04) < 1e-6)
    #expect(abs(restart.processing - 0.035) < 1e-6)
  }

  @Test("medians")
  func median() {
    #expect([Double]().median == 0)
    #expect([3.0, 1, 2].median == 2)
    #expect([4.0, 1, 2, 3].median == 2.5)
  }
}
