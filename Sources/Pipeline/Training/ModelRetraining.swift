import EventLog
import Recommender
import Streams

/// Trains a model again that was deleted: a model is a function of the log, its offsets and its
/// settings.
struct ModelRetraining<Log: EventLog> {
  let log: Log
  let topology: Topology
  let clientID: String
  let threads: Int

  /// - Parameters:
  ///   - recipe: the deleted model's metadata.
  ///   - progress: called now and then with the share done, 0...1.
  func callAsFunction(_ recipe: ModelMetadata, progress: (Double) -> Void)
    throws(ExplanationError) -> FactorModel
  {
    let ratings = try ratings(to: recipe.trainedTo, progress)
    guard ratings.count > 0 else { throw .noModel(recipe.version, topic: topology[.models]) }
    var trainer = Trainer(ratings, parameters: recipe.parameters, threads: threads)
    var losses: [Double] = []
    let epochs = Double(recipe.parameters.epochs)
    for epoch in 0..<recipe.parameters.epochs {
      losses.append(trainer.runEpoch { progress(0.5 + (Double(epoch) + $0) / epochs / 2) })
    }
    var fit: Fit
    do throws(UnsolvableEquations) { fit = try trainer.finish() } catch {
      throw .noModel(recipe.version, topic: topology[.models])
    }
    let metadata = ModelMetadata(
      training: ratings, fit, recipe.parameters, losses: losses, trainedTo: recipe.trainedTo)
    return PublishedModel(metadata: metadata, contents: fit.contents(recipe.parameters)).model
  }

  private func ratings(to ends: [Int64], _ progress: (Double) -> Void) throws(ExplanationError)
    -> RatingMatrix
  {
    try check(ends)
    do throws(LogError) {
      let reader = try RatingLogReader(
        log, topology: topology, ends: ends, clientID: "\(clientID)-ratings")
      while try reader.read() {
        progress(Double(reader.passed) / Double(max(reader.total, 1)) / 2)
      }
      return try reader.finish()
    } catch { throw .log(error) }
  }

  private func check(_ ends: [Int64]) throws(ExplanationError) {
    let topic = topology[.validatedRatings]
    var missing: [(partition: TopicPartition, what: MissingOffsets, end: Int64)] = []
    do throws(LogError) {
      let consumer = try log.makeConsumer(
        ConsumerConfiguration(topics: [topic], group: nil, clientID: "\(clientID)-ends"))
      defer { consumer.close() }
      for (number, end) in ends.enumerated() {
        let partition = TopicPartition(topic, Int32(number))
        let held = try consumer.offsets(of: partition)
        if let what = MissingOffsets.of(from: 0, to: end, in: held) {
          missing.append((partition, what, end))
        }
      }
    } catch { throw .log(error) }
    guard let (partition, what, end) = missing.first else { return }
    switch what {
    case .beginning(let start): throw .logBegins(partition, start)
    case .end(let found): throw .logEnds(partition, found, stateOffset: end)
    }
  }
}
