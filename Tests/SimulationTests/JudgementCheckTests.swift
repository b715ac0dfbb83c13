import EventLog
import Ratings
import Simulation
import Streams
import Testing

@testable import PipelineSimulation

/// An event keeps the verdict that a recorded position covers.
struct JudgementCheckTests {
  @Test func aCoveredVerdictBinds() throws {
    var check = JudgementCheck(.atLeastOnce)
    try check.judge(3, valid: false)
    check.record(4)
    #expect(throws: Violation.self) { try check.judge(3, valid: true) }
  }

  @Test func aVerdictThatNoPositionCoversGivesWay() throws {
    var check = JudgementCheck(.atLeastOnce)
    try check.judge(3, valid: false)
    check.record(3)
    try check.judge(3, valid: true)
    #expect(check.accepted == [SourceCoordinates(partition: 0, offset: 3)])
    #expect(check.refusedLast.isEmpty)
  }

  /// The crash's verdict is not the one that the position behind the skipped event covers.
  @Test func aSkippedEventIsJudgedLater() throws {
    var check = JudgementCheck(.atLeastOnce)
    try check.judge(3, valid: false)
    check.noteAcceptedMove(of: [0])
    try check.judge(7, valid: true)
    check.record(8)
    try check.judge(3, valid: true)
  }

  @Test func aMoveUnbindsNothingThatIsCovered() throws {
    var check = JudgementCheck(.atLeastOnce)
    try check.judge(3, valid: false)
    check.record(4)
    check.noteAcceptedMove(of: [0])
    #expect(throws: Violation.self) { try check.judge(3, valid: true) }
  }

  @Test func exactlyOnceLeavesNothingBehind() throws {
    var check = JudgementCheck(.exactlyOnce)
    try check.judge(3, valid: false)
    check.noteAcceptedMove(of: [0])
    #expect(throws: Violation.self) { try check.judge(3, valid: true) }
  }
}

extension JudgementCheck {
  fileprivate mutating func judge(_ offset: Int64, valid: Bool) throws {
    _ = try take(Array(#"{"valid":\#(valid),"partition":0,"offset":\#(offset)}"#.utf8))
  }

  fileprivate mutating func record(_ nextOffset: Int64) {
    take(RecordedPosition(nextOffset: nextOffset), of: 0)
  }
}
