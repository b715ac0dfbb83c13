import EventLog
import Logging
import Recommender
import Streams

/// The `models` topic as a table: the complete models that are kept, and the promoted one.
///
/// A batch costs it a look at what is ready. What arrives is copied, a little at a time, and put
/// together in the background; a model that is promoted but no longer kept is read again from the
/// topic there, too. Meanwhile the one before goes on serving. Belongs to one thread.
final class ModelTable<Consumer: LogConsumer> {
  /// The most records taken at a look; a part of a model has up to 1 MB.
  private static var recordsPerPoll: Int { 2 }
  /// No more is taken while so much waits to be put together.
  private static var maximumWaiting: Int { 8 << 20 }
  /// How long after a failure a missing model is looked for again.
  private static var retryInterval: Duration { .seconds(10) }

  private let table: GlobalTable<Consumer>
  private let keeper: ModelKeeper
  private let environment: PredictEnvironment
  private let search: ModelSearch
  private var content: ModelKeeper.Content
  /// The promoted model last looked for in the topic, and when.
  private var searched: (version: String, at: ContinuousClock.Instant)?

  /// Takes in everything that is in the topic now.
  init<Log: EventLog>(_ log: Log, clientID: String, _ environment: PredictEnvironment)
    throws(LogError) where Log.Consumer == Consumer
  {
    let keeper = ModelKeeper(
      kept: environment.keptModels, shadow: environment.shadowModel, logger: environment.logger)
    let topic = environment.topology[.models]
    table = try GlobalTable(log, topic: topic, clientID: clientID)
    try table.catchUp { keeper.take(key: $0.key, value: $0.value) }
    search = ModelSearch(log, topic: topic, clientID: clientID, keeper: keeper)
    if let missing = keeper.content.missing { search.run(missing, environment.logger) }
    keeper.reportIncomplete()
    self.keeper = keeper
    self.environment = environment
    content = keeper.content
    if let shadow = environment.shadowModel, content.shadow == nil {
      environment.logger.warning(
        "the shadow model is not there yet", metadata: ["model": "\(shadow)"])
    }
  }

  /// The model that serves; `nil` when none is promoted.
  var promoted: ServingModel? { content.promoted }

  /// The model of `predict.shadow_model`, once it is complete.
  var shadow: ServingModel? { content.shadow }

  /// All that are kept, the newest last.
  var models: [ServingModel] { content.models }

  /// Records refused so far.
  var rejected: Int64 { content.rejected }

  /// A kept model.
  subscript(version: String) -> ServingModel? {
    content.models.first { $0.version == version }
  }

  /// Takes in a little of what has arrived, and what is ready.
  ///
  /// - Returns: whether other models are there than before.
  func poll() throws(LogError) -> Bool {
    if keeper.waitingBytes < Self.maximumWaiting {
      try table.poll(atMost: Self.recordsPerPoll) { record in
        keeper.enqueue(
          key: record.key, value: record.value, inBackground: environment.inBackground)
      }
    }
    let new = keeper.content
    let hasChanged = new.version != content.version
    content = new
    searchMissing()
    return hasChanged
  }

  private func searchMissing() {
    guard let missing = content.missing else {
      searched = nil
      return
    }
    let now = environment.now()
    if let searched, searched.version == missing, now - searched.at < Self.retryInterval { return }
    searched = (missing, now)
    environment.inBackground { [search, logger = environment.logger] in
      search.run(missing, logger)
    }
  }
}
