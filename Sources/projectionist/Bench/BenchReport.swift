import Console
import Foundation

/// A measured value with its unit.
struct Figure: Sendable {
  enum Value: Hashable, Sendable {
    case count(Int)
    case decimal(Double, digits: Int)
    case text(String)
  }

  /// As in a table: "wall time".
  let label: String
  /// As in a table: "s"; empty for words.
  let unit: String
  /// As in JSON, the unit included: `wall_seconds`.
  let key: String
  let value: Value

  static func count(_ label: String, _ unit: String, _ key: String, _ value: Int) -> Figure {
    Figure(label: label, unit: unit, key: key, value: .count(value))
  }

  static func decimal(
    _ label: String, _ unit: String, _ key: String, _ value: Double, digits: Int = 1
  ) -> Figure {
    Figure(label: label, unit: unit, key: key, value: .decimal(value, digits: digits))
  }

  static func text(_ label: String, _ key: String, _ value: String) -> Figure {
    Figure(label: label, unit: "", key: key, value: .text(value))
  }

  /// Bytes, shown as MiB.
  static func bytes(_ label: String, _ key: String, _ value: Int) -> Figure {
    Figure(label: label, unit: "MiB", key: key, value: .count(value))
  }

  var text: String {
    switch value {
    case .count(let count) where unit == "MiB":
      String(format: "%.1f", Double(count) / Double(1 << 20))
    case .count(let count): count.formatted(IntegerFormatStyle(locale: Locale(identifier: "en_US")))
    case .decimal(let number, let digits): String(format: "%.\(digits)f", number)
    case .text(let text): text
    }
  }
}

/// What a bench has found: figures, and the same figures of several things side by side.
struct BenchReport: Sendable {
  struct Column: Sendable {
    var title: String
    /// As in JSON.
    var key: String
    var figures: [Figure]
  }

  let name: String
  var figures: [Figure] = []
  /// All with the same figures.
  var columns: [Column] = []

  init(_ name: String) {
    self.name = name
  }

  /// Two tables for people.
  var text: String {
    var table = TextTable([name.uppercased(), "VALUE", "UNIT"], rightAligned: [1])
    for figure in figures { table.append([figure.label, figure.text, figure.unit]) }
    guard let first = columns.first else { return table.description }
    var matrix = TextTable(
      [""] + columns.map { $0.title.uppercased() } + ["UNIT"],
      rightAligned: Set(1...columns.count))
    for (row, figure) in first.figures.enumerated() {
      matrix.append([figure.label] + columns.map { $0.figures[row].text } + [figure.unit])
    }
    return table.description + "\n" + matrix.description
  }
}

extension BenchReport: Encodable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: Key.self)
    try object.encode(name, forKey: Key(stringValue: "bench"))
    try Self.encode(figures, in: &object)
    for column in columns {
      var nested = object.nestedContainer(keyedBy: Key.self, forKey: Key(stringValue: column.key))
      try Self.encode(column.figures, in: &nested)
    }
  }

  private static func encode(
    _ figures: [Figure], in object: inout KeyedEncodingContainer<Key>
  ) throws {
    for figure in figures {
      let key = Key(stringValue: figure.key)
      switch figure.value {
      case .count(let count): try object.encode(count, forKey: key)
      case .decimal(let number, _): try object.encode(number, forKey: key)
      case .text(let text): try object.encode(text, forKey: key)
      }
    }
  }
}
