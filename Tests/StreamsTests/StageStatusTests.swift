import EventLog
import Testing

@testable import Streams

struct StageStatusTests {
  private let partition = TopicPartition("events", 0)
  private let away = Reason(.brokerUnavailable, "away")

  private func status(after kinds: [EngineEvent.Kind]) -> StageStatus {
    var status = StageStatus(stage: "count")
    for kind in kinds { status.apply(EngineEvent(stage: "count", kind)) }
    return status
  }

  private func batch(_ records: Int, next: Int64, redeliveries: Int = 0) -> EngineEvent.Kind {
    .batchCommitted(
      BatchSummary(
        records: records, bytes: 10 * records, redeliveries: redeliveries, open: .zero, steps: [],
        positions: [partition: PartitionPosition(nextOffset: next, endOffset: 20)]))
  }

  private func restore(_ applied: Int64) -> RestoreStatus {
    RestoreStatus(
      changelog: "log", partitions: 1, applied: applied, total: 100, elapsed: .seconds(applied))
  }

  @Test func aStageStartsWithNothing() {
    #expect(status(after: []).phase == .starting)
    #expect(status(after: [.joining(group: "app-count")]).phase == .joining)
  }

  @Test func batchesAddUp() {
    let status = status(after: [
      .joining(group: "app-count"), .assigned([partition]), .processing([partition]),
      batch(3, next: 3), .batchAborted(away), batch(4, next: 7, redeliveries: 2),
    ])
    #expect(status.phase == .running)
    #expect(status.records == 7 && status.batches == 2 && status.abortedBatches == 1)
    #expect(status.redeliveries == 2)
    #expect(status.partitions == [partition: PartitionPosition(nextOffset: 7, endOffset: 20)])
    #expect(status.lag == 13)
  }

  @Test func whatWasWrongAddsUp() {
    func batch(_ counts: VerdictCounts) -> EngineEvent.Kind {
      .batchCommitted(
        BatchSummary(
          records: 9, bytes: 9, redeliveries: 0, judged: counts, open: .zero, steps: [],
          positions: [:]))
    }
    let status = status(after: [
      batch(VerdictCounts(invalid: 2, failed: ["a": 2, "b": 1])),
      batch(VerdictCounts()), batch(VerdictCounts(coerced: ["x": 4])),
      batch(VerdictCounts(invalid: 3, failed: ["b": 3], coerced: ["x": 1])),
    ])
    let sum = VerdictCounts(invalid: 5, failed: ["a": 2, "b": 4], coerced: ["x": 5])
    #expect(status.judged == sum)
    #expect(sum.mostFrequentRule == "b")
    #expect(VerdictCounts(invalid: 2, failed: ["b": 1, "a": 1]).mostFrequentRule == "a")
    #expect(
      sum.since(VerdictCounts(invalid: 2, failed: ["a": 2, "b": 1], coerced: ["x": 4]))
        == VerdictCounts(invalid: 3, failed: ["b": 3], coerced: ["x": 1]))
    #expect(sum.since(sum).isEmpty && VerdictCounts().mostFrequentRule == nil)
  }

  @Test func aRestoreLastsUntilItsPartitionsAreRead() {
    let restoring: [EngineEvent.Kind] = [
      .assigned([partition]), .restoring(restore(40)),
      .restored(RestoreSummary(changelog: "log", partitions: 1, records: 9, duration: .zero)),
      .storeOpened(partition: 0, inputOffset: 3),
    ]
    #expect(status(after: restoring).phase == .restoring(restore(40)))
    #expect(status(after: restoring + [.processing([partition])]).phase == .running)
  }

  @Test func whatHoldsAStageUpShowsUntilItIsOver() {
    #expect(status(after: [batch(1, next: 1), .waiting(away)]).phase == .waiting(away))
    #expect(status(after: [.waiting(away), .resumed]).phase == .running)
    #expect(status(after: [.waiting(away), batch(1, next: 1)]).phase == .running)
  }

  /// Other stages would keep their batches open for a backlog that somebody else works off by now.
  @Test func aStageOutsideItsGroupHasNoPositions() {
    let status = status(after: [batch(1, next: 1), .rejoining(away, attempt: 1)])
    #expect(status.phase == .waiting(away))
    #expect(status.partitions.isEmpty && status.lag == 0)
    #expect(status.records == 1)
  }

  @Test func positionsChangeWithoutBatches() {
    let moved = [partition: PartitionPosition(nextOffset: 5, endOffset: 9)]
    #expect(status(after: [batch(1, next: 1), .positions(moved)]).partitions == moved)
  }

  @Test func standbyCopiesChangeNothing() {
    var status = status(after: [.processing([partition])])
    status.apply(EngineEvent(stage: "count", role: .standby, .restoring(restore(1))))
    #expect(status.phase == .running)
  }

  // MARK: Workers

  private func monitor(_ workers: Int?, _ events: [(worker: Int?, kind: EngineEvent.Kind)])
    -> StageStatus
  {
    let monitor = StageMonitor(stage: "count", workers: workers)
    for (worker, kind) in events {
      monitor.sink.receive(EngineEvent(stage: "count", worker: worker, kind))
    }
    return monitor.snapshot
  }

  @Test func aMonitorTakesItsOwnStageOnly() {
    let monitor = StageMonitor(stage: "count")
    monitor.sink.receive(EngineEvent(stage: "other", .stopped(nil)))
    #expect(monitor.snapshot == StageStatus(stage: "count"))
  }

  @Test func aStageIsTheSumOfItsWorkers() {
    let other = TopicPartition("events", 1)
    let positions = [other: PartitionPosition(nextOffset: 1, endOffset: 4)]
    let status = monitor(
      2,
      [
        (0, .processing([partition])), (1, .processing([other])), (0, batch(3, next: 3)),
        (1, .positions(positions)), (1, .batchAborted(away)),
      ])
    #expect(status.phase == .running)
    #expect(status.records == 3 && status.batches == 1 && status.abortedBatches == 1)
    #expect(status.partitions.keys.count == 2 && status.lag == 17 + 3)
  }

  @Test func theLastWorkerDecidesHowFarAStageIs() {
    let running = EngineEvent.Kind.processing([])
    #expect(monitor(2, [(0, running)]).phase == .starting)
    #expect(monitor(2, [(0, running), (1, .joining(group: "g"))]).phase == .joining)
    #expect(monitor(2, [(0, .waiting(away)), (1, running)]).phase == .waiting(away))
    #expect(monitor(2, [(0, .stopped(nil)), (1, running)]).phase == .running)
    #expect(monitor(2, [(0, .stopped(nil)), (1, .stopped(nil))]).phase == .stopped)
    let restoring = monitor(2, [(0, .restoring(restore(40))), (1, .restoring(restore(20)))])
    #expect(
      restoring.phase
        == .restoring(
          RestoreStatus(
            changelog: "log", partitions: 2, applied: 60, total: 200, elapsed: .seconds(40))))
  }
}
