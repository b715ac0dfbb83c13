import Testing

@testable import DaemonRuntime

@Suite struct WaitingNewsTests {
  @Test func eachReasonIsToldOnce() {
    var news = WaitingNews()
    let reasons = ["a", "a", "b", "a", "b"]
    #expect(reasons.map { news.isNew($0) } == [true, false, true, false, false])
  }

  @Test func reasonsThatAlwaysDifferEnd() {
    var news = WaitingNews()
    #expect((0..<100).filter { news.isNew("after \($0) ms") }.count == 5)
  }
}
