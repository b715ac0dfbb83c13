import Console
import Logging
import ServiceLifecycle
import Streams
import Synchronization
import Testing
import UnixSignals

@testable import DaemonRuntime

@Suite(.timeLimit(.minutes(1)))
struct LifecycleTests {
  private let bench = Bench()

  @Test func aSignalStopsAllThreadsAtTheSameTime() async throws {
    let bench = bench
    let loops = (1...2).map { number -> (String, any Service) in
      let loop = bench.service("loop-\(number)") {
        bench.note("started")
        try bench.waitForStop()
        bench.note("stopping")
        // Neither ends before both have been asked to.
        try bench.wait("the other") { $0.count { $0 == "stopping" } == 2 }
      }
      return ("loop-\(number)", loop)
    }
    let services = [("last", bench.noting("closed"))] + loops
    async let ending = bench.run(services)
    try await bench.waitAsync("the loops") { $0.count == 2 }
    bench.signals.yield(.sigterm)
    #expect(try await ending == .stopped)
    #expect(bench.notes == ["started", "started", "signal", "stopping", "stopping", "closed"])
  }

  @Test func theFirstStageThatFailsDecidesTheExitStatus() async throws {
    let bench = bench
    let ending = try await bench.run([
      ("last", bench.noting("closed")),
      ("second", bench.service("second") { try bench.fail(.failure, afterStop: true) }),
      ("first", bench.service("first") { try bench.fail(.denied, afterStop: false) }),
      ("third", bench.service("third") { try bench.waitForStop() }),
    ])
    #expect(ending == .failed(.denied))
    #expect(bench.notes == ["denied", "failure", "closed"])
  }

  @Test func aStageThatFailsWhileStoppingDecidesToo() async throws {
    let bench = bench
    async let ending = bench.run([
      ("loop", bench.service("loop") { try bench.fail(.unavailable, afterStop: true) })
    ])
    bench.signals.yield(.sigint)
    #expect(try await ending == .failed(.unavailable))
  }

  @Test func aSecondSignalEndsTheProcess() async throws {
    let bench = bench
    async let ending = bench.run([("loop", bench.service("loop") { try bench.waitForRelease() })])
    bench.signals.yield(.sigterm)
    bench.signals.yield(.sigterm)
    try await bench.waitAsync("the end") { $0 == ["signal", "end"] }
    bench.note("release")
    #expect(try await ending == .stopped)
  }

  /// A terminal that closes sends it, perhaps twice.
  @Test func aHangupStopsInGoodOrder() async throws {
    let bench = bench
    async let ending = bench.run([("loop", bench.service("loop") { try bench.waitForRelease() })])
    bench.signals.yield(.sighup)
    bench.signals.yield(.sighup)
    try await bench.waitAsync("the signal") { $0 == ["signal"] }
    bench.signals.yield(.sigterm)
    try await bench.waitAsync("the end") { $0 == ["signal", "end"] }
    bench.note("release")
    #expect(try await ending == .stopped)
  }

  @Test func aThreadThatOutlivesTheDeadlineIsLeftBehind() async throws {
    let bench = Bench(deadline: .milliseconds(1))
    async let ending = bench.run([
      ("loop", bench.service("loop") { try bench.waitForRelease() }),
      ("failing", bench.service("failing") { try bench.fail(.denied, afterStop: false) }),
    ])
    #expect(try await ending == .overdue(.denied))
    #expect(bench.threads.areRunning)
    bench.note("release")
  }

  @Test func theDeadlineAppliesToTheStart() async throws {
    let bench = Bench(deadline: .milliseconds(1))
    let lifecycle = bench.lifecycle
    async let ending = Ending(bench.threads) {
      try await lifecycle.run(
        "start", bench.service("start") { try bench.waitForRelease() }, onSignal: {})
    }
    bench.signals.yield(.sigterm)
    #expect(try await ending == .overdue(.failure))
    bench.note("release")
  }

  @Test func aSignalDuringTheStartEndsItInGoodOrder() async throws {
    let bench = bench
    let lifecycle = bench.lifecycle
    async let ending = Ending(bench.threads) {
      try await lifecycle.run(
        "start", bench.service("start") { try bench.waitForStop() }, onSignal: {})
    }
    bench.signals.yield(.sigterm)
    #expect(try await ending == .stopped)
  }

  @Test func otherErrorsPassThrough() async throws {
    let bench = bench
    await #expect(throws: CommandFailure(.topicsDiffer, "topics")) {
      try await bench.run([
        ("loop", bench.service("loop") { throw CommandFailure(.topicsDiffer, "topics") })
      ])
    }
  }
}

/// A lifecycle with made-up signals.
private struct Bench: Sendable {
  let threads = BlockingThreads()
  let stop = StopSignal()
  let signals: AsyncStream<UnixSignal>.Continuation
  let lifecycle: Lifecycle<AsyncStream<UnixSignal>>
  private let record = Record()

  init(deadline: Duration = .seconds(3600)) {
    let (stream, signals) = AsyncStream.makeStream(of: UnixSignal.self)
    self.signals = signals
    lifecycle = Lifecycle(
      deadline: deadline, signals: stream, logger: Logger(label: "test"),
      end: { [record] in record.note("end") })
  }

  var notes: [String] { record.notes }
  func note(_ text: String) { record.note(text) }

  func service(_ name: String, _ body: @escaping @Sendable () throws -> Void) -> any Service {
    ThreadService(threads: threads, name: name, stop: stop, body: body)
  }

  func noting(_ text: String) -> any Service { Closing { [record] in record.note(text) } }

  /// The services in a group of their own, as the daemon runs its stages.
  func run(_ services: [(String, any Service)]) async throws -> Ending {
    try await Ending(threads) {
      try await lifecycle.run(
        "group", lifecycle.group(services.map { (name: $0.0, service: $0.1) })
      ) {
        [record] in record.note("signal")
      }
    }
  }

  func waitForStop() throws { try record.wait("the stop signal") { [stop] _ in stop.isStopped } }

  func waitForRelease() throws { try wait("the release") { $0.contains("release") } }

  func wait(_ what: String, _ isFulfilled: ([String]) -> Bool) throws {
    try record.wait(what, isFulfilled)
  }

  func fail(_ status: Console.ExitStatus, afterStop: Bool) throws {
    if afterStop { try waitForStop() }
    note("\(status)")
    throw StageFailure(status: status)
  }

  /// Waits on a thread that does not count.
  func waitAsync(_ what: String, _ isFulfilled: @escaping @Sendable ([String]) -> Bool)
    async throws
  {
    let record = record
    try await BlockingThreads().run { try record.wait(what, isFulfilled) }
  }
}

/// Calls its body when it is to stop.
private struct Closing: Service {
  let body: @Sendable () -> Void

  func run() async throws {
    try? await gracefulShutdown()
    body()
  }
}
