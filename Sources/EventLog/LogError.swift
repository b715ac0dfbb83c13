/// A failed call to the log, classified by what the caller must do about it.
public struct LogError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, as far as the engine distinguishes it.
  public enum Code: String, Hashable, Sendable {
    /// The broker can't be reached, or doesn't answer in time.
    case unavailable
    /// A newer producer or group member has taken this one's place.
    case fenced
    /// The requested offset is not in the partition, or no longer.
    case offsetOutOfRange
    /// The topic or partition does not exist.
    case unknownTopic
    /// The record is larger than the log accepts.
    case recordTooLarge
    /// Wrong credentials or missing permissions.
    case denied
    /// The client rejects a setting.
    case configuration
    /// The transaction can't be committed and must be aborted.
    case transactionAborted
    /// Anything else.
    case other
  }

  public var code: Code
  /// One sentence for a person, including the client library's own text.
  public var message: String
  /// What to do about it, where that is known.
  public private(set) var advice: String?
  public var reaction: Reaction

  public init(_ code: Code, _ message: String, reaction: Reaction) {
    self.code = code
    self.message = message
    self.reaction = reaction
  }

  /// What is wrong and what to do about it.
  public var description: String { advice.map { "\(message): \($0)" } ?? message }

  /// The same error with what to do about it.
  public func advised(_ advice: String) -> LogError {
    var error = self
    error.advice = advice
    return error
  }
}

/// What to do about a failure. The stage loop switches over it.
public enum Reaction: Hashable, Sendable, CaseIterable {
  /// The same call may succeed later: wait and repeat it.
  case retry
  /// Abort the open batch, and read it again from the last commit.
  case abortBatch
  /// Give the partitions up without committing: another instance owns them, or will.
  case abandonPartition
  /// The local state can't be trusted: delete it, and rebuild it from the changelog.
  case rebuildStore
  /// The daemon can't recover: stop it with a message.
  case stopDaemon
}
