import Foundation
import Testing

@testable import Console

@Suite struct PrintedTextTests {
  /// Longer texts than the buffer's go past it.
  @Test(arguments: [10, 100_000]) func printedTextsThatAreLostAreNoticed(length: Int) throws {
    let full = try #require(fopen("/dev/full", "w"))
    defer { fclose(full) }
    fputs(String(repeating: "x", count: length), full)
    #expect(PrintedText.loss(in: full) != nil)
    let sink = try #require(fopen("/dev/null", "w"))
    defer { fclose(sink) }
    fputs(String(repeating: "x", count: length), sink)
    #expect(PrintedText.loss(in: sink) == nil)
  }
}
