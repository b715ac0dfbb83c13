extension ModelMetadata {
  /// That of a model that was just trained; `PublishedModel` names it.
  ///
  /// - Parameters:
  ///   - ratings: what it was trained on.
  ///   - losses: after each epoch, one at least.
  ///   - trainedTo: by partition of `validated-ratings`.
  ///   - search: the trials that chose the parameters.
  public init(
    training ratings: RatingMatrix, _ fit: Fit, _ parameters: ModelParameters, losses: [Double],
    trainedTo: [Int64], search: [SettingsTrial] = []
  ) {
    self.init(
      version: "", parameters: parameters, trainedTo: trainedTo, users: ratings.users.count,
      movies: ratings.movies.count, ratings: ratings.count, meanRating: fit.meanRating,
      newestRatingMilliseconds: ratings.newestMilliseconds, loss: losses[losses.count - 1],
      epochLosses: losses, doubts: fit.doubts(factors: parameters.factors), search: search)
  }
}
