import Console
import EventLog
import Foundation
import KafkaLog
import Pipeline
import Ratings
import Recommender

/// A prediction read from its topic.
struct PredictionRecord {
  private static let patience = Duration.seconds(20)

  let prediction: RecordedPrediction

  /// - Throws: `CommandFailure` if there is no prediction at this offset.
  init(_ log: KafkaLog, _ topic: String, partition: Int32, offset: Int64) throws {
    let place = "\(topic)[\(partition)]@\(offset)"
    guard
      let value = try Self.read(log, TopicPartition(topic, partition), offset, place: place)
    else {
      throw CommandFailure(.failure, "\(place) is not a record but the end of a transaction")
    }
    try self.init(value, place: place)
  }

  /// - Parameter place: where the value was read, for messages.
  init(_ value: [UInt8], place: String) throws {
    let reply: ReplyRecord
    do { reply = try ReplyRecord(value) } catch {
      throw CommandFailure(.failure, "\(place) is not a prediction of projectionist")
    }
    if let error = reply.error {
      throw CommandFailure(
        .failure, "\(place) is an error reply, not a prediction: \(error.code): \(error.message)")
    }
    guard let user = reply.userID, let movies = reply.recommendations,
      let strategy = reply.strategy.flatMap(RecommendationStrategy.init),
      let stateOffset = reply.stateOffset, let request = reply.request
    else {
      throw CommandFailure(
        .failure,
        "\(place) does not say what it was computed from: an older version wrote it")
    }
    let diversity = reply.diversity ?? 0
    guard GenreDiversity.allowedPercent.contains(diversity) else {
      throw CommandFailure(.failure, "\(place) has a diversity of \(diversity) percent")
    }
    prediction = RecordedPrediction(
      request: RecommendationRequest(
        user: user, count: request.numRecommendations, excludesRated: request.excludeRated,
        genres: request.genres),
      strategy: strategy, modelVersion: reply.modelVersion, stateOffset: stateOffset,
      rules: try Self.rules(reply.stateRules, place: place), moment: reply.requestTimeMs,
      diversity: GenreDiversity(percent: diversity), catalogOffsets: reply.catalogOffsets,
      movies: movies.map { ScoredMovie(movie: $0.movieID, score: $0.score) })
  }

  private static func rules(_ number: Int?, place: String) throws -> FoldRules {
    guard let number else { return .byArrival }
    guard let rules = FoldRules(rawValue: number) else {
      throw CommandFailure(
        .failure, "\(place) follows the rules \(number), which this version does not know")
    }
    return rules
  }

  /// - Returns: `nil` if there is no record at the offset, but the partition goes on after it.
  private static func read(
    _ log: KafkaLog, _ partition: TopicPartition, _ offset: Int64, place: String
  ) throws -> [UInt8]? {
    var reader = try PartitionReader(
      log, topics: [partition.topic], clientID: "projectionist-explain-prediction")
    guard try partition.partition < reader.consumer.partitionCount(of: partition.topic) else {
      throw CommandFailure(.failure, "\(place): \(partition.topic) has no such partition")
    }
    let range = try reader.consumer.offsets(of: partition)
    guard range.contains(offset) else {
      throw CommandFailure(
        .failure,
        "\(place) does not exist: the partition "
          + (range.isEmpty
            ? "is empty" : "has offsets \(range.lowerBound) to \(range.upperBound - 1)"))
    }
    try reader.begin([PartitionCursor(partition, from: .at(offset), to: offset + 1)])
    var value: [UInt8]?
    do throws(LogError) {
      try reader.readToEnd(maxRecords: 1, patience: patience) { _, record in
        value = record.value?.withUnsafeBytes { [UInt8]($0) } ?? []
        return false
      }
    } catch {
      guard error.code == .unavailable else { throw error }
      throw CommandFailure(.unavailable, "\(place) can't be read in time")
    }
    return value
  }
}
