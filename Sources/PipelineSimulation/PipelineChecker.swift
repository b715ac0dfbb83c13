import EventLog
import Pipeline
import Ratings
import RedisProjection
import Simulation
import StateStore
import Streams

/// Folds the facts of the pipeline's topics, and compares them with the plain fold of the ratings
/// fed.
struct PipelineChecker: ~Copyable {
  private let topology: Topology
  private let guarantee: ProcessingGuarantee
  private let projection: FeastProjection
  /// By physical name.
  private let topics: [String: TopicDeclaration]
  /// By partition of `validated-ratings`: where each event came from, by its offset.
  private var validated: [Int32: [Int64: SourceCoordinates]] = [:]
  private var validatedSources: Set<SourceCoordinates> = []
  private var verdicts: [String: Int] = [:]
  private var judgements: JudgementCheck
  private var validVerdicts = 0
  /// By the user stage, of which one event may get several when it is read several times.
  private var duplicateVerdicts = 0
  private var lateVerdicts = 0
  /// How many different ones those are.
  private var distinctSecondVerdicts = 0
  /// Whether events were read again, so that each may have several of everything.
  private var isReplayed = false
  private var deadLetters = 0
  private var changes = 0
  private var newest: [TopicDeclaration: [[UInt8]: MemoryRecord]] = [:]
  private var parser = CanonicalEventParser()
  private static let duplicate = Expectation.ratingUnique.name.description
  private static let late = Expectation.ratingNewest.name.description
  private static let refused = Expectation.retractsCount.name.description

  init(
    _ topology: Topology, _ guarantee: ProcessingGuarantee, _ projection: FeastProjection
  ) {
    self.topology = topology
    topics = Dictionary(uniqueKeysWithValues: topology.topics.map { (topology[$0], $0) })
    self.guarantee = guarantee
    self.projection = projection
    judgements = JudgementCheck(guarantee)
  }

  /// Notes that events will be read again.
  mutating func noteReplay() { isReplayed = true }

  private var isExact: Bool { guarantee == .exactlyOnce && !isReplayed }

  // MARK: Facts

  mutating func check(_ fact: LogFact, _ feed: RatingFeed) throws {
    switch fact {
    case .record(let placed): try take(placed, feed)
    case .transaction(_, let records, _): for placed in records { try take(placed, feed) }
    case .offsets(let commit):
      guard commit.stamp == .accepted, commit.group == topology.group(of: .intake) else { return }
      judgements.noteAcceptedMove(of: commit.offsets.keys.map(\.partition))
    }
  }

  private mutating func take(_ placed: PlacedRecord, _ feed: RatingFeed) throws {
    let record = placed.record
    guard let topic = topics[placed.place.topic] else { return }
    if topic == StageDeclaration.intake.positions { return try takePosition(record) }
    switch topic {
    case .validatedRatings: try takeValidated(placed, feed)
    case .validationResults: try takeVerdict(record, feed)
    case .control:
      if let place = record.key.flatMap({ PolicyPlace(key: $0.span.bytes) }) {
        judgements.take(record.value ?? [], of: place)
      }
    case .deadLetters: deadLetters += 1
    case .ratingsByMovie: changes += 1
    case .userFeatures, .movieFeatures:
      guard let key = record.key else { throw Violation("features have no key") }
      let known = newest[topic]?[key]?.offset ?? -1
      if record.offset > known { newest[topic, default: [:]][key] = record }
    default: break
    }
  }

  private mutating func takePosition(_ record: MemoryRecord) throws {
    guard let key = record.key, let value = record.value,
      let partition = Int32(String(decoding: key, as: UTF8.self)),
      let position = RecordedPosition(decoding: value.span.bytes)
    else { throw Violation("a recorded position can't be read") }
    judgements.take(position, of: partition)
  }

  private mutating func takeValidated(_ placed: PlacedRecord, _ feed: RatingFeed) throws {
    let value = placed.record.value ?? []
    let event = try parser.parse(value.span.bytes, recordTime: -1)
    guard feed.valid.contains(event.source) || feed.debatable.contains(event.source) else {
      throw Violation("\(event.source) was validated, and is none of the valid events")
    }
    guard placed.record.key == Array("\(event.user)".utf8) else {
      throw Violation("\(event.source) was validated under another user's key")
    }
    let isNew = validatedSources.insert(event.source).inserted
    if isExact, !isNew {
      throw Violation("\(event.source) was validated twice")
    }
    validated[placed.place.partition, default: [:]][placed.record.offset] = event.source
  }

