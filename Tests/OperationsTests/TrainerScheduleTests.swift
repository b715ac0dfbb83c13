import Testing

@testable import Operations

@Suite struct TrainerScheduleTests {
  @Test(
    arguments: [
      // Every, after, decided, now, new ratings, whether it is due.
      (60, nil, nil, 100, 1, true), (60, nil, nil, 100, 0, false),
      (60, nil, 0, 59_999, 9, false), (60, nil, 0, 60_000, 9, true), (60, nil, 0, 60_000, 0, false),
      (60, nil, 500_000, 100, 9, true),
      (nil, 10, nil, 0, 9, false), (nil, 10, nil, 0, 10, true), (nil, 10, 0, 1 << 40, 9, false),
      (60, 10, 0, 1, 10, true), (60, 10, 0, 60_000, 1, true), (60, 10, 0, 1, 9, false),
    ] as [(Int?, Int?, Int64?, Int64, Int, Bool)])
  func trainsInTime(
    every: Int?, after: Int?, decided: Int64?, now: Int64, ratings: Int, isDue: Bool
  ) {
    let schedule = TrainerSchedule(every: every.map { .seconds($0) }, afterRatings: after)
    #expect(schedule.isDue(decided: decided, now: now, newRatings: ratings) == isDue)
  }
}
