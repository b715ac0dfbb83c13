import Configuration
import Dispatch
import EventLog
import KafkaLog
import Logging
import Pipeline
import ServiceLifecycle
import Streams
import Synchronization
import Wiring

/// Looks at the cluster now and then for what no stage notices by itself: topics that have grown,
/// strangers in the stages' groups, groups that this instance has dropped out of, and transactions
/// that others have left open.
final class ClusterWatch: Service {
  private static let interval = Duration.seconds(15)

  private let log: KafkaLog
  private let groups: [Group]
  private let requests: String
  /// What the stages that run here read.
  private let inputs: Set<String>
  private let noteRequests: @Sendable (Int32) -> Void
  /// What the stages that run here write.
  private let outputs: [String]
  private let times: RecordTimes
  private let stop: StopSignal
  private let logger: Logger
  private let news: Mutex<ClusterNews>

  /// The group of a stage that runs here.
  private struct Group {
    var identity: StageIdentity
    var inputs: [ClusterNews.Input]
    /// `nil` for a stage that follows another one, and is no member of its group.
    var rejoin: RejoinRequest?
  }

  /// - Parameters:
  ///   - rejoins: by stage, asks it to join its group again.
  ///   - topics: as they were at the start, which the log has named.
  ///   - stages: that run here, and who runs them.
  ///   - times: that the topics accept, which are kept up to date.
  ///   - noteRequests: takes the number of partitions of `recommendation-requests`.
  init(
    _ settings: Settings, _ topics: TopicReport, _ stages: [StageDeclaration], instance: String,
    times: RecordTimes, rejoins: [String: RejoinRequest], stop: StopSignal, logger: Logger,
    noteRequests: @escaping @Sendable (Int32) -> Void
  ) {
    let topology = settings.topology
    log = settings.makeWatchLog(logger) { stop.isStopped }
    groups = stages.map {
      Group(
        identity: topology.identity(of: $0, instance: instance),
        inputs: $0.inputs.map {
          ClusterNews.Input(topic: topology[$0], mayGrow: $0.acceptsAnyPartitionCount)
        },
        rejoin: $0.follows == nil ? rejoins[$0.name] : nil)
    }
    inputs = Set(stages.flatMap(topology.inputs))
    outputs = Set(
      stages.flatMap { topology.outputs(of: $0) + [topology.changelog(of: $0)].compactMap(\.self) }
    ).sorted()
    self.times = times
    requests = topology[.requests]
    self.noteRequests = noteRequests
    self.stop = stop
    self.logger = logger
    news = Mutex(ClusterNews(topics))
  }

  func run() async throws {
    // It only ends with the error of a cancelled sleep.
    try? await cancelWhenGracefulShutdown { [self] in
      while true {
        try await Task.sleep(for: Self.interval)
        await withCheckedContinuation { continuation in
          DispatchQueue.global(qos: .utility).async {
            self.look()
            continuation.resume()
          }
        }
      }
    }
  }

  /// The stages themselves say that the broker is away, so a look that fails is only skipped.
  private func look() {
    do throws(LogError) {
      let admin = try log.makeAdmin(clientID: "projectionist-watch")
      let counts = try admin.topics()
      if let count = counts[requests] { noteRequests(count) }
      tell(news.withLock { $0.look(at: counts) })
      let known = outputs.filter { counts[$0] != nil }
      // Without the right to read them, what a topic has refused is still forgotten in time.
      let properties = (try? admin.properties(of: known)) ?? [:]
      times.note(properties.mapValues { TimestampLimits($0.values) })
      try lookForOpenTransactions(admin, counts)
      for group in groups where !stop.isStopped {
        guard let members = try members(of: group, admin) else {
          news.withLock { $0.skipLook(at: group.identity) }
          continue
        }
        tell(news.withLock { $0.look(at: members, of: group.identity) })
        guard let rejoin = group.rejoin else { continue }
        let mustRejoin = news.withLock {
          $0.mustRejoin(group.identity, members, inputs: group.inputs, counts: counts)
        }
        if mustRejoin { rejoin.make() }
      }
    } catch {
      for group in groups { news.withLock { $0.skipLook(at: group.identity) } }
      logger.debug("the cluster can't be looked at", metadata: ["reason": "\(error)"])
    }
  }

  /// - Returns: `nil` while nobody knows: while the group rebalances, its members have no
  ///   partitions, and while its coordinator is away, the others have never heard of it.
  private func members(of group: Group, _ admin: KafkaAdmin) throws(LogError)
    -> [KafkaAdmin.GroupMember]?
  {
    let (members, isStable) = try admin.describe(group.identity.group)
    if isStable { return members }
    guard members.isEmpty, let input = group.inputs.first else { return nil }
    _ = try admin.committed(
      group: group.identity.group, of: [TopicPartition(input.topic, 0)])
    return []
  }

  private func lookForOpenTransactions(_ admin: KafkaAdmin, _ counts: [String: Int32])
    throws(LogError)
  {
    let places = inputs.flatMap { topic in
      (0..<(counts[topic] ?? 0)).map { TopicPartition(topic, $0) }
    }
    // In this order, so that records that come meanwhile don't look hidden.
    let all = try log.makeAdmin(clientID: "projectionist-watch", readCommitted: false)
      .ends(of: places)
    let stable = try admin.ends(of: places)
    tell(news.withLock { $0.look(at: stable, before: all, now: .now) })
  }

  private func tell(_ lines: [ClusterNews.Line]) {
    for line in lines {
      var metadata: Logger.Metadata = line.fields.mapValues { "\($0)" }
      if let code = line.code { metadata["code"] = "\(code.rawValue)" }
      logger.log(level: line.level, "\(line.message)", metadata: metadata)
    }
  }
}
