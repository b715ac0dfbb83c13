public import RedisProjection

/// Where the redis stage writes features: Redis, or its stand-in in a simulation.
/// Belongs to one thread.
public protocol FeatureSink: AnyObject {
  /// Writes all rows, each only over an older one, and waits for the answers. After an error some
  /// rows may have been written; writing the batch again is harmless.
  ///
  /// - Throws: a transient error when the same call may succeed later.
  func write(_ batch: FeatureBatch) throws(RedisError) -> FeatureWriter.Counts
}

extension FeatureWriter: FeatureSink {}
