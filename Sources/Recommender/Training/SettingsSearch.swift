/// Chooses settings for a log, on parts that are cut from it: for the moment right after each
/// user's last rating, and for the end of the log.
///
/// It trains once for each moment. All else that is tried combines what was learnt in another way
/// and only has to be scored. Deterministic: the same ratings and start give the same settings.
public struct SettingsSearch: Sendable {
  /// A setting that is chosen, and what is tried for it.
  public enum Knob: CaseIterable, Hashable, Sendable {
    case factors, prior, taste, sitting, sittingHours, trend, trendHalfLife, quality
  }

  /// How many times models are trained: once for each moment.
  public static let fits = 2
  /// The most users who are scored for a moment.
  static let mostUsers = 2_000
  /// Scored users that make a moment count half: few of them tell little.
  private static let halfWeightUsers = 100.0
  /// Rounds over all knobs.
  private static let rounds = 2
  /// What the final choice may cost in liked and in rated, for fewer disliked.
  private static let likedTolerance = 0.97
  private static let ratedTolerance = 0.985
  /// A change must be better by this share.
  private static let leastGain = 0.001
  /// What a change may cost at one moment: better lists now are no reason for worse ones later.
  private static let momentTolerance = 0.995
  /// What more factors may cost at one moment: nothing. They are the first to fit a sparse log's
  /// accidents.
  private static let growthTolerance = 1.0

  private struct Moment {
    var holdOut: HoldOut
    var fit: Fit
    var weight: Double
  }

  private struct Scored {
    var parameters: ModelParameters
    var trial: SettingsTrial
    /// Weighted means over the moments, relative to the start.
    var rated: Double
    var liked: Double
    var disliked: Double
    /// At each moment that counts at least half, relative to the start.
    var momentValues: [Double]

    var value: Double { (rated + 2 * liked) / 3 }

    /// Whether no moment's value is below another's by more than a tolerance.
    func holds(against other: Scored, within tolerance: Double) -> Bool {
      zip(momentValues, other.momentValues).allSatisfy { $0 >= $1 * tolerance }
    }
  }

  private var moments: [ChronologicalSplit: Moment] = [:]
  private let knobs: [Knob]
  private let threads: Int
  private let start: ModelParameters
  private var startTrial: SettingsTrial?
  private var found: [Scored] = []

  /// Cuts and trains.
  ///
  /// - Parameters:
  ///   - start: where the search starts.
  ///   - fixed: knobs that keep their settings.
  ///   - progress: called with a sentence before each fit.
  public init(
    _ ratings: RatingMatrix, start: ModelParameters, fixed: Set<Knob>, threads: Int,
    progress: (ChronologicalSplit) -> Void = { _ in }
  ) throws(UnsolvableEquations) {
    self.start = start
    self.threads = threads
    knobs = Knob.allCases.filter { !fixed.contains($0) }
    var largest = start
    if !fixed.contains(.factors) {
      largest.factors = max(start.factors, Knob.factors.mostFactors)
    }
    for split in ChronologicalSplit.allCases {
      let holdOut = HoldOut(ratings, split: split).sample(of: Self.mostUsers)
      let users = Double(holdOut.scoredUsers)
      guard users > 0 else { continue }
      progress(split)
      var trainer = Trainer(holdOut.training, parameters: largest, threads: threads)
      for _ in 0..<largest.epochs { _ = trainer.runEpoch() }
      moments[split] = Moment(
        holdOut: holdOut, fit: try trainer.finish(),
        weight: users / (users + Self.halfWeightUsers))
    }
  }

  /// The settings that were tried, in their order.
  public var trials: [SettingsTrial] { found.map(\.trial) }

  /// As `run(progress:)`, without a word.
  public mutating func run() -> ModelParameters { run { _ in } }

  /// Tries settings until none of the neighbouring ones is better, and chooses.
  ///
  /// - Parameter progress: called after each trial; throws to end the search.
  /// - Returns: the start if nobody could be scored.
  public mutating func run(progress: (SettingsTrial) throws -> Void) rethrows -> ModelParameters {
    guard !moments.isEmpty else { return start }
    var best = judge(start, "start")
    try progress(best.trial)
    var kept = [0]
    for _ in 0..<Self.rounds {
      let before = best.parameters
      for knob in knobs {
        for (parameters, change) in knob.others(than: best.parameters)
        where !found.contains(where: { $0.parameters == parameters }) {
          let tried = judge(parameters, change)
          try progress(tried.trial)
          let tolerance =
            parameters.factors > best.parameters.factors
            ? Self.growthTolerance : Self.momentTolerance
          guard tried.value > best.value * (1 + Self.leastGain),
            tried.holds(against: best, within: tolerance)
          else { continue }
          best = tried
          kept.append(found.count - 1)
        }
      }
      if best.parameters == before { break }
    }
    let chosen = leastDisliked(best)
    kept.append(chosen)
    for index in kept { found[index].trial.isKept = true }
    return found[chosen].parameters
  }

