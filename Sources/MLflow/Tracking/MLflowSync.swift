package import Recommender

/// Makes MLflow show what the log says, look by look: every complete model has a finished run and a
/// registered version, and aliases point to the models that have roles.
///
/// A look compares and does what is missing. Each step asks first what is there, by tags, so a look
/// can end anywhere, such as with a server that goes away, and the next one goes on. Belongs to one
/// thread.
package struct MLflowSync: ~Copyable {
  /// Reads a model's numbers, and the titles of movies.
  package struct Source {
    var model: (String) -> FactorModel?
    var titles: ([Int64]) -> [Int64: String]

    /// - Parameter model: by its version; `nil` if it is no longer there, or can't be read now.
    package init(
      model: @escaping (String) -> FactorModel?, titles: @escaping ([Int64]) -> [Int64: String]
    ) {
      self.model = model
      self.titles = titles
    }
  }

  private typealias Replies = MLflowReplies

  private var client: MLflowClient
  private let target: MLflowTarget
  private let tell: (MLflowNews) -> Void
  private let fileLimit: Int
  private var experiment: String?
  private var hasAliases = true
  /// Where the aliases have been seen or put as the log says, by role; `.some(nil)` for nowhere.
  private var settled: [ModelLedger.Role: Int64?] = [:]
  /// Deleted models that have a run.
  private var knownRuns: Set<String> = []
  /// What is wrong with a model: it is said once.
  private var failures: [String: MLflowError] = [:]

  /// - Parameters:
  ///   - fileLimit: the most bytes of a file that is sent.
  ///   - tell: called with what has changed.
  package init(
    _ client: consuming MLflowClient, fileLimit: Int = ModelArtifact.mostBytes,
    tell: @escaping (MLflowNews) -> Void
  ) {
    target = client.target
    self.client = client
    self.fileLimit = fileLimit
    self.tell = tell
  }

  /// Compares MLflow with the log, and does what is missing.
  ///
  /// - Throws: a failure that would meet every other call too.
  package mutating func look(at ledger: ModelLedger, _ source: Source) throws(MLflowError) {
    guard !(ledger.models.isEmpty && ledger.recipes.isEmpty && settled.isEmpty) else { return }
    let experiment = try findExperiment()
    var registry = try findRegistry()
    for number in registry.duplicates {
      let call = MLflowCall.deleteVersion("\(number)", of: target.model)
      _ = try allowing(.absent) { client throws(MLflowError) in try client.call(call) }
    }
    var hasSent = false
    for entry in ledger.published where registry.versions[entry.metadata.version] == nil {
      let version = entry.metadata.version
      do throws(MLflowError) {
        if try send(entry, source, experiment) { hasSent = true }
        failures[version] = nil
      } catch {
        guard !error.concernsAll else { throw error }
        if failures.updateValue(error, forKey: version) != error {
          tell(.failed(version: version, error))
        }
      }
    }
    for entry in ledger.deleted where registry.versions[entry.metadata.version] == nil {
      try sendRun(of: entry, experiment)
    }
    if hasSent { registry = try findRegistry() }
    try settleTags(ledger, registry)
    for role in ModelLedger.Role.allCases { try settle(role, ledger, registry) }
  }

  // MARK: What is there

  private mutating func findExperiment() throws(MLflowError) -> String {
    if let experiment { return experiment }
    if let found = try askForExperiment() {
      experiment = found
      return found
    }
    let create = MLflowCall.createExperiment(target.experiment)
    let created = try allowing(.exists) { client throws(MLflowError) in
      try client.call(create, Replies.ExperimentCreated.self)
    }
    if let created {
      experiment = created.experimentId
      return created.experimentId
    }
    // Somebody else has just made it, or an answer was lost.
    guard let found = try askForExperiment() else {
      throw MLflowError(.absent, at: target.place, "the experiment \(target.experiment)")
    }
    experiment = found
    return found
  }

  private mutating func askForExperiment() throws(MLflowError) -> String? {
    let call = MLflowCall.experiment(named: target.experiment)
    let found = try allowing(.absent) { client throws(MLflowError) in
      try client.call(call, Replies.ExperimentFound.self)
    }
    guard let found = found?.experiment else { return nil }
    guard found.lifecycleStage != "deleted" else {
      throw MLflowError(.experimentDeleted, at: target.place, target.experiment)
    }
    return found.experimentId
  }

  private mutating func findRegistry() throws(MLflowError) -> MLflowRegistry {
    let ask = MLflowCall.registeredModel(target.model)
    let model = try allowing(.absent) { client throws(MLflowError) in
      try client.call(ask, Replies.ModelFound.self)
    }
    guard let model else {
      let create = MLflowCall.createRegisteredModel(
        target.model,
        description: "Models of \(target.application), which projectionist publishes on its log."
          + " Which one serves is decided there: `projectionist models promote VERSION`.")
      _ = try allowing(.exists) { client throws(MLflowError) in try client.call(create) }
      return MLflowRegistry(
        [], application: target.application, aliases: [:], hasAliases: hasAliases)
    }
    var versions: [MLflowReplies.ModelVersion] = []
    var page: String?
    repeat {
      let found = try client.call(
        .versions(of: target.model, page: page), Replies.VersionsFound.self)
      versions += found.modelVersions ?? []
      page = found.nextPageToken.flatMap { $0.isEmpty ? nil : $0 }
    } while page != nil
    var aliases: [String: Int64] = [:]
    for alias in model.registeredModel.aliases ?? [] { aliases[alias.alias] = alias.version.value }
    return MLflowRegistry(
      versions, application: target.application, aliases: aliases, hasAliases: hasAliases)
  }

  /// - Returns: `nil` for a failure of this kind.
  private mutating func allowing<Reply>(
    _ reason: MLflowError.Reason,
    _ body: (inout MLflowClient) throws(MLflowError) -> Reply
  ) throws(MLflowError) -> Reply? {
    do throws(MLflowError) { return try body(&client) } catch {
      guard error.reason == reason else { throw error }
      return nil
    }
  }

  // MARK: Models

  /// Sends a model's run and files, and registers it.
  ///
  /// - Returns: whether it is registered now.
  private mutating func send(
    _ entry: ModelLedger.Entry, _ source: Source, _ experiment: String
  ) throws(MLflowError) -> Bool {
    let metadata = entry.metadata
    let run = try findRun(entry, experiment)
    try log(entry, to: run)
    let root = try artifactRoot(of: run)
    guard let model = source.model(metadata.version) else { return false }
    let movies = metadata.samples.flatMap { $0.ratings.map(\.movie) + $0.recommended.map(\.movie) }
    let artifact = ModelArtifact(
      model, run: run.info.runId, milliseconds: entry.milliseconds, titles: source.titles(movies),
      limit: fileLimit)
    try upload(artifact, to: run.info.runId, root)
    // Only the run's page needs it, and not every server has the call.
    let logModel = MLflowCall.logModel(artifact.json, to: run.info.runId)
    _ = try allowing(.noSuchCall) { client throws(MLflowError) in try client.call(logModel) }
    _ = try client.call(
      .finishRun(run.info.runId, milliseconds: entry.milliseconds), Replies.Nothing.self)
    let created = try client.call(
      .createVersion(
        of: target.model, source: "\(run.info.artifactUri ?? "")/\(ModelArtifact.folder)",
        run: run.info.runId, tags: metadata.tags(application: target.application),
        description: "\(metadata.ratings) ratings of \(metadata.movies) movies by"
          + " \(metadata.users) users"), Replies.VersionCreated.self)
    tell(.registered(version: metadata.version, number: created.modelVersion.version.value))
    return true
  }

  /// The run of a model that was deleted before it could be sent: a training all the same.
  private mutating func sendRun(of entry: ModelLedger.Entry, _ experiment: String)
    throws(MLflowError)
  {
    guard !knownRuns.contains(entry.metadata.version) else { return }
    let run = try findRun(entry, experiment)
    try log(entry, to: run)
    let finish = MLflowCall.finishRun(run.info.runId, milliseconds: entry.milliseconds)
    _ = try client.call(finish, Replies.Nothing.self)
    knownRuns.insert(entry.metadata.version)
  }

  /// The model's run, made unless it is there; of several the first, without the others.
  private mutating func findRun(_ entry: ModelLedger.Entry, _ experiment: String)
    throws(MLflowError) -> MLflowReplies.Run
  {
    let version = entry.metadata.version
    let found = try client.call(
      .runs(of: version, target.application, in: experiment), Replies.RunsFound.self)
    let runs = (found.runs ?? []).sorted { $0.info.runId < $1.info.runId }
    for extra in runs.dropFirst() { _ = try client.call(.deleteRun(extra.info.runId)) }
    if let run = runs.first { return run }
    let tags =
      entry.metadata.tags(application: target.application) + [
        MLflowTag("mlflow.source.type", "JOB"),
        MLflowTag("mlflow.source.name", "projectionist train"),
      ]
    let created = try client.call(
      .createRun(
        in: experiment, name: version, milliseconds: entry.milliseconds, tags: tags),
      Replies.RunCreated.self)
    return created.run
  }

  /// Logs parameters and metrics, unless that has been done.
  private mutating func log(_ entry: ModelLedger.Entry, to run: MLflowReplies.Run)
    throws(MLflowError)
  {
    guard run.data?.tags?.contains(where: { $0.key == MLflowTag.logged }) != true else { return }
    let batch = entry.metadata.batch(
      milliseconds: entry.milliseconds, tags: [MLflowTag(MLflowTag.logged, "true")])
    for piece in batch.pieces { _ = try client.call(.log(piece, to: run.info.runId)) }
  }

  // MARK: Files

  /// Where the run's files are, in the store that the server passes them on to.
  private func artifactRoot(of run: MLflowReplies.Run) throws(MLflowError) -> String {
    let uri = run.info.artifactUri ?? ""
    let scheme = "mlflow-artifacts:"
    guard uri.hasPrefix(scheme) else {
      throw MLflowError(.artifactsElsewhere, at: target.place, "they are kept in \(uri)")
    }
    var path = uri.dropFirst(scheme.count)
    if path.hasPrefix("//") { path = path.dropFirst(2).drop { $0 != "/" } }
    return String(path.drop { $0 == "/" })
  }

  /// Sends those files that are not there in full length. Their bytes are a function of the model
  /// and the run.
  private mutating func upload(_ artifact: ModelArtifact, to run: String, _ root: String)
    throws(MLflowError)
  {
    var present: [String: Int64] = [:]
    for folder in ["", "/data", "/code"] {
      let path = ModelArtifact.folder + folder
      let found = try client.call(.artifacts(of: run, in: path), Replies.ArtifactsFound.self)
      for file in found.files ?? [] { present[file.path] = file.fileSize?.value }
    }
    for file in artifact.files {
      let path = "\(ModelArtifact.folder)/\(file.path)"
      let bytes = file.bytes()
      guard present[path] != Int64(bytes.count) else { continue }
      _ = try client.call(.upload(bytes, to: "\(root)/\(path)"))
    }
  }

  // MARK: Roles

  /// Marks the versions of models that are no longer on the log.
  private mutating func settleTags(_ ledger: ModelLedger, _ registry: MLflowRegistry)
    throws(MLflowError)
  {
    for (version, registered) in registry.versions {
      let isDeleted = ledger.models[version] == nil
      var wanted: [String: String] = [:]
      if isDeleted { wanted[MLflowTag.deleted] = "true" }
      if let verdict = ledger.verdicts[version] {
        wanted[MLflowTag.verdict] = String(verdict.prefix(MLflowTag.longestValue / 4))
      }
      for (key, value) in wanted.sorted(by: { $0.key < $1.key })
      where registered.tags[key] != value {
        _ = try client.call(
          .setTag(MLflowTag(key, value), on: "\(registered.number)", of: target.model))
      }
      guard !isDeleted, registered.tags[MLflowTag.deleted] != nil else { continue }
      let call = MLflowCall.deleteTag(
        MLflowTag.deleted, on: "\(registered.number)", of: target.model)
      _ = try allowing(.absent) { client throws(MLflowError) in try client.call(call) }
    }
  }

  /// Lets an alias point to the model that has the role.
  private mutating func settle(
    _ role: ModelLedger.Role, _ ledger: ModelLedger, _ registry: MLflowRegistry
  ) throws(MLflowError) {
    let version = ledger.roles[role]
    var wanted: Int64?
    if let version {
      // Not there yet: the alias waits for it.
      guard let registered = registry.versions[version], registered.isReady else { return }
      wanted = registered.number
    }
    let found = registry.aliases[role.rawValue]
    let before = settled[role]
    if found != wanted {
      try move(role, from: found, to: wanted)
      let isByHand = before.map { $0 == wanted } ?? (found != nil)
      tell(
        isByHand
          ? .putBack(role, from: found, to: wanted, version: version)
          : .moved(role, to: wanted, version: version))
    }
    settled[role] = .some(wanted)
  }

  private mutating func move(_ role: ModelLedger.Role, from found: Int64?, to wanted: Int64?)
    throws(MLflowError)
  {
    if hasAliases {
      let call =
        wanted.map { MLflowCall.setAlias(role.rawValue, to: "\($0)", of: target.model) }
        ?? MLflowCall.deleteAlias(role.rawValue, of: target.model)
      let done = try allowing(.noSuchCall) { client throws(MLflowError) in try client.call(call) }
      if done != nil { return }
      hasAliases = false
      tell(.noAliases)
    }
    let key = MLflowTag.alias + role.rawValue
    if let found {
      let call = MLflowCall.deleteTag(key, on: "\(found)", of: target.model)
      _ = try allowing(.absent) { client throws(MLflowError) in try client.call(call) }
    }
    if let wanted {
      _ = try client.call(.setTag(MLflowTag(key, "true"), on: "\(wanted)", of: target.model))
    }
  }
}
