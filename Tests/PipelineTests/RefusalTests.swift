import EventLog
import Ratings
import Simulation
import Streams
import Testing

@testable import Pipeline

/// When the log says that most events are refused, and what is counted.
@Suite struct RefusalTests {
  /// The same from a list of all verdicts.
  private struct Oracle {
    var verdicts: [(failed: ExpectationSet, offset: Int64)] = []

    var newest: ArraySlice<(failed: ExpectationSet, offset: Int64)> {
      verdicts.suffix(RefusalWindow.size)
    }

    var mostFrequent: (rule: Ratings.Expectation, events: Int, example: Int64)? {
      let counts = Ratings.Expectation.allCases.map { rule in
        (rule, newest.count { $0.failed.contains(rule) })
      }
      guard let most = counts.map(\.1).max(), most > 0,
        let (rule, events) = counts.first(where: { $0.1 == most }),
        let example = newest.last(where: { $0.failed.contains(rule) })
      else { return nil }
      return (rule, events, example.offset)
    }
  }

  @Test(arguments: UInt64(0)..<12) func aWindowHasTheNewestVerdicts(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var oracle = Oracle()
    var window = RefusalWindow()
    let rules = Ratings.Expectation.allCases.shuffled(using: &random).prefix(5)
    // Its share of refusals changes now and then.
    var oneIn = 3
    for offset in Int64(0)..<6_000 {
      if random.oneIn(700) { oneIn = [1, 2, 5, 1_000][Int.random(in: 0..<4, using: &random)] }
      var failed: ExpectationSet = []
      if random.oneIn(oneIn) {
        for rule in rules where random.oneIn(3) { failed.insert(rule) }
      }
      oracle.verdicts.append((failed, offset))
      window.take(failed, offset: offset)
      guard offset % 97 == 0 else { continue }
      #expect(window.refusals == oracle.newest.count { !$0.failed.isEmpty })
      let first = oracle.verdicts.firstIndex { !$0.failed.isEmpty } ?? oracle.verdicts.count
      #expect(window.count == min(oracle.verdicts.count - first, RefusalWindow.size))
      let (most, expected) = (window.mostFrequent, oracle.mostFrequent)
      #expect(most?.rule == expected?.rule && most?.events == expected?.events)
      #expect(most?.example == expected?.example)
    }
  }

  @Test func anAlarmIsRaisedOnceAndAgainAfterItWasOver() {
    var window = RefusalWindow()
    var alarm = RefusalAlarm()
    var offset = Int64(0)
    func feed(_ count: Int, _ failed: ExpectationSet) -> [RefusalAlarm.News] {
      (0..<count).compactMap { _ in
        window.take(failed, offset: offset)
        offset += 1
        return alarm.look(at: window)
      }
    }
    #expect(feed(500, [.ratingBetween]) == [], "half is not more than half")
    #expect(feed(1, [.ratingBetween]) == [.refused])
    #expect(feed(3_000, [.ratingBetween]) == [])
    #expect(feed(700, []) == [], "300 are left")
    #expect(feed(300, [.ratingBetween]) == [] && window.refusals == 300)
    #expect(feed(1_000, []) == [.accepted])
    #expect(feed(1_000, []) == [])
    #expect(feed(501, [.ratingBetween]) == [.refused])
  }

  @Test func countsAreNamed() {
    var tally = VerdictTally()
    tally.count(failed: [], coerced: [])
    tally.count(failed: [.ratingBetween, .userNotNull], coerced: [])
    tally.count(failed: [.ratingBetween], coerced: [])
    tally.count(failed: [], coerced: [.spelling, .floatNoise])
    #expect(
      tally.counts
        == VerdictCounts(
          valid: 2, invalid: 2,
          failed: [
            "expect_column_values_to_be_between:rating": 2,
            "expect_column_values_to_not_be_null:user_id": 1,
          ], coerced: ["spelling": 1, "float_noise": 1]))
    #expect(tally.counts.mostFrequentRule == "expect_column_values_to_be_between:rating")
    tally.removeAll()
    #expect(tally.counts.isEmpty && tally.counts == VerdictCounts())
  }

  @Test func everyRuleAndCoercionHasItsPlace() {
    var tally = VerdictTally()
    var window = RefusalWindow()
    for rule in Ratings.Expectation.allCases {
      tally.count(failed: [rule], coerced: [])
      window.take([rule], offset: 1)
    }
    tally.count(failed: [], coerced: .all)
    #expect(tally.counts.failed.count == Ratings.Expectation.allCases.count)
    #expect(tally.counts.coerced.count == Coercion.allCases.count)
    #expect(window.refusals == Ratings.Expectation.allCases.count)
  }

  // MARK: In the stage

  private func invalid(_ count: Int, _ chain: Chain) throws {
    for _ in 0..<count {
      try chain.log.append(
        to: TopicPartition(Topics.userRatings, 0), key: nil,
        value: Array(#"{"user_id":1,"movie_id":2,"rating":7,"timestamp":1600000000}"#.utf8))
    }
  }

  private func refusals(_ events: [EngineEvent.Kind]) -> [(example: Int64, reason: Reason)] {
    events.compactMap {
      if case .eventsRefused(_, let example, let reason) = $0 { (example, reason) } else { nil }
    }
  }

  @Test(arguments: ProcessingGuarantee.allCases)
  func theStageSaysItOnceWithTheRuleAndAnExample(_ guarantee: ProcessingGuarantee) throws {
    var chain = Chain(guarantee)
    chain.limits.records = 50
    try invalid(700, chain)
    let said = refusals(try chain.intakeEvents())
    #expect(said.count == 1)
    let (example, reason) = try #require(said.first)
    #expect(reason.code == .eventsRefused && (501..<600).contains(Int(example)))
    for words in [
      "550 of the last 550 events of user-ratings[0]", "expect_column_values_to_be_between:rating",
      "offset \(example)",
    ] {
      #expect(reason.text.contains(words), "\(reason.text)")
    }
  }

  /// A batch that is aborted is read again: its events count once.
  @Test func whatIsReadAgainCountsOnce() throws {
    var chain = Chain(.exactlyOnce)
    chain.limits.records = 400
    try invalid(400, chain)
    let refused = LogError(.transactionAborted, "refused", reaction: .abortBatch)
    let events = try chain.intakeEvents(
      Chain.Run(faults: { moment in
        // The first one records where the stage begins.
        moment.effect == .commitTransaction && (1...3).contains(moment.number)
          ? .fail(refused) : nil
      }))
    #expect(refusals(events).isEmpty)
    var counts = VerdictCounts()
    for case .batchCommitted(let batch) in events { counts.add(batch.judged) }
    #expect(counts.invalid == 400)
    #expect(counts.failed == ["expect_column_values_to_be_between:rating": 400])
    #expect(events.count { if case .batchAborted = $0 { true } else { false } } == 3)
  }

  @Test func itIsSaidWhenItIsOver() throws {
    var chain = Chain(.exactlyOnce)
    chain.limits.records = 100
    try invalid(600, chain)
    for number in Int64(0)..<1_000 {
      try chain.rate(1, number, 4, at: 1_600_000_000 + number)
    }
    let events = try chain.intakeEvents()
    #expect(refusals(events).count == 1)
    #expect(events.contains(.eventsAccepted(TopicPartition(Topics.userRatings, 0))))
  }
}
