import EventLog
import Logging
import StateStore
import Testing

@testable import Streams

struct LogSinkTests {
  private let lines = Lines()

  private func log(_ kinds: EngineEvent.Kind..., worker: Int? = nil) {
    let sink = EventSink.logging(lines.logger())
    for kind in kinds { sink.receive(EngineEvent(stage: "count", worker: worker, kind)) }
  }

  private func restore(_ applied: Int64, after elapsed: Duration) -> EngineEvent.Kind {
    .restoring(
      RestoreStatus(
        changelog: "log", partitions: 4, applied: applied, total: 1_000, elapsed: elapsed))
  }

  @Test func aLineHasTheCodeNextToTheText() {
    log(.waiting(Reason(.redisUnavailable, "Redis: refused")))
    #expect(
      lines.fields(of: "waiting") == [["reason": "Redis: refused", "code": "redis_unavailable"]])
  }

  @Test func aWorkerIsNamedWhereThereAreSeveral() {
    log(.joining(group: "app-count"))
    log(.joining(group: "app-count"), worker: 1)
    #expect(
      lines.fields(of: "joining the group") == [
        ["group": "app-count"], ["group": "app-count", "worker": "1"],
      ])
  }

  @Test func aRestoreHasALineWhenItBeginsAndEveryTwoSeconds() {
    log(
      restore(0, after: .zero), restore(100, after: .milliseconds(500)),
      restore(300, after: .milliseconds(1_900)), restore(400, after: .seconds(2)),
      restore(700, after: .milliseconds(3_500)), restore(800, after: .seconds(4)),
      .restored(
        RestoreSummary(changelog: "log", partitions: 4, records: 900, duration: .seconds(5))))
    #expect(
      lines.fields(of: "restoring state") == [
        ["changelog": "log", "partitions": "4", "offsets": "1000"],
        [
          "changelog": "log", "partitions": "4", "percent": "40", "records_per_second": "200",
          "seconds_left": "3",
        ],
        [
          "changelog": "log", "partitions": "4", "percent": "80", "records_per_second": "200",
          "seconds_left": "1",
        ],
      ])
    #expect(
      lines.fields(of: "state restored") == [
        ["changelog": "log", "partitions": "4", "records": "900", "milliseconds": "5000"]
      ])
  }

  /// While nothing was applied yet there is no rate to tell the end by.
  @Test func theSearchForTheEndHasLinesToo() {
    log(restore(0, after: .milliseconds(2_500)))
    #expect(
      lines.fields(of: "restoring state") == [
        ["changelog": "log", "partitions": "4", "percent": "0", "records_per_second": "0"]
      ])
  }

  @Test func twoRestoresHaveTheirOwnLines() {
    let sink = EventSink.logging(lines.logger())
    for role in EngineEvent.Role.allCases {
      for elapsed in [Duration.zero, .seconds(2)] {
        sink.receive(EngineEvent(stage: "count", role: role, restore(1, after: elapsed)))
      }
    }
    #expect(lines.fields(of: "restoring state").count == 4)
  }

  @Test func onlyTheFirstOfARowOfFailuresHasALine() {
    let away = Reason(.brokerUnavailable, "away")
    log(.rejoining(away, attempt: 1), .rejoining(away, attempt: 2), .rejoining(away, attempt: 1))
    #expect(lines.fields(of: "leaving the group to join it again").count == 2)
  }

  /// A stage that was fenced may find the disk full when it comes back.
  @Test func anotherReasonInARowOfFailuresHasALine() {
    let (fenced, full) = (Reason(.fenced, "fenced"), Reason(.diskFull, "No space left"))
    log(
      .rejoining(fenced, attempt: 1), .rejoining(full, attempt: 2), .rejoining(full, attempt: 3),
      .rejoining(fenced, attempt: 4))
    #expect(
      lines.fields(of: "leaving the group to join it again").map { $0["code"] }
        == ["fenced", "disk_full", "fenced"])
  }

  @Test func refusedEventsAreAWarningWithAnExample() {
    let partition = TopicPartition("events", 3)
    log(
      .eventsRefused(partition, example: 17, Reason(.eventsRefused, "most are")),
      .eventsAccepted(partition),
      .policyChanged(
        partition, from: 9, PolicySummary(rules: 2, accept: ["a", "b"], timeZone: "UTC")))
    #expect(
      lines.fields(of: "most events are invalid") == [
        [
          "partition": "events[3]", "offset": "17", "reason": "most are", "code": "events_refused",
        ]
      ])
    #expect(lines.fields(of: "most events are valid again") == [["partition": "events[3]"]])
    #expect(
      lines.fields(of: "events are judged by these settings from here on") == [
        [
          "partition": "events[3]", "offset": "9", "rules": "2", "accept": "a,b",
          "time_zone": "UTC",
        ]
      ])
  }

  /// A busy stage commits a hundred batches a second.
  @Test func batchesAreForDebugging() {
    let batch = BatchSummary(
      records: 3, bytes: 40, redeliveries: 0, open: .milliseconds(20),
      steps: [.init(.closeBatch, .milliseconds(1)), .init(.commitOffsets, .milliseconds(2))],
      positions: [:])
    log(.batchCommitted(batch))
    #expect(lines.fields(of: "batch committed").isEmpty)
    #expect(LogLine.level(of: .batchCommitted(batch)) == .debug)
    #expect(
      LogLine(.batchCommitted(batch))?.fields == [
        "records": "3", "bytes": "40", "open_milliseconds": "20", "commit_milliseconds": "3",
      ])
  }
}

struct StageErrorTests {
  private static let codes: [(LogError.Code, Reason.Code)] = [
    (.unavailable, .brokerUnavailable), (.fenced, .fenced),
    (.offsetOutOfRange, .offsetOutOfRange), (.unknownTopic, .unknownTopic),
    (.recordTooLarge, .recordTooLarge), (.denied, .accessDenied),
    (.configuration, .configurationRefused), (.transactionAborted, .transactionAborted),
    (.other, .logFailure),
  ]

  @Test(arguments: codes)
  func anErrorOfTheLogHasACode(log: LogError.Code, reason: Reason.Code) {
    let error = StageError.log(LogError(log, "what happened", reaction: .retry))
    #expect(error.reason == Reason(reason, "what happened"))
    #expect(error.description == "what happened")
  }

  @Test func anErrorOfAStoreHasACode() {
    func reason(_ remedy: StoreError.Remedy) -> Reason {
      StageError.store(StoreError("what happened", remedy: remedy)).reason
    }
    #expect(reason(.rebuild) == Reason(.storeDamaged, "what happened"))
    #expect(reason(.wait) == Reason(.diskFull, "what happened"))
    #expect(reason(.stop) == Reason(.storeRefused, "what happened"))
  }

  @Test func anErrorOfTheStageKeepsItsReason() {
    let reason = Reason(.stateLost, "state_lost: x")
    #expect(StageError.failed(reason, .stopDaemon).reason == reason)
    #expect(StageError.stopped.reason.code == .stopRequested)
  }
}
