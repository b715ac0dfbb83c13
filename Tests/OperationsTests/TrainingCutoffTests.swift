import Testing

@testable import Operations

@Suite struct TrainingCutoffTests {
  @Test func isOffsetsOrATime() {
    #expect(TrainingCutoff("0:100,3:7") == .offsets([0: 100, 3: 7]))
    #expect(TrainingCutoff("2024-01-01") == .time(1_704_067_200_000))
    #expect(TrainingCutoff("2024-01-01T00:00:01Z") == .time(1_704_067_201_000))
    for text in ["", "7", "0:1,0:2", "0:-1", "-1:0", "0:1,", "a:b", "0:1:2", "yesterday"] {
      #expect(TrainingCutoff(text) == nil)
    }
  }
}
