extension ModelMetadata {
  /// That of a model that was just trained; `PublishedModel` names it.
  ///
  /// - Parameters:
  ///   - ratings: what it was trained on.
  ///   - loss: after the last epoch.
  ///   - trainedTo: by partition of `validated-ratings`.
  ///   - search: the trials that chose the parameters.
  public init(
    training ratings: RatingMatrix, _ fit: Fit, _ parameters: ModelParameters, loss: Double,
    trainedTo: [Int64], search: [SettingsTrial] = []
  ) {
    self.init(
      version: "", parameters: parameters, trainedTo: trainedTo, users: ratings.users.count,
      movies: ratings.movies.count, ratings: ratings.count, meanRating: fit.meanRating,
      newestRatingMilliseconds: ratings.newestMilliseconds, loss: loss, search: search)
  }
}
