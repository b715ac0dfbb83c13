import Ratings
import Testing

@testable import Pipeline

@Suite struct RefreshScheduleTests {
  private let start = ContinuousClock.now
  private let prior = CatalogPrior(ratingCount: 1_000, movieCount: 100, halfStarSum: 7_000)

  @Test func anEmptyCatalogIsNeverDue() {
    let schedule = RefreshSchedule(interval: .seconds(60))
    #expect(!schedule.isDue(CatalogPrior(), at: start))
  }

  @Test func aBurstIsFollowedByARefreshOnceItRests() {
    var schedule = RefreshSchedule(interval: .seconds(60))
    schedule.noteChange(under: prior, at: start)
    #expect(!schedule.isDue(prior, at: start + .milliseconds(999)))
    #expect(schedule.isDue(prior, at: start + .seconds(1)))
  }

  @Test func thePublishedPriorIsNotDueAgain() {
    var schedule = RefreshSchedule(interval: .seconds(60))
    schedule.noteRefresh(under: prior, at: start)
    #expect(!schedule.isDue(prior, at: start + .seconds(3600)))
  }

  /// A rating that comes and goes leaves the prior as it was, and a movie under the one between.
  @Test func aPriorThatComesBackIsDueForTheMoviesOfTheOneBetween() {
    var schedule = RefreshSchedule(interval: .seconds(60))
    schedule.noteRefresh(under: prior, at: start)
    var between = prior
    between.ratingCount += 1
    schedule.noteChange(under: prior, at: start + .seconds(10))
    #expect(!schedule.isDue(prior, at: start + .seconds(70)))
    schedule.noteChange(under: between, at: start + .seconds(70))
    #expect(schedule.isDue(prior, at: start + .seconds(71)))
    schedule.noteRefresh(under: prior, at: start + .seconds(71))
    #expect(!schedule.isDue(prior, at: start + .seconds(3600)))
  }

  @Test func moviesOfAnotherInstanceAreDueUnderTheSamePrior() {
    var schedule = RefreshSchedule(interval: .seconds(60))
    schedule.noteRefresh(under: prior, at: start)
    schedule.noteNewMovies()
    #expect(schedule.isDue(prior, at: start + .seconds(1)))
  }

  @Test func aSmallDriftWaitsForTheIntervalAndALargeOneDoesNot() {
    var schedule = RefreshSchedule(interval: .seconds(60))
    let many = CatalogPrior(ratingCount: 1_000_000, movieCount: 1_000, halfStarSum: 7_000_000)
    schedule.noteRefresh(under: many, at: start)
    var small = many
    small.ratingCount += 1
    small.halfStarSum += 10
    #expect(!schedule.isDue(small, at: start + .seconds(59)))
    #expect(schedule.isDue(small, at: start + .seconds(60)))
    var large = many
    large.ratingCount += 10_000
    large.halfStarSum += 70_000
    #expect(schedule.isDue(large, at: start + .seconds(2)))
  }
}
