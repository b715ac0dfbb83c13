/// Why a row is not loaded.
package struct RowFault: Hashable, Sendable {
  /// The broken rules' names, as in intake's verdicts.
  package var rules: [String]
  /// What is wrong in the file's own terms.
  package var message: String

  /// The rule of rows that no record could be made of.
  static let malformed = "expect_row_to_be_well_formed"
  /// The rule of movies that the catalog's reader would skip.
  static let movie = "expect_movie_to_be_readable"
}

/// What became of a row.
package enum JudgedRow<Value> {
  case valid(Value)
  case invalid(RowFault)
}
