import Codecs

/// How a shadow model's answer compares with the live one.
public struct ShadowComparison: Hashable, Sendable {
  /// How many of the best movies are compared.
  public static let depth = 10

  /// The model of the live answer; `nil` if it used none.
  public var liveModelVersion: String?
  /// The share of the live answer's ten best movies that are among the shadow's ten best.
  public var overlapAt10: Double

  public init(liveModelVersion: String?, overlapAt10: Double) {
    self.liveModelVersion = liveModelVersion
    self.overlapAt10 = overlapAt10
  }

  /// - Returns: the share of `live` that is in `shadow`; 1 if `live` is empty, because the shadow's
  ///   list is then empty too.
  public static func overlap(live: some Collection<Int64>, shadow: some Collection<Int64>)
    -> Double
  {
    let live = live.prefix(depth)
    guard !live.isEmpty else { return 1 }
    let shadow = shadow.prefix(depth)
    return Double(live.count { shadow.contains($0) }) / Double(live.count)
  }
}

extension ShadowComparison {
  /// Writes two members of the reply's object.
  func write(to writer: inout JSONWriter) {
    writer.key("live_model_version")
    if let liveModelVersion { writer.string(liveModelVersion) } else { writer.null() }
    writer.key("overlap_at_10")
    writer.double(overlapAt10)
  }
}
