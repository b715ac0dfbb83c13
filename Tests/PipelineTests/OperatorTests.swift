import EventLog
import PipelineSimulation
import Ratings
import Simulation
import StateStore
import Streams
import Synchronization
import Testing

@testable import Pipeline

/// Single promises of the stages before predict.
@Suite struct OperatorTests {
  static let start: Int64 = 1_600_000_000

  @Test(arguments: ProcessingGuarantee.allCases)
  func eventsThatCameBeforeChangeNothing(_ guarantee: ProcessingGuarantee) throws {
    let chain = Chain(guarantee, partitions: 2)
    for number in Int64(0)..<60 {
      let stars: Double? = number % 7 == 6 ? nil : Double(1 + number % 5)
      try chain.rate(
        number % 4, number % 3, stars, at: Self.start + number, partition: Int32(number % 2))
    }
    try chain.runAll()
    let outputs = try Outputs(chain)
    #expect(outputs.userFeatures > 0 && outputs.changes > 0)
    let events = try chain.records(Topics.validatedRatings).count
    for topic in [Topics.validatedRatings, Topics.ratingsByMovie] {
      for partition in 0..<chain.partitions {
        let place = TopicPartition(topic, partition)
        for record in try chain.log.records(of: place) {
          try chain.log.append(
            to: place, key: record.key, value: record.value, timestamp: record.timestamp)
        }
      }
    }
    try chain.runUser()
    #expect(try chain.records(Topics.ratingsByMovie).count == 2 * outputs.changes)
    try chain.runMovie()
    let after = try Outputs(chain)
    #expect(after.userFeatures == outputs.userFeatures)
    // Each says that it has changed nothing.
    #expect(after.verdicts == outputs.verdicts + events)
    #expect(after.movieFeatures == outputs.movieFeatures)
    #expect(after.users == outputs.users && after.movies == outputs.movies)
  }

  /// A compressed record can be larger than anything that is written of it.
  @Test func whatIsTooLargeToBeRepeatedIsNot() throws {
    let chain = Chain()
    let source = TopicPartition(Topics.userRatings, 0)
    let key = [UInt8](repeating: 1, count: 100_000)
    let values = [2 << 20, 17 << 20].map { [UInt8](repeating: UInt8(ascii: " "), count: $0) }
    let header = RecordHeader("mine", text: "x")
    for value in values {
      try chain.log.append(to: source, key: key, value: value, headers: [header], timestamp: 1)
    }
    try chain.runIntake()
    #expect(try chain.records(Topics.validationResults).map(\.key) == [nil, nil])
    let letters = try chain.records(Topics.deadLetters)
    #expect(letters.map(\.value) == [values[0], nil])
    #expect(letters.map(\.key) == [key, nil])
    #expect(letters.allSatisfy { $0.headers.contains(header) })
    let reasons = letters.map { letter in
      letter.headers.first { $0.name == "projectionist.reason" }?.value
    }
    #expect(reasons == [Array("validation_failed".utf8), Array("too_large".utf8)])
  }

  /// Headers are more than their names and values: millions of tiny ones fill a record.
  @Test func manyTinyHeadersAreNotRepeatedEither() throws {
    let chain = Chain()
    let headers = [RecordHeader](repeating: RecordHeader("a", nil), count: 2_000_000)
    try chain.log.append(
      to: TopicPartition(Topics.userRatings, 0), key: nil, value: [0x7B], headers: headers,
      timestamp: 1)
    try chain.runIntake()
    let letter = try #require(try chain.records(Topics.deadLetters).first)
    #expect(letter.value == nil && letter.headers.count < 20)
    #expect(letter.headers.contains(RecordHeader("projectionist.reason", text: "too_large")))
  }

  /// Nobody outside can choose users and movies whose rows are found slowly.
  @Test func ratingKeysDoNotCollideOnDemand() {
    let keys = (Int64(1)...1000).map { user in
      RatingKey(user: user, movie: (user &* 0x1E37_79B9_7F4A_7C15) ^ 0x5555)
    }
    #expect(Set(keys.map(\.hashValue)).count > 990)
  }

  private struct Outputs {
    var userFeatures: Int
    var verdicts: Int
    var changes: Int
    /// Newest values by key: a refresh may repeat them.
    var movieFeatures: [[UInt8]: [UInt8]?]
    var users: [[[UInt8]: [UInt8]]]
    var movies: [[[UInt8]: [UInt8]]]

    init(_ chain: Chain) throws {
      userFeatures = try chain.records(Topics.userFeatures).count
      verdicts = try chain.records(Topics.validationResults).count
      changes = try chain.records(Topics.ratingsByMovie).count
      movieFeatures = try chain.newest(Topics.movieFeatures).mapValues(\.value)
      users = (0..<chain.partitions).map {
        chain.storage.contents(of: UserTables.aggregates, stage: "user", partition: $0)
      }
      movies = (0..<chain.partitions).map {
        chain.storage.contents(of: MovieTables.aggregates, stage: "movie", partition: $0)
      }
    }
  }

  @Test func featuresHaveTheNewestTimeOfTheirBatch() throws {
    let chain = Chain()
    let newest = (Self.start + 500) * 1000
    try chain.rate(1, 7, 4, at: Self.start, timestamp: newest)
    try chain.rate(1, 7, 2, at: Self.start, timestamp: newest - 60_000)
    #expect(try chain.runIntake() == 1)
    try chain.runUser()
    try chain.runMovie()
    #expect(try chain.records(Topics.userFeatures).map(\.timestamp) == [newest])
    // The second one is the refresh, which stands for no event.
    #expect(try chain.records(Topics.movieFeatures).first?.timestamp == newest)
  }

