public import Ratings
public import RedisProjection

/// Compares what Redis has of entities with what it should have. Belongs to one thread.
public struct ProjectionCheck {
  /// A feature with another value.
  public struct Difference: Hashable, Sendable {
    public var feature: String
    public var expected: FeastValue?
    public var found: FeastValue?
  }

  public enum Verdict: Hashable, Sendable {
    case same
    /// Written from a record at or above the bound, so newer than what is compared.
    case newer(Fence)
    /// Redis has nothing of the entity, and should.
    case missing
    case different([Difference])
  }

  private let view: FeastLayout
  private let reader: FeatureReader
  private let epoch: UInt64
  private var key: [UInt8] = []

  /// - Parameter epoch: that of the record in Redis.
  public init(
    _ view: FeastLayout, epoch: UInt64, redis: RedisConfiguration
  ) {
    self.view = view
    self.epoch = epoch
    reader = FeatureReader(redis)
  }

  /// Compares one entity.
  ///
  /// - Parameters:
  ///   - features: `nil` when it should have none.
  ///   - bound: records from this offset on are newer than `features`.
  public mutating func check(
    _ entity: Int64, _ features: (any FeatureRow)?, below bound: Int64
  ) throws(RedisError) -> Verdict {
    key.removeAll(keepingCapacity: true)
    view.key.append(entity, to: &key)
    let row = try read()
    if let fence = row?.fence, fence >= Fence(generation: epoch, offset: bound) {
      return .newer(fence)
    }
    if features != nil, row?.values.allSatisfy({ $0 == nil }) ?? true { return .missing }
    var differences: [Difference] = []
    for (index, name) in view.fields.features.enumerated() {
      let expected = features.flatMap { FeastProjection.value($0.value(index)) }
      let found = row?.values[index]
      if expected != found {
        differences.append(Difference(feature: name, expected: expected, found: found))
      }
    }
    let expectedTime = features?.eventTimeMilliseconds
    if row?.eventTime != expectedTime {
      differences.append(
        Difference(
          feature: "event_timestamp_ms", expected: expectedTime.map { .int64($0) },
          found: row?.eventTime.map { .int64($0) }))
    }
    return differences.isEmpty ? .same : .different(differences)
  }

  /// A key that holds something other than a hash has no row.
  private func read() throws(RedisError) -> RedisRow? {
    do throws(RedisError) {
      return try reader.read(view.fields, key: key.span.bytes)
    } catch {
      guard error.condition == .wrongType else { throw error }
      return nil
    }
  }
}
