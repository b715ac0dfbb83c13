import Metrics
import Streams

/// What the events so far add up to.
struct EventFold {
  private(set) var counters = MetricStore(EngineCounters.families)
  private(set) var board = StatusBoard()
  private(set) var waits = PartitionWaits()
  /// The restores under way, by what is restored.
  private(set) var restores: [RestoreKey: RestoreStatus] = [:]
  private(set) var models: ModelChoice?
  /// The newest counts of a shadow's hits, by partition of the users.
  private(set) var hits: [Int32: HitCounts] = [:]
  private var series: [String: StageSeries] = [:]
  /// When a stage was assigned partitions that it does not process yet.
  private var assigned: [String: Int64] = [:]

  struct RestoreKey: Hashable {
    var stage: String
    var role: EngineEvent.Role
    var changelog: String
  }

  /// - Parameter now: in milliseconds since 1970.
  mutating func apply(_ event: EngineEvent, at now: Int64) {
    board.apply(event)
    noteRestore(event)
    guard event.role == .stage else { return }
    count(event.kind, event.stage)
    note(event.kind, event.stage, at: now)
  }

  // MARK: Counters

  private mutating func count(_ kind: EngineEvent.Kind, _ stage: String) {
    switch kind {
    case .batchCommitted(let batch): count(batch, stage)
    case .batchAborted(let reason): count(EngineCounters.aborted, reason, stage)
    case .fenced(let reason): count(EngineCounters.fences, reason, stage)
    case .rejoining(let reason, _): count(EngineCounters.rejoins, reason, stage)
    case .waiting(let reason): count(EngineCounters.waits, reason, stage)
    case .storeRebuilt(_, let reason): count(EngineCounters.rebuilt, reason, stage)
    case .assigned: count(.assigned, stage)
    case .revoked: count(.revoked, stage)
    case .lost: count(.lost, stage)
    default: break
    }
  }

  private mutating func count(
    _ counter: Counter<ReasonLabels>, _ reason: Reason, _ stage: String
  ) { counters.add(1, to: counter, ReasonLabels(stage: stage, reason: reason.code)) }

  private mutating func count(_ change: RebalanceLabels.Change, _ stage: String) {
    counters.add(1, to: EngineCounters.rebalances, RebalanceLabels(stage: stage, change: change))
  }

  private mutating func count(_ batch: BatchSummary, _ stage: String) {
    // Taken out, so that it is changed in place.
    var own = series.removeValue(forKey: stage) ?? StageSeries(stage, in: &counters)
    own.add(batch, to: &counters)
    series[stage] = own
  }

  // MARK: The present

  private mutating func note(_ kind: EngineEvent.Kind, _ stage: String, at now: Int64) {
    switch kind {
    case .batchCommitted(let batch): waits.note(batch.positions, of: stage, at: now)
    case .positions(let positions): waits.note(positions, of: stage, at: now)
    case .assigned: assigned[stage] = assigned[stage] ?? now
    case .processing:
      guard let began = assigned.removeValue(forKey: stage) else { return }
      let series = counters.series(EngineCounters.rebalance, StageLabels(stage: stage))
      counters.observe(Double(max(0, now - began)) / 1_000, in: series)
    case .rejoining, .stopped:
      assigned[stage] = nil
      waits.forget(stage)
    case .revoked(let partitions), .lost(let partitions): waits.forget(partitions, of: stage)
    case .modelsChanged(let choice): models = choice
    case .hitsCounted(let partition, let counts): hits[partition] = counts
    default: break
    }
  }

  private mutating func noteRestore(_ event: EngineEvent) {
    switch event.kind {
    case .restoring(let status), .upgrading(let status):
      restores[RestoreKey(event, status.changelog)] = status
    case .restored(let summary):
      restores[RestoreKey(event, summary.changelog)] = nil
      let labels = RoleLabels(stage: event.stage, role: event.role)
      counters.add(Double(summary.records), to: EngineCounters.restored, labels)
      let series = counters.series(EngineCounters.restore, labels)
      counters.observe(summary.duration.seconds, in: series)
    case .upgraded(let summary): restores[RestoreKey(event, summary.changelog)] = nil
    case .rejoining, .stopped, .standbyFailed:
      restores = restores.filter { $0.key.stage != event.stage || $0.key.role != event.role }
    default: break
    }
  }
}

extension EventFold.RestoreKey {
  fileprivate init(_ event: EngineEvent, _ changelog: String) {
    self.init(stage: event.stage, role: event.role, changelog: changelog)
  }
}
