import EventLog
import Logging
import Recommender
import Streams

/// The `models` topic as a table: the complete models that are kept, and the promoted one.
///
/// Each batch takes what is ready. New records are copied, a few at a time, and put together in the
/// background. A model that is promoted but no longer kept is read again from the topic, also in
/// the background; the previous one keeps serving meanwhile. Belongs to one thread.
final class ModelTable<Consumer: LogConsumer> {
  /// The most records taken per poll: a part of a model has up to 1 MB.
  private static var recordsPerPoll: Int { 2 }
  /// No more records are taken while so many bytes wait to be put together.
  private static var maximumWaitingBytes: Int { 8 << 20 }
  /// How long to wait before searching again for a missing model.
  private static var retryInterval: Duration { .seconds(10) }

  private let table: GlobalTable<Consumer>
  private let keeper: ModelKeeper
  private let environment: PredictEnvironment
  private let search: ModelSearch
  private var available: AvailableModels
  /// The promoted model last searched for in the topic, and when.
  private var searched: (version: String, at: ContinuousClock.Instant)?

  /// Reads the topic to its end.
  init<Log: EventLog>(_ log: Log, clientID: String, _ environment: PredictEnvironment)
    throws(LogError) where Log.Consumer == Consumer
  {
    let keeper = ModelKeeper(
      kept: environment.keptModels, shadow: environment.shadowModel, logger: environment.logger)
    let topic = environment.topology[.models]
    table = try GlobalTable(log, topic: topic, clientID: clientID)
    try table.catchUp { keeper.take(key: $0.key, value: $0.value) }
    search = ModelSearch(log, topic: topic, clientID: clientID, keeper: keeper)
    if let missing = keeper.available.missing {
      search.run(missing, isRepeated: false, environment.logger)
      searched = (missing, environment.now())
    }
    keeper.reportCaughtUp()
    self.keeper = keeper
    self.environment = environment
    available = keeper.available
    if let shadow = environment.shadowModel, available.shadow == nil {
      environment.logger.warning(
        "the shadow model is not in the topic yet", metadata: ["model": "\(shadow)"])
    }
  }

  /// The model that serves; `nil` when none is promoted.
  var promoted: ServingModel? { available.promoted }

  /// The shadow, by the topic or else by `predict.shadow_model`, once it is complete.
  var shadow: ServingModel? { available.shadow }

  /// Which models are what, by the topic and the configuration.
  var choice: ModelChoice {
    let role = available.roles[.serving]
    var choice = ModelChoice(
      serving: promoted?.version, candidate: available.roles[.candidate]?.version,
      shadow: shadow?.version, reason: role?.reason ?? "")
    // The role may be that of a model that is not in memory yet.
    if role?.version == promoted?.version { choice.servingSince = role?.milliseconds }
    choice.newestRating = promoted?.factors.metadata.newestRatingMilliseconds
    return choice
  }

  /// What a shadow has hit in a partition of the users, by the topic; `nil` for nothing while that
  /// model's lists were shown.
  func hits(of shadow: String, against live: String, in partition: Int32) -> HitTally? {
    let tally = available.notes.hits[shadow]?[partition]
    return tally?.against == live ? tally : nil
  }

  /// All kept models, the newest last.
  var models: [ServingModel] { available.models }

  /// Records refused so far.
  var rejected: Int64 { available.rejected }

  /// All models that may answer: the kept ones and the shadow.
  var inUse: [ServingModel] { available.models + (available.shadow.map { [$0] } ?? []) }

  /// The model that the request names, or the promoted one; `nil` when none is promoted.
  func model(for request: RecommendationRequest) throws(RequestError) -> ServingModel? {
    guard let version = request.modelVersion else { return promoted }
    if let model = models.first(where: { $0.version == version }) { return model }
    throw .unknownModel(version, kept: models.map(\.version), user: request.user)
  }

  /// Takes some of the new records, and the models that are ready.
  ///
  /// - Returns: whether the available models have changed.
  func poll() throws(LogError) -> Bool {
    if keeper.waitingBytes < Self.maximumWaitingBytes {
      try table.poll(atMost: Self.recordsPerPoll) { record in
        keeper.enqueue(
          key: record.key, value: record.value, inBackground: environment.inBackground)
      }
    }
    let latest = keeper.available
    let hasChanged = latest.version != available.version
    available = latest
    searchMissing()
    return hasChanged
  }

  private func searchMissing() {
    guard let missing = available.missing else {
      searched = nil
      return
    }
    let now = environment.now()
    if let searched, searched.version == missing, now - searched.at < Self.retryInterval { return }
    let isRepeated = searched?.version == missing
    searched = (missing, now)
    environment.inBackground { [search, logger = environment.logger] in
      search.run(missing, isRepeated: isRepeated, logger)
    }
  }
}
