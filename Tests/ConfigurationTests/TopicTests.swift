import Codecs
import Foundation
import Pipeline
import Ratings
import Recommender
import Streams
import Testing

@testable import Configuration

@Suite struct TopicTests {
  /// Every topic of the topology has a file, and every file a topic.
  @Test func filesAndTopologyAgree() throws {
    let directory = repository.appending(path: "topics")
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    let topics = Topology(application: "films").topics
    #expect(Set(names) == Set(topics.map { "\($0.name).json" }))
    #expect(Set(TopicCatalog.files.keys) == Set(topics))
    for (topic, json) in TopicCatalog.files {
      let committed = try Data(contentsOf: directory.appending(path: "\(topic.name).json"))
      #expect(Data(json) == committed, "\(topic.name)")
    }
  }

  @Test func namesAndOrderAreThoseOfTheTopology() throws {
    var settings = Settings()
    settings.application = "films"
    let topics = try TopicCatalog.topics(settings)
    #expect(topics.map(\.name) == settings.topology.topics.map { settings.topology[$0] })
    #expect(topics.allSatisfy { !$0.description.isEmpty && !$0.writtenBy.isEmpty })
    let writers = Dictionary(uniqueKeysWithValues: topics.map { ($0.name, $0.writtenBy) })
    #expect(writers["user-ratings"] == "users, `projectionist load`")
    #expect(
      writers["validation-results"]
        == "intake (each event), user (an event that changes nothing)")
    #expect(writers["films-user-changelog"] == "user")
    #expect(
      writers["projectionist-control"]
        == "run (its first start), `projectionist topics claim`, intake (the settings it judges by)"
    )
  }

  /// What `topics show` prints.
  @Test func aTopicIsShownAsOneObject() throws {
    for topic in try TopicCatalog.topics(Settings()) {
      let file = try #require(TopicCatalog.files[topic.declaration])
      let text = Data(topic.text(file).utf8)
      let object = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
      #expect(object["name"] as? String == topic.name)
      #expect(object["written_by"] as? String == topic.writtenBy)
      #expect(object["partitions"] as? Int == topic.partitions)
      #expect(object["any_partition_count"] as? Bool ?? false == topic.acceptsAnyPartitionCount)
      #expect(Set(["description", "config", "key", "value"]).isSubset(of: object.keys))
    }
  }

  @Test func topicsThatAStageReadsTogetherHaveEqualPartitions() throws {
    var settings = Settings()
    settings.topics.partitions = 7
    settings.topics.moviePartitions = 3
    settings.topics.replicationFactor = 3
    let topics = try TopicCatalog.topics(settings)
    let strict: [TopicDeclaration?] = [
      .validatedRatings, .ratingsByMovie, .userFeatures, .movieFeatures, .requests,
      StageDeclaration.user.changelog, StageDeclaration.movie.changelog,
      StageDeclaration.intake.positions,
    ]
    let expected: [TopicDeclaration?: Int] = [
      .movies: 1, .models: 1, .control: 1, .validationResults: 1, .ratingsByMovie: 3,
      .movieFeatures: 3,
      StageDeclaration.movie.changelog: 3, StageDeclaration.intake.positions: 1,
    ]
    for topic in topics {
      #expect(topic.replicationFactor == 3)
      #expect(topic.acceptsAnyPartitionCount != strict.contains(topic.declaration))
      #expect(topic.partitions == expected[topic.declaration, default: 7], "\(topic.name)")
    }
  }

  @Test func onlyTablesAreCompacted() throws {
    let compacted = try TopicCatalog.topics(Settings()).filter { $0.policy == "compact" }
    let expected: [TopicDeclaration?] = [
      .userFeatures, .movieFeatures, .movies, .models, .control, StageDeclaration.user.changelog,
      StageDeclaration.movie.changelog, StageDeclaration.intake.positions,
    ]
    #expect(Set(compacted.map(\.declaration)) == Set(expected.compactMap(\.self)))
  }

  @Test func featureSchemasNameWhatIsWritten() throws {
    var writer = JSONWriter()
    UserFeatures(
      user: 1, aggregate: UserAggregate(), genres: GenreDictionary(), eventTimeMilliseconds: 0
    ).write(to: &writer)
    try expectSchema("user-features", of: writer.copyBytes())
    writer.removeAll()
    MovieFeatures(
      movie: 1, aggregate: MovieAggregate(), prior: CatalogPrior(), eventTimeMilliseconds: 0
    ).write(to: &writer)
    try expectSchema("movie-features", of: writer.copyBytes())
  }

  @Test func eventSchemasNameWhatIsWritten() throws {
    let source = SourceCoordinates(partition: 1, offset: 2)
    var writer = JSONWriter()
    writeCanonicalEvent(
      RatingEvent(
        user: 1, movie: 2, rating: HalfStars(stars: 4), timeMilliseconds: 3, genres: ["A"],
        sessionID: "s", source: source, retracts: source),
      to: &writer)
    try expectSchema("validated-ratings", of: writer.copyBytes())
    writer.removeAll()
    writeVerdict(
      failed: [.userNotNull], details: [EventDetail(.userNotNull, message: "m")],
      coerced: [.spelling], topic: "user-ratings", source: source, to: &writer)
    try expectSchema("validation-results", of: writer.copyBytes())
    writer.removeAll()
    RatingChange(movie: 1, user: 2, old: nil, new: nil, source: source, isCorrection: true)
      .write(to: &writer)
    try expectSchema("ratings-by-movie", of: writer.copyBytes())
    writer.removeAll()
    MovieRecord(movie: 1, title: "t", genres: ["A"]).write(to: &writer)
    try expectSchema("movies", of: writer.copyBytes())
    writer.removeAll()
  }

  @Test func theControlTopicsSchemasNameWhatIsWritten() throws {
    let kinds = try #require(try value("projectionist-control")["oneOf"] as? [[String: Any]])
    var writer = JSONWriter()
    let counts = Settings().partitionCounts
    TopicClaim(application: "films", instance: "a", claimedMilliseconds: 1, counts: counts)
      .write(to: &writer)
    #expect(try keys(writer.copyBytes()) == propertyNames(kinds[0]))
    writer.removeAll()
    PolicyFormat.write(IntakePolicy(), to: &writer)
    #expect(try keys(writer.copyBytes()) == propertyNames(kinds[1]))
    for kind in kinds {
      // Claims of earlier versions count nothing.
      #expect(
        Set(try #require(kind["required"] as? [String]))
          == propertyNames(kind).subtracting(counts.byGroup.keys))
    }
    let properties = try #require(kinds[1]["properties"] as? [String: [String: Any]])
    let items = try #require(properties["accept"]?["items"] as? [String: Any])
    #expect(items["enum"] as? [String] == Coercion.allCases.map(\.name.description))
  }

  @Test func replySchemasNameWhatIsWritten() throws {
    var writer = JSONWriter()
    var reply = RecommendationReply(
      request: RecommendationRequest(user: 1), recommendations: [], strategy: .popular,
      history: [], stateOffset: 1, moment: 7, latencyMilliseconds: 1)
    reply.diversity = GenreDiversity(percent: 30)
    reply.catalogOffsets = [1]
    reply.write(to: &writer)
    let value = try value("recommendations")
    let alternatives = try #require(value["oneOf"] as? [[String: Any]])
    #expect(try keys(writer.copyBytes()) == propertyNames(alternatives[0]))
    writer.removeAll()
    reply.history = nil
    reply.comparison = ShadowComparison(liveModelVersion: nil, overlapAt10: 1)
    reply.write(to: &writer)
    try expectSchema("recommendations-shadow", of: writer.copyBytes())
    writer.removeAll()
    RecommendationRequest(
      user: 1, excludesRated: false, genres: ["A"], includesHistory: true, modelVersion: "m"
    ).write(to: &writer)
    let known = propertyNames(try self.value("recommendation-requests"))
    #expect(try keys(writer.copyBytes()) == known.subtracting(["as_of"]))
    writer.removeAll()
    RequestError(code: "c", message: "m").write(to: &writer)
    #expect(try keys(writer.copyBytes()) == propertyNames(alternatives[1]))
  }

  @Test func theModelsSchemasNameWhatIsWritten() throws {
    let kinds = try #require(try value("models")["oneOf"] as? [[String: Any]])
    var writer = JSONWriter()
    ModelPromotion(version: "v", reason: "r", milliseconds: 1).write(to: &writer)
    #expect(try keys(writer.copyBytes()) == propertyNames(kinds[1]))
    writer.removeAll()
    let measures = GateMeasures(rated: 0, liked: 0, dislikedShare: 0)
    let comparison = GateComparison(users: 1, candidate: measures, serving: measures)
    ModelVerdict(
      .kept, reason: "r", milliseconds: 1, against: "v", gate: 1, settings: comparison,
      models: comparison, hits: HitTally(against: "v")
    ).write(to: &writer)
    #expect(try keys(writer.copyBytes()) == propertyNames(kinds[2]))
    writer.removeAll()
    HitTally(against: "v").write(to: &writer)
    #expect(try keys(writer.copyBytes()) == propertyNames(kinds[3]))
  }

  private func expectSchema(
    _ file: String, of record: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let schema = try value(file)
    #expect(try keys(record) == propertyNames(schema), sourceLocation: sourceLocation)
    let required = try #require(schema["required"] as? [String])
    #expect(Set(required).isSubset(of: propertyNames(schema)), sourceLocation: sourceLocation)
  }

  private func value(_ file: String) throws -> [String: Any] {
    let json = try #require(TopicCatalog.files.first { $0.key.name == file }).value
    let declaration = try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any]
    return try #require(declaration?["value"] as? [String: Any])
  }

  private func propertyNames(_ schema: [String: Any]) -> Set<String> {
    Set((schema["properties"] as? [String: Any] ?? [:]).keys)
  }

  private func keys(_ record: [UInt8]) throws -> Set<String> {
    let object = try JSONSerialization.jsonObject(with: Data(record)) as? [String: Any]
    return Set(try #require(object).keys)
  }
}