  private mutating func takeVerdict(_ record: MemoryRecord, _ feed: RatingFeed) throws {
    let text = String(decoding: record.value ?? [], as: UTF8.self)
    verdicts[text, default: 0] += 1
    // A verdict names its event.
    if isExact, verdicts[text] != 1 {
      throw Violation("the verdict \(text) was sent twice")
    }
    let isDuplicate = text.contains(Self.duplicate)
    let isLate = text.contains(Self.late)
    if isDuplicate { duplicateVerdicts += 1 }
    if isLate { lateVerdicts += 1 }
    let isSecond = isDuplicate || isLate || text.contains(Self.refused)
    if !isSecond {
      let source = try judgements.take(record.value ?? [])
      if feed.debatable.contains(source) { return }
    }
    guard verdicts[text] == 1 else { return }
    if isSecond {
      distinctSecondVerdicts += 1
    } else if text.hasPrefix(#"{"valid":true,"#) {
      validVerdicts += 1
    }
  }

  // MARK: The user stage's state

  /// The plain fold of one partition's events below an offset.
  private func oracle(_ partitions: some Sequence<Int32>, below offset: Int64, _ feed: RatingFeed)
    -> FeatureOracle
  {
    var oracle = FeatureOracle()
    for partition in partitions {
      for (position, source) in (validated[partition] ?? [:]).sorted(by: { $0.key < $1.key }) {
        guard position < offset else { break }
        if let rating = feed.ratings[source] { oracle.apply(rating) }
      }
    }
    return oracle
  }

  func checkUserStore(_ partition: Int32, in storage: MemoryStorage, _ feed: RatingFeed) throws {
    let stage = StageDeclaration.user.name
    let meta = storage.contents(of: .meta, stage: stage, partition: partition)
    guard let encoded = meta[Position.key] else { return }
    let position = try Position(decoding: encoded.span.bytes).inputOffset
    let oracle = oracle([partition], below: position, feed)
    let rows = storage.contents(of: UserTables.ratings, stage: stage, partition: partition)
    let standing = oracle.standing
    for (pair, event) in standing {
      let key = StoreKey(pair.user, pair.movie).span.withUnsafeBytes { Array($0) }
      let stored = try rows[key].map { try UserRating(decoding: $0.span.bytes) }
      guard let stored, stored.rating?.stars == event.stars,
        stored.timeMilliseconds == event.milliseconds, stored.source == event.source
      else {
        throw Violation(
          "the store user[\(partition)] at \(position) has a wrong row of \(pair.user),"
            + " \(pair.movie)")
      }
    }
    guard rows.count == standing.count else {
      throw Violation(
        "the store user[\(partition)] at \(position) has \(rows.count) rows, not"
          + " \(standing.count)")
    }
    let users = storage.contents(of: UserTables.aggregates, stage: stage, partition: partition)
    let expectedUsers = Set(standing.keys.map(\.user))
    guard users.count == expectedUsers.count else {
      throw Violation(
        "the store user[\(partition)] at \(position) has \(users.count) users, not"
          + " \(expectedUsers.count)")
    }
    for user in expectedUsers {
      let key = StoreKey(user).span.withUnsafeBytes { Array($0) }
      let ratings = oracle.ratings(ofUser: user)
      let statistics = try users[key].map { try UserAggregate(decoding: $0.span.bytes).statistics }
      let sum = ratings.reduce(0) { $0 + $1.stars }
      guard let statistics, statistics.count == ratings.count,
        abs(statistics.mean * Double(statistics.count) - sum) < 1e-6
      else {
        throw Violation("the store user[\(partition)] at \(position) has user \(user) wrong")
      }
    }
  }

  // MARK: The end

