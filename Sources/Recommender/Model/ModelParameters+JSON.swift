import Codecs
import Ratings

extension ModelParameters {
  /// A setting that is a number without more structure.
  struct Number: Sendable {
    let name: StaticString
    let path: any WritableKeyPath<ModelParameters, Double> & Sendable
  }

  private static let integers: [StaticString] = ["factors", "epochs", "window", "neighbours"]

  /// Those that are not whole numbers.
  static let numbers: [Number] = [
    Number(name: "regularization", path: \.regularization),
    Number(name: "recency_half_life", path: \.recencyHalfLife),
    Number(name: "taste", path: \.taste),
    Number(name: "prior", path: \.prior),
    Number(name: "trend", path: \.trend),
    Number(name: "trend_half_life", path: \.trendHalfLife),
    Number(name: "quality", path: \.quality),
    Number(name: "sitting", path: \.sitting),
    Number(name: "sitting_hours", path: \.sittingHours),
  ]

  /// All of them as text, in the order of a model's record, with names for people.
  public var settings: [(name: String, value: String)] {
    let whole = zip(Self.integers, [factors, epochs, window, neighbours])
      .map { ("\($0)", "\($1)") }
    let others = Self.numbers.map { ("\($0.name)", "\(self[keyPath: $0.path])") }
    return (whole + others + [("seed", "\(seed)")]).map { name, value in
      (String(name.map { $0 == "_" ? " " : $0 }), value)
    }
  }

  /// Writes them as fields of the open object.
  func writeFields(to writer: inout JSONWriter) {
    for (name, value) in zip(Self.integers, [factors, epochs, window, neighbours]) {
      writer.key(name)
      writer.integer(value)
    }
    for number in Self.numbers {
      writer.key(number.name)
      writer.double(self[keyPath: number.path])
    }
    writer.key("seed")
    writer.string(String(seed))
  }

  /// Reads them from an object.
  init(parsing value: RawSpan) throws(RecordError) {
    self.init()
    let names = Self.integers + Self.numbers.map(\.name) + ["seed"]
    var parser = FlatJSONParser(fields: names)
    try parser.parseRecord(value)
    factors = try parser.count(0, "factors")
    epochs = try parser.count(1, "epochs")
    window = try parser.count(2, "window")
    neighbours = try parser.count(3, "neighbours")
    for (index, number) in Self.numbers.enumerated() {
      self[keyPath: number.path] = try parser.require(
        number.name, parser.double(Self.integers.count + index))
    }
    seed = try parser.require("seed", parser.string(names.count - 1).flatMap { UInt64($0) })
    if let problem { throw RecordError(problem) }
  }

  /// What is wrong with them, in one sentence; `nil` if nothing is.
  public var problem: String? {
    let allowed = Self.allowedFactors
    if !allowed.contains(factors) {
      return "factors must be \(allowed.lowerBound) to \(allowed.upperBound)"
    }
    if epochs < 1 { return "epochs must be 1 or more" }
    if window < 0 { return "the window must be 0 or more" }
    if !Self.allowedNeighbours.contains(neighbours) {
      return "neighbours must be 0 to \(Self.allowedNeighbours.upperBound)"
    }
    if !(regularization > 0 && regularization.isFinite) { return "regularization must be above 0" }
    if !(0...1_000).contains(recencyHalfLife) {
      return "the recency half-life must be 0 to 1000 ratings"
    }
    if !(0...10).contains(taste) { return "the taste must be 0 to 10" }
    if !(0...1e6).contains(prior) { return "the prior must be 0 to 1000000 ratings" }
    if !(0...10).contains(trend) { return "the trend must be 0 to 10" }
    if !(0.01...1e6).contains(trendHalfLife) {
      return "the trend's half-life must be 0.01 to 1000000 days"
    }
    if !(0...10).contains(quality) { return "the quality must be 0 to 10" }
    if !(0...1).contains(sitting) { return "the sitting's share must be 0 to 1" }
    if !(0.001...1e9).contains(sittingHours) {
      return "the sitting's hours must be 0.001 to 1000000000"
    }
    return nil
  }
}
