import Codecs
import Console
package import KafkaLog
import Pipeline
package import Streams

/// Checks the genres of a request against the catalog: the daemon takes one that no movie has for a
/// wish that can't be met.
package enum GenreCheck {
  /// - Throws: `CommandFailure` for a genre that no movie has.
  package static func check(
    _ genres: [String], _ log: KafkaLog, _ topology: Topology, clientID: String
  ) throws {
    guard !genres.isEmpty else { return }
    let movies = try MovieTable<KafkaConsumer>(log, topology: topology, clientID: clientID)
    try check(genres, among: movies.genreNames)
  }

  private static func list(of known: [String]) -> String {
    let shown = known.sorted().prefix(30)
    let rest = known.count - shown.count
    return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
  }

  /// - Parameter known: the catalog's genres.
  static func check(_ genres: [String], among known: [String]) throws(CommandFailure) {
    guard !known.isEmpty else {
      throw CommandFailure(
        .failure,
        "the catalog names no genres: fill the topic movies with `projectionist load`, or ask"
          + " without --genres")
    }
    let folded = Set(known.map { $0.lowercased() })
    for genre in genres where !folded.contains(genre.lowercased()) {
      let nearest = known.sorted().min {
        editDistance($0.lowercased(), genre.lowercased())
          < editDistance($1.lowercased(), genre.lowercased())
      }
      throw CommandFailure(
        .usage,
        "no movie has the genre \(genre); the nearest known one is \(nearest ?? ""), of"
          + " \(list(of: known))")
    }
  }
}
