import EventLog
import Logging
import Simulation
import Synchronization
import Testing

@testable import Codecs
@testable import Pipeline
@testable import Ratings
@testable import Recommender

/// How models come, go and are refused while requests are answered.
@Suite struct ModelTableTests {
  private let bed = ServingBed()
  private static let movies = Array(Int64(1)...30)

  private func prepare() throws {
    for movie in Int64(1)...5 { try bed.chain.rate(7, movie, 4, at: ServingBed.start + movie) }
    try bed.chain.runAll()
  }

  /// Asks before and after something happens in the middle of a run of the stage, and gives both
  /// replies with the stage's counts.
  private func answers(
    _ serving: Chain.Serving = Chain.Serving(),
    around event: @escaping @Sendable (MemoryLog) throws -> Void
  ) throws -> (before: ReplyRecord, after: ReplyRecord, counts: PredictStatus) {
    let start = try bed.replies().count
    let chain = bed.chain
    try bed.ask(7)
    let counts = try chain.runPredict(
      serving,
      Chain.Run(onIdle: { count in
        #expect(throws: Never.self) {
          if count == 5 { try event(chain.log) }
          // What a poll takes in is little: a model needs a few.
          if count == 25 { try ServingBed(chain: chain).ask(7) }
        }
      }))
    let replies = try bed.replies().dropFirst(start)
    #expect(replies.count == 2)
    return (try #require(replies.first), try #require(replies.last), counts)
  }

  private static func publish(
    _ model: PublishedModel, promoting version: String?, to log: MemoryLog
  ) throws {
    for (key, value) in ServingBed.records(model) { try ServingBed.append(key, value, to: log) }
    guard let version else { return }
    var writer = JSONWriter()
    ModelPromotion(version: version).write(to: &writer)
    try ServingBed.append(.role(.serving), writer.copyBytes(), to: log)
  }

  // MARK: Promotion

  @Test func aPromotedModelServesFromTheNextBatchOn() throws {
    try prepare()
    let old = ServingBed.model(movies: Self.movies, factors: 4, seed: 1)
    let new = ServingBed.model(movies: Self.movies, factors: 7, seed: 2)
    try bed.publish(old)
    let (before, after, counts) = try answers {
      try Self.publish(new, promoting: new.model.version, to: $0)
    }
    #expect(before.modelVersion == old.model.version)
    #expect(after.modelVersion == new.model.version)
    #expect(counts.modelVersion == new.model.version)
    #expect(counts.keptModels == [old.model.version, new.model.version])
    let ratings = before.features?.ratingCount
    #expect(ratings == 5 && after.features?.ratingCount == 5)
  }

  @Test(arguments: [false, true])
  func aPromotionMayComeBeforeItsModel(_ isCompacted: Bool) throws {
    try prepare()
    let old = ServingBed.model(movies: Self.movies, seed: 1)
    let new = ServingBed.model(movies: Self.movies, seed: 2)
    try bed.publish(old)
    try bed.promote(new.model.version)
    if isCompacted { try bed.chain.log.compact(TopicPartition(Topics.models, 0)) }
    let (before, after, _) = try answers { try Self.publish(new, promoting: nil, to: $0) }
    if isCompacted {
      // Which model served before is not known any more.
      #expect(before.strategy == "popular" && before.modelVersion == nil)
    } else {
      #expect(before.modelVersion == old.model.version)
    }
    #expect(after.modelVersion == new.model.version)
  }

  @Test func aModelThatIsPromotedIncompleteLeavesTheOneBefore() throws {
    try prepare()
    let old = ServingBed.model(movies: Self.movies, seed: 1)
    let new = ServingBed.model(movies: Self.movies, seed: 2)
    try bed.publish(old)
    let (_, after, counts) = try answers { log in
      var writer = JSONWriter()
      ModelPromotion(version: new.model.version).write(to: &writer)
      // The metadata, and no part.
      for (key, value) in ServingBed.records(new) where key == .metadata(version: new.model.version)
      {
        try ServingBed.append(key, value, to: log)
      }
      try ServingBed.append(.role(.serving), writer.copyBytes(), to: log)
    }
    #expect(after.modelVersion == old.model.version)
    #expect(counts.keptModels == [old.model.version])
  }

  @Test func aDeletedModelServesNoMore() throws {
    try prepare()
    let model = ServingBed.model(movies: Self.movies)
    let version = try bed.publish(model)
    let messages = Messages()
    let (before, after, counts) = try answers(Chain.Serving(logger: messages.logger)) {
      try ServingBed.append(.metadata(version: version), nil, to: $0)
    }
    // It is searched for in the topic, where its first records are still to be found.
    #expect(messages.count("a model serves") == 1)
    #expect(messages.count("no model serves any more") == 1)
    #expect(messages.count("the promoted model is not complete") == 1)
    #expect(before.strategy == "personal")
    #expect(after.strategy == "popular" && after.modelVersion == nil)
    #expect(counts.keptModels.isEmpty && counts.modelVersion == nil)
  }

