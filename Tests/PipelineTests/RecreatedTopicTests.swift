import EventLog
import StateStore
import Streams
import Testing

@testable import Pipeline
@testable import Simulation

/// A topic that was deleted and recreated: its offsets begin at 0 again.
@Suite struct RecreatedTopicTests {
  private static let start: Int64 = 1_600_000_000

  /// A chain that has processed 20 events, the newest one at offset 19.
  private func settledChain(_ guarantee: ProcessingGuarantee) throws -> Chain {
    let chain = Chain(guarantee)
    try rate(chain, 0..<20)
    try chain.runAll()
    return chain
  }

  /// Rates once a second, from the start on.
  private func rate(_ chain: Chain, _ seconds: Range<Int64>) throws {
    for second in seconds {
      try chain.rate(second % 3, second % 5, Double(1 + second % 4), at: Self.start + second)
    }
  }

  /// Creates `user-ratings` again, and lets intake read it, as an operator may.
  private func recreateUserRatings(_ chain: Chain) {
    chain.log.createTopic(Topics.userRatings, partitions: 1)
    chain.log.setOffsets(
      [TopicPartition(Topics.userRatings, 0): 0], of: "app-intake", stamp: .accepted)
  }

  private func users(_ chain: Chain) -> [[[UInt8]: [UInt8]]] {
    [UserTables.aggregates, UserTables.ratings].map {
      chain.storage.contents(of: $0, stage: "user", partition: 0)
    }
  }

  private func isNamed(_ error: any Error, _ topic: String) -> Bool {
    guard let error = error as? StageError else { return false }
    return error.reaction == .stopDaemon
      && error.description.hasPrefix("topic_recreated: the state has \(topic)[0]")
  }

  /// Events are known by their times: those of another topic are no repeats.
  @Test(arguments: ProcessingGuarantee.allCases, [1, 19, 20, 60])
  func otherEventsCount(_ guarantee: ProcessingGuarantee, count: Int64) throws {
    let chain = try settledChain(guarantee)
    let changes = try chain.records(Topics.ratingsByMovie).count
    recreateUserRatings(chain)
    try rate(chain, 100..<100 + count)
    try chain.runAll()
    #expect(try chain.records(Topics.ratingsByMovie).count == changes + Int(count))
  }

  /// A group that was set back reads everything again.
  @Test(arguments: ProcessingGuarantee.allCases)
  func repeatsAreRepeats(_ guarantee: ProcessingGuarantee) throws {
    let chain = try settledChain(guarantee)
    let before = users(chain)
    let changes = try chain.records(Topics.ratingsByMovie).count
    chain.log.setForeignOffsets(
      [TopicPartition(Topics.userRatings, 0): 0], of: "app-intake")
    try chain.runAll()
    #expect(try chain.records(Topics.validatedRatings).count == 40)
    #expect(users(chain) == before)
    #expect(try chain.records(Topics.ratingsByMovie).count == changes)
  }

  @Test func theMovieStageComparesValidatedRatings() throws {
    let chain = try settledChain(.exactlyOnce)
    for topic in [Topics.validatedRatings, Topics.userChangelog] {
      chain.log.createTopic(topic, partitions: 1)
    }
    try chain.storage.destroy(stage: "user", partition: 0)
    try rate(chain, 100..<103)
    try chain.runIntake()
    try chain.runUser()
    #expect { try chain.runMovie() } throws: { isNamed($0, Topics.validatedRatings) }
  }
}
