public import EventLog

/// A stage's state at one moment: the fold of its events.
public struct StageStatus: Hashable, Sendable {
  public enum Phase: Hashable, Sendable {
    case starting
    /// In the group, or about to be; nothing is assigned yet.
    case joining
    /// Bringing stores up to the end of their changelog.
    case restoring(RestoreStatus)
    case running
    /// Blocked by something outside.
    case waiting(Reason)
    case stopped
  }

  public var stage: String
  public var phase: Phase = .starting
  public var partitions: [TopicPartition: PartitionPosition] = [:]
  /// Records processed since the start.
  public var records: Int64 = 0
  public var batches: Int64 = 0
  public var abortedBatches: Int64 = 0
  /// Records dropped because they were below their partition's position.
  public var redeliveries: Int64 = 0
  /// What it found wrong with its input since the start, where it judges it.
  public var judged = VerdictCounts()

  public init(stage: String) { self.stage = stage }

  /// Whether only the system that it projects to blocks it, which nothing else waits for.
  public var waitsForProjection: Bool {
    guard case .waiting(let reason) = phase else { return false }
    return reason.code.concernsProjection
  }

  public var lag: Int64 { partitions.values.reduce(0) { $0 + $1.lag } }

  /// Applies one event of the stage. Events of its standby copies change nothing.
  public mutating func apply(_ event: EngineEvent) {
    guard event.role == .stage else { return }
    switch event.kind {
    case .joining: phase = .joining
    case .restoring(let status), .upgrading(let status): phase = .restoring(status)
    case .processing, .resumed: phase = .running
    case .batchCommitted(let batch):
      // A state is brought up to date in batches, too.
      if case .restoring = phase {} else { phase = .running }
      records += Int64(batch.records)
      batches += 1
      redeliveries += Int64(batch.redeliveries)
      judged.add(batch.judged)
      partitions = batch.positions
    case .batchAborted: abortedBatches += 1
    case .positions(let positions): partitions = positions
    case .waiting(let reason): phase = .waiting(reason)
    case .rejoining(let reason, _):
      phase = .waiting(reason)
      // Downstream stages must not wait for a backlog that may be another member's by now.
      partitions = [:]
    case .stopped: phase = .stopped
    case .assigned, .partitionsUnused, .revoked, .lost, .fencingPredecessor, .disownFailed,
      .fenced, .storeOpened, .storeRebuilt, .storeRefused, .restored, .upgraded, .notUpgraded,
      .standbyOpened, .standbyFailed, .offsetsDiffer, .storeAdopted, .foreignOffset,
      .retentionGuard, .policyChanged, .eventsRefused, .eventsAccepted,
      .modelsChanged, .hitsCounted:
      break
    }
  }
}

extension StageStatus {
  /// The status of a stage from that of its threads: it is only as far along as the last of them.
  init(stage: String, merging workers: [StageStatus]) {
    self.init(stage: stage)
    for worker in workers {
      partitions.merge(worker.partitions) { $1 }
      records += worker.records
      batches += worker.batches
      abortedBatches += worker.abortedBatches
      redeliveries += worker.redeliveries
      judged.add(worker.judged)
    }
    let phases = workers.map(\.phase)
    phase = phases.dropFirst().reduce(phases.first ?? .starting) { $0.merged($1) }
  }
}

extension StageStatus.Phase {
  /// Two restores add up; otherwise the less ready phase wins.
  fileprivate func merged(_ other: Self) -> Self {
    if case .restoring(let one) = self, case .restoring(let two) = other {
      return .restoring(
        RestoreStatus(
          changelog: one.changelog, partitions: one.partitions + two.partitions,
          applied: one.applied + two.applied, total: one.total + two.total,
          elapsed: max(one.elapsed, two.elapsed)))
    }
    return other.readiness < readiness ? other : self
  }

  /// Stopped ranks last: a stage has stopped only when all of its threads have.
  private var readiness: Int {
    switch self {
    case .waiting: 0
    case .starting: 1
    case .joining: 2
    case .restoring: 3
    case .running: 4
    case .stopped: 5
    }
  }
}
