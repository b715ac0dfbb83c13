import EventLog
import Testing

@testable import KafkaLog

/// A producer's transactions as a value: no broker, no client.
@Suite struct TransactionStateTests {
  private let lost = LogError(.unavailable, "no answer", reaction: .retry)

  private func opened() throws -> TransactionState {
    var state = TransactionState(producers: 2)
    #expect(try state.begin() == .begin(producer: 1))
    state.began(on: 1)
    return state
  }

  @Test func transactionsTakeTurns() throws {
    var state = try opened()
    for producer in [0, 1, 0] {
      _ = try state.commit(hasOffsets: false)
      state.committed()
      #expect(try state.begin() == .begin(producer: producer))
      state.began(on: producer)
      #expect(state.current == producer)
    }
  }

  @Test func aBeginThatFailedTakesNoTurn() throws {
    let state = TransactionState(producers: 2)
    #expect(try state.begin() == .begin(producer: 1))
    #expect(try state.begin() == .begin(producer: 1))
    #expect(state.current == 0)
    #expect(state.abort() == nil)
  }

  @Test func turnsNeverOverlap() throws {
    let state = try opened()
    #expect {
      _ = try state.begin()
    } throws: {
      ($0 as? LogError)?.reaction == .abandonPartition
    }
  }

  @Test func offsetsComeBeforeTheCommitAndOnlyOnce() throws {
    var state = try opened()
    #expect(try state.commit(hasOffsets: true) == .sendOffsets(producer: 1))
    // That failed: the repeated commit sends them.
    #expect(try state.commit(hasOffsets: true) == .sendOffsets(producer: 1))
    #expect(state.offsetsSent() == .commit(producer: 1))
    // The commit got no answer: the repeated one must not send them.
    #expect(try state.commit(hasOffsets: true) == .commit(producer: 1))
    state.committed()
    #expect(state.phase == .idle)
  }

  @Test func withoutOffsetsTheCommitComesAtOnce() throws {
    var state = try opened()
    #expect(try state.commit(hasOffsets: false) == .commit(producer: 1))
    #expect(state.phase == .committing)
  }

  @Test func nothingIsCommittedWithoutATransaction() {
    var state = TransactionState(producers: 2)
    #expect(throws: LogError.self) { _ = try state.commit(hasOffsets: false) }
  }

  @Test func anAbortEndsAnOpenTransaction() throws {
    var state = try opened()
    #expect(state.abort() == .abort(producer: 1))
    #expect(state.abortFailed(lost) == lost)
    // It failed: the repeated one aborts the same transaction.
    #expect(state.abort() == .abort(producer: 1))
    state.aborted()
    #expect(state.abort() == nil)
    #expect(try state.begin() == .begin(producer: 0))
  }

  @Test func aCommitWithoutAnAnswerIsNotTakenBack() throws {
    var state = try opened()
    _ = try state.commit(hasOffsets: false)
    #expect(state.abort() == .abort(producer: 1))
    let failure = state.abortFailed(lost)
    #expect(failure.reaction == .abandonPartition)
    #expect(failure.code == lost.code)
  }

  @Test func aSingleProducerHasEveryTurn() throws {
    var state = TransactionState(producers: 1)
    state.began(on: 0)
    state.aborted()
    #expect(try state.begin() == .begin(producer: 0))
  }
}
