import ArgumentParser

/// The options of commands that read files of ratings.
struct FileOptions: ParsableArguments {
  @Option(
    help: "The top of the files' rating scale, such as 10: ratings become the nearest half stars.")
  var scale: Int?
  @Flag(help: "Leave out rows that intake would refuse, and count them.")
  var skipInvalid = false

  func validate() throws {
    try (1...1_000).check(scale, "--scale")
  }

  var top: Double? { scale.map(Double.init) }
}
