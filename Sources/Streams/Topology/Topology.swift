/// The declared stages as one deployment runs them: every physical name follows from it.
///
/// Generation 0 without a prefix has the plain names. Another prefix has topics, groups and state
/// of its own; another generation of the same prefix shares what comes from outside (`.shared`
/// topics) and has all else of its own.
public struct Topology: Hashable, Sendable {
  /// Lower-case letters, digits and hyphens.
  public let application: String
  /// Empty for none; letters, digits and hyphens.
  public let prefix: String
  /// How often the log was projected from its beginning before.
  public let generation: Int
  /// In the order of the data's flow.
  public let stages: [StageDeclaration]
  /// The topic that says which application the topics belong to; `nil` where nobody asks.
  public let control: TopicDeclaration?

  /// - Parameters:
  ///   - stages: names are unique, a topic's declaration is the same wherever it stands, and who is
  ///     followed comes before its follower.
  ///   - control: shared, because its name must depend on the prefix alone.
  public init(
    _ stages: [StageDeclaration], application: String, prefix: String = "", generation: Int = 0,
    control: TopicDeclaration? = nil
  ) {
    precondition(generation >= 0)
    precondition(!prefix.contains(".") && !application.contains("."), "dots separate the parts")
    precondition(Set(stages.map(\.name)).count == stages.count, "two stages have one name")
    self.application = application
    self.prefix = prefix
    self.generation = generation
    self.stages = stages
    self.control = control
    precondition(control.map { $0.scope == .shared } ?? true, "all applications must find it")
    let topics = self.topics
    precondition(Set(topics.map(\.name)).count == topics.count, "two topics have one name")
    for stage in stages {
      precondition(stage.follows.map { self.stage(named: $0) != nil } ?? true, "follows nobody")
    }
  }

  /// The same deployment with one stage more.
  public func adding(_ stage: StageDeclaration) -> Topology {
    Topology(
      stages + [stage], application: application, prefix: prefix, generation: generation,
      control: control)
  }

  public func stage(named name: String) -> StageDeclaration? { stages.first { $0.name == name } }

  // MARK: Topics

  /// All topics, each once: those that the stages read or write, and the control topic.
  public var topics: [TopicDeclaration] {
    let flow = flow
    guard let control, !flow.contains(control) else { return flow }
    return flow + [control]
  }

  /// The topics that the stages read or write, each once, in the order of the data's flow.
  public var flow: [TopicDeclaration] {
    var topics: [TopicDeclaration] = []
    var known: Set<TopicDeclaration> = []
    for topic in stages.flatMap(\.topics) where known.insert(topic).inserted {
      topics.append(topic)
    }
    return topics
  }

  /// A topic's physical name.
  public subscript(topic: TopicDeclaration) -> String {
    switch topic.scope {
    case .shared: DeploymentName.with(prefix: prefix, topic.name, generation: 0)
    case .generation: DeploymentName.with(prefix: prefix, topic.name, generation: generation)
    case .changelog:
      DeploymentName.with(prefix: prefix, "\(application)-\(topic.name)", generation: generation)
    }
  }

  /// Whether a physical name is one of this deployment's topics.
  public func has(topic name: String) -> Bool { topics.contains { self[$0] == name } }

  public func inputs(of stage: StageDeclaration) -> [String] { stage.inputs.map { self[$0] } }

  public func outputs(of stage: StageDeclaration) -> [String] {
    stage.outputs.map { self[$0.topic] }
  }

  /// The changelog's physical name; `nil` for a stage without state.
  public func changelog(of stage: StageDeclaration) -> String? {
    stage.changelog.map { self[$0] }
  }

  /// All changelogs' physical names, in the order of the stages.
  public var changelogs: [String] { stages.compactMap(changelog(of:)) }

  /// The stages that write a topic.
  public func writers(of topic: TopicDeclaration) -> [StageDeclaration] {
    stages.filter { $0.writes(topic) }
  }

  /// The stages that consume a topic's partitions.
  public func readers(of topic: TopicDeclaration) -> [StageDeclaration] {
    stages.filter { $0.inputs.contains(topic) }
  }

  // MARK: Order

  /// The stages that a record goes through before it comes to this one. A stage that sends records
  /// back to its own input is not upstream of itself.
  public func upstream(of stage: StageDeclaration) -> [StageDeclaration] {
    var found: Set<String> = []
    var open = [stage]
    while let next = open.popLast() {
      for writer in next.inputs.flatMap(writers(of:)) where writer.name != stage.name {
        if found.insert(writer.name).inserted { open.append(writer) }
      }
    }
    return stages.filter { found.contains($0.name) }
  }

