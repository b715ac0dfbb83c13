public import RedisProjection

/// Where the redis stage writes features: Redis, or in a simulation what stands in for it.
/// Belongs to one thread.
public protocol FeatureSink: AnyObject {
  /// Writes all rows, each only over an older one, and waits until they are there. After an error
  /// some of them may be; writing the batch again is harmless.
  ///
  /// - Throws: a transient error when the same call may succeed later.
  func write(_ batch: FeatureBatch) throws(RedisError) -> FeatureWriter.Counts
}

extension FeatureWriter: FeatureSink {}
