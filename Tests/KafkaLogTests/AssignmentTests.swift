import EventLog
import Testing

@testable import KafkaLog

/// A consumer's assignment as a value: no broker, no client.
@Suite struct AssignmentTests {
  private let zero = TopicPartition("events", 0)
  private let one = TopicPartition("events", 1)
  private let two = TopicPartition("events", 2)

  /// Holds an assignment: the testing macros take no noncopyable values.
  private final class Reader {
    var assignment: Assignment
    let groupProtocol: Assignment.GroupProtocol

    init(seeks: Bool = true, by groupProtocol: Assignment.GroupProtocol = .cooperative) {
      assignment = Assignment(
        topics: ["events"],
        version: seeks ? LibraryVersion(2, 0, 2) : LibraryVersion(2, 15, 0))
      self.groupProtocol = groupProtocol
    }

    var assigned: Set<TopicPartition> { assignment.assigned }
    var pending: Rebalance? { assignment.pending }
    var hasBeenAssigned: Bool { assignment.hasBeenAssigned }

    func rebalanced(_ change: Rebalance) { assignment.rebalanced(change) }

    func assign(_ starts: [(TopicPartition, StartOffset)]) -> Assignment.Step? {
      assignment.assign(starts.map { (partition: $0.0, offset: $0.1) }, by: groupProtocol)
    }

    func release(_ partitions: [TopicPartition]) -> Assignment.Step? {
      assignment.release(partitions, by: groupProtocol)
    }

    func rewind(to offsets: [TopicPartition: Int64]) -> Set<TopicPartition> {
      assignment.rewind(to: offsets, by: groupProtocol)
    }

    func finish(_ step: Assignment.Step) { assignment.finish(step) }

    func admit(_ partition: Int, _ offset: Int64) -> Assignment.Admission {
      assignment.admit(topic: 0, partition: partition, offset: offset)
    }

    func position(of partition: TopicPartition) -> Int64? { assignment.position(of: partition) }
  }

  /// A member that was assigned these partitions and reads them from offset 10.
  private func reading(
    _ partitions: [TopicPartition], seeks: Bool = true,
    by groupProtocol: Assignment.GroupProtocol = .cooperative
  ) throws -> Reader {
    let reader = Reader(seeks: seeks, by: groupProtocol)
    reader.rebalanced(.assigned(partitions))
    reader.finish(try #require(reader.assign(partitions.map { ($0, .at(10)) })))
    return reader
  }

  // MARK: Assigning

  @Test func aReaderAddsPartitionsWithoutBeingAsked() throws {
    let reader = Reader()
    let step = try #require(reader.assign([(zero, .at(3))]))
    #expect(step == .init(call: .incrementalAssign([zero: 3]), added: [zero: 3], isAnswer: false))
    reader.finish(step)
    #expect(reader.assigned == [zero])
    #expect(reader.position(of: zero) == 3)
    #expect(!reader.hasBeenAssigned)
    // A partition that is read already stays where it is.
    let again = reader.assign([(zero, .at(7))])
    #expect(again == nil)
  }

  @Test func aRebalanceStaysPendingUntilItsCallHasSucceeded() throws {
    let reader = Reader()
    reader.rebalanced(.assigned([zero]))
    #expect(reader.hasBeenAssigned)
    let step = try #require(reader.assign([(zero, .beginning)]))
    #expect(step.isAnswer)
    #expect(reader.pending == .assigned([zero]))
    #expect(reader.assigned.isEmpty)
    reader.finish(step)
    #expect(reader.pending == nil)
    #expect(reader.assigned == [zero])
  }

  @Test func anEmptyAssignmentIsAnsweredToo() throws {
    let reader = Reader()
    reader.rebalanced(.assigned([]))
    let step = try #require(reader.assign([]))
    #expect(step == .init(call: .incrementalAssign([:]), isAnswer: true))
    reader.finish(step)
    #expect(reader.pending == nil)
  }

  @Test func keptPartitionsAreSoughtAfterARebalanceIfTheLibraryMovesThem() throws {
    for seeks in [true, false] {
      let reader = try reading([zero], seeks: seeks)
      reader.rebalanced(.assigned([one]))
      let step = try #require(reader.assign([(one, .at(5))]))
      #expect(step.call == .incrementalAssign([one: 5]))
      #expect(step.seeks == (seeks ? [zero] : []))
    }
  }

  @Test func theEagerProtocolHasWholeAssignments() throws {
    let reader = try reading([zero], by: .eager)
    #expect(reader.admit(0, 10) == .deliver)
    reader.rebalanced(.assigned([zero, one]))
    let step = try #require(
      reader.assign([(zero, .at(0)), (one, .at(5))]))
    #expect(step.call == .assign([zero: 11, one: 5]))
    // The call itself sets the positions.
    #expect(step.seeks.isEmpty)
  }

