import Logging

/// A value as a configuration file, an environment variable or a flag gives it.
package enum RawSetting: Hashable, Sendable {
  case text(String)
  case list([String])

  /// The value in one line: a list's elements are separated by commas.
  package var joined: String {
    switch self {
    case .text(let text): text
    case .list(let elements): elements.joined(separator: ",")
    }
  }
}

/// What a setting may be, and how it is read and written.
package struct SettingType<Value: Sendable>: Sendable {
  /// Completes the sentence "expected …".
  let expected: String
  /// `nil` when the value is not as expected.
  package let parse: @Sendable (RawSetting) -> Value?
  let format: @Sendable (Value) -> RawSetting
  /// What a value that is not as expected may mean.
  let hint: @Sendable (RawSetting) -> String?

  /// A type whose values are one scalar each.
  init(
    expected: String, parse: @escaping @Sendable (String) -> Value?,
    format: @escaping @Sendable (Value) -> String
  ) {
    self.expected = expected
    self.parse = { raw in
      guard case .text(let text) = raw else { return nil }
      return parse(text)
    }
    self.format = { .text(format($0)) }
    hint = { _ in nil }
  }

  init(
    expected: String, parseRaw: @escaping @Sendable (RawSetting) -> Value?,
    formatRaw: @escaping @Sendable (Value) -> RawSetting,
    hint: @escaping @Sendable (RawSetting) -> String? = { _ in nil }
  ) {
    self.expected = expected
    parse = parseRaw
    format = formatRaw
    self.hint = hint
  }
}

extension SettingType<String> {
  static let anyText = SettingType(expected: "text", parse: { $0 }, format: { $0 })

  static let someText = SettingType(
    expected: "text that is not empty", parse: { $0.isEmpty ? nil : $0 }, format: { $0 })

  /// A server's, which has its port in a setting of its own.
  static let host = SettingType(
    expected: "a name or an IP address, without scheme, user, port and brackets",
    parse: { text in
      let isPlain = text.unicodeScalars.allSatisfy {
        $0.value > 0x20 && !"/@[]\"'".unicodeScalars.contains($0)
      }
      // An IPv6 address has at least two colons.
      let isPort = text.split(separator: ":", omittingEmptySubsequences: false).count == 2
      return !text.isEmpty && isPlain && !isPort ? text : nil
    }, format: { $0 })

  static let path = SettingType(
    expected: "a path; ~ is not expanded",
    parse: { $0.isEmpty || $0.hasPrefix("~") ? nil : $0 }, format: { $0 })

  /// A name that may stand in topic names, group names and paths.
  static let applicationName = SettingType(
    expected: "1 to 100 small letters of English, digits and hyphens",
    parse: { isName($0, 1...100) { "a"..."z" ~= $0 || "0"..."9" ~= $0 || $0 == "-" } ? $0 : nil },
    format: { $0 })

  /// What may stand before the first dot of a topic's name, or nothing.
  static let topicPrefix = SettingType(
    expected: "at most 60 letters of English, digits and hyphens",
    parse: {
      isName($0, 0...60) {
        "a"..."z" ~= $0 || "A"..."Z" ~= $0 || "0"..."9" ~= $0 || $0 == "-"
      } ? $0 : nil
    },
    format: { $0 })

  /// A name that may stand in transactional ids, or none.
  static let instanceName = SettingType(
    expected: "at most 100 letters of English, digits, dots, underscores and hyphens",
    parse: {
      isName($0, 0...100) {
        "a"..."z" ~= $0 || "A"..."Z" ~= $0 || "0"..."9" ~= $0 || "._-".unicodeScalars.contains($0)
      } ? $0 : nil
    },
    format: { $0 })

  private static func isName(
    _ text: String, _ length: ClosedRange<Int>, _ isAllowed: (Unicode.Scalar) -> Bool
  ) -> Bool {
    length.contains(text.unicodeScalars.count) && text.unicodeScalars.allSatisfy(isAllowed)
  }
}

extension SettingType<Bool> {
  static let flag = SettingType(
    expected: "true or false", parse: { Bool($0) }, format: { String($0) })
}

extension SettingType where Value: FixedWidthInteger & Sendable {
  static func integer(_ range: ClosedRange<Value>) -> SettingType {
    SettingType(
      expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
      parse: { Value($0).flatMap { range.contains($0) ? $0 : nil } }, format: { String($0) })
  }
}

extension SettingType<Duration> {
  package static func milliseconds(_ range: ClosedRange<Int>) -> SettingType {
    let count = SettingType<Int>.integer(range)
    return SettingType(
      expected: count.expected,
      parse: { count.parse(.text($0)).map { .milliseconds($0) } },
      format: { String(Int($0 / .milliseconds(1))) })
  }
}

extension SettingType<Duration> {
  /// A length of time with its unit.
  package static func span(_ range: ClosedRange<Duration>) -> SettingType {
    SettingType(
      expected: "a time from \(spanText(range.lowerBound)) to \(spanText(range.upperBound)), as a"
        + " number with ms, s, m or h",
      parse: { spanValue($0).flatMap { range.contains($0) ? $0 : nil } }, format: spanText)
  }

  private static let units: [(suffix: String, milliseconds: Int64)] = [
    ("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1_000),
  ]

  private static func spanValue(_ text: String) -> Duration? {
    for unit in units where text.hasSuffix(unit.suffix) {
      let (count, hasOverflowed) = (Int64(text.dropLast(unit.suffix.count)) ?? -1)
        .multipliedReportingOverflow(by: unit.milliseconds)
      if count >= 0, !hasOverflowed { return .milliseconds(count) }
    }
    return nil
  }

  private static func spanText(_ value: Duration) -> String {
    let milliseconds = Int64(value / .milliseconds(1))
    for (suffix, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000)] as [(String, Int64)]
    where milliseconds > 0 && milliseconds % size == 0 {
      return "\(milliseconds / size)\(suffix)"
    }
    return "\(milliseconds)ms"
  }
}

extension SettingType
where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
  /// One of an enumeration's cases.
  static var oneOf: SettingType {
    SettingType(
      expected: "one of \(caseNames())", parse: { Value(rawValue: $0) }, format: { $0.rawValue })
  }

  private static func caseNames() -> String {
    Value.allCases.map(\.rawValue).joined(separator: ", ")
  }
}

extension SettingType<Logger.Level> {
  /// A level of the log; `warn` is `warning`, as elsewhere.
  static let logLevel = SettingType(
    expected: oneOf.expected,
    parse: { text in
      let name = text.lowercased()
      return Logger.Level(rawValue: name == "warn" ? "warning" : name)
    },
    format: { $0.rawValue })
}

extension SettingType<[String]> {
  /// One or more of these names, each once: a list, or text separated by commas.
  static func someOf(_ names: [String]) -> SettingType {
    SettingType(
      expected: "a list of one or more of \(names.joined(separator: ", ")), each once",
      parseRaw: { raw in
        let elements =
          switch raw {
          case .list(let elements): elements
          case .text(let text): text.split(separator: ",").map { trimmed(String($0)) }
          }
        let isValid =
          elements.allSatisfy(names.contains) && Set(elements).count == elements.count
        return isValid && !elements.isEmpty ? elements : nil
      },
      formatRaw: { .list($0) })
  }

  private static func trimmed(_ text: String) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
