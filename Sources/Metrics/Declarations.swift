/// Declares a family of counters.
public struct Counter<Labels: MetricLabels>: Sendable {
  public let family: MetricFamily

  /// - Parameter name: without `_total`, which samples get.
  public init(_ name: String, unit: MetricUnit? = nil, _ help: String) {
    family = MetricFamily(name, .counter, unit, help, labels: Labels.names)
  }
}

/// Declares a family of values that rise and fall.
public struct Gauge<Labels: MetricLabels>: Sendable {
  public let family: MetricFamily

  public init(_ name: String, unit: MetricUnit? = nil, _ help: String) {
    family = MetricFamily(name, .gauge, unit, help, labels: Labels.names)
  }
}

/// Declares a family that only says its labels.
public struct Info<Labels: MetricLabels>: Sendable {
  public let family: MetricFamily

  /// - Parameter name: without `_info`, which samples get.
  public init(_ name: String, _ help: String) {
    family = MetricFamily(name, .info, nil, help, labels: Labels.names)
  }
}

/// Declares a family of histograms.
public struct Histogram<Labels: MetricLabels>: Sendable {
  public let family: MetricFamily
  /// The buckets' upper bounds; one more bucket has none.
  public let bounds: [Double]

  public init(_ name: String, unit: MetricUnit? = nil, bounds: [Double], _ help: String) {
    family = MetricFamily(name, .histogram(bounds: bounds), unit, help, labels: Labels.names)
    self.bounds = bounds
  }
}
