import EventLog
import Ratings
import Simulation
import StateStore
import Streams
import Synchronization
import TestSupport
import Testing

@testable import Pipeline
@testable import Recommender

/// What a shadow hits, counted by the stages themselves.
@Suite struct ShadowHitTests {
  private let bed = ServingBed(partitions: 2)
  private let directory = PartitionDirectory<MemoryStore>()

  /// A live model and a shadow, and users who have rated.
  private func start() throws -> (live: String, shadow: String) {
    for user in Int64(1)...6 {
      for movie in Int64(1)...3 {
        try bed.chain.rate(user, movie, 3, at: ServingBed.start + movie)
      }
    }
    try bed.chain.runAll()
    let live = try bed.publish(ServingBed.model(movies: Array(1...60), seed: 1))
    let shadow = try bed.publish(
      ServingBed.model(movies: Array(1...60), seed: 2), promoted: false)
    try bed.append(
      .role(.shadow),
      Array(written { ModelPromotion(version: shadow).write(to: &$0) }.utf8))
    return (live, shadow)
  }

  private func tally(_ shadow: String, _ live: String) throws -> HitTally {
    try ModelCatalog(reading: bed.chain.log, topology: Chain.topology, clientID: "t")
      .notes.hits(of: shadow, against: live)
  }

  private func predict(_ events: EventSink = .none) throws {
    var run = Chain.Run()
    run.events = events
    try bed.chain.runPredict(.init(), run, directory: directory)
  }

  @Test func nextRatingsAreHeldAgainstBothLists() throws {
    let (live, shadow) = try start()
    for user in Int64(1)...6 { try bed.ask(user) }
    let events = Mutex<[EngineEvent.Kind]>([])
    let sink = EventSink { event in events.withLock { $0.append(event.kind) } }
    try predict(sink)
    let shown = Dictionary(
      uniqueKeysWithValues: try bed.replies().map {
        ($0.userId ?? 0, $0.recommendations?.map(\.movieId) ?? [])
      })
    let shadowed = Dictionary(
      uniqueKeysWithValues: try bed.chain.records(Topics.shadow).map { try ReplyRecord($0) }.map {
        ($0.userId ?? 0, $0.recommendations?.map(\.movieId) ?? [])
      })
    var expected = HitTally(against: live)
    for user in Int64(1)...5 {
      let list = try #require(user % 2 == 0 ? shown[user] : shadowed[user])
      let movie = list[Int(user)]
      let stars = user == 5 ? 1.0 : 5.0
      try bed.chain.rate(user, movie, stars, at: ServingBed.start + 100)
      // Another one changes nothing, nor does the same again.
      try bed.chain.rate(user, list[0], 4, at: ServingBed.start + 101)
      expected.judged += 1
      if shown[user]?.contains(movie) == true {
        expected.live.all += 1
        if stars > 3 { expected.live.liked += 1 }
      }
      if shadowed[user]?.contains(movie) == true {
        expected.shadow.all += 1
        if stars > 3 { expected.shadow.liked += 1 }
      }
    }
    try bed.chain.runIntake()
    try bed.chain.runUser(directory: directory)
    try predict(sink)
    #expect(try tally(shadow, live) == expected)
    #expect(expected.shadow.all > 1 && expected.live.all > 1)
    let told = events.withLock { $0 }
    let choices = told.compactMap { kind -> ModelChoice? in
      if case .modelsChanged(let choice) = kind { choice } else { nil }
    }
    #expect(!choices.isEmpty && choices.allSatisfy { $0.serving == live && $0.shadow == shadow })
    #expect(choices.allSatisfy { $0.newestRating == EventTime.millisecondsPerDay })
    let counted = told.compactMap { kind -> HitCounts? in
      if case .hitsCounted(_, let counts) = kind { counts } else { nil }
    }
    #expect(counted.reduce(0) { $0 + $1.judged } == 5 && counted.allSatisfy { $0.shadow == shadow })
    // Another instance goes on from what is on record.
    let other = PartitionDirectory<MemoryStore>()
    try bed.ask(6)
    try bed.chain.runPredict(directory: other)
    try bed.chain.rate(6, 1, 3, at: ServingBed.start + 200)
    try bed.chain.runIntake()
    try bed.chain.runUser(directory: other)
    try bed.chain.runPredict(directory: other)
    #expect(try tally(shadow, live).judged == 6)
  }

  /// What comes back when an event is taken back by name is no rating that follows a list.
  @Test func aRatingThatComesBackJudgesNoList() throws {
    let (live, shadow) = try start()
    try bed.chain.rate(1, 9, 4, at: ServingBed.start + 50)
    let named = try bed.chain.rate(1, 9, 1, at: ServingBed.start + 60)
    try bed.chain.runIntake()
    try bed.chain.runUser(directory: directory)
    try bed.ask(1)
    try predict()
    let changes = try bed.chain.records(Topics.ratingsByMovie).count
    let takeBack =
      #"{"user_id":1,"movie_id":9,"rating":null,"timestamp":\#(ServingBed.start + 10),"#
      + #""retracts":"0:\#(named)"}"#
    try bed.chain.log.append(
      to: TopicPartition(Topics.userRatings, 0), key: nil, value: Array(takeBack.utf8),
      timestamp: (ServingBed.start + 70) * 1000)
    try bed.chain.runIntake()
    try bed.chain.runUser(directory: directory)
    try predict()
    #expect(try bed.chain.records(Topics.ratingsByMovie).count == changes + 1)
    #expect(try tally(shadow, live).judged == 0)
    try bed.chain.rate(1, 9, 2, at: ServingBed.start + 80)
    try bed.chain.runIntake()
    try bed.chain.runUser(directory: directory)
    try predict()
    #expect(try tally(shadow, live).judged == 1)
  }

  @Test func withoutAShadowNothingIsCounted() throws {
    let (_, shadow) = try start()
    try bed.append(.role(.shadow), nil)
    try bed.ask(1)
    try predict()
    try bed.chain.rate(1, 9, 5, at: ServingBed.start + 100)
    try bed.chain.runIntake()
    try bed.chain.runUser(directory: directory)
    try predict()
    #expect(
      try ModelCatalog(reading: bed.chain.log, topology: Chain.topology, clientID: "t")
        .notes.hits[shadow] == nil)
    #expect(try bed.chain.records(Topics.shadow).isEmpty)
  }
}
