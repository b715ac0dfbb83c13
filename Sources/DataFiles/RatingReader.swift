import Codecs
package import Ratings

/// Reads a file of ratings as events of `user-ratings`, and judges each as intake will.
package struct RatingReader: ~Copyable {
  /// What the rows read so far are like.
  struct Traits: Hashable {
    var times: TimeForms = []
    var lowestStars = Double.infinity
    var highestStars = -Double.infinity
    /// Rows above five stars.
    var aboveFive = 0
    var rounded = 0
  }

  let format: RatingFormat
  /// Of the format, where rows find them without a look at its names; `nil` for JSON lines.
  private let columns: RatingColumns?
  private let width: Int
  private let scale: RatingScale
  /// Milliseconds since 1970: no event may be later.
  private let now: Int64
  private var table: TableReader
  private var writer: JSONWriter
  private var validator: EventValidator
  private(set) var traits = Traits()
  /// Rows read.
  package private(set) var rows = 0

  /// - Parameters:
  ///   - scale: the top of the file's rating scale; `nil` for five stars.
  ///   - now: the time of day, in milliseconds since 1970.
  ///   - policy: of the intake that will read the events.
  package init(
    _ file: DataFile, scale: Double?, now: Int64, policy: ZonedPolicy = ZonedPolicy()
  ) throws(DataFileError) {
    let source = try TextSource(file)
    let format = try TableHead(source).ratings()
    let dialect: Dialect
    let leading: Int
    let columns: RatingColumns?
    let width: Int
    switch format {
    case .jsonLines:
      if scale != nil {
        throw file.error("--scale is for tables, and these are events, which are loaded unchanged")
      }
      (dialect, leading, columns, width) = (Dialect(separator: .none), 0, nil, 1)
    case .table(let format):
      (dialect, leading) = (format.dialect, format.leading)
      (columns, width) = (format.columns, format.width)
    }
    var table = TableReader(source, dialect)
    for _ in 0..<leading { _ = try table.advance() }
    self.now = now
    self.scale = RatingScale(top: scale)
    self.format = format
    self.columns = columns
    self.width = width
    self.table = table
    writer = JSONWriter(capacity: 256)
    validator = EventValidator(policy: policy.policy, zone: policy.zone)
  }

  package var file: DataFile { table.source.file }
  /// How much of the file has been read, 0...1.
  package var fraction: Double { table.source.fraction }
  /// The newest row's line, from 1.
  package var line: Int { table.line }

  var encoding: TextEncoding { table.source.encoding }
  var separator: Dialect.Separator { table.dialect.separator }

  /// The newest row as an event: the value to produce.
  package var event: RawSpan {
    @_lifetime(borrow self)
    get { writer.bytes }
  }

  /// The next row, `nil` at the end.
  package mutating func next() throws(DataFileError) -> JudgedRow<RatingEvent>? {
    guard try table.advance() else { return nil }
    rows += 1
    if let fault = table.fault {
      return .invalid(RowFault(rules: [RowFault.malformed], message: fault))
    }
    if let columns {
      if let fault = widthFault() {
        return .invalid(RowFault(rules: [RowFault.malformed], message: fault))
      }
      write(columns)
    } else {
      Self.copy(table, to: &writer)
    }
    let verdict = Self.verdict(
      on: writer, &validator, now: now,
      source: SourceCoordinates(partition: 0, offset: Int64(rows)))
    switch verdict {
    case .valid(let event, _): return .valid(event)
    case .silent: return .invalid(RowFault(rules: [RowFault.malformed], message: "it has no event"))
    case .invalid(let failed, let details):
      return .invalid(fault(failed.map(\.name.description), details))
    }
  }

  /// Judges what has been written, by the rules and code of intake.
  private static func verdict(
    on writer: borrowing JSONWriter, _ validator: inout EventValidator, now: Int64,
    source: SourceCoordinates
  ) -> Verdict {
    validator.validate(
      value: writer.bytes, recordTimestampMilliseconds: now, source: source)
  }

  private static func copy(_ table: borrowing TableReader, to writer: inout JSONWriter) {
    writer.removeAll()
    writer.raw(table.bytes(0))
  }

  private func widthFault() -> String? {
    if table.count == width { return nil }
    // Trailing separators are no fields.
    let isPadded =
      table.count > width && (width..<table.count).allSatisfy { table.bytes($0).byteCount == 0 }
    return isPadded ? nil : "it has \(table.count) fields, not \(width)"
  }

  // MARK: Writing

  /// Writes the row as an event. What is no number stays text, for the rules to refuse.
  private mutating func write(_ columns: RatingColumns) {
    writer.removeAll()
    writer.beginObject()
    writeIdentifier("user_id", columns.user)
    writeIdentifier("movie_id", columns.movie)
    writeRating(columns.rating)
    writeTime(columns.time)
    writer.endObject()
  }

  private mutating func writeIdentifier(_ name: StaticString, _ column: Int) {
    if let number = FieldNumber.whole(table.bytes(column)) {
      writer.key(name)
      writer.integer(number)
    } else if FieldNumber.mayHaveThousands(table.bytes(column)) {
      // Nobody's id is guessed.
      writer.key(name)
      writer.string(table.text(column))
    } else {
      writeOther(name, column)
    }
  }

  private mutating func writeRating(_ column: Int) {
    let reading = scale.read(
      table.bytes(column))
    guard let stars = reading.stars else { return writeOther("rating", column) }
    traits.lowestStars = min(traits.lowestStars, stars)
    traits.highestStars = max(traits.highestStars, stars)
    if stars > 5 { traits.aboveFive += 1 }
    if reading.isRounded { traits.rounded += 1 }
    writer.key("rating")
    if let rating = reading.halfStars { writer.stars(rating) } else { writer.double(stars) }
  }

  private mutating func writeTime(_ column: Int) {
    guard
      let time = FieldTime(
        table.bytes(column))
    else { return writeOther("timestamp", column) }
    traits.times.insert(time.form)
    writer.key("timestamp")
    let (seconds, rest) = time.milliseconds.quotientAndRemainder(dividingBy: 1000)
    if rest == 0 {
      writer.integer(seconds)
    } else {
      writer.double(Double(time.milliseconds) / 1000)
    }
  }

  /// Writes a field that is not what it should be, and leaves an empty one out.
  private mutating func writeOther(_ name: StaticString, _ column: Int) {
    let isEmpty = table.bytes(column).trimmed().byteCount == 0
    guard !isEmpty else { return }
    let number = FieldNumber.decimal(
      table.bytes(column))
    let text = number == nil ? table.text(column) : ""
    writer.key(name)
    if let number { writer.double(number) } else { writer.string(text) }
  }

  // MARK: Faults

  private mutating func fault(_ rules: [String], _ details: [EventDetail]) -> RowFault {
    guard let columns else {
      // Intake's own words fit an event, but not the columns of a table.
      return RowFault(rules: rules, message: details.map(\.message).joined(separator: "; "))
    }
    var clauses: [String] = []
    for (part, column) in ColumnName.ratings.enumerated()
    where rules.contains(where: { $0.hasSuffix(":\(column.name)") }) {
      clauses.append(clause(part, column.name, columns[part]))
    }
    let message = clauses.isEmpty ? rules.joined(separator: ", ") : clauses.joined(separator: "; ")
    return RowFault(rules: rules, message: message)
  }

  private mutating func clause(_ part: Int, _ name: String, _ column: Int) -> String {
    let text = table.text(column)
    if text.allSatisfy(\.isWhitespace) { return "there is no \(name)" }
    let cut = text.count > 40 ? "\(text.prefix(40))…" : text
    return "\(name) is '\(cut)', \(expectation(part, column))"
  }

  private func expectation(_ part: Int, _ column: Int) -> String {
    switch part {
    case 0, 1: return "not a whole number of 0 to 2^63 - 1"
    case 2:
      let stars = scale.read(table.bytes(column)).stars ?? 0
      if let top = scale.top { return "not on a scale up to \(Int(top))" }
      return stars > 5 ? "above 5 stars" : "not 0.5 to 5 in half steps"
    default:
      return FieldTime(table.bytes(column)) == nil
        ? "neither seconds since 1970 nor ISO 8601" : "not from 1995 to now"
    }
  }
}
