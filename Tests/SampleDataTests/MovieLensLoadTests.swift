import Testing

@testable import SampleData

@Suite struct MovieLensLoadTests {
  @Test func loadingEndsAtTheLimitOrTheFilesEnd() {
    func fraction(_ count: Int, of limit: Int?, _ bytesRead: Int) -> Double {
      MovieLensLoad.fraction(count, of: limit, bytesRead: bytesRead, fileSize: 1000)
    }
    #expect(fraction(10, of: nil, 500) == 0.5)
    #expect(fraction(10, of: 20, 100) == 0.5)
    #expect(fraction(10, of: 100, 1000) == 1)
    #expect(fraction(0, of: 0, 0) == 0)
  }
}
