public import EventLog
import StateStore
public import Streams

/// Runs the stages of any topology in a simulation, and checks what the engine promises of each.
/// Belongs to a scenario.
public struct SimulatedTopology {
  public typealias Program = StageProgram<MemoryLog, MemoryStorage>

  public let topology: Topology
  private let log: MemoryLog
  private let guarantee: ProcessingGuarantee
  private let limits: BatchLimits
  private let partitions: (TopicDeclaration) -> Int32
  private let placesByCluster: Bool
  private let programs: (InstanceContext) -> [Program]
  /// Offsets after the last record of each partition, as far as records are certain.
  public private(set) var ends: [TopicPartition: Int64] = [:]

  /// Makes the topics.
  ///
  /// - Parameters:
  ///   - limits: for all stages; their own pacing is left out, so that batches are small.
  ///   - partitions: how many a topic gets.
  ///   - placesByCluster: whether keys are placed among all partitions that a topic has by now.
  ///   - programs: the topology's stages as one instance runs them.
  public init(
    _ topology: Topology, in log: MemoryLog, guarantee: ProcessingGuarantee, limits: BatchLimits,
    partitions: @escaping (TopicDeclaration) -> Int32, placesByCluster: Bool = false,
    programs: @escaping (InstanceContext) -> [Program]
  ) {
    self.topology = topology
    self.log = log
    self.guarantee = guarantee
    self.limits = limits
    self.partitions = partitions
    self.placesByCluster = placesByCluster
    self.programs = programs
    for topic in topology.topics {
      log.createTopic(topology[topic], partitions: Int(partitions(topic)))
    }
  }

  public var stages: [String] { topology.stages.map(\.name) }
  public var groups: [String] { topology.stages.map { topology.group(of: $0) } }

  public var stores: [StorePlace] {
    topology.statefulStages.flatMap { stage in
      (0..<partitions(stage.inputs[0])).map { StorePlace(stage: stage.name, partition: $0) }
    }
  }

  /// Runs one stage on the calling thread, until a stop signal or a failure.
  public func run(_ stage: String, on instance: InstanceContext) throws(StageError) {
    guard let program = programs(instance).first(where: { $0.declaration.name == stage }) else {
      throw .failed(
        Reason(.internalError, "the simulation has no stage \(stage)"), .stopDaemon)
    }
    var configuration = topology.configuration(
      of: program.declaration, instance: instance.name,
      settings: StageSettings(guarantee: guarantee, limits: limits), pacing: StagePacing(),
      followed: program.followed, counts: counts)
    if placesByCluster { configuration.outputCounts = [] }
    try program.run(instance.environment(configuration))
  }

  /// How many partitions each group of topics uses.
  private var counts: PartitionCounts {
    var counts = PartitionCounts()
    for topic in topology.topics {
      if case .group(let name) = topic.partitions { counts.byGroup[name] = partitions(topic) }
    }
    return counts
  }

  /// Adds partitions to one of the topics that use no more than they were made with.
  ///
  /// - Returns: what was done, in words; `nil` if there is no such topic.
  public func grow(_ random: inout SeededGenerator) -> String? {
    let counts = counts
    let topics = topology.topics.filter { counts.count(of: $0) != nil }
    guard let topic = topics.randomElement(using: &random) else { return nil }
    let count = Int(partitions(topic)) + Int.random(in: 1...3, using: &random)
    log.growTopic(topology[topic], to: count)
    return "\(topology[topic]) grows to \(count) partitions"
  }

  // MARK: Checks; what they throw is a `Violation`

  /// Notes the ends of partitions.
  public mutating func note(_ fact: LogFact) {
    switch fact {
    case .record(let placed): note(placed)
    case .transaction(_, let records, _): for placed in records { note(placed) }
    case .offsets: break
    }
  }

  private mutating func note(_ placed: PlacedRecord) {
    ends[placed.place] = max(ends[placed.place] ?? 0, placed.record.offset + 1)
  }

  /// What a group has not read yet of its inputs, in words; `nil` when all of it was read.
  public func remaining() -> String? {
    for stage in topology.stages {
      let group = topology.group(of: stage)
      let inputs = topology.inputs(of: stage)
      let committed = log.committedOffsets(of: group)
      let ends = ends.filter { inputs.contains($0.key.topic) }
      for (place, end) in ends.sorted(by: { $0.key.description < $1.key.description }) {
        let position = committed[place] ?? 0
        if position < end { return "\(group) is at \(position) in \(place), which ends at \(end)" }
      }
    }
    return nil
  }

  /// A store is never ahead of its changelog.
  public func check(_ store: StorePlace, in storage: MemoryStorage) throws {
    guard let stage = topology.stage(named: store.stage),
      let changelog = topology.changelog(of: stage)
    else { throw Violation("no stage keeps a store \(store)") }
    let end = try log.offsets(of: TopicPartition(changelog, store.partition)).upperBound
    let offset = storage.changelogOffset(stage: store.stage, partition: store.partition)
    guard offset ?? 0 <= end else {
      throw Violation("the store \(store) is at \(offset ?? 0), its changelog ends at \(end)")
    }
  }

  /// A store that was restored stands for all input.
  public func checkRestored(_ store: StorePlace, in storage: MemoryStorage) throws {
    try check(store, in: storage)
    guard !storage.isUnfinished(stage: store.stage, partition: store.partition) else {
      throw Violation("the store \(store) is unfinished")
    }
    guard let stage = topology.stage(named: store.stage) else { return }
    let input = TopicPartition(topology[stage.inputs[0]], store.partition)
    let end = ends[input] ?? 0
    let meta = storage.contents(of: .meta, stage: store.stage, partition: store.partition)
    let position = try meta[Position.key].map { try Position(decoding: $0.span.bytes).inputOffset }
    // It may have passed the marker behind the last record.
    let last = try log.offsets(of: input).upperBound
    guard (end...max(end, last)).contains(position ?? 0) else {
      throw Violation("the store \(store) was restored to \(position ?? 0), not to \(end)")
    }
  }
}
