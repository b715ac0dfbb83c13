import Recommender
import Synchronization

/// Shows the predict stage's counts to other threads. Updated once per batch.
public final class PredictMonitor: Sendable {
  private let status = Mutex(PredictStatus())

  public init() {}

  public var snapshot: PredictStatus { status.withLock { $0 } }

  func update(_ change: (inout PredictStatus) -> Void) {
    status.withLock { change(&$0) }
  }
}

/// The predict stage's counts since its start, and its models.
public struct PredictStatus: Hashable, Sendable {
  public var personal: Int64 = 0
  public var popular: Int64 = 0
  /// Error replies.
  public var errors: Int64 = 0
  /// Requests dropped because their deadline had passed.
  public var late: Int64 = 0
  /// Requests dropped because of their age.
  public var old: Int64 = 0
  /// Requests forwarded to their user's partition.
  public var forwarded: Int64 = 0
  /// Replies that went elsewhere than their requests ask.
  public var detoured: Int64 = 0
  /// Answers of the shadow model.
  public var shadows: Int64 = 0
  /// The sum of their overlaps with the live answers.
  public var shadowOverlapSum = 0.0
  /// The promoted model in use.
  public var modelVersion: String?
  /// All models that requests can name, the newest last.
  public var keptModels: [String] = []
  /// Records of the topic refused since the start.
  public var rejectedModels: Int64 = 0
  /// Records of the topic `movies` skipped since the process's start.
  public var skippedMovies: Int64 = 0

  /// The mean overlap@10 of the shadow's answers with the live ones; `nil` if there are none.
  public var shadowOverlap: Double? { shadows > 0 ? shadowOverlapSum / Double(shadows) : nil }

  public init() {}
}

extension PredictStatus {
  mutating func count(_ disposition: RequestDisposition) {
    switch disposition {
    case .expired: late += 1
    case .old: old += 1
    case .refused: errors += 1
    case .misrouted: forwarded += 1
    // Counted by its reply.
    case .accepted: break
    }
  }

  /// Counts a live reply, or a shadow's.
  mutating func count(_ reply: RecommendationReply) {
    if let comparison = reply.comparison {
      shadows += 1
      shadowOverlapSum += comparison.overlapAt10
      return
    }
    switch reply.strategy {
    case .personal: personal += 1
    case .popular: popular += 1
    }
  }
}
