public import Ratings
public import RedisProjection

/// How the product's feature views are laid out in Feast's online store: hash keys, fields, values.
///
/// Shared by the redis stage, which writes them, and by everything that reads them back.
public struct FeastProjection: Sendable {
  /// The Feast project: the suffix of every Redis key.
  public let project: String
  public let user: FeastLayout
  public let movie: FeastLayout
  /// In the order of the redis stage's inputs.
  public var views: [FeastLayout] { [user, movie] }

  public init(project: String, version: FeastKey.Version) {
    self.project = project
    func view(_ view: FeatureSchema) -> FeastLayout {
      FeastLayout(
        key: FeastKey(project: project, joinKeys: [view.joinKey.description], version: version),
        fields: FeastView(view.name, features: view.features.map(\.name)))
    }
    user = view(.user)
    movie = view(.movie)
  }

  /// How a feature is stored; `nil` for none.
  public static func value(_ value: FeatureValue) -> FeastValue? {
    switch value {
    case .int64(let value): .int64(value)
    case .double(let value): .double(value)
    case .string(let value): value.map { .string($0) }
    case .unixTimestamp(let milliseconds):
      .unixTimestamp(milliseconds.quotientAndRemainder(dividingBy: 1000).quotient)
    }
  }
}
