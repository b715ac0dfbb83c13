import ArgumentParser
import Configuration
import Operations

/// The options of `train` as a service.
struct ServiceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Train again so long after the last model was decided about, such as 90s, 30m or 6h, if"
        + " there are new ratings.", valueName: "time"))
  var every: TimeSpan?
  @Option(
    help: ArgumentHelp("Train again once there are so many new ratings.", valueName: "count"))
  var afterRatings: Int?
  @Option(
    help: ArgumentHelp(
      "Promote a model whose measures are at least this many times those of what serves"
        + " (default: 1.0).", valueName: "ratio"))
  var gate: Double?
  @Option(
    help: ArgumentHelp(
      "Let what passes answer as a shadow first, for so long, and promote it if the users' next"
        + " ratings hit its ten movies no less often than those shown.", valueName: "time"))
  var shadow: TimeSpan?
  @Option(
    help: ArgumentHelp(
      "Lists that a rating must have followed to judge a shadow; it answers up to four times as"
        + " long while there are fewer (default: 20).", valueName: "count"))
  var shadowLists: Int?

  /// Whether it is to be a service.
  var isAsked: Bool { every != nil || afterRatings != nil }

  func validate() throws {
    guard isAsked || (gate == nil && shadow == nil && shadowLists == nil) else {
      throw ValidationError("--gate and --shadow require --every or --after-ratings.")
    }
    if let afterRatings, afterRatings < 1 {
      throw ValidationError("--after-ratings must be 1 or more.")
    }
    if let gate, !(gate > 0 && gate <= 100) {
      throw ValidationError("--gate must be above 0 and at most 100.")
    }
    if let shadowLists {
      guard shadow != nil else { throw ValidationError("--shadow-lists requires --shadow.") }
      guard shadowLists >= 1 else { throw ValidationError("--shadow-lists must be 1 or more.") }
    }
  }

  func plan(keep: Int, threads: Int) -> TrainerPlan {
    TrainerPlan(
      schedule: TrainerSchedule(every: every?.duration, afterRatings: afterRatings),
      gate: gate ?? 1, shadow: shadow?.duration, shadowLists: shadowLists ?? 20, keep: keep,
      threads: threads)
  }
}

/// A time such as `90s`, `30m` or `6h`.
struct TimeSpan: ExpressibleByArgument {
  let duration: Duration

  init?(argument: String) {
    let type = SettingType.span(.milliseconds(1)...(.seconds(366 * 86_400)))
    guard let duration = type.parse(.text(argument)) else { return nil }
    self.duration = duration
  }
}
