import EventLog
import StateStore
import Testing

@testable import Streams

/// What a restore decides of a changelog and of a store, without either.
struct ChangelogTests {
  private let changelog = TopicPartition("log", 0)

  /// Hands a change of a key, or the position where there is none, to `body`.
  private func record(
    _ offset: Int64, key: String? = nil, value: String? = "v",
    _ body: (borrowing RecordView) -> Void
  ) {
    let key = key.map { [1] + $0.utf8Array } ?? [0] + Position.key
    let bytes = value?.utf8Array ?? []
    let view = RecordView(
      topic: 0, partition: 0, offset: offset, timestamp: 0, key: key.span.bytes,
      value: value == nil ? nil : bytes.span.bytes)
    body(view)
  }

  private func keys(_ writes: WriteSet) -> [String] {
    var keys: [String] = []
    writes.forEach { _, key, _ in
      keys.append(String(decoding: [UInt8](copying: key), as: UTF8.self))
    }
    return keys
  }

  // MARK: Tails

  @Test func aTailIsWhatFollowsTheLastPosition() {
    var tail = ChangelogTail()
    record(0, key: "a") { tail.take($0) }
    #expect(tail.lastPosition == nil && keys(tail.changes) == ["a"])
    record(1) { tail.take($0) }
    #expect(tail.lastPosition == 2 && tail.changes.isEmpty)
    record(4, key: "b", value: nil) { tail.take($0) }
    record(5, key: "c") { tail.take($0) }
    #expect(tail.lastPosition == 2 && keys(tail.changes) == ["b", "c"])
  }

  @Test func aPositionVouchesForWhatIsBeforeIt() {
    var (tail, vouched) = (ChangelogTail(), WriteSet())
    record(0, key: "a") { tail.take($0, movingVouchedTo: &vouched) }
    #expect(vouched.isEmpty)
    record(1) { tail.take($0, movingVouchedTo: &vouched) }
    record(2, key: "b") { tail.take($0, movingVouchedTo: &vouched) }
    #expect(keys(vouched) == ["a", "position"] && keys(tail.changes) == ["b"])
  }

  @Test func theSearchGoesBackwardsInGrowingSteps() {
    var search = TailSearch()
    let range: Range<Int64> = 500..<20_000
    var starts: [Int64] = []
    while !search.covers(range) {
      starts.append(search.start(in: range))
      search.widen()
    }
    starts.append(search.start(in: range))
    #expect(starts == [19_000, 10_000, 500])
    #expect(TailSearch().covers(0..<1_000) && !TailSearch().covers(0..<1_001))
  }

  // MARK: Sections

  @Test func aSectionEndsAtItsLastPosition() {
    var section = ChangelogSection(changelog, 10..<20)
    record(12, key: "a") { section.searchRecord($0) }
    record(13) { section.searchRecord($0) }
    record(15, key: "b") { section.searchRecord($0) }
    #expect(section.endOfState == 14)
    #expect(section.state == PartitionCursor(changelog, from: .at(10), to: 14))
    // What is behind the position is not in the store.
    #expect(section.changelogOffset(below: 12) == 12 && section.changelogOffset(below: 14) == 14)
    section.beginSearch()
    #expect(section.endOfState == 10 && section.tail.changes.isEmpty)
  }

  /// Where no change follows the last position, only markers do.
  @Test func withoutATailTheStoreStandsForTheWholeChangelog() {
    var section = ChangelogSection(changelog, 10..<20)
    record(17) { section.searchRecord($0) }
    #expect(section.changelogOffset(below: 17) == 17)
    #expect(section.changelogOffset(below: 18) == 20)
  }

  @Test func aChangelogWithoutAPositionHasNoState() {
    var section = ChangelogSection(changelog, 0..<3)
    record(0, key: "a") { section.searchRecord($0) }
    #expect(section.endOfState == 0 && section.state.isAtEnd)
  }

  // MARK: Needs

  @Test func aStoreLacksWhatFollowsIt() {
    #expect(RestoreNeed(stored: nil, held: 0..<9) == .changes(0..<9))
    #expect(RestoreNeed(stored: 4, held: 0..<9) == .changes(4..<9))
    #expect(RestoreNeed(stored: 9, held: 0..<9) == .changes(9..<9))
    #expect(RestoreNeed(stored: nil, held: 0..<0) == .changes(0..<0))
  }

  @Test func aStoreBeyondTheEndIsRebuilt() {
    #expect(RestoreNeed(stored: 10, held: 0..<9) == .rebuild)
  }

  @Test func aChangelogWithoutItsBeginningIsNoUseToAStoreThatLacksIt() {
    #expect(RestoreNeed(stored: 4, held: 4..<9) == .changes(4..<9))
    #expect(RestoreNeed(stored: 3, held: 4..<9) == .lost(from: 3))
    #expect(RestoreNeed(stored: nil, held: 4..<9) == .lost(from: 0))
    #expect(RestoreNeed(stored: 10, held: 4..<9) == .lost(from: 0))
  }

  @Test func memoryIsDividedAmongThePartitions() {
    #expect(RestoreLimits(partitions: 1) == RestoreLimits(partitions: 1))
    for partitions in [1, 2, 4, 12] {
      let limits = RestoreLimits(partitions: partitions)
      #expect(limits.chunkBytes * partitions <= 12 << 20 && limits.pages * partitions <= 4_096)
    }
    // A chunk is worth its commit.
    let least = RestoreLimits(partitions: 1_000)
    #expect(least.chunkBytes == 1 << 20 && least.pages == 256)
  }

  // MARK: Where to read on

  private func decision(
    restored: Int64?, committed: Int64?, held: Range<Int64> = 10..<20, isStateful: Bool = true
  ) -> StartDecision.Outcome {
    StartDecision(restored: restored, committed: committed, held: held, isStateful: isStateful)
      .outcome
  }

  @Test func theStateSaysWhereToReadOnThenTheGroup() {
    func start(_ restored: Int64?, _ committed: Int64?) -> Int64 {
      StartDecision(restored: restored, committed: committed, held: 10..<20, isStateful: false)
        .offset
    }
    #expect(start(12, 15) == 12 && start(nil, 15) == 15 && start(nil, nil) == 10)
    #expect(decision(restored: 20, committed: 12) == .start)
    #expect(decision(restored: nil, committed: nil) == .start)
    #expect(decision(restored: nil, committed: 15, isStateful: false) == .start)
  }

  @Test func anOffsetThatIsNotInTheLogIsRefused() {
    #expect(decision(restored: 9, committed: 12) == .refuse(.belowLogStart))
    #expect(decision(restored: 21, committed: 12) == .refuse(.beyondLogEnd))
    #expect(decision(restored: nil, committed: 9) == .refuse(.belowLogStart))
    #expect(
      decision(restored: nil, committed: 21, isStateful: false) == .refuse(.beyondLogEnd))
  }

  @Test func aGroupThatHasGoneOnWithoutItsStateIsRefused() {
    #expect(decision(restored: nil, committed: 15) == .refuse(.stateLost))
    #expect(decision(restored: nil, committed: 10) == .start)
  }
}
