import EventLog
import KafkaLog
import Pipeline
import RedisProjection
import Streams

/// How far the stages are.
struct PipelineProgress {
  /// Records that wait for a stage.
  struct Lag: Hashable {
    var stage: StageDeclaration
    var lag: Int64
  }

  /// Ratings that intake has read.
  var events = 0
  var eventsPerSecond = 0
  var peakEventsPerSecond = 0
  var lags: [Lag] = []

  /// What waits for each stage, in words.
  var lagText: String {
    lags.map { "\($0.stage.name) \(Dashboard.grouped(Int($0.lag)))" }.joined(separator: " · ")
  }

  /// Whether nothing waits anywhere. Requests don't count: the demo itself sends them all the time.
  var isCaughtUp: Bool {
    !lags.isEmpty && lags.allSatisfy { $0.lag == 0 || $0.stage.pacing.answersRequests }
  }
}

/// Watches the stages from outside: the groups' committed offsets against the topics' ends. Belongs
/// to one thread.
final class ProgressMonitor {
  private let admin: KafkaAdmin
  private let topology: Topology
  private let inputs: [(stage: StageDeclaration, partitions: [TopicPartition])]
  private var last: (at: ContinuousClock.Instant, events: Int64)?
  private var rate = 0
  private var peak = 0
  /// Stages commit whole batches: over less than this a rate says nothing.
  private static let shortestInterval = Duration.milliseconds(900)

  init(_ admin: KafkaAdmin, _ topology: Topology) throws(LogError) {
    self.admin = admin
    self.topology = topology
    let counts = try admin.topics()
    inputs = topology.stages.map { stage in
      let partitions = topology.inputs(of: stage).flatMap { topic in
        (0..<(counts[topic] ?? 0)).map { TopicPartition(topic, $0) }
      }
      return (stage, partitions)
    }
  }

  /// Asks the broker.
  func progress() throws(LogError) -> PipelineProgress {
    // Commits are asked for first: then no stage seems to be ahead of its input.
    var commits: [TopicPartition: Int64] = [:]
    for (stage, partitions) in inputs {
      commits.merge(try committed(stage, partitions)) { $1 }
    }
    let ranges = try admin.offsets(of: inputs.flatMap(\.partitions))
    var progress = PipelineProgress()
    var events: Int64 = 0
    for (stage, partitions) in inputs {
      var waiting: Int64 = 0
      let isFromUsers = readsUsers(stage)
      for partition in partitions {
        guard let range = ranges[partition] else { continue }
        let position = max(commits[partition] ?? range.lowerBound, range.lowerBound)
        waiting += Self.records(in: range.upperBound - position, isFromUsers: isFromUsers)
        if stage.inputs.contains(.userRatings) { events += position - range.lowerBound }
      }
      progress.lags.append(PipelineProgress.Lag(stage: stage, lag: waiting))
    }
    note(events, in: &progress)
    return progress
  }

  /// What waits between a position and the end. The marker that ends a transaction takes an offset,
  /// too, and stages commit the one after their last record: one offset is no record then.
  static func records(in offsets: Int64, isFromUsers: Bool) -> Int64 {
    offsets == 1 && !isFromUsers ? 0 : max(offsets, 0)
  }

  /// Whether a stage reads what users write, without transactions.
  private func readsUsers(_ stage: StageDeclaration) -> Bool {
    stage.inputs.contains { topic in
      topology.writers(of: topic).allSatisfy { $0.name == stage.name }
    }
  }

  private func note(_ events: Int64, in progress: inout PipelineProgress) {
    let now = ContinuousClock.now
    let elapsed = last.map { now - $0.at }
    if elapsed.map({ $0 >= Self.shortestInterval }) ?? true {
      if let last, let elapsed {
        rate = Int(Double(max(events - last.events, 0)) / (elapsed / .seconds(1)))
      }
      last = (now, events)
    }
    progress.eventsPerSecond = rate
    peak = max(peak, progress.eventsPerSecond)
    progress.events = Int(events)
    progress.peakEventsPerSecond = peak
  }

  /// Nothing for a group that is not there yet.
  private func committed(_ stage: StageDeclaration, _ partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: Int64]
  {
    try admin.committed(group: topology.group(of: stage), of: partitions)
  }
}
