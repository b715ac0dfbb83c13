import EventLog
import RedisProjection
import Streams
import Synchronization
import Testing

@testable import Pipeline
@testable import PipelineSimulation
@testable import Simulation

@Suite struct ProjectionTests {
  @Test func recordSaysWhoseRowsTheseAreAndHowFar() throws {
    let bed = ProjectionBed()
    try bed.rate(1...9)
    #expect(try bed.run().isEmpty)
    #expect(bed.users == Array(1...9))
    let record = try #require(bed.redis.record)
    #expect(record.owner == bed.identity.owner && record.epoch == 1 && !record.hasLeftovers)
    for topic in [Topics.userFeatures, Topics.movieFeatures] {
      for partition in 0..<bed.chain.partitions {
        let place = TopicPartition(topic, partition)
        let last = try bed.chain.log.records(of: place).last
        #expect(record.positions["\(place)"]?.last?.offset == last?.offset)
      }
    }
    try bed.rate(10...12)
    #expect(try bed.run().isEmpty)
    #expect(bed.users == Array(1...12))
  }

  /// A crash between the write and the group's commit, or offsets that have expired.
  @Test func groupCatchesUpWithRedis() throws {
    let bed = ProjectionBed()
    try bed.rate(1...9)
    try bed.run()
    let group = Chain.topology.group(of: .redis)
    let before = bed.chain.log.committedOffsets(of: group)
    #expect(!before.isEmpty)
    bed.chain.log.disband()
    #expect(try bed.run().isEmpty)
    #expect(bed.chain.log.committedOffsets(of: group) == before)
  }

  @Test func flushedRedisIsFilledAgain() throws {
    let bed = ProjectionBed()
    try bed.rate(1...9)
    try bed.run()
    bed.redis.become(.init())
    #expect(try bed.run().isEmpty)
    #expect(bed.users == Array(1...9))
  }

  @Test func redisFlushedUnderAnIdleStageIsFilledAgain() throws {
    let bed = ProjectionBed()
    try bed.rate(1...9)
    let redis = bed.redis
    let reasons = try bed.run { if $0 == 5 { redis.become(.init()) } }
    #expect(reasons.map(\.code) == [.redisBehind])
    #expect(bed.users == Array(1...9))
  }

  @Test func redisThatWasSetBackIsBroughtUpAgain() throws {
    let bed = ProjectionBed()
    try bed.rate(1...4)
    try bed.run()
    let replica = bed.redis.copy
    try bed.rate(5...9)
    try bed.run()
    bed.redis.become(replica)
    #expect(try bed.run().isEmpty)
    #expect(bed.users == Array(1...9))
  }

  @Test(arguments: [("other", "c1"), ("app", "c2")])
  func anothersRedisIsLeftAloneUntilItIsClaimed(application: String, cluster: String) throws {
    let bed = ProjectionBed()
    try bed.rate(1...3)
    var other = ProjectionBed()
    other.identity.owner = .init(application: application, cluster: cluster)
    try other.rate(2...20)
    try other.run()
    bed.redis.become(other.redis.copy)
    let before = bed.redis.copy
    let reasons = try bed.run()
    #expect(Set(reasons.map(\.code)) == [.redisClaimed])
    let text = try #require(reasons.first?.text)
    #expect(text.contains(application) && text.contains(cluster))
    #expect(text.contains("redis claim"))
    #expect(bed.redis.all == before.rows && bed.redis.record == before.record)
    bed.claim()
    #expect(try bed.run().isEmpty)
    #expect(bed.users == [1, 2, 3])
    #expect(bed.redis.record?.hasLeftovers == false)
    // The one that had it stays out.
    other.redis.become(bed.redis.copy)
    try other.rate(21...22)
    #expect(Set(try other.run().map(\.code)) == [.redisClaimed])
    #expect(other.users == [1, 2, 3])
  }

