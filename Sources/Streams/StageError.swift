public import EventLog
public import StateStore

/// Why a stage can't go on as it is, with the reaction the loop must take.
public enum StageError: Error, Hashable, Sendable, CustomStringConvertible {
  case log(LogError)
  case store(StoreError)
  /// A failure of the stage's own: a side system, or state that contradicts the log.
  case failed(Reason, Reaction)
  /// The stage was stopped while it waited for something.
  case stopped

  public var reaction: Reaction {
    switch self {
    case .log(let error): error.reaction
    case .store(let error):
      switch error.remedy {
      case .rebuild: .rebuildStore
      case .wait: .retry
      case .stop: .stopDaemon
      }
    case .failed(_, let reaction): reaction
    case .stopped: .stopDaemon
    }
  }

  /// The error as events tell it.
  public var reason: Reason {
    switch self {
    case .log(let error): Reason(error)
    case .store(let error): Reason(error)
    case .failed(let reason, _): reason
    case .stopped: Reason(.stopRequested, "stopped")
    }
  }

  public var description: String { reason.text }

  /// Runs a log call, its error wrapped.
  @inlinable
  static func log<R>(_ body: () throws(LogError) -> R) throws(StageError) -> R {
    do throws(LogError) { return try body() } catch { throw .log(error) }
  }

  /// Runs a store call, its error wrapped.
  @inlinable
  static func store<R>(_ body: () throws(StoreError) -> R) throws(StageError) -> R {
    do throws(StoreError) { return try body() } catch { throw .store(error) }
  }
}

extension Reason {
  public init(_ error: LogError) {
    let code: Code =
      switch error.code {
      case .unavailable: .brokerUnavailable
      case .fenced: .fenced
      case .offsetOutOfRange: .offsetOutOfRange
      case .unknownTopic: .unknownTopic
      case .recordTooLarge: .recordTooLarge
      case .denied: .accessDenied
      case .configuration: .configurationRefused
      case .transactionAborted: .transactionAborted
      case .other: .logFailure
      }
    self.init(code, error.description)
  }

  public init(_ error: StoreError) {
    let code: Code =
      switch error.remedy {
      case .rebuild: .storeDamaged
      case .wait: .diskFull
      case .stop: .storeRefused
      }
    self.init(code, error.message)
  }
}
