import EventLog
import Streams
import Testing

@testable import EventStream

struct EventFormatTests {
  private static let time: Int64 = 1_700_000_000_123
  private static let partitions = [TopicPartition("events", 0), TopicPartition("events", 11)]
  private static let reason = Reason(.redisUnavailable, "Redis: \"refused\"\n\u{1}é")
  private static let positions = [
    partitions[0]: PartitionPosition(nextOffset: 5, endOffset: 9),
    partitions[1]: PartitionPosition(
      nextOffset: 1 << 40, endOffset: .max, newestTime: 1_700_000_000_000),
  ]
  private static let restore = RestoreStatus(
    changelog: "log", partitions: 2, applied: 250, total: 1_000, elapsed: .microseconds(1_500_001))
  private static let counts = VerdictCounts(
    valid: 4, invalid: 3, oversized: 1, failed: ["one": 2, "two \"quoted\"": 1],
    coerced: ["habit": 1 << 40])
  private static let batch = BatchSummary(
    records: 3, bytes: 40, redeliveries: 1, judged: counts, open: .microseconds(12_345),
    steps: [
      .init(.closeBatch, .microseconds(1)), .init(.commitTransaction, .milliseconds(4)),
      .init(.commitStores, .zero),
    ], positions: positions)
  /// A batch with all that operators tell.
  private static var detailed: BatchSummary {
    var batch = batch
    batch.inputs = [TopicTally(topic: "events", records: 3, bytes: 40)]
    batch.outputs = [
      TopicTally(topic: "a", records: 2, bytes: 1 << 40), TopicTally(topic: nil, records: 1),
    ]
    var requests = RequestSummary()
    for outcome in RequestSummary.Outcome.allCases { requests.count(outcome) }
    requests.countRefused(code: "invalid_json")
    for share in [0, 0.3, 0.3, 1] { requests.countOverlap(share) }
    batch.requests = requests
    batch.projected = ProjectionSummary(
      written: 5, fenced: 2, replaced: 1, duration: .microseconds(1_001))
    let counts = (0...AgeHistogram.bounds.count).map { Int64($0) << 40 }
    batch.ages = AgeHistogram(counts: counts, sum: 1 << 50) ?? AgeHistogram()
    batch.completed = AgeHistogram(counts: counts.reversed(), sum: 7) ?? AgeHistogram()
    return batch
  }
  private static var models: ModelChoice {
    var models = ModelChoice(serving: "a", candidate: "b", shadow: "c", reason: "better")
    models.servingSince = 1_700_000_000_000
    models.newestRating = 0
    return models
  }

  static let kinds: [EngineEvent.Kind] = [
    .joining(group: "app-count"), .assigned(partitions), .partitionsUnused(partitions),
    .processing([]), .revoked(partitions),
    .lost(partitions), .fencingPredecessor(instance: "app-count-1"), .disownFailed(reason),
    .fenced(reason), .rejoining(reason, attempt: 3),
    .storeOpened(partition: 2, inputOffset: 7), .storeOpened(partition: 2, inputOffset: nil),
    .storeRebuilt(partition: 2, reason), .storeRefused(partition: 2, reason),
    .storeAdopted(partition: 2, reason), .restoring(restore),
    .restored(
      RestoreSummary(changelog: "log", partitions: 2, records: 9, duration: .seconds(100))),
    .upgrading(restore),
    .upgraded(
      RestoreSummary(changelog: "log", partitions: 2, records: 9, duration: .seconds(100))),
    .notUpgraded(partitions[1], reason), .standbyOpened(changelog: partitions[1]),
    .standbyFailed(reason), .batchCommitted(batch), .batchCommitted(detailed),
    .batchAborted(reason), .positions(positions), .positions([:]), .waiting(reason), .resumed,
    .offsetsDiffer(partitions[1], committed: 3, state: 4),
    .foreignOffset(partitions[1], reason), .retentionGuard(partitions[1], reason),
    .policyChanged(
      partitions[1], from: 1 << 40,
      PolicySummary(rules: 2, accept: ["a", "b"], timeZone: "Europe/Berlin")),
    .policyChanged(partitions[0], from: 0, PolicySummary(rules: 1, accept: [], timeZone: "UTC")),
    .eventsRefused(partitions[1], example: 17, reason), .eventsAccepted(partitions[1]),
    .modelsChanged(models),
    .modelsChanged(ModelChoice(serving: nil, candidate: nil, shadow: nil)),
    .hitsCounted(
      partition: 2,
      HitCounts(
        shadow: "b", against: "a", judged: 6, liveHits: 5, liveLiked: 4, shadowHits: 3,
        shadowLiked: 2)),
    .stopped(nil),
    .stopped(reason),
  ]

