import Recommender

/// What a shadow model would have answered to a batch: a second ranking of the same requests, with
/// lists of its own. The batch's replies don't depend on it.
struct ShadowAnswers: ~Copyable {
  let model: ServingModel
  let lists: RankedLists

  /// Gives the memory back.
  consuming func discard(_ rankers: inout ModelRankers) { rankers.reuse(lists) }
}

extension AnsweredBatch {
  /// Ranks the movies again with another model, except for requests that name their model.
  func shadowAnswers(of model: ServingModel, _ rankers: inout ModelRankers, _ catalog: some Catalog)
    -> ShadowAnswers
  {
    let lists = rankers.rank(
      contents.requests, contents.ratings, catalog, atLeast: ShadowComparison.depth
    ) { $0.request.modelVersion == nil ? model : nil }
    return ShadowAnswers(model: model, lists: lists)
  }

  /// What the ten best movies are of both, for the user's next rating to be held against; `nil` if
  /// either has none of a model.
  func shown(_ index: Int, by shadow: borrowing ShadowAnswers)
    -> (user: Int64, live: String, lists: ShownLists)?
  {
    let pending = contents.requests[index]
    guard case .ranked(let list, _, _) = shadow.lists.outcomes[index],
      let live = pending.model?.version
    else { return nil }
    let shown = ShownLists(
      stateOffset: pending.state.offset, meanStars: pending.state.features.ratingMean,
      live: lists.movies[answers[index].list].lazy.map(\.movie),
      shadow: shadow.lists.movies[list].lazy.map(\.movie))
    return (pending.request.user, live, shown)
  }

  /// What the shadow would have replied; `nil` if it has no personal list.
  func reply(
    to index: Int, by shadow: borrowing ShadowAnswers, _ catalog: some Catalog,
    now: ContinuousClock.Instant
  ) -> RecommendationReply? {
    guard case .ranked(let list, let known, let shortage) = shadow.lists.outcomes[index] else {
      return nil
    }
    let pending = contents.requests[index]
    let live = answers[index]
    var features = pending.state.features
    features.knownRatingCount = known
    var reply = RecommendationReply(
      request: pending.request,
      recommendations: catalog.describe(shadow.lists.movies[list].prefix(pending.request.count)),
      strategy: .personal, reason: shortage,
      modelVersion: shadow.model.version, features: features,
      stateOffset: pending.state.offset, moment: pending.moment,
      latencyMilliseconds: (now - pending.received).milliseconds)
    reply.diversity = shadow.lists.diversity
    reply.catalogOffsets = catalog.offsets
    reply.comparison = ShadowComparison(
      liveModelVersion: live.strategy == .personal ? pending.model?.version : nil,
      overlapAt10: ShadowComparison.overlap(
        live: lists.movies[live.list].lazy.map(\.movie),
        shadow: shadow.lists.movies[list].lazy.map(\.movie)))
    return reply
  }
}