  /// A claim alone would remove the rows of all whose features are in the old topic.
  @Test func featuresThatWereLostAreComputedAgainFirst() throws {
    let bed = ProjectionBed(partitions: 1)
    try bed.rate(1...9)
    try bed.run()
    bed.chain.log.createTopic(Chain.topology[.userFeatures], partitions: 1)
    let text = try #require(try bed.run().first?.text)
    let step = Chain.topology.recomputation(of: .user)
    #expect(text.contains("If only user-features was, first \(step)"))
    bed.chain.log.createTopic(try #require(Chain.topology.changelog(of: .user)), partitions: 1)
    try bed.chain.storage.destroy(stage: StageDeclaration.user.name, partition: 0)
    bed.chain.log.setForeignOffsets(
      [TopicPartition(Topics.validatedRatings, 0): 0],
      of: Chain.topology.group(of: .user))
    try bed.rate(10...10)
    bed.claim()
    #expect(try bed.run().isEmpty)
    #expect(bed.users == Array(1...10))
  }

  @Test(arguments: [1, 40])
  func recreatedTopicIsAnotherLog(users: Int64) throws {
    let bed = ProjectionBed(partitions: 1)
    try bed.rate(1...9)
    try bed.run()
    #expect(try bed.difference() == nil)
    for topic in Chain.topology.topics {
      bed.chain.log.createTopic(Chain.topology[topic], partitions: 1)
    }
    for stage in [StageDeclaration.user, .movie] {
      try bed.chain.storage.destroy(stage: stage.name, partition: 0)
    }
    try bed.rate(1...users, at: 1_650_000_000)
    let reasons = try bed.run()
    #expect(Set(reasons.map(\.code)) == [.redisClaimed])
    #expect(reasons.first?.text.contains("created again") == true)
    #expect(try bed.difference()?.contains("created again") == true)
    bed.claim()
    #expect(try bed.run().isEmpty)
    #expect(try bed.difference() == nil)
    #expect(bed.users == Array(1...users))
  }

  @Test func compactedLogIsStillTheSame() throws {
    let bed = ProjectionBed(partitions: 1)
    try bed.rate(1...9)
    try bed.run()
    for round in 1...3 as ClosedRange<Int64> {
      // What was projected last is replaced and compacted away.
      try bed.rate(5...9, at: 1_600_000_000 + 1000 * round)
      for topic in [Topics.userFeatures, Topics.movieFeatures] {
        try bed.chain.log.compact(TopicPartition(topic, 0))
      }
      #expect(try bed.run().isEmpty)
    }
    #expect(bed.users == Array(1...9))
  }

  @Test func rowsWithoutARecordAreAdoptedIfTheyAreOfThisLog() throws {
    let bed = ProjectionBed()
    try bed.rate(1...9)
    try bed.run()
    let rows = bed.redis.all
    bed.redis.become(.init(rows: rows.filter { $0.key != bed.key(2) }))
    #expect(try bed.run().isEmpty)
    #expect(bed.redis.all == rows && bed.redis.record?.epoch == 1)
  }

  @Test func rowsOfSeveralLogsWithoutARecordAreReplaced() throws {
    let bed = ProjectionBed()
    try bed.rate(1...9)
    try bed.run()
    var content = bed.redis.copy
    content.record = nil
    // Left by an earlier log, under a higher fence.
    content.rows[bed.key(3)]?.fence.offset = 1_000
    content.rows[bed.key(99)] = .init(
      fence: Fence(generation: 4, offset: 1), content: [0, 0, 0, 0])
    bed.redis.become(content)
    #expect(try bed.run().isEmpty)
    #expect(bed.users == Array(1...9))
    #expect(bed.redis.record?.epoch == 5)
    #expect(try #require(bed.redis.all[bed.key(3)]).fence.generation == 5)
  }

  @Test func rowsWithoutARecordOfAnotherLogAreLeftAlone() throws {
    let bed = ProjectionBed()
    try bed.rate(1...3)
    let other = ProjectionBed()
    try other.rate(1...20, at: 1_650_000_000)
    try other.run()
    bed.redis.become(.init(rows: other.redis.all))
    #expect(Set(try bed.run().map(\.code)) == [.redisClaimed])
    #expect(bed.redis.all == other.redis.all)
    bed.claim()
    #expect(try bed.run().isEmpty)
    #expect(bed.users == [1, 2, 3])
  }

  @Test func higherGenerationWritesEverythingAgain() throws {
    var bed = ProjectionBed()
    try bed.rate(1...3)
    try bed.run()
    bed.identity.generation = 7
    #expect(try bed.run().isEmpty)
    #expect(bed.redis.all.values.allSatisfy { $0.fence.generation == 7 })
    #expect(bed.redis.record?.epoch == 7)
  }

  @Test func groupThatWasSetBackWritesAgainWhatRedisLacks() throws {
    let bed = ProjectionBed()
    try bed.rate(1...5)
    try bed.run()
    var content = bed.redis.copy
    content.rows[bed.key(2)] = nil
    bed.redis.become(content)
    #expect(try bed.run().isEmpty)
    #expect(bed.users == [1, 3, 4, 5])
    var starts: [TopicPartition: Int64] = [:]
    for partition in 0..<bed.chain.partitions {
      starts[TopicPartition(Topics.userFeatures, partition)] = 0
    }
    let asking = try bed.chain.log.makeConsumer(
      ConsumerConfiguration(
        topics: [Topics.userFeatures], group: Chain.topology.group(of: .redis), isMember: false,
        clientID: "operator"))
    try asking.commit(starts, wait: true)
    #expect(try bed.run().isEmpty)
    #expect(bed.users == Array(1...5))
  }
  /// A project that was claimed, with a row that no features stand for.
  private func claimedBed() throws -> ProjectionBed {
    let bed = ProjectionBed()
    try bed.rate(1...9)
    try bed.run()
    var content = bed.redis.copy
    content.rows[bed.key(99)] = .init(
      fence: Fence(generation: 1, offset: 1), content: [0, 0, 0, 0])
    bed.redis.become(content)
    bed.claim()
    return bed
  }

  /// Appends the newest features of a user once more.
  private func feeder(_ bed: ProjectionBed) throws -> @Sendable () -> Void {
    let log = bed.chain.log
    let place = TopicPartition(Topics.userFeatures, 0)
    let last = try #require(try log.records(of: place).last)
    return {
      do { try log.append(to: place, key: last.key, value: last.value) } catch {
        Issue.record(error)
      }
    }
  }

  /// At no moment are all features projected.
  @Test func leftoversGoWhileFeaturesKeepComing() throws {
    let bed = try claimedBed()
    let feed = try feeder(bed)
    #expect(try bed.run { _ in feed() }.isEmpty)
    #expect(bed.users == Array(1...9))
    #expect(bed.redis.record?.hasLeftovers == false)
  }

  @Test func leftoversGoWhileTheInputNeverRunsDry() throws {
    var bed = try claimedBed()
    bed.chain.limits.records = 1
    let (feed, clock, redis) = (try feeder(bed), bed.chain.clock, bed.redis)
    let atRest = Mutex<Bool?>(nil)
    let faults = Faults(onCall: { call in
      guard call < 200 else { return }
      clock.advance(by: .milliseconds(100))
      feed()
    })
    #expect(
      try bed.run(faults: faults) { _ in
        atRest.withLock { $0 = $0 ?? redis.record?.hasLeftovers }
      }.isEmpty)
    #expect(atRest.withLock { $0 } == false)
    #expect(bed.users == Array(1...9))
  }
}
