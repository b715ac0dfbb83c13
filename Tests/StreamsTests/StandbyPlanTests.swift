import EventLog
import Simulation
import StateStore
import Testing

@testable import Streams

/// What a follower decides, without a log.
struct StandbyPlanTests {
  private func plan(
    wanted: Set<Int32>, owned: Set<Int32> = [], followed: Set<Int32> = [], kept: Set<Int32>? = nil
  ) -> StandbyPlan {
    StandbyPlan(wanted: wanted, owned: owned, followed: followed, kept: kept ?? followed)
  }

  @Test func whatIsWantedIsOpened() {
    let plan = plan(wanted: [2, 0, 1])
    #expect(plan.open == [0, 1, 2] && plan.release == [])
  }

  @Test func whatIsFollowedAsWantedStays() {
    #expect(plan(wanted: [0, 1], followed: [0, 1]).isEmpty)
    #expect(plan(wanted: []).isEmpty)
  }

  @Test func whatIsNotWantedAnyMoreIsReleased() {
    let plan = plan(wanted: [1], followed: [0, 1])
    #expect(plan.release == [0] && plan.open == [])
  }

  /// The stage may have several threads here; none of their partitions needs a copy.
  @Test func whatTheStageOwnsIsReleasedAndNotOpened() {
    let plan = plan(wanted: [0, 1, 2], owned: [0, 2], followed: [0, 1])
    #expect(plan.release == [0] && plan.open == [])
  }

  /// Between two looks the stage has taken a partition and given it back.
  @Test func whatTheStageHasHadIsOpenedAgain() {
    let plan = plan(wanted: [0, 1], followed: [0, 1], kept: [1])
    #expect(plan.release == [0] && plan.open == [0])
  }

  // MARK: Several threads of one stage

  @Test func aThreadGivesBackItsOwnPartitionsOnly() throws {
    let copies = StandbyCopies<MemoryStore>()
    for partition in 0..<4 as Range<Int32> {
      #expect(copies.take(partition, for: partition < 2 ? "a" : "b", pause: { _ in }) == nil)
    }
    copies.giveBack(2, by: "a")
    #expect(copies.owned == [0, 1, 2, 3])
    copies.giveBack(0, by: "a")
    #expect(copies.owned == [1, 2, 3])
    for partition in copies.owned { copies.giveBack(partition, by: "b") }
    #expect(copies.owned == [1])
  }

  /// The group may give a partition to a thread before the one that has lost it finds out.
  @Test func aPartitionIsOfTheThreadThatTookItLast() {
    let copies = StandbyCopies<MemoryStore>()
    _ = copies.take(0, for: "a", pause: { _ in })
    _ = copies.take(0, for: "b", pause: { _ in })
    copies.giveBack(0, by: "a")
    #expect(copies.owned == [0])
    copies.giveBack(0, by: "b")
    #expect(copies.owned == [])
  }

  @Test func threadsOfOneInstanceKeepNoCopiesOfEachOther() {
    let members = [
      StandbyPlacement.Member(name: "one", partitions: [0, 1]),
      StandbyPlacement.Member(name: "one", partitions: [2]),
      StandbyPlacement.Member(name: "two", partitions: [3]),
      StandbyPlacement.Member(name: "two", partitions: [4, 5]),
    ]
    func kept(_ name: String) -> Set<Int32> {
      StandbyPlacement.partitions(of: name, among: members, partitionCount: 6, copies: 1)
    }
    #expect(kept("one") == [3, 4, 5] && kept("two") == [0, 1, 2])
  }

  // MARK: Copies

  @Test func aCopyIsCommittedUpToItsLastPosition() throws {
    let clock = SimulatedClock()
    let changelog = TopicPartition("log", 3)
    var copy = StandbyCopy(changelog, nextOffset: 5, now: clock.now)
    func take(_ offset: Int64, key: [UInt8]) {
      copy.take(
        RecordView(
          topic: 0, partition: 3, offset: offset, timestamp: 0, key: key.span.bytes,
          value: key.span.bytes))
    }
    func isDue(records: Int = 100) -> Bool {
      copy.isDue(clock.now, after: .milliseconds(500), records: records)
    }
    #expect(copy.begin() == PartitionCursor(changelog, from: .at(5)))
    take(5, key: [1, 1])
    clock.advance(by: .seconds(1))
    #expect(!isDue(), "no position vouches for it")
    take(6, key: [0] + Position.key)
    take(7, key: [1, 2])
    #expect(isDue() && copy.nextOffset == 7)

    let storage = MemoryStorage()
    let store = try storage.open(stage: "s", partition: 3, tables: ["t"])
    try copy.commit(to: store, at: clock.now)
    #expect(try store.changelogOffset() == 7)
    #expect(storage.contents(of: Table(rawValue: 1), stage: "s", partition: 3) == [[1]: [1, 1]])
    #expect(!isDue())
    // What was read behind the position is read again.
    #expect(copy.begin() == PartitionCursor(changelog, from: .at(7)))
    take(7, key: [1, 2])
    take(8, key: [0] + Position.key)
    #expect(!isDue() && isDue(records: 2))
  }
}