  private func line(_ content: EventMessage.Content) -> String {
    var writer = EventWriter()
    return String(decoding: writer.line(EventMessage(time: Self.time, content)), as: UTF8.self)
  }

  @Test(arguments: kinds)
  func everyEventIsReadBack(kind: EngineEvent.Kind) throws {
    for event in [
      EngineEvent(stage: "count", kind),
      EngineEvent(stage: "count", worker: 1, role: .standby, kind),
    ] {
      let text = line(.event(event))
      #expect(text.hasSuffix("\n") && !text.dropLast().contains("\n"))
      let read = try #require(try EventMessage(line: text.utf8))
      #expect(read == EventMessage(time: Self.time, .event(event)))
    }
  }

  @Test func noKindIsForgotten() {
    #expect(Set(Self.kinds.map(EventName.init)) == Set(EventName.allCases))
  }

  @Test(arguments: Reason.Code.allCases)
  func everyCodeIsReadBack(code: Reason.Code) throws {
    let event = EngineEvent(stage: "count", .waiting(Reason(code, "")))
    #expect(try EventMessage(line: line(.event(event)).utf8)?.content == .event(event))
  }

  @Test func aSnapshotIsReadBack() throws {
    let phases: [StageStatus.Phase] = [
      .starting, .joining, .restoring(Self.restore), .running, .waiting(Self.reason), .stopped,
    ]
    let entries = phases.enumerated().map { number, phase in
      var status = StageStatus(stage: "stage \(number)")
      status.phase = phase
      status.partitions = Self.positions
      (status.records, status.batches) = (Int64.max, 2)
      (status.abortedBatches, status.redeliveries) = (3, 4)
      if number % 2 == 0 { status.judged = Self.counts }
      return StatusBoard.Entry(worker: number % 2 == 0 ? nil : number, status)
    }
    let board = StatusBoard(entries)
    for isReady in [false, true] {
      let content = EventMessage.Content.snapshot(board, isReady: isReady)
      #expect(try EventMessage(line: line(content).utf8)?.content == content)
    }
  }

  @Test(arguments: [
    DaemonEvent.starting(application: "app", instance: "one", guarantee: "exactly_once"), .ready,
  ])
  func everyEventOfTheDaemonIsReadBack(event: DaemonEvent) throws {
    #expect(try EventMessage(line: line(.daemon(event)).utf8)?.content == .daemon(event))
  }

  @Test func whatComesWithEachBatchIsToldByItsLine() {
    let names = Self.kinds.filter {
      EventName.isOfBatch(Array(line(.event(EngineEvent(stage: "count", $0))).utf8))
    }.map(EventName.init)
    #expect(Set(names) == [.batchCommitted, .positions])
    #expect(!EventName.isOfBatch(Array(line(.daemon(.ready)).utf8)))
  }

