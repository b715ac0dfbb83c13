/// The labels of a series, as a type of their own: a family whose series have these can't be given
/// others.
///
/// Values come from closed sets, such as codes, declared names and numbers of partitions; never
/// from what users send.
public protocol MetricLabels: Hashable, Sendable {
  /// Words of lower-case letters, digits and underscores.
  static var names: [String] { get }
  /// One for each name.
  var values: [String] { get }
}

/// A family with one series.
public struct NoLabels: MetricLabels {
  public static let names: [String] = []
  public var values: [String] { [] }

  public init() {}
}
