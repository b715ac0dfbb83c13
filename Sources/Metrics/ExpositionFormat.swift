/// How metrics are written for whoever scrapes them.
public enum ExpositionFormat: Hashable, Sendable, CaseIterable {
  /// Prometheus's text format 0.0.4.
  /// https://prometheus.io/docs/instrumenting/exposition_formats/
  case prometheusText
  /// OpenMetrics 1.0.
  /// https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
  case openMetrics

  /// The value of the header `Content-Type`.
  public var contentType: String {
    switch self {
    case .prometheusText: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }

  /// The format that a client prefers. Prometheus's text goes to those that accept neither, or both
  /// alike without naming OpenMetrics.
  ///
  /// - Parameter accept: the value of the request's header `Accept`; `nil` if it has none.
  public init(accept: String?) {
    let ranges = (accept ?? "").split(separator: ",").compactMap(MediaRange.init)
    let text = ranges.best(for: "text", "plain", version: "0.0.4")
    let open = ranges.best(for: "application", "openmetrics-text", version: "1.0.0")
    let isNamed = open?.isExact ?? false
    let (textQuality, openQuality) = (text?.quality ?? 0, open?.quality ?? 0)
    self =
      openQuality > textQuality || (openQuality > 0 && openQuality == textQuality && isNamed)
      ? .openMetrics : .prometheusText
  }
}

/// One of the types that an `Accept` header names. Source: RFC 9110, section 12.5.1.
struct MediaRange: Hashable {
  var type: String
  var subtype: String
  /// The parameter `version`, which narrows the type.
  var version: String?
  /// From 0 to 1.
  var quality = 1.0

  var isExact: Bool { type != "*" && subtype != "*" }

  /// - Returns: `nil` for what is no media range.
  init?(_ text: Substring) {
    let parts = text.split(separator: ";", omittingEmptySubsequences: false)
      .map { $0.trimmed.lowercased() }
    let types = parts[0].split(separator: "/", omittingEmptySubsequences: false)
    guard types.count == 2, types.allSatisfy({ !$0.isEmpty }) else { return nil }
    (type, subtype) = (String(types[0]), String(types[1]))
    for parameter in parts.dropFirst() {
      let sides = parameter.split(separator: "=", maxSplits: 1)
      guard sides.count == 2 else { continue }
      let value = sides[1].trimmed
      switch sides[0].trimmed {
      case "version": version = String(value.drop { $0 == "\"" }.prefix { $0 != "\"" })
      case "q":
        guard let number = Double(value), (0...1).contains(number) else { return nil }
        quality = number
      default: break
      }
    }
  }

  /// How narrowly it names a type; `nil` if it does not.
  fileprivate func precision(_ type: String, _ subtype: String, _ version: String) -> Int? {
    guard self.type == type || self.type == "*", self.subtype == subtype || self.subtype == "*"
    else { return nil }
    guard self.version == nil || self.version == version else { return nil }
    return (self.type == "*" ? 0 : 1) + (self.subtype == "*" ? 0 : 1)
      + (self.version == nil ? 0 : 1)
  }
}

extension [MediaRange] {
  /// The range that decides about a type: the one that names it most narrowly.
  fileprivate func best(for type: String, _ subtype: String, version: String) -> MediaRange? {
    compactMap { range in range.precision(type, subtype, version).map { (range, $0) } }
      .max { ($0.1, $0.0.quality) < ($1.1, $1.0.quality) }?.0
  }
}

extension StringProtocol {
  /// Without spaces and tabs at its ends.
  fileprivate var trimmed: String {
    func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
    return String(String(drop(while: isBlank).reversed()).drop(while: isBlank).reversed())
  }
}
