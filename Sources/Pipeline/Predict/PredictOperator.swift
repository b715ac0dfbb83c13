public import EventLog
import Logging
import Ratings
import Recommender
public import StateStore
public import Streams

/// Answers recommendation requests from the last committed state of their users.
///
/// It follows the user stage's partitions, because a user's ratings are in the store of the user's
/// partition. A request in another partition (one with a null key, say) is forwarded to the right
/// one, once.
///
/// Requests wait for the end of their batch, whatever their partition: one matrix product then
/// scores all movies for all of them. A batch ends when its input is dry, so its size follows the
/// queue's, and a single request is answered at once.
public struct PredictOperator<
  Store: StateStore, Producer: LogProducer, Consumer: LogConsumer
>: StageOperator, ~Copyable {
  public typealias State = UserStateView<Store>
  public typealias Partition = PartitionTask<Store, Producer>
  private typealias Destination = ReplyDestination<Store, Producer>

  /// How old the ranking may get while ratings keep moving it.
  private static var maximumRankingAge: Duration { .milliseconds(250) }

  private let directory: PartitionDirectory<Store>
  private let environment: PredictEnvironment
  private let movies: MovieTable<Consumer>
  private let quality: QualityTable<Consumer>
  private let models: ModelTable<Consumer>
  private var ranking: PopularityRanking
  private var rankedPrior: CatalogPrior
  private var rankedAt: ContinuousClock.Instant
  private var admission: RequestAdmission
  private var batch = RequestBatch<Destination>()
  private var rankers: ModelRankers
  private var replies: ReplySender<Store, Producer>
  private var counts: PredictStatus
  private var outcomes = RequestOutcomes()
  private var oldRequests = OldRequests()
  private var news = ModelNews()

  /// - Parameters:
  ///   - partitionOf: where Kafka's default partitioner puts a user's key among the user
  ///     partitions.
  public init<Log: EventLog>(
    _ log: Log, clientID: String, directory: PartitionDirectory<Store>,
    partitionOf: @escaping (RawSpan) -> Int32, environment: PredictEnvironment
  ) throws(StageError) where Log.Consumer == Consumer {
    let movies: MovieTable<Consumer>
    let quality: QualityTable<Consumer>
    let models: ModelTable<Consumer>
    do throws(LogError) {
      movies = try MovieTable(
        log, topology: environment.topology, clientID: clientID,
        isRequired: environment.requiresCatalog, faults: environment.catalogFaults)
      quality = try QualityTable(log, topology: environment.topology, clientID: clientID)
      models = try ModelTable(log, clientID: clientID, environment)
    } catch { throw .log(error) }
    self.movies = movies
    self.quality = quality
    self.models = models
    self.directory = directory
    self.environment = environment
    admission = RequestAdmission(
      partitionOf: partitionOf, time: environment.time, maxAge: environment.maxAge)
    rankers = ModelRankers(diversity: GenreDiversity(percent: environment.diversityPercent))
    replies = ReplySender(environment)
    counts = environment.monitor.snapshot
    ranking = quality.ranking()
    rankedPrior = quality.prior
    rankedAt = environment.now()
  }

  public mutating func makeState(_ task: Partition) throws(StageError) -> UserStateView<Store> {
    // The partition may be gone since the last look at the directory; the next look gives it up.
    guard let store = directory.store(of: task.partition) else { return UserStateView(nil) }
    do throws(StoreError) { return UserStateView(try store.snapshot()) } catch {
      throw .store(error)
    }
  }

  public mutating func beginBatch() throws(StageError) {
    batch.removeAll()
    outcomes.removeAll()
    try poll()
  }

  public mutating func wantsRefresh() throws(StageError) -> Bool {
    try poll()
    publishCounts()
    return news.isDue(at: environment.now(), directory.shown)
  }

  public mutating func refresh(_ working: inout UserStateView<Store>, _ task: Partition)
    throws(StageError)
  {
    try tellHits(task)
  }

  public mutating func report() -> BatchReport {
    var report = news.report(at: environment.now())
    outcomes.add(to: &report)
    return report
  }

  private mutating func poll() throws(StageError) {
    do throws(LogError) {
      try movies.poll()
      try quality.poll()
      if try models.poll() { rankers.keep(models.inUse) }
    } catch { throw .log(error) }
    news.note(models.choice)
    directory.shown.keep(directory, shadow: models.shadow?.version)
  }

  private mutating func publishCounts() {
    counts.modelVersion = models.promoted?.version
    counts.keptModels = models.models.map(\.version)
    counts.rejectedModels = models.rejected
    counts.detoured = replies.detoured
    counts.skippedMovies = environment.catalogFaults.count
    let counts = self.counts
    environment.monitor.update { $0 = counts }
    oldRequests.report(
      to: environment.logger, maxAge: environment.maxAge, now: environment.now())
  }

  // MARK: Requests

  public mutating func process(
    _ records: borrowing RecordRun, _ working: inout UserStateView<Store>, _ task: Partition
  ) throws(StageError) {
    for index in records.indices { try take(records[index], &working, task) }
  }

  private mutating func take(
    _ record: borrowing RecordView, _ working: inout UserStateView<Store>, _ task: Partition
  ) throws(StageError) {
    let received = environment.now()
    let original = record.copyHeaders()
    let headers = RequestHeaders(original)
    let disposition = admission.disposition(
      of: record, headerBytes: original.byteCount, headers, partition: task.partition)
    count(disposition)
    switch disposition {
    case .expired: break
    case .old(let age): oldRequests.note(age: age)
    case .refused(let error): try replies.refuse(record, headers, error, task)
    case .misrouted(let home): try replies.forward(record, original, to: home, task)
    case .accepted(let request):
      try enqueue(request, received: received, record, headers, &working, task)
    }
  }

  /// Adds the request to the batch, or refuses it if its model or its user's state is missing.
  private mutating func enqueue(
    _ request: RecommendationRequest, received: ContinuousClock.Instant,
    _ record: borrowing RecordView, _ headers: RequestHeaders,
    _ working: inout UserStateView<Store>, _ task: Partition
  ) throws(StageError) {
    let model: ServingModel?
    do throws(RequestError) { model = try models.model(for: request) } catch {
      count(.refused(error))
      return try replies.refuse(record, headers, error, task)
    }
    let isAdded = try batch.add(
      request, received: received, moment: admission.moment(of: record), model: model,
      from: &working,
      to: Destination(key: [UInt8]?(copying: record.key), headers: headers, task: task))
    guard !isAdded else { return }
    environment.logger.error(
      "a user's state can't be read",
      metadata: ["partition": "\(task.partition)", "reason": "\(working.failure, default: "")"])
    let error = RequestError.unreadableState(user: request.user)
    count(.refused(error))
    try replies.refuse(record, headers, error, task)
  }

  private mutating func count(_ disposition: RequestDisposition) {
    counts.count(disposition)
    outcomes.count(disposition)
  }

  // MARK: Answers

  public mutating func closeBatch(_ working: inout UserStateView<Store>, _ task: Partition)
    throws(StageError)
  {
    working.release()
    // The first partition to close answers for all of them.
    if !batch.isEmpty { try answer() }
    if news.isDue(at: environment.now(), directory.shown) { try tellHits(task) }
    publishCounts()
  }

  private mutating func answer() throws(StageError) {
    var open = RequestBatch<Destination>()
    swap(&open, &batch)
    let shadow = models.shadow
    let scored = open.scored(
      by: &rankers, movies, atLeast: shadow == nil ? 1 : ShadowComparison.depth)
    if scored.needsPopularLists { refreshRanking() }
    let answered = scored.answered(by: ranking, movies)
    for index in answered.indices {
      let reply = answered.reply(to: index, movies, now: environment.now())
      counts.count(reply)
      outcomes.count(reply, askedAt: answered.moment(of: index))
      try replies.send(reply, to: answered.destination(of: index))
    }
    if let shadow { try sendAnswers(of: shadow, to: answered) }
    batch = answered.emptied(&rankers)
  }

  private mutating func sendAnswers(
    of shadow: ServingModel, to answered: borrowing AnsweredBatch<Destination>
  ) throws(StageError) {
    let answers = answered.shadowAnswers(of: shadow, &rankers, movies)
    for index in answered.indices {
      let reply = answered.reply(to: index, by: answers, movies, now: environment.now())
      guard let reply else { continue }
      counts.count(reply)
      outcomes.count(shadow: reply)
      let destination = answered.destination(of: index)
      try replies.sendShadow(reply, to: destination)
      let partition = destination.task.partition
      guard let (user, live, lists) = answered.shown(index, by: answers) else { continue }
      directory.shown.show(lists, to: user, in: partition, by: live, shadow: shadow.version) {
        models.hits(of: shadow.version, against: live, in: partition)
      }
    }
    answers.discard(&rankers)
  }

  /// Puts on record what a shadow has hit in a partition.
  private mutating func tellHits(_ task: Partition) throws(StageError) {
    guard let (shadow, tally) = directory.shown.takeNews(of: task.partition) else { return }
    try replies.sendHits(tally, of: shadow, task)
    news.note(tally, of: shadow, in: task.partition)
  }

  /// Sorts all movies again if ratings have moved them: only popular lists need the order.
  private mutating func refreshRanking() {
    let now = environment.now()
    guard quality.prior != rankedPrior, now - rankedAt >= Self.maximumRankingAge else { return }
    ranking = quality.ranking()
    rankedPrior = quality.prior
    rankedAt = now
  }
}