  /// Describes what is not yet as it must be once all input is processed.
  ///
  /// - Parameter redis: `nil` leaves it out.
  func remaining(_ feed: RatingFeed, _ redis: MemoryRedis?) throws -> String? {
    // Without transactions a crash may come between an event's validation and its verdict, in
    // either order, and the next one is by other settings.
    let debatable = guarantee == .exactlyOnce ? judgements.accepted : validatedSources
    let expected = feed.valid.union(debatable.intersection(feed.debatable))
    guard validatedSources == expected else {
      return "\(validatedSources.count) events are validated, not \(expected.count)"
    }
    if let open = feed.debatable.first(where: { judgements.newest[$0] == nil }) {
      return "there is no verdict on \(open)"
    }
    let oracle = oracle(validated.keys.sorted(), below: .max, feed)
    let differences = oracle.differences(
      users: newest[.userFeatures] ?? [:], movies: newest[.movieFeatures] ?? [:])
    if let first = differences.first { return first }
    if let redis, let found = try redisDifference(redis) { return found }
    return outputDifference(oracle, feed)
  }

  private func outputDifference(_ oracle: FeatureOracle, _ feed: RatingFeed) -> String? {
    let debated = feed.debatable.reduce(0) { $0 + judgements.distinct(of: $1) }
    let invalidVerdicts = verdicts.count - validVerdicts - distinctSecondVerdicts - debated
    let isExactlyOnce = guarantee == .exactlyOnce
    // A crash may lose the letter of an event that is then found valid.
    let refused = isExactlyOnce ? judgements.refused : judgements.refusedLast
    let letters = feed.invalid.count + refused.intersection(feed.debatable).count
    if validVerdicts != feed.valid.count || invalidVerdicts != feed.invalid.count {
      return "there are verdicts of \(validVerdicts) valid and \(invalidVerdicts) invalid events,"
        + " not \(feed.valid.count) and \(feed.invalid.count)"
    }
    if isExactlyOnce
      ? duplicateVerdicts != oracle.duplicates : duplicateVerdicts < oracle.duplicates
    {
      return "there are \(duplicateVerdicts) verdicts on duplicates, not \(oracle.duplicates)"
    }
    if isExactlyOnce ? lateVerdicts != oracle.late : lateVerdicts < oracle.late {
      return "there are \(lateVerdicts) verdicts on late events, not \(oracle.late)"
    }
    if isExact ? deadLetters != letters : deadLetters < letters {
      return "there are \(deadLetters) dead letters, not \(letters)"
    }
    if isExactlyOnce ? changes != oracle.changes : changes < oracle.changes {
      return "there are \(changes) changes of ratings, not \(oracle.changes)"
    }
    return nil
  }

  /// Redis must have each entity's newest features, with their record's offset, and no others.
  private func redisDifference(_ redis: MemoryRedis) throws -> String? {
    let rows = redis.all
    let views: [(TopicDeclaration, FeastLayout)] = [
      (.userFeatures, projection.user), (.movieFeatures, projection.movie),
    ]
    for (view, (topic, layout)) in views.enumerated() {
      for (key, row) in rows where key.view == view && row.content != nil {
        let entity = layout.key.int64(of: key.bytes) ?? -1
        guard newest[topic]?[Array("\(entity)".utf8)] != nil else {
          return "Redis has \(topic.name) of \(entity), of whom there are none"
        }
      }
      for (entityText, record) in newest[topic] ?? [:] {
        guard let entity = DecimalText.parse(entityText.span.bytes) else { continue }
        var key: [UInt8] = []
        layout.key.append(entity, to: &key)
        let row = rows[MemoryRedis.Key(view: view, bytes: key)]
        guard let row, row.fence.offset == record.offset else {
          return "Redis has \(topic.name) of \(entity) from \(row?.fence.offset ?? -1), not from"
            + " \(record.offset)"
        }
        guard try values(row) == features(record, view: view) else {
          return "Redis has wrong \(topic.name) of \(entity)"
        }
      }
    }
    return nil
  }

  /// Count and mean, the first two features of either view.
  private func features(_ record: MemoryRecord, view: Int) throws -> [FeastValue?]? {
    guard let value = record.value else { return nil }
    let ratings: RatingFeatures
    if view == 0 {
      var parser = UserFeaturesParser()
      ratings = try parser.parse(value.span.bytes).ratings
    } else {
      var parser = MovieFeaturesParser()
      ratings = try parser.parse(value.span.bytes).ratings
    }
    return [.int64(ratings.count), .double(ratings.mean)]
  }

  private func values(_ row: MemoryRedis.Row) throws(Violation) -> [FeastValue?]? {
    guard row.content != nil else { return nil }
    guard let parts = row.parts(3) else { throw Violation("a row in Redis is cut short") }
    // The time comes first.
    return parts.dropFirst().map { FeastValue(serialized: $0.span.bytes) }
  }
}
