public import Streams

extension StageDeclaration {
  /// Projects all features into Redis.
  public static let redis = StageDeclaration(
    "redis", inputs: [.userFeatures, .movieFeatures], guarantee: .atLeastOnce, projectsTo: "Redis",
    // It writes the newest row of each key only: larger batches are fewer writes.
    pacing: StagePacing(
      linger: .always(.milliseconds(2)), gathering: .always(.milliseconds(5)), stretch: 3,
      niceness: 5))
}

enum RedisInputs {
  static let userFeatures = StageDeclaration.redis.input(.userFeatures)
}
