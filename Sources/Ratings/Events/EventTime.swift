/// Event time: milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
public enum EventTime {
  public static let millisecondsPerDay: Int64 = 86_400_000

  /// The times that records may hold: 1970 to the end of the year 9999. Their sums and differences
  /// can't overflow.
  public static let representable: ClosedRange<Int64> = 0...253_402_300_799_999

  /// The day (UTC) of a time, counted from 1970-01-01.
  static func day(ofMilliseconds time: Int64) -> Int64 {
    let (quotient, remainder) = time.quotientAndRemainder(dividingBy: millisecondsPerDay)
    return remainder < 0 ? quotient - 1 : quotient
  }

  /// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. Source: Howard Hinnant,
  /// "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
  static func day(year: Int64, month: Int64, dayOfMonth: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + dayOfMonth - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// Reads ISO 8601 in its extended form: `2023-11-14`, `2023-11-14T22:13`,
  /// `2023-11-14T22:13:20.5Z`, `2023-11-14 22:13:20+01:00`. Digits beyond milliseconds are dropped;
  /// second 60 is second 0 of the next minute.
  ///
  /// - Parameter zone: where the clocks are that a time without a zone is read from.
  /// - Returns: `nil` for anything else.
  public static func milliseconds(iso8601 text: RawSpan, zone: ZoneOffsets = .utc) -> Int64? {
    guard let (local, offset) = reading(iso8601: text) else { return nil }
    if let offset { return local - offset }
    return zone.milliseconds(ofLocal: local)
  }

  /// What a clock shows, in milliseconds since it showed the beginning of 1970, and how far it is
  /// from UTC; `nil` where the text doesn't say.
  static func reading(iso8601 text: RawSpan) -> (local: Int64, offset: Int64?)? {
    var reader = TextReader(text)
    guard let year = reader.digits(4), reader.skip("-"),
      let month = reader.digits(2), (1...12).contains(month), reader.skip("-"),
      let dayOfMonth = reader.digits(2), dayOfMonth >= 1,
      dayOfMonth <= daysInMonth(month, year: year)
    else { return nil }
    let midnight = day(year: year, month: month, dayOfMonth: dayOfMonth) * millisecondsPerDay
    if reader.isAtEnd { return (midnight, nil) }
    guard reader.skip("T") || reader.skip("t") || reader.skip(" "),
      let timeOfDay = timeOfDay(&reader)
    else { return nil }
    if reader.isAtEnd { return (midnight + timeOfDay, nil) }
    guard let offset = zoneOffset(&reader), reader.isAtEnd else { return nil }
    return (midnight + timeOfDay, offset)
  }

  private static func daysInMonth(_ month: Int64, year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  private static func timeOfDay(_ reader: inout TextReader) -> Int64? {
    guard let hour = reader.digits(2), hour < 24, reader.skip(":"),
      let minute = reader.digits(2), minute < 60
    else { return nil }
    var milliseconds = (hour * 60 + minute) * 60_000
    guard reader.skip(":") else { return milliseconds }
    guard let second = reader.digits(2), second <= 60 else { return nil }
    milliseconds += second * 1000
    guard reader.skip(".") || reader.skip(",") else { return milliseconds }
    var unit: Int64 = 100
    var count = 0
    while let digit = reader.digits(1) {
      milliseconds += digit * unit
      unit /= 10
      count += 1
    }
    return count > 0 ? milliseconds : nil
  }

  /// The zone's offset from UTC in milliseconds, positive to the east.
  private static func zoneOffset(_ reader: inout TextReader) -> Int64? {
    if reader.skip("Z") || reader.skip("z") { return 0 }
    let isEast = reader.skip("+")
    guard isEast || reader.skip("-"), let hours = reader.digits(2), hours < 24 else { return nil }
    var minutes: Int64 = 0
    if reader.skip(":") || !reader.isAtEnd {
      guard let parsed = reader.digits(2), parsed < 60 else { return nil }
      minutes = parsed
    }
    return (isEast ? 1 : -1) * (hours * 60 + minutes) * 60_000
  }
}

/// Reads ASCII text from front to back.
private struct TextReader: ~Escapable {
  private let text: RawSpan
  private var position = 0

  @_lifetime(copy text)
  init(_ text: RawSpan) {
    self.text = text
  }

  var isAtEnd: Bool { position == text.byteCount }

  /// Reads exactly `count` decimal digits, or nothing.
  mutating func digits(_ count: Int) -> Int64? {
    guard position + count <= text.byteCount else { return nil }
    var value: Int64 = 0
    for index in position..<position + count {
      let digit = text.unsafeLoad(fromByteOffset: index, as: UInt8.self) &- 0x30
      guard digit < 10 else { return nil }
      value = value * 10 + Int64(digit)
    }
    position += count
    return value
  }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard position < text.byteCount,
      text.unsafeLoad(fromByteOffset: position, as: UInt8.self) == UInt8(ascii: character)
    else { return false }
    position += 1
    return true
  }
}

extension EventTime {
  /// The date (UTC) of a representable time as eight digits, 20250131.
  package static func dateDigits(ofMilliseconds time: Int64) -> String {
    let date = civil(ofMilliseconds: time)
    return padded(date.year * 10_000 + date.month * 100 + date.day, 8)
  }

  /// A representable time as `2024-01-15T11:30:00Z`, with milliseconds if it has any.
  static func iso8601(_ time: Int64) -> String {
    let date = civil(ofMilliseconds: time)
    let rest = time - day(ofMilliseconds: time) * millisecondsPerDay
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60)
    let fraction = rest % 1000 == 0 ? "" : ".\(padded(rest % 1000, 3))"
    return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
      + "T\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))\(fraction)Z"
  }

  /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
  private static func civil(ofMilliseconds time: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = day(ofMilliseconds: time) + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfMonth)
  }

  private static func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
