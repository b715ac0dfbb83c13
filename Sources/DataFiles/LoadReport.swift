/// What is in the files of a data set.
package struct LoadReport: Encodable, Equatable, Sendable {
  package var ratings: FileReport
  package var movies: FileReport?

  package init(ratings: FileReport, movies: FileReport? = nil) {
    self.ratings = ratings
    self.movies = movies
  }

  /// Some lines for people.
  package var text: String {
    [movies?.text, ratings.text].compactMap(\.self).joined(separator: "\n")
  }

  /// Rows that are not loaded.
  package var invalid: Int { ratings.invalid + (movies?.invalid ?? 0) }

  /// Why nothing of it is loaded; `nil` if it is.
  ///
  /// - Parameters:
  ///   - skipsInvalid: whether rows that break a rule are left out.
  ///   - hasScale: whether the user has said how far the ratings go.
  package func refusal(skipsInvalid: Bool, hasScale: Bool) -> String? {
    if ratings.rows == 0 { return "\(ratings.file): there is no row in it" }
    let rows = ratings.rows + (movies?.rows ?? 0)
    let fault = (movies?.firstFault ?? ratings.firstFault)?.description ?? ""
    // Half of them may be mistakes; more of them are another scale, whose lower half means less
    // than it says.
    let isOtherScale = ratings.aboveFive * 2 > ratings.rows
    if !hasScale, ratings.aboveFive > 0, isOtherScale || !skipsInvalid {
      let top = (ratings.highestStars ?? 0) > 10 ? 100 : 10
      return "\(ratings.firstFault?.description ?? fault); \(ratings.aboveFive) of"
        + " \(ratings.rows) ratings are above 5: if the scale ends at \(top), add --scale \(top)"
        + (isOtherScale ? ", and if it ends at 5, --scale 5" : ", otherwise --skip-invalid")
    }
    if ratings.valid == 0 { return "\(fault); no row is valid" }
    if invalid > 0, !skipsInvalid {
      return "\(fault); \(invalid) of \(rows) rows are invalid: --dry-run of load shows them,"
        + " --skip-invalid leaves them out"
    }
    return nil
  }
}
