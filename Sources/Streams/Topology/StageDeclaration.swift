import StateStore

/// What a stage reads, writes and keeps: declared once, and everything else follows from it.
public struct StageDeclaration: Hashable, Sendable {
  /// A topic that the stage writes.
  public struct Output: Hashable, Sendable {
    public let topic: TopicDeclaration
    /// Which of the topic's records come from this stage, where others write it as well.
    public let note: String?

    public init(_ topic: TopicDeclaration, note: String? = nil) {
      self.topic = topic
      self.note = note
    }
  }

  /// Lower-case letters. Names the consumer group and the stage's directory in the state directory.
  public let name: String
  /// A stateful stage has exactly one.
  public let inputs: [TopicDeclaration]
  public let outputs: [Output]
  /// Topics of which every instance reads all partitions.
  public let globals: [TopicDeclaration]
  /// Topics in which single records are looked up.
  public let lookups: [TopicDeclaration]
  /// The tables of its stores, by their numbers from 1 on; empty for a stage without state.
  public let tables: [TableDeclaration]
  /// Whether it records its positions in a topic, because it has no state that would tell where it
  /// stands when somebody else has set its group's offsets.
  public let recordsPositions: Bool
  /// `nil` for that of the deployment.
  public let guarantee: ProcessingGuarantee?
  /// The stage whose partitions it takes instead of its group's, by name.
  public let follows: String?
  /// Where its effects outside the log go: `Redis`.
  public let projectsTo: String?
  public let pacing: StagePacing

  public init(
    _ name: String, inputs: [TopicDeclaration], outputs: [Output] = [],
    globals: [TopicDeclaration] = [], lookups: [TopicDeclaration] = [],
    tables: [TableDeclaration] = [], recordsPositions: Bool = false,
    guarantee: ProcessingGuarantee? = nil, follows: String? = nil,
    projectsTo: String? = nil, pacing: StagePacing = StagePacing()
  ) {
    precondition(
      !name.isEmpty
        && name.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) },
      "a stage's name has letters only")
    precondition(!inputs.isEmpty, "a stage has an input")
    precondition(tables.isEmpty || inputs.count == 1, "a stateful stage has one input")
    precondition(
      tables.enumerated().allSatisfy { Int($1.table.rawValue) == $0 + 1 },
      "tables are declared by their numbers, from 1 on")
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.globals = globals
    self.lookups = lookups
    precondition(tables.isEmpty || !recordsPositions, "a state has a position of its own")
    self.tables = tables
    self.recordsPositions = recordsPositions
    self.guarantee = guarantee
    self.follows = follows
    self.projectsTo = projectsTo
    self.pacing = pacing
  }

  public var isStateful: Bool { !tables.isEmpty }

  /// The names of its tables, in the order of their numbers from 1 on.
  public var tableNames: [String] { tables.map(\.name) }

  /// The topic that its state can be rebuilt from, with a partition for each of the input's; `nil`
  /// for a stage without state.
  public var changelog: TopicDeclaration? {
    isStateful
      ? TopicDeclaration("\(name)-changelog", .changelog, partitions: inputs[0].partitions) : nil
  }

  /// The topic in which it records its positions; `nil` for a stage that does not.
  public var positions: TopicDeclaration? {
    recordsPositions
      ? TopicDeclaration("\(name)-positions", .changelog, partitions: .fixed(1)) : nil
  }

  /// The topics it reads, in whatever way, and writes; each once, in the order of the data's flow.
  public var topics: [TopicDeclaration] {
    var topics: [TopicDeclaration] = []
    let own = [changelog, positions].compactMap(\.self)
    let all = inputs + globals + lookups + outputs.map(\.topic) + own
    for topic in all where !topics.contains(topic) { topics.append(topic) }
    return topics
  }

  /// The handle of an input, by which operators tell records apart.
  public func input(_ topic: TopicDeclaration) -> StageInput {
    guard let index = inputs.firstIndex(of: topic) else {
      preconditionFailure("\(name) does not read \(topic.name)")
    }
    return StageInput(index: index)
  }

  /// The handle of an output, by which operators send.
  public func output(_ topic: TopicDeclaration) -> StageOutput {
    guard let index = outputs.firstIndex(where: { $0.topic == topic }) else {
      preconditionFailure("\(name) does not write \(topic.name)")
    }
    return StageOutput(index: index)
  }

  public func writes(_ topic: TopicDeclaration) -> Bool {
    outputs.contains { $0.topic == topic } || changelog == topic || positions == topic
  }
}

/// One of a stage's inputs.
public struct StageInput: Hashable, Sendable {
  /// As `RecordView.topic` has it.
  public let index: Int
}

/// One of a stage's outputs.
public struct StageOutput: Hashable, Sendable {
  /// As producers number it.
  public let index: Int
}
