import Logging
import Pipeline
import Streams
import Testing

@testable import DaemonRuntime

@Suite struct StatusTests {
  @Test func theStatusLineTellsOfARestore() {
    var status = StageStatus(stage: "user")
    status.phase = .restoring(
      RestoreStatus(
        changelog: "app-user-changelog", partitions: 4, applied: 250, total: 1_000,
        elapsed: .seconds(1)))
    let restoring = StatusReporter.metadata(of: status, since: status, seconds: 10)
    #expect(restoring?["restoring"] == "app-user-changelog" && restoring?["percent"] == "25")
    #expect(restoring?["changelog_lag"] == "750")
    status.phase = .running
    #expect(StatusReporter.metadata(of: status, since: status, seconds: 10) == nil)
    let before = status
    status.records += 50
    let running = StatusReporter.metadata(of: status, since: before, seconds: 10)
    #expect(running?["events_per_second"] == "5" && running?["restoring"] == nil)
  }

  @Test func theStatusLineCountsInvalidEvents() {
    var before = StageStatus(stage: "intake")
    before.records = 100
    before.judged = VerdictCounts(invalid: 4, failed: ["a": 4], coerced: ["spelling": 3])
    var status = before
    status.records += 50
    let clean = StatusReporter.metadata(of: status, since: before, seconds: 10)
    #expect(clean?["invalid"] == nil && clean?["most_frequent_rule"] == nil)
    status.judged.add(
      VerdictCounts(invalid: 3, failed: ["a": 1, "b": 2], coerced: ["spelling": 2]))
    let metadata = StatusReporter.metadata(of: status, since: before, seconds: 10)
    #expect(metadata?["invalid"] == "3" && metadata?["most_frequent_rule"] == "b")
    #expect(metadata?["coerced_spelling"] == "2" && metadata?["events_per_second"] == "5")
  }

  @Test func readyIsLoggedOnceWhenTheLastStageRuns() {
    let record = Record()
    let monitors = ["user", "movie"].map { StageMonitor(stage: $0) }
    let reporter = StatusReporter(
      monitors, predict: PredictMonitor(),
      logger: Logger(label: "test") { _ in RecordingHandler(record: record) })
    let sink = EventSink.all(monitors.map(\.sink) + [reporter.sink])
    func emit(_ stage: String, _ kind: EngineEvent.Kind) {
      sink.receive(EngineEvent(stage: stage, kind))
    }
    emit("user", .joining(group: "user"))
    emit("user", .processing([]))
    emit("movie", .joining(group: "movie"))
    #expect(record.notes.isEmpty)
    emit("movie", .processing([]))
    #expect(record.notes == ["ready"])
    emit("movie", .waiting(Reason(.brokerUnavailable, "away")))
    emit("movie", .resumed)
    #expect(record.notes == ["ready"])
  }

  @Test(arguments: Reason.Code.allCases.filter(\.concernsProjection))
  func aStageThatWaitsForRedisKeepsNothingFromBeingReady(code: Reason.Code) {
    let record = Record()
    let monitors = ["user", "redis"].map { StageMonitor(stage: $0) }
    let reporter = StatusReporter(
      monitors, predict: PredictMonitor(),
      logger: Logger(label: "test", factory: { _ in RecordingHandler(record: record) }))
    let sinks = EventSink.all(monitors.map(\.sink) + [reporter.sink])
    sinks.receive(EngineEvent(stage: "redis", .waiting(Reason(.brokerUnavailable, "away"))))
    sinks.receive(EngineEvent(stage: "user", .processing([])))
    #expect(record.notes.isEmpty)
    sinks.receive(EngineEvent(stage: "redis", .waiting(Reason(code, "another's"))))
    #expect(record.notes == ["ready"])
  }

  @Test func theStatusLineTellsWhatPredictDid() {
    var status = PredictStatus()
    status.personal = 5
    status.late = 2
    status.keptModels = ["a", "b"]
    status.skippedMovies = 4
    let plain = StatusReporter.metadata(of: status)
    #expect(
      plain["late"] == "2" && plain["old"] == "0" && plain["personal"] == "5"
        && plain["model"] == "none" && plain["skipped_movies"] == "4")
    #expect(plain["kept_models"] == "a,b" && plain["shadow_overlap_at_10"] == nil)
    status.modelVersion = "b"
    status.shadows = 3
    status.shadowOverlapSum = 2
    let shadowed = StatusReporter.metadata(of: status)
    #expect(shadowed["model"] == "b" && shadowed["shadow_overlap_at_10"] == "0.667")
  }
}

private struct RecordingHandler: LogHandler {
  let record: Record
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.trace

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { record.note("\(event.message)") }
}