  /// Among settings about as good as the best in liked and in rated, and with as many factors, the
  /// one with the fewest disliked; of equal ones the first.
  ///
  /// - Parameter best: where the search ended.
  private func leastDisliked(_ best: Scored) -> Int {
    let good = found.indices.filter {
      found[$0].liked >= best.liked * Self.likedTolerance
        && found[$0].rated >= best.rated * Self.ratedTolerance
        && found[$0].parameters.factors == best.parameters.factors
        && found[$0].holds(against: best, within: Self.ratedTolerance)
    }
    let last = found.firstIndex { $0.parameters == best.parameters } ?? 0
    return good.min { found[$0].disliked < found[$1].disliked } ?? last
  }

  private mutating func judge(_ parameters: ModelParameters, _ change: String) -> Scored {
    var measures: [ChronologicalSplit: SettingsTrial.Measures] = [:]
    for split in ChronologicalSplit.allCases {
      guard var moment = moments[split] else { continue }
      // Taken out, so that the fit's caches are not copied.
      moments[split] = nil
      measures[split] = judge(parameters, &moment)
      moments[split] = moment
    }
    let none = SettingsTrial.Measures(rated: 0, liked: 0, dislikedShare: 0, users: 0)
    let trial = SettingsTrial(
      change: change, next: measures[.perUser] ?? none, later: measures[.global] ?? none)
    if startTrial == nil { startTrial = trial }
    let result = Scored(
      parameters: parameters, trial: trial, rated: relative(trial, \.rated),
      liked: relative(trial, \.liked), disliked: relative(trial, \.dislikedShare),
      momentValues: momentValues(trial))
    found.append(result)
    return result
  }

  private func judge(_ parameters: ModelParameters, _ moment: inout Moment)
    -> SettingsTrial.Measures
  {
    let training = moment.holdOut.training
    let model = FactorModel(
      metadata: ModelMetadata(
        version: "", parameters: parameters, users: training.users.count,
        movies: training.movies.count, ratings: training.count,
        meanRating: moment.fit.meanRating,
        newestRatingMilliseconds: training.newestMilliseconds, loss: 0,
        doubts: moment.fit.doubts(factors: parameters.factors)),
      contents: moment.fit.contents(parameters))
    let lists = model.recommendations(
      for: moment.holdOut.known, at: moment.holdOut.moment, count: 10, threads: threads)
    return SettingsTrial.Measures(moment.holdOut.opinions(on: lists))
  }

  private func momentValues(_ trial: SettingsTrial) -> [Double] {
    guard let first = startTrial else { return [] }
    return [
      (ChronologicalSplit.perUser, first.next, trial.next),
      (.global, first.later, trial.later),
    ].compactMap { split, before, after in
      guard let weight = moments[split]?.weight, weight >= 0.5 else { return nil }
      let rated = (after.rated + Self.least) / (before.rated + Self.least)
      return (rated + 2 * (after.liked + Self.least) / (before.liked + Self.least)) / 3
    }
  }

  /// Keeps a ratio of nothing to nothing at 1.
  private static let least = 1e-3

  /// A measure relative to that of the start: the mean over the moments by their weights.
  private func relative(
    _ trial: SettingsTrial, _ measure: KeyPath<SettingsTrial.Measures, Double>
  ) -> Double {
    guard let first = startTrial else { return 1 }
    var sum = 0.0
    var weights = 0.0
    for (split, before, after) in [
      (ChronologicalSplit.perUser, first.next, trial.next),
      (.global, first.later, trial.later),
    ] {
      let weight = moments[split]?.weight ?? 0
      sum +=
        weight * (after[keyPath: measure] + Self.least) / (before[keyPath: measure] + Self.least)
      weights += weight
    }
    return weights > 0 ? sum / weights : 1
  }
}

extension SettingsSearch.Knob {
  private static let factorCounts = [8, 16, 32]

  /// The most factors that are tried.
  fileprivate var mostFactors: Int { Self.factorCounts.max() ?? 1 }

  /// The settings that differ in this knob, with what differs.
  fileprivate func others(than base: ModelParameters) -> [(ModelParameters, change: String)] {
    func with<Value: Equatable>(
      _ path: WritableKeyPath<ModelParameters, Value>, _ name: String, _ values: [Value]
    ) -> [(ModelParameters, change: String)] {
      values.filter { $0 != base[keyPath: path] }.map { value in
        var parameters = base
        parameters[keyPath: path] = value
        return (parameters, "\(name) \(value)")
      }
    }
    return switch self {
    case .factors: with(\.factors, "factors", Self.factorCounts)
    case .prior: with(\.prior, "prior", [1, 3, 10])
    case .taste: with(\.taste, "taste", [0.2, 0.4, 0.6])
    case .sitting: with(\.sitting, "sitting", [0.5, 0.7, 0.85])
    case .sittingHours: with(\.sittingHours, "sitting hours", [6, 24, 168])
    case .trend: with(\.trend, "trend", [0, 0.25, 0.5])
    case .trendHalfLife: with(\.trendHalfLife, "trend half-life", [90, 365])
    case .quality: with(\.quality, "quality", [0, 0.2, 0.4])
    }
  }
}
