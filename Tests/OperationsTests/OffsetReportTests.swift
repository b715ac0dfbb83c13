import EventLog
import Streams
import Testing

@testable import Operations

/// What is said of a stage's offsets, and whether it starts from there.
@Suite struct OffsetReportTests {
  private static let identity = StageIdentity(application: "app", stage: "intake", instance: "a")

  private func report(
    _ offset: Int64?, _ stamp: OffsetStamp?, own: Int64?, held: Range<Int64> = 5..<20,
    loss: String? = nil
  ) -> OffsetReport {
    OffsetReport(
      source: TopicPartition("user-ratings", 0),
      committed: offset.map { GroupOffset($0, stamp) }, own: own, held: held, loss: loss,
      identity: Self.identity)
  }

  private static let released = OffsetStamp.released(by: identity.member)

  @Test func positionsOfTheStageAreFine() {
    for (offset, own) in [(7, 7), (5, 5), (20, 20), (nil, 9), (nil, nil)] as [(Int64?, Int64?)] {
      let report = report(offset, Self.released, own: own)
      #expect(report.status == "ok" && !report.stopsStage && report.accepted == nil)
    }
  }

  /// One partition tells that the topic was made again: the others may have outgrown it.
  @Test func whatWasMadeAgainWasMadeAgainAsAWhole() {
    let sources = (0..<3).map { TopicPartition("user-ratings", $0) }
    #expect(StageOffsets.spread([:], to: sources).isEmpty)
    let losses = StageOffsets.spread(
      [sources[2]: "the log ends at 3", sources[1]: "the log ends at 5"], to: sources)
    #expect(losses[sources[2]] == "the log ends at 3" && losses[sources[1]] == "the log ends at 5")
    #expect(
      losses[sources[0]] == "the topic was made again: of user-ratings[1], the log ends at 5")
  }

  /// Events were deleted before they were processed, or the topic is another one.
  @Test func positionsThatTheLogDoesNotHaveStopTheStage() {
    for (offset, own) in [(4, 4), (21, 21), (nil, 4), (nil, 21)] as [(Int64?, Int64?)] {
      let report = report(offset, Self.released, own: own)
      #expect(report.status == "not in the log" && report.stopsStage && report.accepted == 5)
    }
  }

  @Test func anotherTopicStopsTheStageUntilItIsAccepted() {
    let before = report(9, Self.released, own: 9, loss: "it ends at 3")
    #expect(before.status == "another topic" && before.stopsStage && before.accepted == 5)
    let after = report(5, .accepted, own: 9, loss: "it ends at 3")
    #expect(after.status == "ok" && !after.stopsStage && after.accepted == nil)
    #expect(after.loss == nil)
  }

  @Test func whatOthersHaveSetStopsTheStageOnlyAhead() {
    let ahead = report(12, nil, own: 9)
    #expect(ahead.status == "ahead" && ahead.stopsStage && ahead.accepted == 12)
    let behind = report(6, nil, own: 9)
    #expect(behind.status == "behind" && !behind.stopsStage && behind.isForeign)
    let unknown = report(6, nil, own: nil)
    #expect(unknown.status == "set by somebody else" && !unknown.stopsStage)
  }
}
