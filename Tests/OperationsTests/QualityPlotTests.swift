import Testing

@testable import Operations
@testable import Recommender

struct QualityPlotTests {
  @Test func eachWeekHasItsPlaceOnEachLine() {
    let weeks = (0..<3).map { number in
      WeeklyReplay.Week(
        start: Int64(number) * 7 * 86_400_000, users: 1,
        retrained: 0.25 * Double(number), once: 0.5, popularity: 0)
    }
    let page = QualityPlot(weeks: weeks).html
    for date in ["1970-01-01", "1970-01-08", "1970-01-15"] {
      #expect(page.contains("text-anchor=\"middle\">\(date)</text>"))
    }
    #expect(page.contains("points=\"50.0,370.0 480.0,210.0 910.0,50.0\""))
    #expect(page.contains("points=\"50.0,50.0 480.0,50.0 910.0,50.0\""))
    #expect(page.contains("points=\"50.0,370.0 480.0,370.0 910.0,370.0\""))
  }
}