  /// Without transactions nobody waits for the batch's end to see a user's features.
  @Test(arguments: ProcessingGuarantee.allCases)
  func featuresAreSentWhileTheBatchIsOpen(_ guarantee: ProcessingGuarantee) throws {
    var chain = Chain(guarantee)
    try chain.rate(1, 7, 4, at: Self.start)
    try chain.runIntake()
    let waiting = chain
    // Longer than intake takes to find its input dry.
    let patience = Duration.seconds(60)
    chain.limits = BatchLimits(time: patience, pause: patience, linger: patience)
    let open = Mutex<[[Int]]>([])
    let batches = try chain.runUser(
      Chain.Run(onIdle: { before in
        guard before < 2 else { return }
        #expect(throws: Never.self) {
          let sent = try [
            Topics.userFeatures, Topics.ratingsByMovie, Topics.userChangelog,
          ].map { try waiting.records($0).count }
          open.withLock { $0.append(sent) }
          guard before == 0 else { return }
          // Once more for the same user: the features that are out are of a moment before.
          try waiting.rate(1, 8, 2, at: Self.start + 1)
          try waiting.runIntake()
        }
      }))
    #expect(batches == 1)
    let isOpen = guarantee == .atLeastOnce
    #expect(
      // The changelog has its identity.
      open.withLock { $0 } == (isOpen ? [[1, 0, 1], [2, 0, 1]] : [[0, 0, 1], [0, 0, 1]]))
    let features = try chain.records(Topics.userFeatures).map { record in
      String(decoding: record.value ?? [], as: UTF8.self)
    }
    let counts = isOpen ? [1, 2] : [2]
    #expect(features.count == counts.count)
    for (text, count) in zip(features, counts) {
      #expect(text.contains(#""rating_count":\#(count),"#))
    }
    #expect(try chain.records(Topics.ratingsByMovie).count == 2)
  }

  @Test func aMovieThatComesBeforeItsRatingGivesItGenres() throws {
    var chain = Chain()
    chain.limits.linger = .seconds(1)
    try chain.addMovie(1, genres: "Drama")
    try chain.rate(9, 1, 3, at: Self.start)
    // The table is polled when a batch opens: this movie comes while it is open.
    let waiting = chain
    let batches = try chain.runIntake(
      Chain.Run(onIdle: { before in
        guard before == 0 else { return }
        #expect(throws: Never.self) {
          try waiting.addMovie(2, genres: "Comedy|Western")
          try waiting.rate(9, 2, 4, at: Self.start)
        }
      }))
    #expect(batches == 1)
    var parser = CanonicalEventParser()
    var genres: [[String]] = []
    for record in try chain.records(Topics.validatedRatings) {
      let value = try #require(record.value)
      genres.append(try parser.parse(value.span.bytes, recordTime: -1).genres)
    }
    #expect(genres == [["Drama"], ["Comedy", "Western"]])
  }

  /// Ratings that come and go again and again: first, last and only times are taken away.
  @Test(arguments: UInt64(0)..<4) func theMovieJournalStaysShort(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var chain = Chain(seed % 2 == 0 ? .exactlyOnce : .atLeastOnce)
    chain.limits.records = Int.random(in: 20...300, using: &random)
    var oracle = FeatureOracle()
    func rate(_ user: Int64, _ stars: Double?, at seconds: Int64) throws {
      let offset = try chain.rate(user, 5, stars, at: seconds)
      oracle.apply(
        FeatureOracle.Event(
          user: user, movie: 5, stars: stars, milliseconds: seconds * 1000, genres: [],
          source: SourceCoordinates(partition: 0, offset: offset),
          recordMilliseconds: seconds * 1000))
    }
    for user in Int64(10)..<20 { try rate(user, 3, at: Self.start + 1_000_000 + user * 86_400) }
    var latest: Int64 = 0
    for chunk in 0..<4 {
      for toggle in 0..<400 {
        // User 1 has the first time, user 2 the last one.
        let user: Int64 = toggle % 2 == 0 ? 1 : 2
        // Later than what was taken back before.
        let number = Int64(chunk * 400 + toggle) + (chunk == 3 ? 20_000_000 : 0)
        let seconds = Self.start + (user == 1 ? number : 5_000_000 + number)
        latest = max(latest, seconds)
        try rate(user, Double(1 + toggle % 5), at: seconds)
        if !random.oneIn(4) { try rate(user, nil, at: seconds) }
      }
      if chunk == 2 {
        for user in [1, 2] + Array(Int64(10)..<20) { try rate(user, nil, at: latest + 1) }
      }
      try chain.runAll()
      try oracle.check(chain, "seed \(seed), chunk \(chunk)")
      let remaining = oracle.ratings(ofMovie: 5).map(\.milliseconds).sorted()
      let entries = try checkJournal(chain, remaining: remaining)
      // Each change has made an entry at least: so many have been written away.
      if chunk == 1 { #expect(entries + 200 < oracle.changes) }
    }
  }

  /// - Returns: how many entries the journals have.
  private func checkJournal(_ chain: Chain, remaining: [Int64]) throws -> Int {
    let blocks = chain.storage.contents(of: MovieTables.times, stage: "movie", partition: 0)
    let aggregates = chain.storage.contents(
      of: MovieTables.aggregates, stage: "movie", partition: 0)
    var entries = 0
    var times = RemainingTimes()
    for block in blocks.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      try TimeJournal.forEach(in: block.value.span.bytes) {
        entries += 1
        times.apply($0)
      }
    }
    #expect(times.sorted == remaining)
    #expect(entries <= 2 * remaining.count + 1024)
    if remaining.isEmpty { #expect(blocks.isEmpty) }
    let stored = try #require(aggregates.values.first)
    #expect(try MovieAggregate(decoding: stored.span.bytes).journal.entries == entries)
    return entries
  }
}
