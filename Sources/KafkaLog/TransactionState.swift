import EventLog

/// Where a producer is with its transactions, and which of its librdkafka producers has the turn.
///
///     idle ── began ──▶ open ── offsetsSent ──▶ committing ── committed ──▶ idle
///                        └──────── aborted ──▶ idle ◀── aborted ────┘
///
/// What the caller wants (`begin`, `commit`, `abort`) returns the action to take; what became of
/// the action (`began`, `offsetsSent`, `committed`, `aborted`) changes the state. A failed action
/// is no event, so the same request repeats it.
struct TransactionState: Equatable {
  enum Phase: Equatable {
    case idle
    case open
    /// The offsets are in it: a repeated commit must not add them again. The commit may have been
    /// decided without an answer.
    case committing
  }

  enum Action: Equatable {
    case begin(producer: Int)
    case sendOffsets(producer: Int)
    case commit(producer: Int)
    case abort(producer: Int)
  }

  private let producers: Int
  /// The producer of the current transaction, or of the last one.
  private(set) var current = 0
  private(set) var phase = Phase.idle

  /// - Parameter producers: how many take turns.
  init(producers: Int) {
    self.producers = producers
  }

  /// Throws while a transaction is open: transactions must be decided one after the other.
  func begin() throws(LogError) -> Action {
    guard phase == .idle else {
      throw LogError(.other, "a transaction is already open", reaction: .abandonPartition)
    }
    return .begin(producer: (current + 1) % producers)
  }

  mutating func began(on producer: Int) {
    (current, phase) = (producer, .open)
  }

  mutating func commit(hasOffsets: Bool) throws(LogError) -> Action {
    switch phase {
    case .idle:
      throw LogError(.other, "there is no transaction to commit", reaction: .abandonPartition)
    case .open where hasOffsets:
      return .sendOffsets(producer: current)
    case .open, .committing:
      phase = .committing
      return .commit(producer: current)
    }
  }

  mutating func offsetsSent() -> Action {
    phase = .committing
    return .commit(producer: current)
  }

  mutating func committed() { phase = .idle }

  /// `nil` if no transaction is open.
  func abort() -> Action? { phase == .idle ? nil : .abort(producer: current) }

  mutating func aborted() { phase = .idle }

  /// What a failed abort means: a commit without an answer can't be taken back, and the next
  /// producer of the same id learns its outcome.
  func abortFailed(_ error: LogError) -> LogError {
    guard phase == .committing else { return error }
    return LogError(error.code, error.message, reaction: .abandonPartition)
  }
}
