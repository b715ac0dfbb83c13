/// What was found in a file: the report of `load --dry-run`.
package struct FileReport: Encodable, Equatable, Sendable {
  /// Rows that break a rule.
  package struct Fault: Encodable, Equatable, Sendable {
    package var rule: String
    package var rows: Int
    /// The first such row's.
    package var line: Int
    package var message: String
  }

  package var file: String
  package var layout: String
  package var separator: String
  package var encoding: String
  package var rows = 0
  package var valid = 0
  package var invalid = 0
  /// By the rules' first occurrence.
  package var faults: [Fault] = []
  /// Of the ratings, in the file's numbers times five by its scale; `nil` without one.
  package var lowestStars: Double?
  package var highestStars: Double?
  /// Ratings above five stars.
  package var aboveFive = 0
  /// Ratings to which the nearest half star was given.
  package var rounded: Int?
  package var times: [String]?

  private enum CodingKeys: String, CodingKey {
    case file, layout, separator, encoding, rows, valid, invalid, faults, rounded, times
    case lowestStars = "lowest_stars"
    case highestStars = "highest_stars"
    case aboveFive = "above_five"
  }

  package mutating func add(_ fault: RowFault, line: Int) {
    invalid += 1
    for rule in fault.rules {
      if let index = faults.firstIndex(where: { $0.rule == rule }) {
        faults[index].rows += 1
      } else {
        faults.append(Fault(rule: rule, rows: 1, line: line, message: fault.message))
      }
    }
  }

  /// The first invalid row, as an error.
  package var firstFault: DataFileError? {
    faults.first.map { DataFileError(path: file, line: $0.line, message: $0.message) }
  }

  /// Some lines for people.
  package var text: String {
    var lines = [file, "  \(layout), separator \(separator), \(encoding)"]
    if let lowestStars, let highestStars {
      lines.append("  \(Self.short(lowestStars)) to \(Self.short(highestStars)) stars")
    }
    if let rounded, rounded > 0 { lines.append("  \(rounded) rounded to half stars") }
    if let times, !times.isEmpty { lines.append("  times in \(times.joined(separator: ", "))") }
    lines.append("  \(rows) rows: \(valid) valid, \(invalid) invalid")
    for fault in faults {
      lines.append("  \(fault.rows) × \(fault.rule), first in line \(fault.line): \(fault.message)")
    }
    return lines.joined(separator: "\n")
  }

  private static func short(_ stars: Double) -> String {
    stars == stars.rounded() && abs(stars) < 1e9 ? "\(Int(stars))" : "\(stars)"
  }
}
