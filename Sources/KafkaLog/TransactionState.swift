import EventLog

/// How far a producer's transaction has come, and which of its librdkafka producers has its turn.
///
///     idle ── began ──▶ open ── offsetsSent ──▶ committing ── committed ──▶ idle
///                        └──────── aborted ──▶ idle ◀── aborted ────┘
///
/// A request (`begin`, `commit`, `abort`) returns the action to take, and only its success
/// (`began`, `offsetsSent`, `committed`, `aborted`) changes the state. So a request whose action
/// failed can be repeated.
struct TransactionState: Equatable {
  enum Phase: Equatable {
    case idle
    case open
    /// The transaction has its offsets, which a repeated commit must not add again. The coordinator
    /// may have decided it without our getting the answer.
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

  /// Throws while a transaction is open: the next one must not begin before it is decided.
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

  /// What a failed abort means. A commit without an answer can't be taken back; the next producer
  /// with the same id learns its outcome.
  func abortFailed(_ error: LogError) -> LogError {
    guard phase == .committing else { return error }
    return LogError(error.code, error.message, reaction: .abandonPartition)
  }
}
