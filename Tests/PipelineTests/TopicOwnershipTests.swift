import Codecs
import EventLog
import Streams
import Synchronization
import Testing

@testable import Pipeline
@testable import Simulation

/// Claims on a log in memory: at every point at which another claimant, a crash or a lost answer
/// can come.
@Suite struct TopicOwnershipTests {
  private static let topology = Topology(application: "films", prefix: "p")
  private static let place = TopicPartition("p.projectionist-control", 0)
  private let log: MemoryLog

  init() {
    log = MemoryLog()
    log.createTopic(Self.place.topic, partitions: 1)
  }

  private func ownership(_ process: SimulatedProcess = SimulatedProcess())
    -> TopicOwnership<MemoryLog>
  {
    TopicOwnership(log.connected(process), topology: Self.topology, clientID: "test")
  }

  /// - Returns: the owner after it, or the refusal.
  private func claim(
    _ application: String, _ process: SimulatedProcess = SimulatedProcess(), takesOver: Bool = false
  ) -> Result<TopicClaim, StageError> {
    let claim = TopicClaim(application: application, instance: "i", claimedMilliseconds: 1)
    do throws(StageError) {
      return .success(
        try ownership(process).claim(claim, takesOver: takesOver) { _ in }.claim)
    } catch {
      return .failure(error)
    }
  }

  private func isRefused(_ result: Result<TopicClaim, StageError>) -> Bool {
    if case .failure(.failed(let reason, .stopDaemon)) = result {
      return reason.code == .topicsOwned
    }
    return false
  }

  private func owner() throws -> String? { try ownership().owner()?.application }

  // MARK: One after another

  @Test func theFirstGetsTheTopicsAndOthersAreRefused() throws {
    #expect(try owner() == nil)
    #expect(try claim("films").get().application == "films")
    #expect(try owner() == "films")
    #expect(try claim("films").get().application == "films")
    let refused = claim("books")
    #expect(isRefused(refused))
    if case .failure(let error) = refused {
      for words in ["films", "books", "topics.prefix", "topics claim --take-over"] {
        #expect(error.description.contains(words), "\(error)")
      }
    }
    #expect(try owner() == "films")
    try ownership().check("films")
    #expect(throws: StageError.self) { try ownership().check("books") }
  }

