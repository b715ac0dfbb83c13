/// The newest part of a log, on which a candidate is held against what serves.
public struct GateTail: Sendable {
  /// The most users who are judged by.
  private static let mostUsers = 10_000
  /// How many movies are ranked for a list of ten: some are not in the part to train on.
  private static let ranked = 40

  private let holdOut: HoldOut

  /// The share of the judges' ratings that lies before the tail.
  private static let olderShare = 0.8

  /// Holds out the newest fifth, by time, of the ratings of those who judge.
  ///
  /// - Parameter isJudge: the users to judge by: those whom what serves knew as well. Users who
  ///   have come since have no say, however many they are, be they people or not.
  public init(_ ratings: RatingMatrix, isJudge: (_ user: Int64) -> Bool) {
    let judges = ratings.users.map(isJudge)
    var times: [Int64] = []
    for user in ratings.users.indices where judges[user] {
      times += ratings.range(ofUser: user).map { ratings.rating($0).timeMilliseconds }
    }
    times.sort()
    let cut = times.isEmpty ? 0 : times[Int(Double(times.count) * Self.olderShare)]
    let training = ratings.filter { _, index in ratings.rating(index).timeMilliseconds < cut }
    var heldOut: [HoldOut.HeldOut] = []
    for user in ratings.users.indices where judges[user] {
      for index in ratings.range(ofUser: user) {
        let rating = ratings.rating(index)
        guard rating.timeMilliseconds >= cut else { continue }
        heldOut.append(
          HoldOut.HeldOut(
            user: ratings.users[user], movie: ratings.movies[rating.movie], rating: rating.rating))
      }
    }
    let known = training.filter { user, _ in isJudge(training.users[user]) }
    holdOut = HoldOut(
      training: training, known: known, heldOut: heldOut, moment: training.newestMilliseconds
    ).sample(of: Self.mostUsers)
  }

  /// What lies before the tail.
  public var training: RatingMatrix { holdOut.training }

  /// How many users have a rating in the tail to judge by.
  public var users: Int { holdOut.scoredUsers }

  /// How well a model does, wherever it was trained. Movies that are new in the tail don't count.
  public func measures(
    of model: FactorModel, threads: Int, progress: (Double) -> Void = { _ in }
  ) -> GateMeasures {
    let lists = model.recommendations(
      for: holdOut.known, at: holdOut.moment, count: Self.ranked, threads: threads,
      progress: progress)
    let index = RowIndex(training.movies)
    let rows = model.movies.map { index.row(of: $0, in: training.movies).map(Int32.init) ?? -1 }
    var best: [Int32] = []
    best.reserveCapacity(holdOut.known.users.count * 10)
    for user in holdOut.known.users.indices {
      let known = lists.rows(ofUser: user).map { rows[Int($0)] }.filter { $0 >= 0 }.prefix(10)
      best += known
      best += repeatElement(-1, count: 10 - known.count)
    }
    let opinions = holdOut.opinions(on: RecommendationLists(length: 10, rows: best))
    return GateMeasures(
      rated: opinions.rated, liked: opinions.liked, dislikedShare: opinions.dislikedShare)
  }
}

/// Decides whether a candidate may serve.
public struct Gate: Hashable, Sendable {
  /// The least ratio of its measures to those of what serves.
  public var ratio: Double

  public init(ratio: Double) {
    self.ratio = ratio
  }

  /// - Parameters:
  ///   - settings: its settings and the serving ones, both trained up to the same point; `nil`
  ///     where they are the same.
  ///   - models: it and the model that serves. What has been learnt since may be wrong, whatever
  ///     the settings.
  /// - Returns: whether it passes, and a sentence that says why.
  public func judge(settings: GateComparison?, models: GateComparison)
    -> (passes: Bool, reason: String)
  {
    guard models.users > 0 else {
      return (
        false,
        "nobody can judge it: no user that the serving model knows has ratings before and behind"
          + " the cut"
      )
    }
    if let settings, !(settings.ratio >= ratio) {
      let finding =
        settings.isNoWorse
        ? "its settings are no worse than the serving ones, but the gate asks for more"
        : "its settings are worse than the serving ones, trained up to the same point"
      return (false, "\(finding): \(told(settings))")
    }
    guard models.ratio >= ratio else {
      let finding =
        models.isNoWorse
        ? "it is no worse than the model that serves, but the gate asks for more"
        : "it is worse than the model that serves, so ratings since then may be wrong"
      return (false, "\(finding): \(told(models))")
    }
    let finding =
      models.isNoWorse && settings?.isNoWorse != false
      ? "it is no worse than what serves" : "it is worse than what serves, but within the gate"
    let compared = settings.map { "settings \(told($0)); " } ?? "the same settings; "
    return (true, "\(finding): \(compared)model \(told(models))")
  }

  private func told(_ comparison: GateComparison) -> String {
    let (candidate, serving) = (comparison.candidate, comparison.serving)
    return "\(Self.text(comparison.ratio)) times, and the gate is \(Self.text(ratio)) (NDCG@10"
      + " \(Self.text(candidate.rated)) against \(Self.text(serving.rated)), liked"
      + " \(Self.text(candidate.liked)) against \(Self.text(serving.liked)),"
      + " \(comparison.users) users)"
  }

  /// - Parameters:
  ///   - least: lists that a rating must have followed.
  /// - Returns: whether a shadow passes, and a sentence that says why; `nil` for the first while
  ///   too little is known.
  public func judge(_ hits: HitTally, least: Int64) -> (passes: Bool?, reason: String) {
    let told =
      "\(hits.shadow.all) hits (\(hits.shadow.liked) liked) against \(hits.live.all)"
      + " (\(hits.live.liked) liked) in \(hits.judged) lists"
    guard hits.judged >= least else {
      return (nil, "only \(hits.judged) of \(least) lists have been followed by a rating")
    }
    let passes = Double(hits.shadow.all) >= ratio * Double(hits.live.all)
    let hasFewer = hits.shadow.all < hits.live.all
    // With a gate other than 1 they differ.
    let rest =
      passes != hasFewer ? "" : passes ? ", but within the gate" : ", but the gate asks for more"
    let finding = "as a shadow it has \(hasFewer ? "fewer" : "no fewer") hits than what serves"
    let gate = rest.isEmpty ? "" : ", and the gate is \(Self.text(ratio))"
    return (passes, "\(finding)\(rest): \(told)\(gate)")
  }

  /// A number of 0 or more with three decimals.
  private static func text(_ number: Double) -> String {
    guard number.isFinite, abs(number) < 1e12 else { return "\(number)" }
    let thousandths = Int64((number * 1000).rounded())
    let fraction = "\(abs(thousandths) % 1000)"
    return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
  }
}
