import Console
import EventLog
import KafkaLog
import Pipeline
import Recommender
import Streams

/// `validated-ratings` and `models` as the trainer follows them. Belongs to one thread.
final class TrainerTopic {
  private let log: KafkaLog
  private let topology: Topology
  private let clientID: String
  private let inquirer: KafkaConsumer
  private let models: SnapshotTable<KafkaConsumer>
  private let topic: String
  /// All partitions of `validated-ratings`, in order.
  let sources: [CacheSource]
  /// What is in `models`.
  private(set) var catalog = ModelCatalog()

  init(_ log: KafkaLog, _ topology: Topology, clientID: String) throws(LogError) {
    self.log = log
    self.topology = topology
    self.clientID = clientID
    topic = topology[.validatedRatings]
    inquirer = try log.makeConsumer(
      ConsumerConfiguration(topics: [topic], group: nil, clientID: "\(clientID)-ends"))
    let cluster = try inquirer.clusterID()
    sources = (0..<(try inquirer.partitionCount(of: topic))).map { [topic] partition in
      CacheSource(cluster: cluster, topic: topic, partition: partition)
    }
    models = try SnapshotTable(log, topic: topology[.models], clientID: clientID)
    var catalog = ModelCatalog()
    try models.catchUp { catalog.take($0) }
    self.catalog = catalog
  }

  deinit { inquirer.close() }

  /// Takes what has come to `models`.
  func poll() throws(LogError) {
    var catalog = ModelCatalog()
    swap(&catalog, &self.catalog)
    defer { swap(&catalog, &self.catalog) }
    try models.catchUp { catalog.take($0) }
  }

  /// By partition, the offset behind all ratings there are.
  func ends() throws -> [Int64] {
    try sources.indices.map { number in
      let held = try inquirer.offsets(of: TopicPartition(topic, Int32(number)))
      guard held.lowerBound == 0 else {
        throw CommandFailure(
          .failure,
          TrainingCutoff.missing(TopicPartition(topic, Int32(number)), before: held.lowerBound))
      }
      return held.upperBound
    }
  }

  func update<File>(
    _ cache: RatingCache<File>, to ends: [Int64], goesOn: (Int64, Int64) -> Bool
  ) throws {
    do throws(RatingCacheUpdateError) {
      try cache.update(from: log, to: ends, clientID: clientID, goesOn: goesOn)
    } catch {
      switch error {
      case .log(let error): throw error
      case .cache(let error): throw error
      }
    }
  }

  func decision(_ transactionalID: String?) -> ModelDecision<KafkaLog> {
    ModelDecision(log, topology: topology, clientID: clientID, transactionalID: transactionalID)
  }
}