  /// The stages with a store and a changelog.
  public var statefulStages: [StageDeclaration] { stages.filter(\.isStateful) }

  // MARK: Names

  public func group(of stage: StageDeclaration) -> String {
    identity(of: stage, instance: "").group
  }

  /// The name of a group or a transactional id that belongs to no stage.
  public func name(ofPart part: String) -> String {
    DeploymentName.with(prefix: prefix, "\(application)-\(part)", generation: generation)
  }

  /// The application whose group for one of the stages has this name, as far as the form tells; the
  /// prefix and the generation are this topology's.
  public func application(ofGroup name: String) -> String? {
    for stage in stages {
      // Whatever stands around the application's name, which is not empty.
      let form = DeploymentName.with(
        prefix: prefix, "\u{0}-\(stage.name)", generation: generation
      ).split(separator: "\u{0}", omittingEmptySubsequences: false)
      let (start, end) = (form[0], form[1])
      guard name.count > start.count + end.count, name.hasPrefix(start), name.hasSuffix(end) else {
        continue
      }
      let application = name.dropFirst(start.count).dropLast(end.count)
      if !application.contains(".") { return String(application) }
    }
    return nil
  }

  /// - Parameter worker: `nil` for an instance that runs the stage on one thread.
  public func identity(of stage: StageDeclaration, instance: String, worker: Int? = nil)
    -> StageIdentity
  {
    StageIdentity(
      application: application, prefix: prefix, generation: generation, stage: stage.name,
      instance: instance, worker: worker)
  }

  /// The names of what is no stage, and what one of the instances does for all.
  public func identity(ofService name: String, instance: String) -> StageIdentity {
    StageIdentity(
      application: application, prefix: prefix, generation: generation, stage: name,
      instance: instance)
  }

  /// What tells this application from all others that share something with it.
  public var deploymentName: String {
    DeploymentName.with(prefix: prefix, application, generation: generation)
  }

  /// The names of an instance's claim on a stage; see `InstanceClaim`.
  public func claimant(of stage: StageDeclaration, instance: String) -> StageIdentity {
    StageIdentity(
      application: application, prefix: prefix, generation: generation,
      stage: "instance-\(stage.name)", instance: instance)
  }

  /// Where this deployment keeps its stores, below a state directory; a stage's are in a directory
  /// of its name.
  public func stateDirectory(in root: String) -> String {
    "\(root)/" + DeploymentName.with(prefix: prefix, application, generation: generation)
  }

  /// The Feast project, whose names have letters, digits and underscores only.
  public func feastProject(_ project: String) -> String {
    (prefix.isEmpty ? "" : prefix.map { $0 == "-" ? "_" : String($0) }.joined() + "_") + project
      + (generation == 0 ? "" : "_g\(generation)")
  }

  // MARK: Running

  /// Everything the engine needs to run a stage.
  ///
  /// - Parameters:
  ///   - instance: tells this process from others of the application, the same after a restart.
  ///   - worker: `nil` for an instance that runs the stage on one thread.
  ///   - pacing: in the place of the declared one, where nobody waits for what the stage does.
  ///   - followed: the partitions of the stage it follows; `nil` only for one that follows none.
  ///   - counts: how many partitions each group of topics uses; all there are unless it says.
  public func configuration(
    of stage: StageDeclaration, instance: String, worker: Int? = nil,
    settings: StageSettings = StageSettings(), pacing: StagePacing? = nil,
    followed: (any PartitionFeed)? = nil, counts: PartitionCounts = PartitionCounts()
  ) -> StageConfiguration {
    precondition((stage.follows == nil) == (followed == nil), "\(stage.name) lacks whom it follows")
    let guarantee = stage.guarantee ?? settings.guarantee
    let pacing = pacing ?? stage.pacing
    var configuration = StageConfiguration(
      name: stage.name, application: application, instance: instance, inputs: inputs(of: stage),
      outputs: outputs(of: stage), changelog: changelog(of: stage), tables: stage.tableNames,
      guarantee: guarantee, limits: pacing.limits(settings, under: guarantee),
      gathering: pacing.gathering.value(under: guarantee),
      leavesOnStop: settings.leavesOnStop, followed: followed,
      identity: identity(of: stage, instance: instance, worker: worker))
    configuration.positions = stage.positions.map { self[$0] }
    // Whoever is followed says which partitions to read.
    if followed == nil { configuration.inputCounts = stage.inputs.map(counts.count) }
    configuration.outputCounts = stage.outputs.map { counts.count(of: $0.topic) }
    return configuration
  }
}
