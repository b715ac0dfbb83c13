import EventLog

/// What a stage reads, writes and keeps, and within which limits.
public struct StageConfiguration: Sendable {
  /// The stage's name: `user`. With the application's it makes the consumer group `<app>-user`.
  public var name: String
  /// The application's name, which prefixes groups, changelogs and transactional ids.
  public var application: String
  /// Tells this instance from others of the same application, the same after a restart.
  public var instance: String
  /// The topics it consumes. A stateful stage has exactly one.
  public var inputs: [String]
  /// The topics its operator sends to, by index; empty for a stage that only writes elsewhere.
  public var outputs: [String]
  /// The changelog topic; `nil` for a stage without state.
  public var changelog: String?
  /// The topic in which a stage without state records its positions; `nil` for one that does not.
  public var positions: String?
  /// The store's tables from number 1 on.
  public var tables: [String]
  public var guarantee: ProcessingGuarantee
  public var limits: BatchLimits
  /// How long the broker may gather records before it answers a fetch; `nil` for a stage that wants
  /// each at once.
  public var gathering: Duration?
  /// Whether a stop gives its partitions to the group's other members at once, instead of keeping
  /// them for its restart within the session timeout.
  public var leavesOnStop: Bool
  /// Where the stage's partitions come from when it does not get them from its group: it then
  /// reads, of its one input, the partitions that another stage on this instance owns.
  public var followed: (any PartitionFeed)?
  /// The names by which the broker knows it.
  public var identity: StageIdentity
  /// How many partitions of each input are used, by its index; `nil` for all there are.
  public var inputCounts: [Int32?] = []
  /// How many partitions of each output are used: a record's key is placed among them. `nil` where
  /// it is placed among those that the topic has by then.
  public var outputCounts: [Int32?] = []

  public init(
    name: String, application: String, instance: String, inputs: [String], outputs: [String],
    changelog: String? = nil, tables: [String] = [],
    guarantee: ProcessingGuarantee = .exactlyOnce, limits: BatchLimits = BatchLimits(),
    gathering: Duration? = nil, leavesOnStop: Bool = false, followed: (any PartitionFeed)? = nil,
    identity: StageIdentity? = nil
  ) {
    precondition(changelog == nil || inputs.count == 1, "a stateful stage has one input")
    self.name = name
    self.application = application
    self.instance = instance
    self.inputs = inputs
    self.outputs = outputs
    self.changelog = changelog
    self.tables = tables
    self.guarantee = guarantee
    self.limits = limits
    self.gathering = gathering
    self.leavesOnStop = leavesOnStop
    self.followed = followed
    self.identity =
      identity ?? StageIdentity(application: application, stage: name, instance: instance)
  }

  /// Tells the stage's threads on this instance apart; `nil` for a stage that has one, whose names
  /// have no number.
  public var worker: Int? {
    get { identity.worker }
    set { identity.worker = newValue }
  }
  public var group: String { identity.group }
  public var transactionalID: String { identity.member }
  public var clientID: String { identity.member }
  /// Its name in its group, which whoever takes its partitions over finds there.
  public var instanceID: String { identity.member }
  /// Whether the stage leaves a partition of an input alone: its topic has grown since the state
  /// was placed.
  func isUnused(_ partition: TopicPartition) -> Bool {
    guard let index = inputs.firstIndex(of: partition.topic), index < inputCounts.count,
      let count = inputCounts[index]
    else { return false }
    return partition.partition >= count
  }

  /// Output topics as the producer numbers them: the operator's, then the changelog or the topic of
  /// positions.
  var producedTopics: [String] { outputs + [changelog, positions].compactMap(\.self) }

  /// How the stage's consumer reads.
  var consumer: ConsumerConfiguration {
    ConsumerConfiguration(
      topics: inputs, group: group, isMember: followed == nil, instanceID: instanceID,
      clientID: clientID,
      fetchWait: gathering ?? .milliseconds(500),
      minFetchBytes: gathering == nil ? 1 : 1 << 16)
  }

  /// How the stage's producer writes; `nil` for a stage that sends nothing.
  func producer(_ strategy: any DeliveryStrategy) -> ProducerConfiguration? {
    guard !producedTopics.isEmpty else { return nil }
    return ProducerConfiguration(
      topics: producedTopics, delivery: strategy.delivery(transactionalID: transactionalID),
      clientID: clientID)
  }
}

/// Tells which partitions a stage owns, to one that follows it.
public protocol PartitionFeed: Sendable {
  /// Rises with each change.
  var version: Int { get }
  var partitions: [Int32] { get }
}

/// What a crash may do to outputs. State is exact under both.
public enum ProcessingGuarantee: String, Sendable, CaseIterable {
  /// Outputs, changelog and input offsets are one transaction: outputs appear exactly once.
  case exactlyOnce = "exactly_once"
  /// Outputs may repeat after a crash.
  case atLeastOnce = "at_least_once"
}
