import EventLog
import Ratings
import Simulation
import Testing

@testable import Pipeline

@Suite struct EventSetTests {
  @Test func missingEventsAreThoseOfASetDifference() {
    var random = SeededGenerator(seed: 3)
    for _ in 0..<50 {
      var sets: [EventSet] = [EventSet(), EventSet()]
      var plain: [Set<SourceCoordinates>] = [[], []]
      for side in 0..<2 {
        for _ in 0..<Int.random(in: 0...200, using: &random) {
          let event = SourceCoordinates(
            partition: Int32.random(in: 0...2, using: &random),
            offset: (random.oneIn(3) ? 1 << 60 : 0) + (random.oneIn(3) ? 65_500 : 0)
              + Int64.random(in: 0...90, using: &random))
          sets[side].insert(event)
          plain[side].insert(event)
        }
        #expect(sets[side].count == plain[side].count)
      }
      let expected = plain[0].subtracting(plain[1]).sorted {
        ($0.partition, $0.offset) < ($1.partition, $1.offset)
      }
      let missing = sets[0].missing(from: sets[1], shown: 7)
      #expect(missing.count == expected.count)
      #expect(missing.first == Array(expected.prefix(7)))
    }
  }

  /// Every valid event has a valid verdict, also one that the user stage then finds to be a repeat.
  @Test func verdictsAndEventsOfTheStagesAgree() throws {
    let chain = Chain(partitions: 2)
    for index in 0..<40 as Range<Int64> {
      try chain.rate(index % 5, index % 3, 4, at: 1_600_000_000, partition: Int32(index % 2))
      try chain.log.append(
        to: TopicPartition(Topics.userRatings, 0), key: nil, value: Array("{}".utf8))
    }
    // What follows a delete of a change stream gets a valid verdict, and is no event.
    try chain.log.append(
      to: TopicPartition(Topics.userRatings, 0), key: Array(#"{"user_id":1}"#.utf8), value: nil)
    try chain.runAll()
    let reader = EventReader(chain.log, clientID: "test")
    let verdicts = try reader.read(.validVerdicts, to: ends(Topics.validationResults, chain))
    let events = try reader.read(.events, to: ends(Topics.validatedRatings, chain))
    #expect(verdicts.count == 40 && events.count == 40)
    #expect(verdicts.missing(from: events, shown: 1).count == 0)
    var fewer = try ends(Topics.validatedRatings, chain)
    fewer = fewer.mapValues { $0 / 2 }
    let missing = verdicts.missing(from: try reader.read(.events, to: fewer), shown: 3)
    #expect(missing.count > 10 && missing.first.count == 3)
  }

  private func ends(_ topic: String, _ chain: Chain) throws -> [TopicPartition: Int64] {
    var ends: [TopicPartition: Int64] = [:]
    for number in 0..<chain.partitions {
      let partition = TopicPartition(topic, number)
      ends[partition] = try chain.log.lastStableOffset(of: partition)
    }
    return ends
  }
}
