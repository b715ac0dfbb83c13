import EventLog
import Metrics
import Streams

// The gauges, as they are at one moment.

extension EventFold {
  /// - Parameter now: in milliseconds since 1970.
  func gauges(at now: Int64) -> MetricStore {
    var gauges = MetricStore(EngineGauges.families)
    for status in board.stages { read(status, at: now, into: &gauges) }
    readRestores(into: &gauges)
    if let models { read(models, at: now, into: &gauges) }
    readHits(into: &gauges)
    return gauges
  }

  private func read(_ status: StageStatus, at now: Int64, into gauges: inout MetricStore) {
    let stage = status.stage
    let sorted = status.partitions.sorted {
      ($0.key.topic, $0.key.partition) < ($1.key.topic, $1.key.partition)
    }
    for (partition, position) in sorted {
      let labels = PartitionLabels(stage: stage, source: partition)
      gauges.set(EngineGauges.lag, labels, to: Double(position.lag))
      let wait = waits.wait(in: partition, position, of: stage, at: now)
      gauges.set(EngineGauges.lagTime, labels, to: Double(wait) / 1_000)
      gauges.set(EngineGauges.nextOffset, labels, to: Double(position.nextOffset))
    }
    gauges.set(
      EngineGauges.partitions, StageLabels(stage: stage), to: Double(status.partitions.count))
    let present = StagePhase(status.phase)
    for phase in StagePhase.allCases {
      gauges.set(
        EngineGauges.phase, PhaseLabels(stage: stage, phase: phase), to: phase == present ? 1 : 0)
    }
    if case .waiting(let reason) = status.phase {
      gauges.set(EngineGauges.waiting, ReasonLabels(stage: stage, reason: reason.code), to: 1)
    }
  }

  /// Several restores of a stage run side by side: the last one to end decides.
  private func readRestores(into gauges: inout MetricStore) {
    let byRole = Dictionary(grouping: restores) { key, _ in
      RoleLabels(stage: key.stage, role: key.role)
    }
    for (labels, restores) in byRole {
      let left = restores.reduce(0) { $0 + $1.value.total - $1.value.applied }
      gauges.set(EngineGauges.restoreLeft, labels, to: Double(left))
      let rates = restores.compactMap(\.value.rate)
      if !rates.isEmpty { gauges.set(EngineGauges.restoreRate, labels, to: rates.reduce(0, +)) }
      if let time = restores.compactMap(\.value.timeLeft).max() {
        gauges.set(EngineGauges.restoreTime, labels, to: time.seconds)
      }
    }
  }

  private func read(_ models: ModelChoice, at now: Int64, into gauges: inout MetricStore) {
    let roles: [(ModelLabels.Role, String?)] = [
      (.serving, models.serving), (.candidate, models.candidate), (.shadow, models.shadow),
    ]
    for case (let role, let version?) in roles {
      gauges.set(EngineGauges.model, ModelLabels(role: role, version: version))
    }
    if let since = models.servingSince {
      gauges.set(EngineGauges.modelAge, NoLabels(), to: Double(now - since) / 1_000)
    }
    if let newest = models.newestRating {
      gauges.set(EngineGauges.modelDataAge, NoLabels(), to: Double(now - newest) / 1_000)
    }
  }

  private func readHits(into gauges: inout MetricStore) {
    let counts = hits.values.filter { $0.shadow == models?.shadow }
    let judged = counts.reduce(0) { $0 + $1.judged }
    guard judged > 0 else { return }
    let live = counts.reduce(0) { $0 + $1.liveHits }
    let shadow = counts.reduce(0) { $0 + $1.shadowHits }
    gauges.set(EngineGauges.hits, ListLabels(list: .live), to: Double(live) / Double(judged))
    gauges.set(EngineGauges.hits, ListLabels(list: .shadow), to: Double(shadow) / Double(judged))
  }
}
