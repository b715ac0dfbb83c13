import EventLog
import Simulation
import StateStore
import Testing

@testable import Streams

/// Offsets of a group that somebody else has set.
struct GroupStandingTests {
  private func standing(
    _ committed: Int64?, own: Int64?, isOurs: Bool = false, isAccepted: Bool = false,
    _ compliance: GroupStanding.Compliance = .replays
  ) -> GroupStanding.Outcome {
    GroupStanding(
      committed: committed, isOurs: isOurs, isAccepted: isAccepted, own: own,
      compliance: compliance
    ).outcome
  }

  @Test func foreignOffsetsAreTakenForWhatTheyAre() {
    #expect(standing(nil, own: nil) == .goOn(at: nil))
    #expect(standing(5, own: nil) == .goOn(at: 5))
    #expect(standing(nil, own: 5) == .goOn(at: 5))
    #expect(standing(5, own: 5) == .goOn(at: 5))
    #expect(standing(3, own: 5) == .move(to: 3))
    #expect(standing(7, own: 5) == .refuse(to: 7))
    #expect(standing(7, own: 5, isOurs: true, isAccepted: true) == .move(to: 7))
    #expect(standing(5, own: 5, isOurs: true, isAccepted: true) == .move(to: 5))
    let kept = standing(7, own: 5, isOurs: true, isAccepted: true, .keeps)
    #expect(kept == .goOn(at: 5))
    #expect(standing(3, own: 5, .keeps) == .ignore(at: 5))
    #expect(standing(7, own: 5, .keeps) == .ignore(at: 5))
    #expect(standing(3, own: 5, .follows) == .goOn(at: 3))
  }

  @Test func ownOffsetsFollowTheStateOrElseTheGroup() {
    #expect(standing(3, own: 5, isOurs: true, .keeps) == .goOn(at: 5))
    #expect(standing(7, own: 5, isOurs: true, .keeps) == .goOn(at: 5))
    #expect(standing(3, own: 5, isOurs: true) == .goOn(at: 3))
  }

  @Test func aStampIsReadBackAndTellsWhose() throws {
    for stamp in [OffsetStamp.owned(by: "app-count-0"), .released(by: "app-count-0"), .accepted] {
      #expect(OffsetStamp(stamp.text) == stamp)
    }
    #expect(OffsetStamp("") == nil)
    let configuration = World().configuration()
    func isOurs(_ metadata: String) -> Bool {
      GroupStanding(GroupOffset(1, OffsetStamp(metadata)), own: 1, configuration).isOurs
    }
    #expect(isOurs("app-count-7") && isOurs("app-count.w1-7"))
    #expect(isOurs(OffsetStamp.released(by: "app-count-7").text))
    #expect(isOurs(OffsetStamp.accepted.text))
    #expect(!isOurs("") && !isOurs("consumer-1") && !isOurs("released by app-other-1"))
  }

  // MARK: A stage whose state counts each event once

  private func settledWorld() throws -> World {
    let world = World()
    try world.feed(0..<10)
    #expect(world.run().error == nil)
    return world
  }

  @Test(arguments: [0, 4, 15])
  func aStageThatCountsEventsOnceKeepsItsPlaceAndSaysSo(offset: Int64) throws {
    let world = try settledWorld()
    try world.feed(10..<20)
    world.log.setForeignOffsets([world.input(0): offset], of: "app-count")
    let recorder = EventRecorder()
    var run = World.Run()
    run.events = recorder.sink
    #expect(world.run(run).error == nil)
    let reasons = recorder.kinds.compactMap {
      if case .foreignOffset(_, let reason) = $0 { reason } else { nil }
    }
    #expect(reasons.map(\.code) == [.resetIgnored])
    #expect(reasons.first?.text.contains("was set to \(offset)") == true)
    try Checker(world: world).checkDrained()
    let again = EventRecorder()
    run.events = again.sink
    #expect(world.run(run).error == nil)
    let isRepeated = again.kinds.contains { if case .foreignOffset = $0 { true } else { false } }
    #expect(!isRepeated)
  }
}
