import Pipeline
import Streams
import Testing

@Suite struct TopologyTests {
  private let plain = Topology(application: "films")

  /// What is on disk and on clusters since the first release.
  @Test func generationZeroHasThePlainNames() {
    #expect(
      plain.topics.map { plain[$0] } == [
        "user-ratings", "movies", "projectionist-control", "validated-ratings",
        "validation-results", "user-ratings-dlq", "films-intake-positions", "user-features",
        "ratings-by-movie", "films-user-changelog",
        "movie-features",
        "films-movie-changelog", "recommendation-requests", "models", "recommendations",
        "recommendations-shadow",
      ])
    #expect(
      plain.stages.map { plain.group(of: $0) } == [
        "films-intake", "films-user", "films-movie", "films-redis", "films-predict",
      ])
    let user = plain.configuration(of: .user, instance: "a1")
    #expect(user.name == "user")
    #expect(user.group == "films-user")
    #expect(user.transactionalID == "films-user-a1")
    #expect(user.clientID == "films-user-a1")
    #expect(user.instanceID == "films-user-a1")
    #expect(user.inputs == ["validated-ratings"])
    #expect(user.outputs == ["user-features", "ratings-by-movie", "validation-results"])
    #expect(user.changelog == "films-user-changelog")
    #expect(
      user.tables == [
        "aggregates", "ratings", "genres", "sources", "retractions", "refold", "refold_aggregates",
        "refold_counted", "kept_out",
      ])
    let movie = plain.configuration(of: .movie, instance: "a1")
    #expect(movie.changelog == "films-movie-changelog")
    #expect(movie.tables == ["aggregates", "times", "sources", "corrections", "take_backs"])
    #expect(
      plain.configuration(of: .redis, instance: "a1").inputs == ["user-features", "movie-features"])
    #expect(plain.stateDirectory(in: "/var/state") == "/var/state/films")
    #expect(plain.feastProject("movies") == "movies")
  }

  @Test func anotherPrefixOrGenerationIsNamed() {
    let other = Topology(application: "films", prefix: "test", generation: 2)
    #expect(other[.userRatings] == "test.user-ratings")
    #expect(other[.validatedRatings] == "test.validated-ratings.g2")
    #expect(other[.control] == "test.projectionist-control")
    #expect(other.changelog(of: .user) == "test.films-user-changelog.g2")
    #expect(other.group(of: .user) == "test.films-user.g2")
    #expect(
      other.identity(of: .user, instance: "a.1", worker: 3).member == "test.films-user.g2.w3-a.1")
    let worker = other.configuration(of: .user, instance: "a.1", worker: 3)
    #expect(worker.worker == 3)
    #expect(worker.transactionalID == "test.films-user.g2.w3-a.1")
    #expect(other.stateDirectory(in: "state") == "state/test.films.g2")
    #expect(other.feastProject("movies") == "test_movies_g2")
  }

  /// Everything a deployment owns is its own; generations of a prefix share what comes from
  /// outside.
  @Test func deploymentsDoNotCollide() {
    var owners: [String: String] = [:]
    for prefix in ["", "test", "g1", "films", "user"] {
      for generation in 0...2 {
        let topology = Topology(application: "films", prefix: prefix, generation: generation)
        let shared = topology.topics.filter { $0.scope == .shared }.map { "topic \(topology[$0])" }
        let own =
          topology.topics.filter { $0.scope != .shared }.map { "topic \(topology[$0])" }
          + topology.stages.map { "group \(topology.group(of: $0))" }
          + topology.stages.flatMap { stage in
            [nil, 0, 1].flatMap { worker in
              ["a", "w1-a", "w1.a", "g1.a"].map { instance in
                let id = topology.identity(of: stage, instance: instance, worker: worker)
                return "member \(id.member)"
              }
            }
          } + ["state \(topology.stateDirectory(in: "state"))", topology.feastProject("movies")]
        for (names, owner) in [(shared, prefix), (own, "\(prefix)/\(generation)")] {
          #expect(Set(names).count == names.count, "\(owner)")
          for name in names {
            #expect(owners[name] ?? owner == owner, "\(name)")
            owners[name] = owner
          }
        }
      }
    }
  }

  /// Every application on the topics of a prefix must find the same claim.
  @Test func theControlTopicIsNamedFromThePrefixAlone() {
    let books = Topology(application: "books", prefix: "test", generation: 3)
    #expect(books[.control] == Topology(application: "films", prefix: "test")[.control])
    #expect(books[.control] != plain[.control])
    #expect(books.has(topic: "test.projectionist-control"))
  }

  @Test func theApplicationOfAGroupIsKnownByItsForm() {
    let other = Topology(application: "films", prefix: "test", generation: 2)
    for topology in [plain, other] {
      for stage in topology.stages {
        #expect(topology.application(ofGroup: topology.group(of: stage)) == "films")
      }
    }
    #expect(plain.application(ofGroup: "films-2-user") == "films-2")
    for name in ["-user", "user", "films-user.g2", "test.films-user", "films-web", ""] {
      #expect(plain.application(ofGroup: name) == nil, "\(name)")
    }
    #expect(other.application(ofGroup: "films-user.g2") == nil)
    #expect(other.application(ofGroup: "test.films-user") == nil)
  }

  @Test func upstreamFollowsFromInputsAndOutputs() {
    let upstream = plain.stages.map { plain.upstream(of: $0).map(\.name) }
    #expect(upstream == [[], ["intake"], ["intake", "user"], ["intake", "user", "movie"], []])
  }

  @Test func changelogsHaveTheirInputsPartitions() {
    for stage in plain.statefulStages {
      #expect(stage.changelog?.partitions == stage.inputs[0].partitions)
      #expect(!stage.inputs[0].acceptsAnyPartitionCount)
    }
    // A follower takes the partitions of whom it follows.
    #expect(TopicDeclaration.requests.partitions == TopicDeclaration.validatedRatings.partitions)
  }

  @Test func aMemberIsKnownByItsForm() {
    let one = plain.identity(of: .user, instance: "a")
    #expect(one.isMember(plain.identity(of: .user, instance: "b").member))
    #expect(one.isMember(plain.identity(of: .user, instance: "b", worker: 1).member))
    #expect(!one.isMember("rdkafka"))
    #expect(!one.isMember(plain.identity(of: .movie, instance: "b").member))
    let next = Topology(application: "films", generation: 1)
    #expect(!one.isMember(next.identity(of: .user, instance: "b").member))
  }

  // MARK: Pacing

  private func configuration(_ stage: StageDeclaration, _ guarantee: ProcessingGuarantee)
    -> StageConfiguration
  {
    let feed = stage.follows.map { _ in PartitionDirectoryStub() }
    return plain.configuration(
      of: stage, instance: "a",
      settings: StageSettings(guarantee: guarantee, requestsPerBatch: 64), followed: feed)
  }

  private final class PartitionDirectoryStub: PartitionFeed {
    let version = 0
    let partitions: [Int32] = []
  }

  @Test func stagesPaceThemselvesAsDeclared() {
    func linger(_ stage: StageDeclaration, _ guarantee: ProcessingGuarantee) -> Duration {
      configuration(stage, guarantee).limits.linger
    }
    #expect(linger(.intake, .exactlyOnce) == .zero)
    #expect(linger(.intake, .atLeastOnce) == .milliseconds(100))
    #expect(linger(.user, .exactlyOnce) == .zero)
    #expect(linger(.user, .atLeastOnce) == .milliseconds(20))
    #expect(configuration(.intake, .exactlyOnce).gathering == .milliseconds(12))
    #expect(configuration(.intake, .atLeastOnce).gathering == nil)
    for guarantee in ProcessingGuarantee.allCases {
      #expect(linger(.movie, guarantee) == .milliseconds(250))
      #expect(linger(.redis, guarantee) == .milliseconds(2))
      #expect(configuration(.redis, guarantee).limits.records == 900_000)
      #expect(configuration(.predict, guarantee).limits.records == 64)
      #expect(configuration(.redis, guarantee).guarantee == .atLeastOnce)
      #expect(configuration(.predict, guarantee).guarantee == .atLeastOnce)
      #expect(configuration(.user, guarantee).guarantee == guarantee)
    }
    #expect(plain.stages.map(\.pacing.niceness) == [10, 5, 5, 5, 0])
  }
}
