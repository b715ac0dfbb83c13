import Codecs
import EventLog
import Ratings
import Simulation
import Streams
import Testing

@testable import Pipeline

/// Each event is judged by the settings of its first time, however often it is read.
@Suite struct PolicyTests {
  private static let lenient = IntakePolicy()
  private static let strict = IntakePolicy(accepts: [])
  private static let input = TopicPartition(Topics.userRatings, 0)
  private static let group = Chain.topology.group(of: .intake)

  /// Valid where numbers as text are accepted.
  @discardableResult
  private func feed(_ count: Int = 1, _ chain: Chain, partition: Int32 = 0) throws -> Int64 {
    var last: Int64 = -1
    for _ in 0..<count {
      last = try chain.log.append(
        to: TopicPartition(Topics.userRatings, partition), key: nil,
        value: Array(#"{"user_id":1,"movie_id":2,"rating":"3.5","timestamp":1600000000}"#.utf8),
        timestamp: 1_600_000_100_000)
    }
    return last
  }

  /// All verdicts in order, as offset and whether it is valid.
  private func verdicts(_ chain: Chain) throws -> [String] {
    var parser = FlatJSONParser(fields: ["valid", "offset"])
    var texts: [String] = []
    for record in try chain.records(Topics.validationResults) {
      let value = try #require(record.value)
      try parser.parse(value.span.bytes)
      texts.append("\(parser.integer(1) ?? -1)\(parser.boolean(0) == true ? "+" : "-")")
    }
    return texts
  }

  /// What the control topic holds of partitions, in its own order.
  private func written(_ chain: Chain) throws -> [String] {
    var format = PolicyFormat()
    return try chain.records(Topics.control).compactMap { record in
      guard let key = record.key, let place = PolicyPlace(key: key.span.bytes) else { return nil }
      guard let value = record.value else { return "\(place.partition)@\(place.offset) none" }
      let policy = try format.read(value.span.bytes)
      let name =
        switch policy {
        case Self.lenient: "lenient"
        case Self.strict: "strict"
        default: policy.timeZone
        }
      return "\(place.partition)@\(place.offset) \(name)"
    }
  }

  private func setBack(_ chain: Chain, to offset: Int64 = 0, accepted: Bool = false) {
    if accepted {
      chain.log.setOffsets([Self.input: offset], of: Self.group, stamp: .accepted)
    } else {
      chain.log.setForeignOffsets([Self.input: offset], of: Self.group)
    }
  }

  private func chain(_ guarantee: ProcessingGuarantee, _ policy: IntakePolicy) -> Chain {
    var chain = Chain(guarantee)
    chain.intake.policy = policy
    return chain
  }

  // MARK: One after another

  @Test(arguments: ProcessingGuarantee.allCases)
  func aReplayJudgesAsThen(_ guarantee: ProcessingGuarantee) throws {
    var chain = chain(guarantee, Self.lenient)
    chain.limits.records = 2
    try feed(3, chain)
    try chain.runIntake()
    try chain.runIntake()
    #expect(try written(chain) == ["0@0 lenient"], "once, whatever the batches and the starts")
    chain.intake.policy = Self.strict
    try feed(3, chain)
    try chain.runIntake()
    #expect(try written(chain) == ["0@0 lenient", "0@3 strict"])
    let first = ["0+", "1+", "2+", "3-", "4-", "5-"]
    #expect(try verdicts(chain) == first)
    for accepted in [false, true] {
      setBack(chain, accepted: accepted)
      try chain.runIntake()
    }
    #expect(try verdicts(chain) == first + first + first)
    #expect(try written(chain).count == 2, "a replay changes nothing")
    // In the middle of a replay there are new events too.
    setBack(chain, to: 4)
    chain.intake.policy = Self.lenient
    try feed(1, chain)
    try chain.runIntake()
    #expect(try verdicts(chain).suffix(3) == ["4-", "5-", "6+"])
    #expect(try written(chain).last == "0@6 lenient")
  }

  @Test func theZoneIsThatOfThen() throws {
    var chain = chain(.exactlyOnce, IntakePolicy(timeZone: "East"))
    chain.intake.zone = { name in
      ["UTC": ZoneOffsets.utc, "East": ZoneOffsets(offsetMilliseconds: 3_600_000)][name]
    }
    try chain.log.append(
      to: Self.input, key: nil,
      value: Array(
        #"{"user_id":1,"movie_id":2,"rating":3.5,"timestamp":"2020-09-13 12:26:40"}"#.utf8),
      timestamp: 1_600_000_100_000)
    try chain.runIntake()
    chain.intake.policy.timeZone = "UTC"
    setBack(chain)
    try chain.runIntake()
    let values = try chain.records(Topics.validatedRatings).map(\.value)
    #expect(values.count == 2 && values[0] == values[1])
    var parser = CanonicalEventParser()
    let value = try #require(values[0])
    let event = try parser.parse(value.span.bytes, recordTime: -1)
    #expect(event.timeMilliseconds == 1_600_000_000_000 - 3_600_000)
    // Where the database has lost a zone, nothing is judged by another one.
    chain.intake.zone = { $0 == "UTC" ? .utc : nil }
    setBack(chain)
    let error = #expect(throws: StageError.self) { try chain.runIntake() }
    #expect(error?.reaction == .stopDaemon && error?.description.contains("East") == true)
  }

  /// Earlier versions wrote neither policies nor how far they had been.
  @Test(arguments: ProcessingGuarantee.allCases)
  func whatEarlierVersionsJudgedIsJudgedByTheirRules(_ guarantee: ProcessingGuarantee) throws {
    let chain = chain(guarantee, Self.lenient)
    try feed(3, chain)
    chain.log.setOffsets(
      [Self.input: 3], of: Self.group, stamp: .released(by: "\(Self.group)-0"))
    try feed(1, chain)
    try chain.runIntake()
    #expect(try written(chain) == ["0@3 lenient"])
    setBack(chain)
    try chain.runIntake()
    #expect(try verdicts(chain) == ["3+", "0-", "1-", "2-", "3+"])
  }

  /// A partition of which retention has deleted the beginning.
  @Test func aPartitionBeginsWithThePolicyOfItsFirstEvent() throws {
    let chain = chain(.exactlyOnce, Self.strict)
    try feed(5, chain)
    try chain.log.truncate(Self.input, before: 3)
    try chain.runIntake()
    #expect(try written(chain) == ["0@3 strict"])
    #expect(try verdicts(chain) == ["3-", "4-"])
  }

  // MARK: Trouble

  @Test(arguments: ProcessingGuarantee.allCases)
  func anAbortedBatchLeavesNoPolicyBehind(_ guarantee: ProcessingGuarantee) throws {
    let chain = chain(guarantee, Self.lenient)
    try feed(3, chain)
    let refused = LogError(.transactionAborted, "refused", reaction: .abortBatch)
    let events = try chain.intakeEvents(
      Chain.Run(faults: { moment in
        moment.effect == (guarantee == .exactlyOnce ? .commitTransaction : .flush)
          && moment.number == 0 ? .fail(refused) : nil
      }))
    let visible = try written(chain)
    #expect(Set(visible) == ["0@0 lenient"] && !visible.isEmpty)
    let changes = events.filter { if case .policyChanged = $0 { true } else { false } }
    #expect(
      changes == [
        .policyChanged(
          Self.input, from: 0,
          PolicySummary(
            rules: 2, accept: Coercion.allCases.map(\.name.description), timeZone: "UTC"))
      ])
  }

  /// Wherever the process dies, its successor has other settings: every event that was settled is
  /// judged as it was.
  @Test(arguments: ProcessingGuarantee.allCases)
  func aDeathAnywhereIsHarmless(_ guarantee: ProcessingGuarantee) throws {
    for number in 0..<60 {
      for afterwards in [false, true] {
        var chain = chain(guarantee, Self.lenient)
        chain.limits.records = 2
        try feed(3, chain)
        _ = try? chain.runIntake(
          Chain.Run(faults: { moment in
            guard moment.total == number else { return nil }
            return afterwards ? .dieAfterwards : .die
          }))
        chain.intake.policy = Self.strict
        try feed(1, chain)
        try chain.runIntake()
        let before = try newestVerdicts(chain)
        if guarantee == .exactlyOnce {
          #expect(try verdicts(chain).count == 4, "effect \(number)")
        }
        setBack(chain)
        chain.intake.policy = Self.lenient
        try chain.runIntake()
        #expect(try verdicts(chain).suffix(4) == before, "effect \(number)")
      }
    }
  }

  /// The last verdict on each event: without transactions, what a crash makes it judge twice may be
  /// judged by other settings, and those are recorded.
  private func newestVerdicts(_ chain: Chain) throws -> [String] {
    var newest: [Int: String] = [:]
    for text in try verdicts(chain) { newest[Int(text.dropLast()) ?? -1] = text }
    return newest.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The old topic's entries would hold for the new one's events.
  @Test(arguments: ProcessingGuarantee.allCases)
  func aTopicThatWasRecreatedBeginsWithThePresentPolicy(_ guarantee: ProcessingGuarantee) throws {
    var chain = chain(guarantee, Self.strict)
    try feed(2, chain)
    try chain.runIntake()
    chain.intake.policy = Self.lenient
    try feed(6, chain)
    try chain.runIntake()
    #expect(try written(chain) == ["0@0 strict", "0@2 lenient"])
    chain.log.createTopic(Topics.userRatings, partitions: 1)
    try feed(1, chain)
    setBack(chain, accepted: true)
    try chain.runIntake()
    #expect(try written(chain).suffix(2) == ["0@2 none", "0@0 lenient"])
    try feed(3, chain)
    setBack(chain)
    try chain.runIntake()
    #expect(try verdicts(chain).suffix(4) == ["0+", "1+", "2+", "3+"])
  }

  /// Nobody knows any more by what the events were judged: the next ones are recorded again.
  @Test func aControlTopicThatWasLostIsFilledAgain() throws {
    var chain = chain(.exactlyOnce, Self.lenient)
    try feed(2, chain)
    try chain.runIntake()
    chain.log.createTopic(Topics.control, partitions: 1)
    try feed(1, chain)
    try chain.runIntake()
    #expect(try written(chain) == ["0@2 lenient"])
    setBack(chain)
    chain.intake.policy = Self.strict
    try chain.runIntake()
    #expect(try verdicts(chain).suffix(3) == ["0-", "1-", "2+"])
  }

  @Test func aPolicyOfANewerVersionStopsAReplayAndNothingElse() throws {
    let chain = chain(.exactlyOnce, Self.lenient)
    try feed(2, chain)
    try chain.runIntake()
    let place = PolicyPlace(group: Self.group, partition: 0, offset: 1)
    try chain.log.append(
      to: TopicPartition(Topics.control, 0), key: place.key,
      value: Array(#"{"format":1,"rules":9,"accept":[],"time_zone":"UTC"}"#.utf8))
    try feed(1, chain)
    try chain.runIntake()
    #expect(try verdicts(chain) == ["0+", "1+", "2+"])
    setBack(chain)
    let error = #expect(throws: StageError.self) { try chain.runIntake() }
    #expect(error?.reason.code == .unknownFormat && error?.reaction == .stopDaemon)
    #expect(error?.description.contains("offset 1 of user-ratings[0]") == true)
  }

  /// An application that takes the topics over judges everything by its own settings.
  @Test func otherGroupsPoliciesAreTheirs() throws {
    let chain = chain(.exactlyOnce, Self.lenient)
    var writer = JSONWriter()
    PolicyFormat.write(Self.strict, to: &writer)
    for (group, key) in [("other-intake", nil), ("", "owner"), ("", "intake:x")]
      as [(String, String?)]
    {
      let place = PolicyPlace(group: group, partition: 0, offset: 0)
      try chain.log.append(
        to: TopicPartition(Topics.control, 0), key: key.map { Array($0.utf8) } ?? place.key,
        value: writer.copyBytes())
    }
    try feed(1, chain)
    try chain.runIntake()
    #expect(try verdicts(chain) == ["0+"])
  }

  /// The owner before has committed its policy, but a transaction of somebody else's that began
  /// earlier hides it.
  @Test func whatIsHiddenBehindATransactionIsWaitedFor() throws {
    let chain = chain(.exactlyOnce, Self.lenient)
    let other = try chain.log.makeProducer(
      ProducerConfiguration(
        topics: [Topics.control], delivery: .transactional(id: "app-intake-other"), clientID: "o"))
    let reader = try chain.log.makeConsumer(
      ConsumerConfiguration(topics: [Topics.control], group: nil, clientID: "o"))
    try other.beginTransaction()
    let key = PolicyPlace(group: Self.group, partition: 7, offset: 0).key
    try other.send(
      topic: 0, partition: 0, key: key.span.bytes, value: nil, headers: [], timestamp: nil,
      tracked: false)
    try feed(2, chain)
    chain.log.setOffsets([Self.input: 2], of: Self.group, stamp: .released(by: "app-intake-0"))
    var writer = JSONWriter()
    PolicyFormat.write(Self.lenient, to: &writer)
    try chain.log.append(
      to: TopicPartition(Topics.control, 0),
      key: PolicyPlace(group: Self.group, partition: 0, offset: 0).key, value: writer.copyBytes())
    setBack(chain)
    let open = Found(other, reader)
    try chain.runIntake(
      Chain.Run(faults: { moment in
        // Some polls into the wait.
        if moment.effect == .poll, moment.number == 8 { open.commit() }
        return nil
      }))
    #expect(try verdicts(chain) == ["0+", "1+"])
  }
}

/// A transaction that ends in the middle of another's effect.
private final class Found: @unchecked Sendable {
  // One thread runs both.
  private let producer: MemoryProducer
  private let consumer: MemoryConsumer

  init(_ producer: MemoryProducer, _ consumer: MemoryConsumer) {
    self.producer = producer
    self.consumer = consumer
  }

  func commit() {
    do throws(LogError) {
      try producer.commitTransaction(offsets: [:], of: consumer, timeout: .zero)
    } catch { Issue.record("\(error)") }
  }
}