  // MARK: Damage

  @Test func damagedPartsAreRefusedOnceAndNeverServed() throws {
    try prepare()
    let old = ServingBed.model(movies: Self.movies, seed: 1)
    let new = ServingBed.model(movies: Self.movies, seed: 2)
    try bed.publish(old)
    let messages = Messages()
    let (_, after, counts) = try answers(Chain.Serving(logger: messages.logger)) { log in
      for _ in 0..<3 {
        for (key, value) in ServingBed.records(new) {
          var value = value
          if case .part = key { value[value.count / 2] ^= 1 }
          try ServingBed.append(key, value, to: log)
        }
      }
      var writer = JSONWriter()
      ModelPromotion(version: new.model.version).write(to: &writer)
      try ServingBed.append(.role(.serving), writer.copyBytes(), to: log)
    }
    #expect(after.modelVersion == old.model.version)
    #expect(counts.rejectedModels >= 3)
    #expect(messages.count("is refused") == 1)
    #expect(messages.count("the promoted model is not complete") == 1)
  }

  @Test func aDamagedModelIsMendedByItsPart() throws {
    try prepare()
    let model = ServingBed.model(movies: Self.movies)
    let (before, after, _) = try answers { log in
      let records = ServingBed.records(model)
      for (key, value) in records {
        if case .part = key {
          try ServingBed.append(key, Array(value.dropLast()), to: log)
        } else {
          try ServingBed.append(key, value, to: log)
        }
      }
      try Self.publish(model, promoting: model.model.version, to: log)
    }
    #expect(before.strategy == "popular" && before.modelVersion == nil)
    #expect(after.modelVersion == model.model.version)
  }

  @Test func foreignRecordsAreRefused() throws {
    try prepare()
    let version = try bed.publish(ServingBed.model(movies: Self.movies))
    for (key, value) in [(nil, "x"), ("a/b/c", "x"), (version, "{}"), ("promoted", "[]")]
      as [(String?, String)]
    {
      try bed.chain.log.append(
        to: TopicPartition(Topics.models, 0), key: key.map { Array($0.utf8) },
        value: Array(value.utf8))
    }
    let counts = try bed.chain.runPredict()
    #expect(counts.rejectedModels == 4)
    #expect(counts.modelVersion == version)
  }

  // MARK: Kept models

