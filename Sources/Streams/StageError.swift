public import EventLog
public import StateStore

/// Why a stage can't go on as it is, with the reaction the loop must take.
public enum StageError: Error, Hashable, Sendable, CustomStringConvertible {
  case log(LogError)
  case store(StoreError)
  /// A failure of the stage's own: a side system, or state that contradicts the log.
  case failed(String, Reaction)
  /// The stage was told to stop while it waited for something.
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

  public var description: String {
    switch self {
    case .log(let error): error.description
    case .store(let error): error.description
    case .failed(let message, _): message
    case .stopped: "stopped"
    }
  }

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
