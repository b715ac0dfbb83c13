import ArgumentParser

extension ClosedRange where Bound: Numeric {
  /// Refuses an option's number that is not in these bounds, nan included; `nil` is an option that
  /// was not given.
  func check(_ number: Bound?, _ option: String) throws(ValidationError) {
    guard let number, !contains(number) else { return }
    throw ValidationError(
      "\(option) is \(Self.text(of: lowerBound)) to \(Self.text(of: upperBound)).")
  }

  /// Whole numbers without a fraction, of every type.
  private static func text(of bound: Bound) -> String {
    let text = "\(bound)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

/// What the numbers of several commands may be.
enum NumberBounds {
  /// Events, ratings and the like.
  static let events = 1...1_000_000_000_000
  /// Ids are 1 to one of these.
  static let ids = 1...Int(Int32.max)
  /// Ratings per second of the data commands: slow enough to watch, faster than any machine.
  static let rate = 0.001...1_000_000_000
  /// How long something is measured or waited for.
  static let seconds = 0.0...86_400
}
