import Console
import Testing

@testable import Operations

@Suite struct GenreCheckTests {
  private let known = ["Drama", "Horror", "Sci-Fi"]

  @Test func knownGenresPassWhateverTheirCase() {
    #expect(throws: Never.self) { try GenreCheck.check(["horror", "SCI-FI"], among: known) }
  }

  @Test func anUnknownOneNamesTheNearest() {
    let failure = #expect(throws: CommandFailure.self) {
      try GenreCheck.check(["Drama", "Horor"], among: known)
    }
    #expect(failure?.status == .usage)
    #expect(
      failure?.message
        == "no movie has the genre Horor; the nearest known one is Horror, of Drama, Horror, Sci-Fi"
    )
  }

  @Test func anEmptyCatalogSaysHowToFillIt() {
    let failure = #expect(throws: CommandFailure.self) {
      try GenreCheck.check(["Drama"], among: [])
    }
    #expect(failure?.message.contains("projectionist load") == true)
  }
}
