import Console
import Foundation
import Ratings
package import Recommender

/// Replays the last weeks of some ratings, training every week and only once.
package struct WeeklyRun {
  package let weeks: [WeeklyReplay.Week]

  /// - Parameters:
  ///   - count: how many weeks.
  ///   - parameters: the settings for the part before the first week; all models have them.
  init(
    _ ratings: RatingMatrix, count: Int, threads: Int,
    parameters: (_ training: RatingMatrix) throws -> ModelParameters
  ) throws {
    let replay = WeeklyReplay(ratings, weeks: count)
    var weeks: [WeeklyReplay.Week] = []
    var once: FactorModel?
    var settings = ModelParameters()
    for (number, start) in replay.starts.enumerated() {
      let known = replay.known(before: start)
      guard let holdOut = replay.holdOut(in: start, known: known) else { continue }
      if once == nil { settings = try parameters(known) }
      let model = try TrainingRun.train(
        known, settings, threads: threads, label: "week \(number + 1) of \(count)"
      ).model.model
      weeks.append(
        replay.score(start, holdOut, retrained: model, once: once ?? model, threads: threads))
      if once == nil { once = model }
    }
    self.weeks = weeks
  }

  /// Fails if there is nothing to replay, before the work that comes first.
  static func check(_ ratings: RatingMatrix, count: Int) throws(CommandFailure) {
    let replay = WeeklyReplay(ratings, weeks: count)
    let isPossible = replay.starts.contains { start in
      replay.holdOut(in: start, known: replay.known(before: start)) != nil
    }
    guard !isPossible else { return }
    throw CommandFailure(
      .failure, "nothing to replay: in none of the weeks does anybody rate who has rated before")
  }

  /// A table for people.
  package var text: String {
    var table = TextTable(
      ["WEEK OF", "USERS", "RETRAINED", "ONCE", "POPULARITY"], rightAligned: [1, 2, 3, 4])
    for week in weeks {
      table.append(
        [week.date, "\(week.users)"]
          + [week.retrained, week.once, week.popularity].map { String(format: "%.4f", $0) })
    }
    return table.description
  }
}

extension WeeklyReplay.Week {
  /// The day it begins, in UTC.
  var date: String {
    let digits = EventTime.dateDigits(ofMilliseconds: start)
    return "\(digits.prefix(4))-\(digits.dropFirst(4).prefix(2))-\(digits.suffix(2))"
  }
}
