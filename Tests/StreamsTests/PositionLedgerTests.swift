import EventLog
import Testing

@testable import Streams

struct PositionLedgerTests {
  private static let start = ContinuousClock.now
  private let one = TopicPartition("t", 1)
  private let two = TopicPartition("t", 2)

  private func time(_ milliseconds: Int) -> ContinuousClock.Instant {
    Self.start + .milliseconds(milliseconds)
  }

  @Test func aPositionIsDueTenTimesASecond() {
    var ledger = PositionLedger(at: Self.start)
    #expect(ledger.isDue(one, at: time(0)), "the first one always")
    ledger.put(one, isSent: true, at: time(0))
    #expect(!ledger.isDue(one, at: time(99)) && ledger.isDue(one, at: time(100)))
    #expect(ledger.isDue(two, at: time(0)))
  }

  @Test func aPositionThatWasNotSentIsOwed() {
    var ledger = PositionLedger(at: Self.start)
    ledger.put(one, isSent: true, at: time(0))
    #expect(!ledger.owes(one, all: true, at: time(0)))
    ledger.put(one, isSent: false, at: time(10))
    #expect(!ledger.owes(one, all: false, at: time(99)), "too soon")
    #expect(ledger.owes(one, all: true, at: time(10)), "unless it is the last chance")
    #expect(ledger.owes(one, all: false, at: time(100)))
    ledger.send(one, at: time(100))
    #expect(!ledger.owes(one, all: true, at: time(100)))
    #expect(!ledger.isDue(one, at: time(199)))
  }

  @Test func aVoidBatchOwesNothing() {
    var ledger = PositionLedger(at: Self.start)
    ledger.put(one, isSent: false, at: time(0))
    ledger.rollBack()
    #expect(!ledger.owes(one, all: true, at: time(1_000)))
  }

  @Test func theGroupIsToldTenTimesASecond() {
    var ledger = PositionLedger(at: Self.start)
    #expect(ledger.offsetsToTell(all: true, at: time(0)) == nil, "nothing to tell")
    ledger.note([one: 5, two: 3])
    ledger.note([one: 9])
    #expect(ledger.offsetsToTell(all: false, at: time(0)) == [one: 9, two: 3])
    ledger.tellOffsets(at: time(0))
    ledger.note([two: 4])
    #expect(ledger.offsetsToTell(all: false, at: time(99)) == nil)
    #expect(ledger.offsetsToTell(all: true, at: time(99)) == [two: 4])
    #expect(ledger.offsetsToTell(all: false, at: time(100)) == [two: 4])
  }

  @Test func whatIsGivenUpIsForgotten() {
    var ledger = PositionLedger(at: Self.start)
    for partition in [one, two] {
      ledger.put(partition, isSent: true, at: time(0))
      ledger.put(partition, isSent: false, at: time(1))
    }
    ledger.note([one: 1, two: 2])
    ledger.forget([one])
    #expect(ledger.isDue(one, at: time(1)) && !ledger.owes(one, all: true, at: time(1)))
    #expect(ledger.owes(two, all: true, at: time(1)))
    #expect(ledger.offsetsToTell(all: true, at: time(1)) == [two: 2])
  }

  @Test func watchersSeeChangesOnly() {
    var ledger = PositionLedger(at: Self.start)
    let positions = [one: PartitionPosition(nextOffset: 1, endOffset: 2)]
    let changes = [[:], positions, positions].map { ledger.showChange($0) }
    #expect(changes == [false, true, false])
    ledger.show([:])
    let isNews = ledger.showChange(positions)
    #expect(isNews)
  }

  @Test func redeliveriesCountUntilABatchTellsThem() {
    var ledger = PositionLedger(at: Self.start)
    ledger.noteRedelivery()
    ledger.noteRedelivery()
    #expect(ledger.redeliveries == 2)
    ledger.show([:])
    #expect(ledger.redeliveries == 0)
  }
}