  // MARK: Releasing

  @Test func oneCallAnswersAWholeRevocation() throws {
    let reader = try reading([zero, one, two])
    reader.rebalanced(.revoked([zero, one]))
    let first = reader.release([zero])
    #expect(first == nil)
    #expect(reader.pending == .revoked([zero, one]))
    #expect(reader.admit(0, 10) == .unassigned)
    #expect(reader.admit(1, 10) == .deliver)
    let step = try #require(reader.release([one]))
    #expect(
      step
        == .init(
          call: .incrementalUnassign([zero, one]), removed: [zero, one], isAnswer: true,
          seeks: [two]))
    reader.finish(step)
    #expect(reader.assigned == [two])
    #expect(reader.pending == nil)
  }

  @Test func aRevocationIsAnsweredOnceAfterAnother() throws {
    let reader = try reading([zero, one])
    reader.rebalanced(.revoked([zero]))
    reader.finish(try #require(reader.release([zero])))
    // The first revocation's partitions don't count for the second.
    reader.rebalanced(.lost([zero, one]))
    let early = reader.release([one])
    #expect(early == nil)
    let step = try #require(reader.release([zero]))
    #expect(step.removed == [one])
  }

  @Test func theEagerProtocolSaysWhatStays() throws {
    let reader = try reading([zero, one], by: .eager)
    reader.rebalanced(.revoked([zero, one]))
    let all = try #require(reader.release([zero, one]))
    #expect(all.call == .assign([:]))
    let other = try reading([zero, one], by: .eager)
    let part = try #require(other.release([zero]))
    #expect(part.call == .assign([one: 10]))
    #expect(!part.isAnswer)
  }

  @Test func releasingWhatIsNotReadTakesNoCall() throws {
    let reader = try reading([zero])
    let step = reader.release([one])
    #expect(step == nil)
  }

  @Test func aPartitionThatComesBackStartsAtItsNewOffset() throws {
    let reader = try reading([zero])
    reader.finish(try #require(reader.release([zero])))
    #expect(reader.position(of: zero) == nil)
    reader.finish(try #require(reader.assign([(zero, .at(4))])))
    #expect(reader.admit(0, 4) == .deliver)
  }

  // MARK: Records

  @Test func positionsOnlyRise() throws {
    let reader = try reading([zero])
    #expect(reader.admit(0, 9) == .repeated(expected: 10))
    #expect(reader.admit(0, 10) == .deliver)
    #expect(reader.admit(0, 10) == .repeated(expected: 11))
    // Markers and compaction leave gaps.
    #expect(reader.admit(0, 20) == .deliver)
    #expect(reader.position(of: zero) == 21)
    #expect(reader.admit(1, 0) == .unassigned)
    #expect(reader.admit(7, 0) == .unassigned)
  }

  @Test func aLogicalStartLetsTheFirstRecordPass() throws {
    let reader = Reader()
    reader.finish(try #require(reader.assign([(zero, .end)])))
    #expect(reader.admit(0, 0) == .deliver)
    #expect(reader.position(of: zero) == 1)
  }

  // MARK: Rewinding

  @Test func rewoundPartitionsAreSought() throws {
    let reader = try reading([zero, one])
    #expect(reader.admit(0, 10) == .deliver)
    let sought = reader.rewind(to: [zero: 2, two: 0])
    #expect(sought == [zero])
    #expect(reader.admit(0, 2) == .deliver)
    #expect(reader.position(of: two) == nil)
  }

  @Test(arguments: [true, false])
  func theAnswerToARebalanceSeeksWhatWasRewoundBefore(seeks: Bool) throws {
    let reader = try reading([zero, one, two], seeks: seeks)
    reader.rebalanced(.revoked([one]))
    let sought = reader.rewind(to: [zero: 2])
    #expect(sought.isEmpty)
    let step = try #require(reader.release([one]))
    #expect(step.seeks == (seeks ? [zero, two] : [zero]))
    #expect(reader.position(of: zero) == 2)
    // The debt is paid once.
    reader.finish(step)
    reader.rebalanced(.assigned([]))
    #expect(reader.assign([])?.seeks == (seeks ? [zero, two] : []))
  }
}
