import EventLog
import KafkaLog
import Pipeline

/// How far the stages are.
struct PipelineProgress {
  /// Records that wait for a stage.
  struct Lag: Hashable {
    var stage: StageName
    var lag: Int64
  }

  /// Ratings that intake has read.
  var events = 0
  var eventsPerSecond = 0
  var peakEventsPerSecond = 0
  var lags: [Lag] = []

  /// What waits for each stage, in words.
  var lagText: String {
    lags.map { "\($0.stage.rawValue) \(Dashboard.grouped(Int($0.lag)))" }.joined(separator: " · ")
  }

  /// Whether nothing waits anywhere. Predict doesn't count: the demo itself asks it all the time.
  var isCaughtUp: Bool {
    !lags.isEmpty && lags.allSatisfy { $0.lag == 0 || $0.stage == .predict }
  }
}

/// Watches the stages from outside: the groups' committed offsets beside the topics' ends. Belongs
/// to one thread.
final class ProgressMonitor {
  private let admin: KafkaAdmin
  private let application: String
  private let inputs: [(stage: StageName, partitions: [TopicPartition])]
  private var last: (at: ContinuousClock.Instant, events: Int64)?
  private var rate = 0
  private var peak = 0
  /// Stages commit whole batches: over less than this a rate says nothing.
  private static let shortestInterval = Duration.milliseconds(900)

  /// - Parameter application: prefixes the groups' names.
  init(_ admin: KafkaAdmin, application: String) throws(LogError) {
    self.admin = admin
    self.application = application
    let counts = try admin.topics()
    inputs = Self.topics.map { stage, topics in
      (
        stage,
        topics.flatMap { topic in
          (0..<(counts[topic] ?? 0)).map { TopicPartition(topic, $0) }
        }
      )
    }
  }

  private static let topics: [(stage: StageName, topics: [String])] = [
    (.intake, [Topics.userRatings]),
    (.user, [Topics.validatedRatings]),
    (.movie, [Topics.ratingsByMovie]),
    (.redis, [Topics.userFeatures, Topics.movieFeatures]),
    (.predict, [Topics.requests]),
  ]

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
      for partition in partitions {
        guard let range = ranges[partition] else { continue }
        let position = max(commits[partition] ?? range.lowerBound, range.lowerBound)
        waiting += Self.records(in: range.upperBound - position, isFromUsers: Self.fromUsers(stage))
        if stage == .intake { events += position - range.lowerBound }
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
  private static func fromUsers(_ stage: StageName) -> Bool {
    stage == .intake || stage == .predict
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
  private func committed(_ stage: StageName, _ partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: Int64]
  {
    try admin.committed(group: "\(application)-\(stage.rawValue)", of: partitions)
  }
}
