public import EventLog
public import Recommender

/// Why a prediction can't be explained.
public enum ExplanationError: Error, Hashable, Sendable, CustomStringConvertible {
  case log(LogError)
  /// Events the prediction was computed from have been deleted.
  case logBegins(TopicPartition, Int64)
  /// The prediction was computed from events that are not there.
  case logEnds(TopicPartition, Int64, stateOffset: Int64)
  /// The model is not in the topic, or not complete.
  case noModel(String)

  public var description: String {
    switch self {
    case .log(let error): error.description
    case .logBegins(let partition, let offset):
      "\(partition) begins at offset \(offset): events the prediction was computed from are deleted"
    case .logEnds(let partition, let end, let stateOffset):
      "the prediction was computed from \(partition) up to offset \(stateOffset), but the log ends"
        + " at \(end): the topic was recreated or truncated since"
    case .noModel(let version):
      "the model \(version) is not in \(Topics.models), or not complete: it was deleted since"
    }
  }
}

/// Computes predictions again from the log: the user's ratings from `validated-ratings`, the model
/// from `models`, titles and genres from `movies` as it is now.
public struct Explainer<Log: EventLog> {
  private let log: Log
  private let clientID: String
  private let movies: MovieTable<Log.Consumer>

  public init(_ log: Log, clientID: String) throws(ExplanationError) {
    self.log = log
    self.clientID = clientID
    do throws(LogError) { movies = try MovieTable(log, clientID: clientID) } catch {
      throw .log(error)
    }
  }

  /// A movie of the catalog as it is now.
  public func movie(_ movie: Int64) -> MovieRecord? { movies[movie] }

  /// - Parameters:
  ///   - partition: the user's, of `validated-ratings`.
  ///   - progress: told how many offsets have been read, of how many.
  public func explain(
    _ prediction: RecordedPrediction, partition: Int32,
    progress: (_ read: Int64, _ all: Int64) -> Void = { _, _ in }
  ) throws(ExplanationError) -> Explanation {
    let model: ServingModel?
    let ratings: [MovieRating]
    if let version = prediction.modelVersion {
      let factors: FactorModel?
      do throws(LogError) { factors = try read(version) } catch { throw .log(error) }
      guard let factors else { throw .noModel(version) }
      model = ServingModel(factors)
    } else {
      model = nil
    }
    ratings = try rebuild(
      prediction.request.user, TopicPartition(Topics.validatedRatings, partition),
      to: prediction.stateOffset, progress)
    return Explanation(prediction, ratings: ratings, model: model, catalog: movies)
  }

  private func read(_ version: String) throws(LogError) -> FactorModel? {
    var assembler = ModelAssembler()
    let table = try GlobalTable(log, topic: Topics.models, clientID: clientID)
    try table.catchUp { record in
      guard let key = record.key, let name = ModelKey(key), name.isOf(version) else { return }
      _ = assembler.take(key: key, value: record.value)
    }
    return assembler.models[version]
  }

  private func rebuild(
    _ user: Int64, _ partition: TopicPartition, to end: Int64,
    _ progress: (_ read: Int64, _ all: Int64) -> Void
  ) throws(ExplanationError) -> [MovieRating] {
    guard end > 0 else { return [] }
    let range: Range<Int64>
    var history = UserHistory(user: user)
    do throws(LogError) {
      let reader = try log.makeConsumer(
        ConsumerConfiguration(
          topics: [partition.topic], group: nil, clientID: "\(clientID)-events",
          fetchWait: .milliseconds(20)))
      defer { reader.close() }
      range = try reader.offsets(of: partition)
      if range.lowerBound == 0, range.upperBound >= end {
        try reader.assign([(partition, .at(0))])
        var next: Int64 = 0
        while next < end {
          let result = try reader.poll(maxRecords: 10_000, timeout: .milliseconds(100)) { record in
            next = record.offset + 1
            guard record.offset < end else { return false }
            history.take(record.value)
            return true
          }
          // Transaction markers leave gaps, at the end too.
          if let reached = result.ends[partition] { next = max(next, reached) }
          progress(min(next, end), end)
        }
      }
    } catch { throw .log(error) }
    guard range.lowerBound == 0 else { throw .logBegins(partition, range.lowerBound) }
    guard range.upperBound >= end else {
      throw .logEnds(partition, range.upperBound, stateOffset: end)
    }
    return history.ratings
  }
}