  @Test func whoTakesOverHasThemFromThenOn() throws {
    _ = try claim("films").get()
    let claim = TopicClaim(application: "books", instance: "", claimedMilliseconds: 2)
    let outcome = try ownership().claim(claim, takesOver: true) { _ in }
    #expect(outcome.claim == claim)
    if case .claimed(_, let before) = outcome { #expect(before?.application == "films") }
    #expect(isRefused(self.claim("films")))
    #expect(try owner() == "books")
  }

  @Test func anOrdinaryStartWritesNothing() throws {
    _ = try claim("films").get()
    let end = try log.offsets(of: Self.place).upperBound
    _ = try claim("films").get()
    _ = claim("books")
    #expect(try log.offsets(of: Self.place).upperBound == end)
  }

  @Test func theNewestRecordCountsAndATombstoneFreesTheTopics() throws {
    _ = try claim("films").get()
    try log.append(to: Self.place, key: Array("another".utf8), value: Array("{}".utf8))
    #expect(try owner() == "films")
    try log.append(to: Self.place, key: Array("owner".utf8), value: nil)
    #expect(try owner() == nil)
    #expect(try claim("books").get().application == "books")
    try log.compact(Self.place)
    #expect(try owner() == "books")
  }

  @Test func aClaimOfAnotherFormatIsNotOverwritten() throws {
    try log.append(to: Self.place, key: Array("owner".utf8), value: Array(#"{"format":2}"#.utf8))
    let end = try log.offsets(of: Self.place).upperBound
    for takesOver in [false, true] {
      guard case .failure(.failed(let reason, _)) = claim("films", takesOver: takesOver) else {
        Issue.record("it was not refused")
        continue
      }
      #expect(reason.code == .unknownFormat)
    }
    #expect(try log.offsets(of: Self.place).upperBound == end)
  }

  /// What a stranger has written there locks nobody out for ever.
  @Test(arguments: ["rubbish", #"{"application":5}"#, "", #"{"format":1}"#, #"{"format":"x"}"#])
  func whatIsNoClaimIsReplacedByWhoeverTakesOver(value: String) throws {
    try log.append(to: Self.place, key: Array("owner".utf8), value: Array(value.utf8))
    guard case .failure(.failed(let reason, .stopDaemon)) = claim("films") else {
      Issue.record("it was not refused")
      return
    }
    #expect(reason.code == .unknownFormat && reason.text.contains("topics claim --take-over"))
    #expect(try claim("films", takesOver: true).get().application == "films")
    #expect(try owner() == "films")
  }

  @Test func whatIsWrittenIsRead() throws {
    let claim = TopicClaim(application: "films", instance: "a.1", claimedMilliseconds: 12)
    var writer = JSONWriter()
    claim.write(to: &writer)
    #expect(try TopicClaim(parsing: writer.bytes) == claim)
  }

  // MARK: How many partitions are used

  private static func counts(_ users: Int32) -> PartitionCounts {
    PartitionCounts(["topics.partitions": users, "topics.movie_partitions": 1])
  }

  private func claim(
    _ application: String = "films", counting users: Int32?,
    _ process: SimulatedProcess = SimulatedProcess(), takesOver: Bool = false,
    recounts: Bool = false
  ) throws -> PartitionCounts {
    let claim = TopicClaim(
      application: application, instance: "i", claimedMilliseconds: 1,
      counts: users.map(Self.counts) ?? PartitionCounts())
    return try ownership(process).claim(claim, takesOver: takesOver, recounts: recounts) { _ in }
      .claim.counts
  }

  @Test func everyGroupOfTopicsIsCounted() throws {
    let groups = Topology(application: "films").topics.compactMap { topic -> String? in
      if case .group(let name) = topic.partitions { name } else { nil }
    }
    let counts = PartitionCounts(
      Dictionary(uniqueKeysWithValues: zip(Set(groups).sorted(), Int32(3)...)))
    let claim = TopicClaim(
      application: "films", instance: "", claimedMilliseconds: 12, counts: counts)
    var writer = JSONWriter()
    claim.write(to: &writer)
    #expect(try TopicClaim(parsing: writer.bytes) == claim && counts.byGroup.count == 2)
    let wrong =
      #"{"format":1,"application":"a","instance":"","claimed_at_ms":3,"topics.partitions":0}"#
    #expect(throws: RecordError.self) { try TopicClaim(parsing: wrong.utf8.span.bytes) }
  }

  @Test func theFirstCountsStand() throws {
    #expect(try claim(counting: 4) == Self.counts(4))
    #expect(try claim(counting: 6) == Self.counts(4))
    #expect(try claim("books", counting: 6, takesOver: true) == Self.counts(4))
    #expect(try ownership().owner()?.application == "books")
    #expect(try claim("books", counting: 6, recounts: true) == Self.counts(6))
    #expect(try ownership().owner()?.counts == Self.counts(6))
    let end = try log.offsets(of: Self.place).upperBound
    #expect(try claim("books", counting: 6, recounts: true) == Self.counts(6))
    #expect(try log.offsets(of: Self.place).upperBound == end)
  }

  @Test func aClaimThatSaysNothingOfThemGetsThem() throws {
    #expect(try claim(counting: nil) == PartitionCounts())
    #expect(try claim(counting: 4) == Self.counts(4))
    #expect(try claim(counting: nil) == Self.counts(4))
  }

  /// Two daemons with different settings start on empty topics at the same moment.
  @Test func whoeverIsFirstBothUseTheSame() throws {
    let counting = SimulatedProcess()
    _ = try TopicOwnershipTests().claim(counting: 4, counting)
    for number in 0..<counting.effects {
      let bed = TopicOwnershipTests()
      let second = Mutex<PartitionCounts?>(nil)
      let first = try bed.claim(
        counting: 4,
        process(before: number) {
          let counts = try? bed.claim(counting: 6)
          second.withLock { $0 = counts }
          return nil
        })
      let other = try #require(second.withLock { $0 })
      #expect(first == other, "effect \(number)")
      #expect(try bed.ownership().owner()?.counts == first, "effect \(number)")
    }
  }

  // MARK: At the same time

  /// A process that does something before its effect of this number.
  private func process(
    before number: Int, _ body: @escaping @Sendable () -> SimulatedProcess.Fault?
  ) -> SimulatedProcess {
    SimulatedProcess(faults: { $0.total == number ? body() : nil })
  }

  /// How many effects a claim has when nobody interferes.
  private func effects() throws -> Int {
    let bed = TopicOwnershipTests()
    let process = SimulatedProcess()
    _ = try bed.claim("films", process).get()
    return process.effects
  }

  @Test func aRaceHasOneWinnerWhereverTheyMeet() throws {
    for number in 0..<(try effects()) {
      let bed = TopicOwnershipTests()
      let second = Found()
      let first = bed.claim(
        "films",
        process(before: number) {
          second.result = bed.claim("books")
          return nil
        })
      let other = try #require(second.result)
      let owner = try #require(try bed.owner())
      #expect(isRefused(first) != isRefused(other), "effect \(number)")
      #expect(isRefused(first) == (owner == "books"), "effect \(number)")
      if case .success(let claim) = first { #expect(claim.application == owner) }
      if case .success(let claim) = other { #expect(claim.application == owner) }
    }
  }

  @Test func threeRaceAndOneWins() throws {
    let count = try effects()
    for one in 0..<count {
      for two in 0..<count {
        let bed = TopicOwnershipTests()
        let (second, third) = (Found(), Found())
        let first = bed.claim(
          "films",
          process(before: one) {
            second.result = bed.claim(
              "books",
              SimulatedProcess(faults: { moment in
                if moment.total == two { third.result = bed.claim("plays") }
                return nil
              }))
            return nil
          })
        let results = [first, second.result, third.result].compactMap(\.self)
        #expect(results.count == 3, "effects \(one), \(two)")
        #expect(results.count { !isRefused($0) } == 1, "effects \(one), \(two)")
        let winner = try results.first { !isRefused($0) }?.get()
        #expect(try bed.owner() == winner?.application)
      }
    }
  }

  /// Intake writes to the topic as well, in transactions, behind which claims hide.
  @Test func whatAStageHasOpenHidesNoClaim() throws {
    _ = try claim("films").get()
    let stage = try log.makeProducer(
      ProducerConfiguration(
        topics: [Self.place.topic], delivery: .transactional(id: "films-intake"), clientID: "s"))
    let reader = try log.makeConsumer(
      ConsumerConfiguration(topics: [Self.place.topic], group: nil, clientID: "s"))
    let key = PolicyPlace(group: "films-intake", partition: 0, offset: 0).key
    try stage.beginTransaction()
    try stage.send(
      topic: 0, partition: 0, key: key.span.bytes, value: nil, headers: [], timestamp: nil,
      tracked: false)
    let hidden = Array(#"{"format":1,"application":"books","instance":"","claimed_at_ms":3}"#.utf8)
    try log.append(to: Self.place, key: Array("owner".utf8), value: hidden)
    #expect(try owner() == "films", "a look waits for nobody")
    var pauses = 0
    let claim = TopicClaim(application: "plays", instance: "", claimedMilliseconds: 4)
    let outcome = try ownership().claim(claim, takesOver: true) { _ throws(StageError) in
      pauses += 1
      do throws(LogError) {
        try stage.commitTransaction(offsets: [:], of: reader, timeout: .zero)
      } catch { throw .log(error) }
    }
    guard case .claimed(_, let before) = outcome else {
      Issue.record("it was held already")
      return
    }
    #expect(before?.application == "books" && pauses == 1)
    #expect(try owner() == "plays")
  }

  /// Whatever becomes of one claimant, the next one finds the topics claimed or free.
  @Test func aCrashOrALostAnswerLeavesTheTopicsToOne() throws {
    let lost = LogError(.unavailable, "no answer", reaction: .retry)
    let faults: [SimulatedProcess.Fault] = [
      .die, .dieAfterwards, .fail(lost), .failAfterwards(lost),
    ]
    for number in 0..<(try effects()) {
      for fault in faults {
        let bed = TopicOwnershipTests()
        let first = bed.claim("films", process(before: number) { fault })
        let owner = try bed.owner()
        if case .success = first { #expect(owner == "films", "effect \(number), \(fault)") }
        let second = bed.claim("books")
        #expect(isRefused(second) == (owner == "films"), "effect \(number), \(fault)")
        #expect(try bed.owner() == (owner ?? "books"))
      }
    }
  }
}

/// What a claimant inside another's effect has found.
private final class Found: @unchecked Sendable {
  // One thread runs both.
  var result: Result<TopicClaim, StageError>?
}
