/// A failed call on the log, classified by what the caller must do about it.
public struct LogError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, of those the engine tells apart.
  public enum Code: String, Hashable, Sendable {
    /// The broker can't be reached, or does not answer in time.
    case unavailable
    /// A newer producer or group member has taken this one's place.
    case fenced
    /// The offset asked for is not, or no longer, in the partition.
    case offsetOutOfRange
    /// The topic or partition does not exist.
    case unknownTopic
    /// The record is larger than the log takes.
    case recordTooLarge
    /// Wrong credentials or missing rights.
    case denied
    /// A setting the client refuses.
    case configuration
    /// The transaction can't be committed and must be aborted.
    case transactionAborted
    /// Anything else.
    case other
  }

  public var code: Code
  /// One sentence for a person, with the client library's own words.
  public var message: String
  public var reaction: Reaction

  public init(_ code: Code, _ message: String, reaction: Reaction) {
    self.code = code
    self.message = message
    self.reaction = reaction
  }

  public var description: String { message }
}

/// What must be done about a failure. The stage loop switches over it.
public enum Reaction: Hashable, Sendable, CaseIterable {
  /// The same call may succeed later: wait and call again.
  case retry
  /// Throw the open batch away and read it again from the last commit.
  case abortBatch
  /// Give the partitions up without committing: someone else owns them, or will.
  case abandonPartition
  /// The local state can't be trusted: delete it and rebuild it from the changelog.
  case rebuildStore
  /// Nothing here can mend it: stop the daemon with a message.
  case stopDaemon
}
