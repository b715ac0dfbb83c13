public import EventLog
public import StateStore
public import Streams
import Recommender

/// Answers recommendation requests from the last committed state of their users.
///
/// It follows the user stage's partitions, because a user's ratings are in the store of the user's
/// partition. A request that was produced to another partition (with a null key, say) is sent on to
/// the right one, once.
public struct PredictOperator<
  Store: StateStore, Producer: LogProducer, Consumer: LogConsumer
>: StageOperator, ~Copyable {
  public typealias Working = PredictWorking<Store>
  public typealias Partition = PartitionTask<Store, Producer>

  /// Outputs by index.
  public static var outputs: [String] { [Topics.recommendations, Topics.requests] }
  private static var replies: Int { 0 }
  private static var requests: Int { 1 }
  /// How old the ranking may get while ratings keep moving it.
  private static var rankingAge: Duration { .milliseconds(250) }

  private let directory: PartitionDirectory<Store>
  private let partitionOf: (RawSpan) -> Int32
  private let movies: MovieTable<Consumer>
  private let quality: QualityTable<Consumer>
  private let now: () -> ContinuousClock.Instant
  private var ranking: PopularityRanking
  private var rankedPrior: CatalogPrior
  private var rankedAt: ContinuousClock.Instant
  private var parser = RequestParser()
  private var key = JSONWriter(capacity: 32)
  private var value = JSONWriter(capacity: 4096)
  private var replyTopics = ReplyTopics<Producer>()

  /// - Parameters:
  ///   - partitionOf: where Kafka's default partitioner puts a user's key among the user partitions.
  ///   - now: for `latency_ms` and the age of the ranking.
  public init<Log: EventLog>(
    _ log: Log, clientID: String, directory: PartitionDirectory<Store>,
    partitionOf: @escaping (RawSpan) -> Int32, now: @escaping () -> ContinuousClock.Instant
  ) throws(StageError) where Log.Consumer == Consumer {
    let movies: MovieTable<Consumer>
    let quality: QualityTable<Consumer>
    do throws(LogError) {
      movies = try MovieTable(log, clientID: clientID)
      quality = try QualityTable(log, clientID: clientID)
    } catch { throw .log(error) }
    self.movies = movies
    self.quality = quality
    self.directory = directory
    self.partitionOf = partitionOf
    self.now = now
    ranking = quality.ranking()
    rankedPrior = quality.prior
    rankedAt = now()
  }

  public mutating func makeWorking(_ task: Partition) throws(StageError) -> PredictWorking<Store> {
    // Gone between two looks at the directory: the next look gives the partition up.
    guard let store = directory.store(of: task.partition) else { return PredictWorking(nil) }
    do throws(StoreError) { return PredictWorking(try store.snapshot()) } catch {
      throw .store(error)
    }
  }

  public mutating func beginBatch() throws(StageError) {
    do throws(LogError) {
      try movies.poll()
      try quality.poll()
    } catch { throw .log(error) }
    if quality.prior != rankedPrior, now() - rankedAt >= Self.rankingAge { rank() }
  }

  public mutating func wantsRefresh() throws(StageError) -> Bool {
    try beginBatch()
    return false
  }

  private mutating func rank() {
    ranking = quality.ranking()
    rankedPrior = quality.prior
    rankedAt = now()
  }

  // MARK: Requests

  public mutating func process(
    _ record: borrowing RecordView, _ working: inout PredictWorking<Store>, _ task: Partition
  ) throws(StageError) {
    let received = now()
    let original = record.copyHeaders()
    let headers = RequestHeaders(original)
    let request: RecommendationRequest
    do throws(RequestError) { request = try parser.parse(record.value) } catch {
      return try refuse(record, headers, error, task)
    }
    key.removeAll()
    key.integer(request.user)
    let home = partitionOf(key.bytes)
    if home != task.partition {
      guard headers.isRerouted else { return try forward(record, original, to: home, task) }
      return try refuse(
        record, headers,
        RequestError(
          code: "wrong_partition",
          message: "\(Topics.requests) and \(Topics.validatedRatings) must have equally many"
            + " partitions.", user: request.user), task)
    }
    try answer(request, received: received, &working)
    try reply(to: record, headers, errorCode: nil, task)
  }

  public mutating func closeBatch(_ working: inout PredictWorking<Store>, _ task: Partition)
    throws(StageError)
  {
    working.release()
  }

  private mutating func answer(
    _ request: RecommendationRequest, received: ContinuousClock.Instant,
    _ working: inout PredictWorking<Store>
  ) throws(StageError) {
    let state = try working.read(ratingsOf: request.user)
    let top = ranking.top(request.count) { state.rated.contains($0) }
    let recommendations = top.map { entry in
      let movie = movies[entry.movie]
      return Recommendation(
        movie: entry.movie, title: movie?.title ?? "", genres: movie?.genres ?? "",
        score: entry.quality)
    }
    value.removeAll()
    RecommendationReply(
      user: request.user, recommendations: recommendations, strategy: .popular, modelVersion: nil,
      stateOffset: state.offset, latencyMilliseconds: (now() - received).milliseconds
    ).write(to: &value)
  }

  /// Sends the request, headers and all, to its user's partition. Marked, so that it goes once.
  private mutating func forward(
    _ record: borrowing RecordView, _ headers: [RecordHeader], to partition: Int32,
    _ task: Partition
  ) throws(StageError) {
    try task.send(
      to: Self.requests, partition: partition, key: record.key, value: record.value,
      headers: headers + [RecordHeader(RequestHeaders.rerouted, text: "1")],
      timestamp: Timestamps.kept(record.timestamp))
  }

  private mutating func refuse(
    _ record: borrowing RecordView, _ headers: RequestHeaders, _ error: RequestError,
    _ task: Partition
  ) throws(StageError) {
    value.removeAll()
    error.write(to: &value)
    try reply(to: record, headers, errorCode: error.code, task)
  }

  /// Sends what is in `value` where the request wants it; where that is nowhere, to the default
  /// topic, so that the answer is not lost.
  private mutating func reply(
    to record: borrowing RecordView, _ headers: RequestHeaders, errorCode: String?,
    _ task: Partition
  ) throws(StageError) {
    var replyHeaders = headers.correlation
    if let errorCode {
      replyHeaders.append(RecordHeader(RequestHeaders.errorCode, text: errorCode))
    }
    let target = try replyTopics.target(of: headers, default: Self.replies, task)
    try task.send(
      to: target.topic, partition: target.partition, key: record.key, value: value.bytes,
      headers: replyHeaders)
  }
}

extension Duration {
  var milliseconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
  }
}
