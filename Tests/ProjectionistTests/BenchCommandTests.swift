import Testing

@testable import projectionist

@Suite struct BenchCommandTests {
  @Test(
    "lists of clients",
    arguments: [
      ("1", [1]), ("1,4,16", [1, 4, 16]), ("", nil), ("0", nil), ("1,,2", nil), ("2,2", nil),
      ("x", nil),
    ] as [(String, [Int]?)])
  func clients(text: String, values: [Int]?) {
    #expect(ClientCounts(argument: text)?.values == values)
  }

  @Test(
    "lists of events",
    arguments: [
      ("1", [1]), ("200000,2000000", [200_000, 2_000_000]), ("", nil), ("0", nil), ("2,1", nil),
      ("2,2", nil), ("1,,2", nil), ("x", nil),
    ] as [(String, [Int]?)])
  func counts(text: String, values: [Int]?) {
    #expect(EventCounts(argument: text)?.values == values)
  }
}
