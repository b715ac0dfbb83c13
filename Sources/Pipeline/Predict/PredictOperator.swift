public import EventLog
public import StateStore
public import Streams
import Logging
import Recommender

/// Answers recommendation requests from the last committed state of their users.
///
/// It follows the user stage's partitions, because a user's ratings are in the store of the user's
/// partition. A request that was produced to another partition (with a null key, say) is sent on to
/// the right one, once.
///
/// Requests wait for the end of their batch, whatever their partition: one matrix product then
/// scores all movies for all of them. A batch ends when its input is dry, so its size follows the
/// queue's, and a request alone is answered at once.
public struct PredictOperator<
  Store: StateStore, Producer: LogProducer, Consumer: LogConsumer
>: StageOperator, ~Copyable {
  public typealias Working = PredictWorking<Store>
  public typealias Partition = PartitionTask<Store, Producer>

  private static var replies: StageOutput { PredictOutputs.replies }
  private static var requests: StageOutput { PredictOutputs.requests }
  private static var shadows: StageOutput { PredictOutputs.shadows }
  /// How old the ranking may get while ratings keep moving it.
  private static var rankingAge: Duration { .milliseconds(250) }

  /// Where the answer to a question of the batch goes.
  private struct Address {
    var key: [UInt8]?
    var headers: RequestHeaders
    var task: Partition
  }

  private let directory: PartitionDirectory<Store>
  private let partitionOf: (RawSpan) -> Int32
  private let environment: PredictEnvironment
  private let movies: MovieTable<Consumer>
  private let quality: QualityTable<Consumer>
  private let models: ModelTable<Consumer>
  private var ranking: PopularityRanking
  private var rankedPrior: CatalogPrior
  private var rankedAt: ContinuousClock.Instant
  private var parser = RequestParser()
  private var batch = AnswerBatch()
  private var addresses: [Address] = []
  private var counts = PredictStatus()
  private var key = JSONWriter(capacity: 32)
  private var value = JSONWriter(capacity: 4096)
  private var replyTopics: ReplyTopics<Producer>

  /// - Parameters:
  ///   - partitionOf: where Kafka's default partitioner puts a user's key among the user partitions.
  public init<Log: EventLog>(
    _ log: Log, clientID: String, directory: PartitionDirectory<Store>,
    partitionOf: @escaping (RawSpan) -> Int32, environment: PredictEnvironment
  ) throws(StageError) where Log.Consumer == Consumer {
    let movies: MovieTable<Consumer>
    let quality: QualityTable<Consumer>
    let models: ModelTable<Consumer>
    do throws(LogError) {
      movies = try MovieTable(log, topology: environment.topology, clientID: clientID)
      quality = try QualityTable(log, topology: environment.topology, clientID: clientID)
      models = try ModelTable(log, clientID: clientID, environment)
    } catch { throw .log(error) }
    self.movies = movies
    self.quality = quality
    self.models = models
    self.directory = directory
    self.partitionOf = partitionOf
    self.environment = environment
    replyTopics = ReplyTopics(environment.topology)
    counts = environment.monitor.snapshot
    ranking = quality.ranking()
    rankedPrior = quality.prior
    rankedAt = environment.now()
  }

  public mutating func makeWorking(_ task: Partition) throws(StageError) -> PredictWorking<Store> {
    // Gone between two looks at the directory: the next look gives the partition up.
    guard let store = directory.store(of: task.partition) else { return PredictWorking(nil) }
    do throws(StoreError) { return PredictWorking(try store.snapshot()) } catch {
      throw .store(error)
    }
  }

  public mutating func beginBatch() throws(StageError) {
    batch.removeAll()
    addresses.removeAll(keepingCapacity: true)
    try poll()
  }

  public mutating func wantsRefresh() throws(StageError) -> Bool {
    try poll()
    publishCounts()
    return false
  }

  private mutating func poll() throws(StageError) {
    do throws(LogError) {
      try movies.poll()
      try quality.poll()
      if try models.poll() { batch.keep(models.models, shadow: models.shadow) }
    } catch { throw .log(error) }
  }

  /// Sorts all movies again if ratings have moved them: only for those who get them in that order.
  private mutating func refreshRanking() {
    let now = environment.now()
    guard quality.prior != rankedPrior, now - rankedAt >= Self.rankingAge else { return }
    ranking = quality.ranking()
    rankedPrior = quality.prior
    rankedAt = now
  }

  private mutating func publishCounts() {
    counts.modelVersion = models.promoted?.version
    counts.keptModels = models.models.map(\.version)
    counts.rejectedModels = models.rejected
    let counts = self.counts
    environment.monitor.update { $0 = counts }
  }

  // MARK: Requests

  public mutating func process(
    _ record: borrowing RecordView, _ working: inout PredictWorking<Store>, _ task: Partition
  ) throws(StageError) {
    let received = environment.now()
    let original = record.copyHeaders()
    let headers = RequestHeaders(original)
    if let deadline = headers.deadline, environment.time() > deadline {
      counts.late += 1
      return
    }
    let request: RecommendationRequest
    do throws(RequestError) {
      guard record.byteCount + original.byteCount <= Echo.most else { throw .tooLarge }
      request = try parser.parse(record.value)
      if headers.hasInvalidDeadline { throw .invalidDeadline(user: request.user) }
    } catch {
      return try refuse(record, headers, error, task)
    }
    key.removeAll()
    key.integer(request.user)
    let home = partitionOf(key.bytes)
    if home != task.partition {
      guard headers.isRerouted else { return try forward(record, original, to: home, task) }
      return try refuse(
        record, headers, .wrongPartition(user: request.user, environment.topology), task)
    }
    try enqueue(request, received: received, record, headers, &working, task)
  }

  /// Reads what the answer is computed from, and lets it wait for the end of the batch.
  private mutating func enqueue(
    _ request: RecommendationRequest, received: ContinuousClock.Instant,
    _ record: borrowing RecordView, _ headers: RequestHeaders,
    _ working: inout PredictWorking<Store>, _ task: Partition
  ) throws(StageError) {
    var model = models.promoted
    if let version = request.modelVersion {
      model = models[version]
      guard model != nil else {
        return try refuse(
          record, headers,
          .unknownModel(version, kept: models.models.map(\.version), user: request.user), task)
      }
    }
    guard let state = try working.read(request.user, into: &batch.ratings) else {
      environment.logger.error(
        "a user's state can't be read",
        metadata: ["partition": "\(task.partition)", "reason": "\(working.failure, default: "")"])
      return try refuse(record, headers, .unreadableState(user: request.user), task)
    }
    batch.questions.append(
      Question(request: request, received: received, state: state, model: model))
    addresses.append(Address(key: [UInt8]?(copying: record.key), headers: headers, task: task))
  }

  // MARK: Answers

  public mutating func closeBatch(_ working: inout PredictWorking<Store>, _ task: Partition)
    throws(StageError)
  {
    working.release()
    // The first partition to close answers for all of them.
    if !batch.questions.isEmpty { try answer() }
    publishCounts()
  }

  private mutating func answer() throws(StageError) {
    let shadow = models.shadow
    if !batch.answerPersonally(movies, atLeast: shadow == nil ? 1 : 10) {
      refreshRanking()
      batch.answerPopularly(ranking, movies)
    }
    for index in batch.questions.indices {
      let reply = batch.reply(index, catalog: movies, now: environment.now())
      switch reply.strategy {
      case .personal: counts.personal += 1
      case .popular: counts.popular += 1
      }
      value.removeAll()
      reply.write(to: &value)
      let address = addresses[index]
      try address.key.withSpan { (key) throws(StageError) in
        try send(key: key, address.headers, errorCode: nil, address.task)
      }
    }
    if let shadow { try answer(as: shadow) }
    batch.removeAll()
    addresses.removeAll(keepingCapacity: true)
  }

  /// What a shadow model would have answered, for those it has a personal answer for. Requests that
  /// name a model are none of its business.
  private mutating func answer(as shadow: ServingModel) throws(StageError) {
    batch.answerShadow(with: shadow, catalog: movies)
    for index in batch.questions.indices {
      guard let reply = batch.shadowReply(index, catalog: movies, now: environment.now()) else {
        continue
      }
      counts.shadows += 1
      counts.shadowOverlapSum += reply.comparison?.overlapAt10 ?? 0
      value.removeAll()
      reply.write(to: &value)
      let address = addresses[index]
      try address.key.withSpan { (key) throws(StageError) in
        try address.task.send(
          to: Self.shadows, key: key, value: value.bytes, headers: address.headers.correlation)
      }
    }
  }

  /// Sends the request, headers and all, to its user's partition. Marked, so that it goes once.
  private mutating func forward(
    _ record: borrowing RecordView, _ headers: [RecordHeader], to partition: Int32,
    _ task: Partition
  ) throws(StageError) {
    counts.forwarded += 1
    try task.send(
      to: Self.requests, partition: partition, key: record.key, value: record.value,
      headers: headers + [RecordHeader(RequestHeaders.rerouted, text: "1")],
      timestamp: Timestamps.kept(record.timestamp))
  }

  private mutating func refuse(
    _ record: borrowing RecordView, _ headers: RequestHeaders, _ error: RequestError,
    _ task: Partition
  ) throws(StageError) {
    counts.errors += 1
    value.removeAll()
    error.write(to: &value)
    try Echo.key(record.key).withSpan { (key) throws(StageError) in
      try send(key: key, headers, errorCode: error.code, task)
    }
  }

  /// Sends what is in `value` where the request wants it; where that is nowhere, to the default
  /// topic, so that the answer is not lost.
  private mutating func send(
    key: RawSpan?, _ headers: RequestHeaders, errorCode: String?, _ task: Partition
  ) throws(StageError) {
    var replyHeaders = headers.correlation
    if let errorCode {
      replyHeaders.append(RecordHeader(RequestHeaders.errorCode, text: errorCode))
    }
    if let target = try replyTopics.target(of: headers, task) {
      do throws(StageError) {
        return try task.send(
          to: target.topic, partition: target.partition, key: key, value: value.bytes,
          headers: replyHeaders)
      } catch {
        guard case .log(let error) = error, error.code == .unknownTopic else { throw error }
        replyTopics.forget(headers)
      }
    }
    try task.send(to: Self.replies, key: key, value: value.bytes, headers: replyHeaders)
  }
}
