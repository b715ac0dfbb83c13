import Codecs
import Ratings

/// Numbers and times as tables have them.
enum FieldNumber {
  /// A whole number of 0 to 2^63 - 1; zeros after a point are taken as pandas means them.
  static func whole(_ field: RawSpan) -> Int64? {
    let text = field.trimmed()
    guard text.byteCount > 0 else { return nil }
    var number: Int64 = 0
    var index = 0
    while index < text.byteCount {
      let digit = text.byte(at: index) &- 0x30
      guard digit <= 9 else { break }
      let (product, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int64(digit))
      guard !overflow, !carry else { return nil }
      number = sum
      index += 1
    }
    guard index > 0 else { return nil }
    if index == text.byteCount { return number }
    guard text.byte(at: index) == UInt8(ascii: "."), index + 1 < text.byteCount else { return nil }
    for rest in index + 1..<text.byteCount where text.byte(at: rest) != UInt8(ascii: "0") {
      return nil
    }
    return number
  }

  /// Whether three digits follow a comma at the end: `1,000` may be a thousand, or one with a
  /// decimal comma.
  static func mayHaveThousands(_ field: RawSpan) -> Bool {
    let text = field.trimmed()
    let comma = text.byteCount - 4
    return comma > 0 && text.byte(at: comma) == UInt8(ascii: ",")
      && (comma + 1..<text.byteCount).allSatisfy { text.byte(at: $0) &- 0x30 <= 9 }
  }

  /// Any finite decimal number, with a decimal point or comma: among commas, `3,5` has quotes.
  static func decimal(_ field: RawSpan) -> Double? {
    if let number = whole(field), number < 1 << 53 { return Double(number) }
    let text = field.trimmed()
    guard text.byteCount > 0, text.byteCount <= 64 else { return nil }
    var bytes = text.withUnsafeBytes { Array($0) }
    // `Double` also reads hexadecimal numbers, NaN and infinity.
    for byte in bytes where !"+-.,eE0123456789".utf8.contains(byte) { return nil }
    if let comma = bytes.firstIndex(of: UInt8(ascii: ",")) {
      guard !bytes.contains(UInt8(ascii: ".")) else { return nil }
      bytes[comma] = UInt8(ascii: ".")
    }
    guard let number = Double(String(decoding: bytes, as: UTF8.self)), number.isFinite else {
      return nil
    }
    return number
  }
}

/// In which units and forms times are written.
struct TimeForms: OptionSet, Hashable {
  let rawValue: UInt8

  static let seconds = TimeForms(rawValue: 1)
  static let milliseconds = TimeForms(rawValue: 2)
  static let microseconds = TimeForms(rawValue: 4)
  static let nanoseconds = TimeForms(rawValue: 8)
  static let iso8601 = TimeForms(rawValue: 16)

  private static let named: [(form: TimeForms, name: String)] = [
    (.seconds, "seconds"), (.milliseconds, "milliseconds"), (.microseconds, "microseconds"),
    (.nanoseconds, "nanoseconds"), (.iso8601, "ISO 8601, UTC"),
  ]

  var names: [String] { Self.named.filter { contains($0.form) }.map(\.name) }
}

/// A time as a table has it: a number since 1970 whose magnitude says its unit, or ISO 8601.
struct FieldTime {
  let milliseconds: Int64
  let form: TimeForms

  private init(_ milliseconds: Int64, _ form: TimeForms) {
    self.milliseconds = milliseconds
    self.form = form
  }

  private init?(_ number: Int64) {
    guard number > EpochUnit.lastSecond else {
      self.init(number * 1000, .seconds)
      return
    }
    guard let unit = EpochUnit(of: Double(number)) else { return nil }
    let form: TimeForms =
      switch unit {
      case .milliseconds: .milliseconds
      case .microseconds: .microseconds
      case .nanoseconds: .nanoseconds
      }
    self.init(number / unit.perMillisecond, form)
  }

  /// - Returns: `nil` for anything else.
  init?(_ field: RawSpan) {
    if let number = FieldNumber.whole(field) {
      self.init(number)
    } else if let time = EventTime.milliseconds(iso8601: Self.withoutZoneName(field.trimmed())) {
      self.init(time, .iso8601)
    } else if let number = FieldNumber.decimal(field),
      number >= 0, number < 0x1p62
    {
      if number < Double(EpochUnit.lastSecond + 1) {
        self.init(Int64((number * 1000).rounded()), .seconds)
      } else {
        self.init(Int64(number))
      }
    } else {
      return nil
    }
  }

  /// BigQuery writes `2005-04-02 23:53:47 UTC`.
  @_lifetime(copy text)
  private static func withoutZoneName(_ text: RawSpan) -> RawSpan {
    let name: StaticString = " UTC"
    let length = text.byteCount - name.utf8CodeUnitCount
    guard length > 0, text.extracting(length...).equals(name) else { return text }
    return text.extracting(..<length)
  }
}

/// A file's rating scale: from above zero up to its top.
struct RatingScale: Hashable {
  /// Five without `--scale`.
  var top: Double?

  struct Reading {
    /// What it is in stars, on the grid or not; `nil` for no number.
    var stars: Double?
    var halfStars: HalfStars?
    /// Whether the nearest half star was taken.
    var isRounded = false
  }

  func read(_ field: RawSpan) -> Reading {
    if top == nil, let rating = HalfStars(decimal: field) {
      return Reading(stars: rating.stars, halfStars: rating)
    }
    guard let number = FieldNumber.decimal(field) else {
      return Reading()
    }
    guard let top, top != 5 else {
      return Reading(stars: number, halfStars: HalfStars(stars: number))
    }
    let halves = number * 10 / top
    let rounded = halves.rounded()
    guard (0.5...10).contains(halves), let rating = HalfStars(rawValue: UInt8(rounded)) else {
      return Reading(stars: halves / 2)
    }
    return Reading(
      stars: rounded / 2, halfStars: rating, isRounded: abs(rounded - halves) > 1e-9)
  }
}

extension HalfStars {
  /// Reads `4`, `4.0` or `4.5`, any number of zeros after the point included.
  init?(decimal text: RawSpan) {
    guard text.byteCount > 0 else { return nil }
    let whole = text.byte(at: 0) &- 0x30
    guard whole <= 5 else { return nil }
    var half: UInt8 = 0
    if text.byteCount > 1 {
      guard text.byte(at: 1) == UInt8(ascii: "."), text.byteCount > 2 else { return nil }
      for index in 2..<text.byteCount {
        let digit = text.byte(at: index)
        if index == 2, digit == UInt8(ascii: "5") {
          half = 1
        } else if digit != UInt8(ascii: "0") {
          return nil
        }
      }
    }
    self.init(rawValue: whole * 2 + half)
  }
}
