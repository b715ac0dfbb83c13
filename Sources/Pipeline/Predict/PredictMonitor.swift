import Synchronization

/// What the predict stage has answered, for whoever looks at it from another thread. Written once a
/// batch.
public final class PredictMonitor: Sendable {
  private let status = Mutex(PredictStatus())

  public init() {}

  public var snapshot: PredictStatus { status.withLock { $0 } }

  func update(_ change: (inout PredictStatus) -> Void) {
    status.withLock { change(&$0) }
  }
}

/// The predict stage's counts since its start, and the models it has.
public struct PredictStatus: Hashable, Sendable {
  public var personal: Int64 = 0
  public var popular: Int64 = 0
  /// Error replies.
  public var errors: Int64 = 0
  /// Requests dropped because their deadline was over.
  public var late: Int64 = 0
  /// Requests sent on to their user's partition.
  public var forwarded: Int64 = 0
  /// Answers of the shadow model, and the sum of their overlaps with the live ones.
  public var shadows: Int64 = 0
  public var shadowOverlapSum = 0.0
  /// The promoted model in use.
  public var modelVersion: String?
  /// All models that requests can name, the newest last.
  public var keptModels: [String] = []
  /// Models of the topic that were refused since the start.
  public var rejectedModels: Int64 = 0

  /// The mean overlap@10 of the shadow's answers with the live ones; `nil` without any.
  public var shadowOverlap: Double? { shadows > 0 ? shadowOverlapSum / Double(shadows) : nil }

  public init() {}
}
