import EventLog
import Pipeline
import Simulation
import Streams
import Testing

/// Requests that nobody waits for any more, and those that must not be lost.
struct RequestAgeTests {
  private static let now: Int64 = 1_800_000_000_000
  private let bed = ServingBed()

  private func ask(_ user: Int64, age seconds: Int64, partition: Int32 = 0) throws {
    try bed.chain.log.append(
      to: TopicPartition(Topics.requests, partition), key: nil,
      value: Array(#"{"user_id":\#(user)}"#.utf8), timestamp: Self.now - seconds * 1_000)
  }

  private func serve(_ change: (inout Chain.Serving) -> Void = { _ in }) throws -> PredictStatus {
    var serving = Chain.Serving()
    serving.time = { Self.now }
    change(&serving)
    return try bed.chain.runPredict(serving)
  }

  private func users() throws -> [Int64] { try bed.replies().compactMap(\.userId) }

  @Test func oldRequestsAreDroppedAndCounted() throws {
    try ask(1, age: 59)
    #expect(try serve().old == 0)
    for (user, age) in [(2, 61), (3, 3_600), (4, 60), (5, 0)] as [(Int64, Int64)] {
      try ask(user, age: age)
    }
    let counts = try serve()
    #expect(counts.old == 2 && counts.late == 0)
    #expect(try users() == [1, 4, 5])
  }

  /// A new group, or one whose offsets have expired, begins with those that are young enough.
  @Test func aGroupWithoutAPositionBeginsWithTheYoung() throws {
    for age in [7_200, 3_600, 61, 30, 1] as [Int64] { try ask(age, age: age) }
    let counts = try serve()
    #expect(counts.old == 0, "what is older is not even read")
    #expect(try users() == [30, 1])
  }

  @Test func withoutYoungOnesItBeginsAtTheEnd() throws {
    for age in [7_200, 3_600] as [Int64] { try ask(age, age: age) }
    #expect(try serve().old == 0)
    try ask(5, age: 0)
    _ = try serve()
    #expect(try users() == [5])
  }

  /// `kafka-consumer-groups --reset-offsets` leaves no name with the offset.
  @Test func anothersPositionIsNotFollowed() throws {
    for age in [3_600, 10] as [Int64] { try ask(age, age: age) }
    _ = try serve()
    let operatorsTool = try bed.chain.log.makeConsumer(
      ConsumerConfiguration(
        topics: [Topics.requests], group: "app-predict", isMember: false, clientID: "tool"))
    for offset in [0, 2] as [Int64] {
      try operatorsTool.commit([TopicPartition(Topics.requests, 0): offset], wait: true)
      let counts = try serve()
      #expect(counts.old == 0)
    }
    #expect(try users() == [10, 10, 10], "answered again, and none is lost")
  }

  @Test func anOffsetThatHasExpiredLosesNothingYoung() throws {
    try ask(1, age: 0)
    _ = try serve()
    for age in [3_600, 10] as [Int64] { try ask(age, age: age) }
    try bed.chain.log.truncate(TopicPartition(Topics.requests, 0), before: 2)
    _ = try serve()
    #expect(try users() == [1, 10])
  }

  /// Clients place requests in all partitions that there are.
  @Test func requestsInAddedPartitionsAreForwarded() throws {
    let bed = ServingBed(partitions: 2)
    bed.chain.log.growTopic(Topics.requests, to: 5)
    let directory = PartitionDirectory<MemoryStore>()
    let requests = RequestPartitions(of: directory, used: 2, found: 5)
    for partition in Int32(0)..<5 {
      try bed.chain.log.append(
        to: TopicPartition(Topics.requests, partition), key: nil,
        value: Array(#"{"user_id":\#(partition)}"#.utf8), timestamp: Self.now)
    }
    var serving = Chain.Serving()
    serving.time = { Self.now }
    serving.requests = requests
    let counts = try bed.chain.runPredict(serving, directory: directory)
    #expect(try bed.replies().compactMap(\.userId).sorted() == [0, 1, 2, 3, 4])
    #expect(counts.forwarded >= 3)
  }

  private struct Owned: PartitionFeed {
    var version = 3
    var partitions: [Int32] = [0, 3]
  }

  @Test func anAddedPartitionHasOneOwner() {
    let requests = RequestPartitions(of: Owned(), used: 4, found: 4)
    #expect(requests.partitions == [0, 3] && requests.version == 3)
    requests.note(found: 4)
    #expect(requests.version == 3)
    requests.note(found: 9)
    #expect(requests.partitions == [0, 3, 4, 7, 8] && requests.version == 4)
  }
}
