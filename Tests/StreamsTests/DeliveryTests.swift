import EventLog
import Testing

@testable import Streams

struct DeliveryStrategyTests {
  @Test func eachGuaranteeHasItsOrderOfSteps() {
    let once = ProcessingGuarantee.exactlyOnce.strategy.steps(produces: true)
    #expect(
      once == [.closeBatch, .flushEffects, .sendPositions, .commitTransaction, .commitStores])
    let least = ProcessingGuarantee.atLeastOnce.strategy.steps(produces: true)
    #expect(
      least == [
        .closeBatch, .flushEffects, .awaitDelivery, .sendPositions, .awaitDelivery,
        .commitStores, .commitOffsets,
      ])
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func withoutOutputsOnlyOffsetsAreCommitted(guarantee: ProcessingGuarantee) {
    #expect(
      guarantee.strategy.steps(produces: false) == [.closeBatch, .flushEffects, .commitOffsets])
  }

  @Test func aTransactionCanBeTakenBack() {
    let strategy = ProcessingGuarantee.exactlyOnce.strategy
    #expect(strategy.delivery(transactionalID: "x") == .transactional(id: "x"))
    #expect(strategy.canAbort(hasState: true) && strategy.canAbort(hasState: false))
    #expect(strategy.sendsPosition(isDue: false) && strategy.sendsPosition(isDue: true))
    #expect(strategy.leavesTransactions && !strategy.publishesEarly)
    #expect(!strategy.leavesOffsetsBehind)
  }

  @Test func withoutTransactionsTheChangelogKeepsWhatItHas() {
    let strategy = ProcessingGuarantee.atLeastOnce.strategy
    #expect(strategy.delivery(transactionalID: "x") == .idempotent)
    #expect(!strategy.canAbort(hasState: true) && strategy.canAbort(hasState: false))
    #expect(!strategy.sendsPosition(isDue: false) && strategy.sendsPosition(isDue: true))
    #expect(!strategy.leavesTransactions && strategy.publishesEarly)
    #expect(strategy.leavesOffsetsBehind)
  }
}

struct TakeoverTests {
  private func configuration(
    _ guarantee: ProcessingGuarantee = .exactlyOnce, outputs: [String] = ["out"],
    followed: (any PartitionFeed)? = nil, worker: Int? = nil
  ) -> StageConfiguration {
    var configuration = StageConfiguration(
      name: "user", application: "app", instance: "1", inputs: ["in"], outputs: outputs,
      guarantee: guarantee, followed: followed)
    configuration.worker = worker
    return configuration
  }

  private struct Feed: PartitionFeed {
    let version = 0
    let partitions: [Int32] = []
  }

  private func takeover(_ configuration: StageConfiguration) -> Takeover? {
    Takeover(configuration, configuration.guarantee.strategy)
  }

  @Test func onlyMembersWithTransactionsLeaveAny() {
    #expect(takeover(configuration()) != nil)
    #expect(takeover(configuration(.atLeastOnce)) == nil)
    #expect(takeover(configuration(outputs: [])) == nil)
    #expect(takeover(configuration(followed: Feed())) == nil)
  }

  @Test func namesOfOthersAreOfTheDead() throws {
    let takeover = try #require(self.takeover(configuration()))
    func owners(_ names: String...) -> [TopicPartition: String] {
      Dictionary(
        uniqueKeysWithValues: names.enumerated().map { (TopicPartition("in", Int32($0)), $1) })
    }
    #expect(takeover.predecessors([:]) == [])
    #expect(takeover.predecessors(owners("app-user-1")) == [], "one's own")
    #expect(
      takeover.predecessors(owners("app-user-3", "app-user-2", "app-user-3", "app-user-1"))
        == ["app-user-2", "app-user-3"])
    // Set by hand, or by something that is none of ours.
    #expect(takeover.predecessors(owners("by hand", "app-movie-2", "")) == [])
  }

  @Test func workersOfAnInstanceAreMembersOfTheirOwn() throws {
    let worker = configuration(worker: 1)
    #expect(worker.instanceID == "app-user.w1-1" && worker.clientID == worker.instanceID)
    #expect(worker.transactionalID == worker.instanceID && worker.group == "app-user")
    #expect(configuration().instanceID == "app-user-1", "as it always was")
    let takeover = try #require(self.takeover(worker))
    let owners = [TopicPartition("in", 0): "app-user-1", TopicPartition("in", 1): "app-user.w1-1"]
    #expect(takeover.predecessors(owners) == ["app-user-1"])
  }
}
