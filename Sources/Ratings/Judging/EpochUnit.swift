/// The unit of a time since 1970 that is not in seconds. Between 1995 and the year 9999 the ranges
/// of the units don't overlap, so the number itself says which one it is.
package enum EpochUnit: CaseIterable, Sendable {
  case milliseconds
  case microseconds
  case nanoseconds

  /// The largest number that is seconds: the last of the year 9999.
  package static let lastSecond: Int64 = 253_402_300_799
  private static let firstSecond: Int64 = EventRules.earliestTimeMilliseconds / 1000

  /// - Returns: `nil` if the number is no time in any of them.
  package init?(of number: Double) {
    for unit in Self.allCases {
      let factor = 1000 * Double(unit.perMillisecond)
      if number >= Double(Self.firstSecond) * factor, number < Double(Self.lastSecond + 1) * factor
      {
        self = unit
        return
      }
    }
    return nil
  }

  package var perMillisecond: Int64 {
    switch self {
    case .milliseconds: 1
    case .microseconds: 1_000
    case .nanoseconds: 1_000_000
    }
  }

  var coercion: Coercion {
    switch self {
    case .milliseconds: .epochMilliseconds
    case .microseconds: .epochMicroseconds
    case .nanoseconds: .epochNanoseconds
    }
  }

  var name: String {
    switch self {
    case .milliseconds: "milliseconds"
    case .microseconds: "microseconds"
    case .nanoseconds: "nanoseconds"
    }
  }
}
