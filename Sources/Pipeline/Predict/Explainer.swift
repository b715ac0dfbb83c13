public import EventLog
public import Recommender
public import Streams

/// Why a prediction can't be explained.
public enum ExplanationError: Error, Hashable, Sendable, CustomStringConvertible {
  case log(LogError)
  /// Events the prediction was computed from have been deleted: the log begins at this offset.
  case logBegins(TopicPartition, Int64)
  /// The prediction was computed from events that don't exist: the log ends at this offset.
  case logEnds(TopicPartition, Int64, stateOffset: Int64)
  /// The model is not in the topic, or is incomplete.
  case noModel(String, topic: String)

  public var description: String {
    switch self {
    case .log(let error): error.description
    case .logBegins(let partition, let offset):
      "\(partition) begins at offset \(offset): events behind the prediction have been deleted"
    case .logEnds(let partition, let end, let stateOffset):
      "the prediction was computed from \(partition) up to offset \(stateOffset), but the log ends"
        + " at \(end): the topic has been recreated or truncated since"
    case .noModel(let version, let topic):
      "the model \(version) is not complete in \(topic), and nothing there says how to train it"
        + " again: it has been deleted since"
    }
  }
}

/// Recomputes predictions from the log: the user's ratings from `validated-ratings`, the model from
/// `models`, genres from `movies` as far as the prediction knew it, and titles from today's.
public struct Explainer<Log: EventLog> {
  private let log: Log
  private let topology: Topology
  private let clientID: String
  private let movies: MovieTable<Log.Consumer>
  private let requiresCatalog: Bool
  /// On which a deleted model is trained again.
  private let threads: Int

  /// - Parameters:
  ///   - requiresCatalog: whether only movies of the catalog are recommended.
  ///   - threads: on which a deleted model is trained again.
  public init(
    _ log: Log, topology: Topology, clientID: String, requiresCatalog: Bool = false,
    threads: Int = 1
  ) throws(ExplanationError) {
    self.threads = threads
    self.requiresCatalog = requiresCatalog
    self.log = log
    self.topology = topology
    self.clientID = clientID
    do throws(LogError) {
      movies = try MovieTable(
        log, topology: topology, clientID: clientID, isRequired: requiresCatalog)
    } catch { throw .log(error) }
  }

  /// A movie of today's catalog.
  public func movie(_ movie: Int64) -> MovieRecord? { movies[movie] }

  /// - Parameters:
  ///   - partition: the user's partition of `validated-ratings`.
  ///   - training: called with the share done, 0...1, while a deleted model is trained again.
  ///   - progress: called with the offsets read and their total.
  public func explain(
    _ prediction: RecordedPrediction, partition: Int32, training: (Double) -> Void = { _ in },
    progress: (_ read: Int64, _ all: Int64) -> Void = { _, _ in }
  ) throws(ExplanationError) -> Explanation {
    var model: FactorModel?
    var isTrainedAgain = false
    if let version = prediction.modelVersion {
      let known: (model: FactorModel?, recipe: ModelMetadata?)
      do throws(LogError) { known = try read(version) } catch { throw .log(error) }
      model = known.model
      if model == nil, let recipe = known.recipe, !recipe.trainedTo.isEmpty {
        let retraining = ModelRetraining(
          log: log, topology: topology, clientID: clientID, threads: threads)
        model = try retraining(recipe, progress: training)
        isTrainedAgain = true
      }
      guard model != nil else { throw .noModel(version, topic: topology[.models]) }
    }
    let ratings = try rebuild(
      prediction, TopicPartition(topology[.validatedRatings], partition), progress)
    var explanation = Explanation(
      prediction, ratings: ratings, model: model.map(ServingModel.init),
      catalog: try catalog(of: prediction))
    explanation.modelIsTrainedAgain = isTrainedAgain
    explanation.catalogHasChanged = prediction.catalogOffsets.map { $0 != movies.offsets } ?? false
    return explanation
  }

  /// The catalog that the prediction knew, or today's if it does not say.
  private func catalog(of prediction: RecordedPrediction) throws(ExplanationError)
    -> MovieTable<Log.Consumer>
  {
    guard let ends = prediction.catalogOffsets, movies.offsets != ends else { return movies }
    do throws(LogError) {
      return try MovieTable(
        log, topology: topology, clientID: "\(clientID)-catalog", isRequired: requiresCatalog,
        upTo: ends)
    } catch { throw .log(error) }
  }

  private func read(_ version: String) throws(LogError)
    -> (model: FactorModel?, recipe: ModelMetadata?)
  {
    var assembler = ModelAssembler()
    var notes = ModelNotes()
    let table = try SnapshotTable(log, topic: topology[.models], clientID: clientID)
    try table.catchUp { record in
      guard let key = record.key, let name = ModelKey(key), name.version == version else { return }
      _ = assembler.take(key: key, value: record.value)
      _ = notes.take(key: key, value: record.value)
    }
    return (assembler.models[version], notes.recipes[version])
  }

  private func rebuild(
    _ prediction: RecordedPrediction, _ partition: TopicPartition,
    _ progress: (_ read: Int64, _ all: Int64) -> Void
  ) throws(ExplanationError) -> [MovieRating] {
    let end = prediction.stateOffset
    guard end > 0 else { return [] }
    let missing: MissingOffsets?
    var history = UserHistory(user: prediction.request.user, by: prediction.rules)
    do throws(LogError) {
      var reader = try PartitionReader(
        log, topics: [partition.topic], clientID: "\(clientID)-events")
      missing = MissingOffsets.of(from: 0, to: end, in: try reader.consumer.offsets(of: partition))
      if missing == nil {
        try reader.begin([PartitionCursor(partition, from: .at(0), to: end)])
        try reader.readToEnd(
          onPoll: { cursors in
            progress(cursors[0].passed, end)
            return true
          },
          { _, record in
            history.take(record)
            return true
          })
      }
    } catch { throw .log(error) }
    switch missing {
    case nil: return history.ratings
    case .beginning(let start): throw .logBegins(partition, start)
    case .end(let found): throw .logEnds(partition, found, stateOffset: end)
    }
  }
}
