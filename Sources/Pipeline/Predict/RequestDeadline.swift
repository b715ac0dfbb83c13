/// When a request's reply is no longer wanted, as its header says.
enum RequestDeadline: Hashable {
  case none
  /// Milliseconds since 1970.
  case at(Int64)
  /// What is wrong with it, as the end of a sentence.
  case invalid(String)

  /// What a moment can be that somebody means: from 2001 to 2100. Seconds, microseconds and lengths
  /// of time are not between these.
  private static let moments: ClosedRange<Int64> = 978_307_200_000...4_102_444_800_000

  /// - Parameter bytes: the header's value.
  init(_ bytes: [UInt8]?) {
    guard let bytes, let number = HeaderText.decimal(bytes) else {
      self = .invalid("not \"\(HeaderText.shown(bytes))\"")
      return
    }
    self = Self.moments.contains(number) ? .at(number) : .invalid(Self.suspicion(number))
  }

  private static func suspicion(_ number: Int64) -> String {
    let seconds = (moments.lowerBound / 1_000)...(moments.upperBound / 1_000)
    return switch number {
    case seconds: "and \(number) looks like seconds: multiply it by 1,000"
    case _ where moments.contains(number / 1_000):
      "and \(number) looks like microseconds: divide it by 1,000"
    case _ where moments.contains(number / 1_000_000):
      "and \(number) looks like nanoseconds: divide it by 1,000,000"
    case 0..<seconds.lowerBound:
      "and \(number) looks like a length of time: add it to the present time"
    default: "and \(number) is not between 2001 and 2100"
    }
  }
}
