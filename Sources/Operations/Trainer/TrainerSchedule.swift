/// When the trainer trains.
package struct TrainerSchedule: Hashable, Sendable {
  /// So long after the decision before.
  package var every: Duration?
  /// Once there are so many new ratings.
  package var afterRatings: Int?

  package init(every: Duration?, afterRatings: Int?) {
    self.every = every
    self.afterRatings = afterRatings
  }

  /// Whether a training is due.
  ///
  /// - Parameters:
  ///   - decided: when the last model was decided about, in milliseconds since 1970; `nil` for
  ///     none.
  ///   - now: in the same way.
  ///   - newRatings: since that model.
  func isDue(decided: Int64?, now: Int64, newRatings: Int) -> Bool {
    guard newRatings > 0 else { return false }
    if let afterRatings, newRatings >= afterRatings { return true }
    guard let every else { return false }
    // A decision of the future was made by a wrong clock.
    guard let decided, decided <= now else { return true }
    return Duration.milliseconds(now - decided) >= every
  }
}

/// How the trainer goes about it.
package struct TrainerPlan: Sendable {
  package var schedule: TrainerSchedule
  /// The least ratio of a candidate's measures to those of what serves.
  package var gate: Double
  /// How long a candidate is a shadow first; `nil` for not at all.
  package var shadow: Duration?
  /// How many lists a rating must have followed to judge a shadow.
  package var shadowLists: Int
  /// Models kept on the topic.
  package var keep: Int
  package var threads: Int

  package init(
    schedule: TrainerSchedule, gate: Double, shadow: Duration?, shadowLists: Int, keep: Int,
    threads: Int
  ) {
    self.schedule = schedule
    self.gate = gate
    self.shadow = shadow
    self.shadowLists = shadowLists
    self.keep = keep
    self.threads = threads
  }
}
