import Configuration
import EventLog
import KafkaLog
import Logging
import Pipeline
import Streams
import Testing
import Wiring

@testable import DaemonRuntime

@Suite struct ClusterNewsTests {
  private let identity = Topology(application: "app").identity(of: .user, instance: "a")

  private func counts() throws -> [String: Int32] {
    try Dictionary(
      uniqueKeysWithValues: TopicCatalog.topics(Settings()).map { ($0.name, Int32($0.partitions)) })
  }

  private func news() throws -> ClusterNews {
    ClusterNews(
      TopicReport(try TopicCatalog.topics(Settings()), partitions: try counts(), properties: nil))
  }

  @Test func growthIsToldOnceByName() throws {
    var news = try news()
    var counts = try counts()
    func look() -> [ClusterNews.Line] { news.look(at: counts) }
    #expect(look().isEmpty)
    counts["validated-ratings"] = 6
    counts["user-ratings"] = 12
    counts["others"] = 3
    let lines = look()
    #expect(lines.map(\.code) == [.partitionsGrown])
    #expect(lines.first?.fields == ["topic": "validated-ratings"])
    #expect(lines.first?.message.contains("has 6 partitions") == true)
    #expect(look().isEmpty)
    counts["projectionist-user-changelog"] = 5
    counts["validated-ratings"] = 8
    #expect(look().count == 2)
  }

  /// Added while the members were away, who come back to what they had.
  @Test func partitionsThatNobodyReadsMakeTheFirstMemberJoinAgain() throws {
    func member(_ id: String, _ partitions: Int32...) -> KafkaAdmin.GroupMember {
      KafkaAdmin.GroupMember(
        clientID: id, partitions: Set(partitions.map { TopicPartition("user-ratings", $0) }))
    }
    func looks(
      _ instance: String, _ members: [KafkaAdmin.GroupMember], of count: Int32,
      mayGrow: Bool = true
    ) throws -> [Bool] {
      var news = try news()
      let identity = StageIdentity(application: "app", stage: "intake", instance: instance)
      return (0..<4).map { _ in
        news.mustRejoin(
          identity, members, inputs: [.init(topic: "user-ratings", mayGrow: mayGrow)],
          counts: ["user-ratings": count])
      }
    }
    let members = [member("app-intake-b", 1), member("app-intake-a", 0), member("tail", 2)]
    #expect(try looks("a", members, of: 3) == [false, false, false, false])
    #expect(try looks("a", members, of: 4) == [false, true, false, true])
    #expect(try looks("b", members, of: 4) == [false, false, false, false])
    #expect(try looks("a", members, of: 4, mayGrow: false) == [false, true, false, true])
    // What is beyond the declared partitions is not used where keys were placed among those.
    let all = [member("app-intake-a", 0, 1, 2, 3)]
    #expect(try counts()["user-ratings"] == 4)
    #expect(try looks("a", all, of: 5, mayGrow: false) == [false, false, false, false])
    #expect(try looks("a", all, of: 5) == [false, true, false, true])
    // Who has the fewest gives up the fewest.
    let uneven = [member("app-intake-a", 0, 1), member("app-intake-b", 2)]
    #expect(try looks("a", uneven, of: 4) == [false, false, false, false])
    #expect(try looks("b", uneven, of: 4) == [false, true, false, true])
    let threads = [member("app-intake.w1-a", 1), member("app-intake.w0-a", 0)]
    #expect(try looks("a", threads, of: 4) == [false, true, false, true])
    // One that is no member must become one, if there is something to read.
    for outside in [[], threads, [member("tail", 0)]] {
      #expect(try looks("-a", outside, of: 4) == [false, true, false, true])
      #expect(try looks("-a", outside, of: 4, mayGrow: false) == [false, true, false, true])
      #expect(try looks("-a", outside, of: 0) == [false, false, false, false])
    }
  }

  /// A look that shows nothing, or shows it inside, starts over.
  @Test func onlyTwoLooksInARowCount() throws {
    var news = try news()
    let identity = StageIdentity(application: "app", stage: "intake", instance: "a")
    let inside = [
      KafkaAdmin.GroupMember(
        clientID: identity.member, partitions: [TopicPartition("user-ratings", 0)])
    ]
    func look(_ members: [KafkaAdmin.GroupMember]) -> Bool {
      news.mustRejoin(
        identity, members, inputs: [.init(topic: "user-ratings", mayGrow: true)],
        counts: ["user-ratings": 1])
    }
    #expect(!look([]) && !look(inside) && !look([]))
    news.skipLook(at: identity)
    #expect(!look([]) && look([]))
  }

  @Test func strangersAreToldByWhatTheyRead() throws {
    var news = try news()
    let ours = KafkaAdmin.GroupMember(
      clientID: identity.member, host: "/10.0.0.1",
      partitions: [TopicPartition("validated-ratings", 0)])
    var stranger = KafkaAdmin.GroupMember(
      clientID: "console-consumer", host: "/10.0.0.9",
      partitions: [TopicPartition("validated-ratings", 1)])
    let other = Topology(application: "app").identity(of: .movie, instance: "a")
    func look(_ members: KafkaAdmin.GroupMember..., of identity: StageIdentity)
      -> [ClusterNews.Line]
    { news.look(at: members, of: identity) }
    #expect(look(ours, of: identity).isEmpty)
    let lines = look(ours, stranger, of: identity)
    #expect(
      lines.map(\.fields) == [
        [
          "group": "app-user", "client_id": "console-consumer", "host": "/10.0.0.9",
          "partitions": "validated-ratings[1]",
        ]
      ])
    #expect(lines.map(\.code) == [.strangerInGroup] && lines.map(\.level) == [.warning])
    #expect(look(ours, stranger, of: identity).isEmpty, "it is known")
    stranger.partitions.insert(TopicPartition("validated-ratings", 2))
    #expect(look(ours, stranger, of: identity).count == 1)
    #expect(look(of: other).isEmpty, "another group says nothing of it")
    #expect(look(ours, of: identity).map(\.level) == [.notice])
  }

  @Test func aTransactionThatStaysOpenIsTold() throws {
    var news = try news()
    let start = ContinuousClock.now
    let place = TopicPartition("user-ratings", 2)
    func look(_ stable: Int64, _ end: Int64, _ seconds: Int) -> [ClusterNews.Line] {
      news.look(
        at: [place: stable, TopicPartition("user-ratings", 0): 7],
        before: [place: end, TopicPartition("user-ratings", 0): 7],
        now: start + .seconds(seconds))
    }
    #expect(look(5, 9, 0).isEmpty && look(6, 9, 20).isEmpty && look(6, 12, 40).isEmpty)
    let lines = look(6, 20, 46)
    #expect(lines.map(\.code) == [.openTransaction])
    #expect(lines.first?.fields == ["topic": "user-ratings", "partition": "2", "offset": "6"])
    #expect(look(6, 21, 60).isEmpty, "once")
    #expect(look(21, 21, 75).map(\.level) == [.notice])
    #expect(look(21, 21, 90).isEmpty)
  }
}