  @Test func requestsNameTheModelsThatAreKept() throws {
    try prepare()
    let versions = try (1...5).map {
      try bed.publish(
        ServingBed.model(movies: Self.movies, seed: UInt64($0)), promoted: $0 == 1)
    }
    let serving = Chain.Serving(keptModels: 2)
    // The promoted one, and the two newest.
    for version in [versions[0], versions[3], versions[4]] {
      let reply = try bed.answer(7, #","model_version":"\#(version)""#, serving)
      #expect(reply.modelVersion == version && reply.strategy == "personal")
    }
    for version in [versions[1], "never-there"] {
      let reply = try bed.answer(7, #","model_version":"\#(version)""#, serving)
      #expect(reply.error?.code == "unknown_model")
      #expect(reply.error?.message.contains(versions[4]) == true)
    }
    // Several models in one batch.
    let before = try bed.replies().count
    for version in [versions[4], versions[0], versions[4], versions[3]] {
      try bed.ask(7, #","model_version":"\#(version)""#)
    }
    try bed.ask(7)
    try bed.chain.runPredict(serving)
    #expect(
      try bed.replies().dropFirst(before).map(\.modelVersion)
        == [versions[4], versions[0], versions[4], versions[3], versions[0]])
  }

  @Test func aModelNoLongerKeptCanBePromoted() throws {
    try prepare()
    let versions = try (1...4).map {
      try bed.publish(ServingBed.model(movies: Self.movies, seed: UInt64($0)))
    }
    let serving = Chain.Serving(keptModels: 1)
    let (before, after, counts) = try answers(serving) { log in
      var writer = JSONWriter()
      ModelPromotion(version: versions[0]).write(to: &writer)
      try ServingBed.append(.role(.serving), writer.copyBytes(), to: log)
    }
    #expect(before.modelVersion == versions[3])
    #expect(after.modelVersion == versions[0])
    #expect(counts.keptModels.contains(versions[0]))
    // The same after a restart, which reads the promotion last.
    #expect(try bed.answer(7, "", serving).modelVersion == versions[0])
  }

  @Test func requestsAreAnsweredWhileAModelIsPutTogether() throws {
    try prepare()
    let old = ServingBed.model(movies: Self.movies, seed: 1)
    let new = ServingBed.model(movies: Self.movies, seed: 2)
    try bed.publish(old)
    let background = Background()
    let (_, after, _) = try answers(Chain.Serving(inBackground: background.add)) {
      try Self.publish(new, promoting: new.model.version, to: $0)
    }
    // Nothing has run in the background yet.
    #expect(after.modelVersion == old.model.version)
    #expect(background.count == 1)
    background.runAll()
    #expect(try bed.answer(7).modelVersion == new.model.version)
  }

  // MARK: Shadow

  @Test func aShadowAnswersBeside() throws {
    try prepare()
    let live = ServingBed.model(movies: Self.movies, seed: 1)
    let shadow = ServingBed.model(movies: Self.movies, factors: 6, seed: 2)
    try bed.publish(live)
    try bed.publish(shadow, promoted: false)
    let correlation = RecordHeader("kafka_correlationId", [7, 7])
    try bed.ask(7, #","num_recommendations":3"#, headers: [correlation])
    try bed.ask(8)
    try bed.ask(7, #","model_version":"\#(live.model.version)""#)
    let counts = try bed.chain.runPredict(
      Chain.Serving(keptModels: 1, shadowModel: shadow.model.version))
    #expect(try bed.replies().map(\.strategy) == ["personal", "popular", "personal"])
    let records = try bed.chain.records(Topics.shadow)
    let record = try #require(records.first)
    #expect(records.count == 1 && record.headers == [correlation])
    #expect(record.key == Array("7".utf8))
    let reply = try ReplyRecord(record)
    #expect(reply.modelVersion == shadow.model.version)
    #expect(reply.liveModelVersion == live.model.version)
    #expect(reply.recommendations?.count == 3)
    let four = try #require(HalfStars(stars: 4))
    let five = (Int64(1)...5).map { movie in
      MovieRating(
        movie: movie,
        rating: TimedRating(rating: four, timeMilliseconds: (ServingBed.start + movie) * 1000))
    }
    let liveTen = Set(ServingBed.oracle(live.model, five, count: 10).map(\.movie))
    let shadowTen = ServingBed.oracle(shadow.model, five, count: 10).map(\.movie)
    let overlap = Double(shadowTen.count { liveTen.contains($0) }) / 10
    #expect(reply.recommendations?.map(\.movieId) == Array(shadowTen.prefix(3)))
    #expect(reply.overlapAt10 == overlap)
    #expect(counts.shadows == 1 && counts.shadowOverlap == overlap)
    #expect(overlap < 1)
  }

  /// A shadow that is missing, that fails, or that answers.
  @Test func liveRepliesDoNotDependOnTheShadow() throws {
    try prepare()
    let live = ServingBed.model(movies: Self.movies, seed: 1)
    let good = ServingBed.model(movies: Self.movies, seed: 2)
    let ignorant = ServingBed.model(movies: [1_000], seed: 3)
    let finite = ServingBed.model(movies: Self.movies, seed: 4).model
    var contents = finite.contents
    contents.factors = finite.factors.map { _ in 1e30 }
    let unsolvable = PublishedModel(metadata: finite.metadata, contents: contents)
    try bed.publish(live)
    for model in [good, ignorant, unsolvable] { try bed.publish(model, promoted: false) }
    func replies(_ shadow: String?) throws -> [[UInt8]?] {
      let before = try bed.replies().count
      try bed.ask(7, #","num_recommendations":3"#)
      try bed.ask(8)
      try bed.ask(7, #","model_version":"\#(good.model.version)""#)
      try bed.chain.runPredict(Chain.Serving(keptModels: 4, shadowModel: shadow))
      return try bed.chain.records(Topics.recommendations).dropFirst(before).map(\.value)
    }
    let expected = try replies(nil)
    #expect(expected.count == 3)
    for version in ["never-there", unsolvable.model.version, ignorant.model.version] {
      #expect(try replies(version) == expected)
      #expect(try bed.chain.records(Topics.shadow).isEmpty)
    }
    #expect(try replies(good.model.version) == expected)
    #expect(try bed.chain.records(Topics.shadow).count == 1)
  }
}

/// Work that waits until a test lets it run.
private final class Background: Sendable {
  private let work = Mutex<[@Sendable () -> Void]>([])

  var count: Int { work.withLock { $0.count } }

  func add(_ body: @escaping @Sendable () -> Void) { work.withLock { $0.append(body) } }

  func runAll() {
    let all = work.withLock { work in
      defer { work = [] }
      return work
    }
    for body in all { body() }
  }
}

/// What was logged.
private final class Messages: Sendable {
  private let lines = Mutex<[String]>([])

  var logger: Logger {
    Logger(label: "test", factory: { _ in Handler(messages: self) })
  }

  func count(_ text: String) -> Int { lines.withLock { $0.count { $0.contains(text) } } }

  private struct Handler: LogHandler {
    let messages: Messages
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      messages.lines.withLock { $0.append("\(event.message)") }
    }
  }
}
