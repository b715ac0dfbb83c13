import EventLog

/// Tells by how many partitions keys were placed, from where some of them are.
///
/// The number of partitions that a topic has doesn't tell: it may have grown after they were
/// written. Keys of other writers, who place them in another way, are outvoted.
public struct PlacementVote: Hashable, Sendable {
  /// By count, less one: how many keys are where that many partitions put them.
  private var agreeing: [Int]
  /// How many keys were looked at.
  public private(set) var keys = 0

  /// - Parameter most: how many partitions there may have been.
  public init(most: Int32) {
    agreeing = Array(repeating: 0, count: max(1, Int(most)))
  }

  /// Looks at a key.
  public mutating func add(_ key: RawSpan, in partition: Int32) {
    keys += 1
    let hash = KafkaPartitioner.murmur2(key)
    for index in agreeing.indices
    where KafkaPartitioner.partition(hash: hash, count: Int32(index + 1)) == partition {
      agreeing[index] += 1
    }
  }

  /// The count that explains most keys; of several, the wanted one or else the largest. `nil`
  /// without keys.
  public func winner(wanted: Int32) -> Int32? {
    guard keys > 0, let most = agreeing.max(), most > 0 else { return nil }
    if agreeing.indices.contains(Int(wanted) - 1), agreeing[Int(wanted) - 1] == most {
      return wanted
    }
    return agreeing.lastIndex(of: most).map { Int32($0 + 1) }
  }
}
