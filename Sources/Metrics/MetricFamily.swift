/// A metric as it is declared: the series that share it differ in their labels only.
public struct MetricFamily: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// Only rises, from 0 at the start of the process.
    case counter
    case gauge
    /// Always 1: its labels are what it says.
    case info
    /// - Parameter bounds: the buckets' upper bounds, rising; the last bucket has none.
    case histogram(bounds: [Double])
  }

  /// Begins with the application's prefix and ends with the unit. What its samples' names end with
  /// besides, such as `_total` or `_bucket`, is up to the format.
  public let name: String
  public let kind: Kind
  public let unit: MetricUnit?
  /// What it measures: a sentence without a full stop.
  public let help: String
  /// The names of the labels, in the order of their values.
  public let labels: [String]

  init(_ name: String, _ kind: Kind, _ unit: MetricUnit?, _ help: String, labels: [String]) {
    precondition(Self.isName(name) && labels.allSatisfy(Self.isName), "\(name) is no metric's name")
    precondition(unit.map { name.hasSuffix("_\($0.rawValue)") } ?? true, "\(name) lacks its unit")
    precondition(!["_total", "_info", "_bucket", "_count", "_sum"].contains(where: name.hasSuffix))
    if case .histogram(let bounds) = kind {
      precondition(!bounds.isEmpty && zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
      precondition(!labels.contains("le"))
    }
    self.name = name
    self.kind = kind
    self.unit = unit
    self.help = help
    self.labels = labels
  }

  /// Stricter than the formats, which allow other letters and colons as well.
  private static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
    else { return false }
    return text.utf8.allSatisfy {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
    }
  }
}

/// The base unit of a family, as its name ends.
public enum MetricUnit: String, Hashable, Sendable {
  case seconds
  case bytes
  /// From 0 to 1.
  case ratio
}
