import ArgumentParser
import Configuration
import Console
import DataFiles
import SampleData

/// `projectionist load`
struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Produce the movies and ratings of a MovieLens download, or of files like it.",
    discussion: """
      Reads every edition of MovieLens as it is downloaded, zipped or not: ratings.csv and \
      movies.csv, rating.csv and movie.csv of Kaggle, ratings.dat and movies.dat, u.data and \
      u.item. Or one file of ratings, in which columns are found by their names, or events as JSON \
      lines:

        projectionist load ml-latest-small.zip
        projectionist load ratings.csv.gz --rate 5000 --limit 100000
        projectionist load scores.csv --scale 10 --dry-run

      All rows are checked by intake's rules before the first one is produced. If one breaks a \
      rule, nothing is produced, or all the others with --skip-invalid. Times without a zone are \
      UTC.
      """)

  @Argument(
    help: "A directory, an archive (zip, tar), or a file of ratings, perhaps compressed.",
    completion: .file())
  var path: String
  @Option(help: "Ratings per second; as fast as it goes by default.")
  var rate: Double?
  @Option(help: "Stop after so many ratings.")
  var limit: Int?
  @Option(help: "The ratings' key: user keeps each user's order; none is null.")
  var key = RatingKey.user
  @Flag(help: "Only check the files, and print what is in them; 1 if nothing would be loaded.")
  var dryRun = false
  @OptionGroup var fileOptions: FileOptions
  @Flag(help: "Print a summary, or the report of --dry-run, as JSON at the end.")
  var json = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try NumberBounds.rate.check(rate, "--rate")
    try (0...NumberBounds.events.upperBound).check(limit, "--limit")
  }

  func run() throws {
    do {
      let files = try DataSet(path: path)
      if let note = files.note { Self.note(note) }
      let load = DataSetLoad(
        files, key: key, rate: rate, limit: limit, scale: fileOptions.top,
        policy: try common.start("load").settings.zonedPolicy)
      let report = try load.judge()
      if dryRun { print(json ? try JSONText.of(report) : report.text) }
      let refusal = report.refusal(
        skipsInvalid: fileOptions.skipInvalid, hasScale: fileOptions.scale != nil)
      if let refusal { throw CommandFailure(.failure, refusal) }
      if dryRun { return }
      if report.invalid > 0 { Self.note("\(report.invalid) rows are left out\n\(report.text)") }
      let topics = files.movies == nil ? [.ratings] : DataTopic.allCases
      let summary = try load.load(report, to: common.bulkDestination("load", topics))
      if json { print(try JSONText.of(summary)) }
    } catch let error as DataFileError {
      throw CommandFailure(.failure, error.description)
    }
  }

  private static func note(_ text: String) { StandardStream.error.write("\(text)\n") }
}