  /// The article shows these lines.
  @Test func theFormatIsAsDocumented() throws {
    let opened = EngineEvent(stage: "user", .storeOpened(partition: 2, inputOffset: 7))
    #expect(
      line(.event(opened)) == """
        {"time":"2023-11-14T22:13:20.123Z","stage":"user","event":"store_opened","partition":2,\
        "input_offset":7}

        """)
    let starting = DaemonEvent.starting(
      application: "projectionist", instance: "host", guarantee: "exactly_once")
    #expect(
      line(.daemon(starting)) == """
        {"time":"2023-11-14T22:13:20.123Z","event":"daemon_starting",\
        "application":"projectionist","instance":"host","guarantee":"exactly_once"}

        """)
    let waiting = EngineEvent(stage: "redis", .waiting(Reason(.redisUnavailable, "refused")))
    #expect(
      line(.event(waiting)) == """
        {"time":"2023-11-14T22:13:20.123Z","stage":"redis","event":"waiting",\
        "reason":{"code":"redis_unavailable","text":"refused"}}

        """)
    let committed = EngineEvent(
      stage: "user",
      .batchCommitted(
        BatchSummary(
          records: 12, bytes: 960, redeliveries: 0, open: .microseconds(2_500),
          steps: [.init(.closeBatch, .microseconds(1_250))],
          positions: [TopicPartition("t", 0): PartitionPosition(nextOffset: 12, endOffset: 13)])))
    #expect(
      line(.event(committed)) == """
        {"time":"2023-11-14T22:13:20.123Z","stage":"user","event":"batch_committed","records":12,\
        "bytes":960,"redeliveries":0,"open_ms":2.5,"commit_ms":1.25,"steps":[{"step":"close_batch",\
        "duration_ms":1.25}],"positions":[{"topic":"t","partition":0,"next_offset":12,\
        "end_offset":13}]}

        """)
  }

  @Test func whatWasWrongWithABatchIsCounted() {
    let committed = EngineEvent(
      stage: "intake",
      .batchCommitted(
        BatchSummary(
          records: 12, bytes: 960, redeliveries: 0,
          judged: VerdictCounts(
            valid: 10, invalid: 2, failed: ["a_rule": 2], coerced: ["float_noise": 1]),
          open: .zero, steps: [], positions: [:])))
    #expect(
      line(.event(committed)) == """
        {"time":"2023-11-14T22:13:20.123Z","stage":"intake","event":"batch_committed","records":12,\
        "bytes":960,"redeliveries":0,"valid":10,"invalid":2,"oversized":0,"failed":{"a_rule":2},\
        "coerced":{"float_noise":1},"open_ms":0.0,"commit_ms":0.0,"steps":[],"positions":[]}

        """)
  }

  @Test func aKindOfTomorrowIsNoError() throws {
    let text =
      #"{"time":"2023-11-14T22:13:20.123Z","stage":"user","event":"dreaming","of":"sheep"}"#
    #expect(try EventMessage(line: text.utf8) == nil)
  }

  @Test(arguments: [
    "", "[]", "1", "{", #"{"event":"resumed","stage":"user"}"#,
    #"{"time":"yesterday","event":"resumed","stage":"user"}"#,
    #"{"time":"2023-11-14T22:13:20.123Z","event":"resumed"}"#,
    #"{"time":"2023-11-14T22:13:20.123Z","event":"resumed","stage":"user","worker":"one"}"#,
    #"{"time":"2023-11-14T22:13:20.123Z","event":"waiting","stage":"user","reason":"late"}"#,
    #"{"time":"2023-11-14T22:13:20.123Z","event":"store_opened","stage":"u","partition":4294967296}"#,
    #"{"time":"2023-11-14T22:13:20.123Z","event":"snapshot","ready":true,"stages":[{"stage":"u"}]}"#,
  ])
  func otherLinesAreRefused(text: String) {
    let error = #expect(throws: EventStreamError.self) { try EventMessage(line: text.utf8) }
    guard case .malformed = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"),
      (951_782_399_999, "2000-02-28T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
    ] as [(Int64, String)])
  func timesAreReadBack(time: Int64, text: String) {
    #expect(Time.text(time) == text)
    #expect(Time.parse(text) == time)
  }
}
