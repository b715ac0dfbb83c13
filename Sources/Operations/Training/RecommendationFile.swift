import Console
import Foundation
import Recommender

/// Writes a file of recommendations with the columns user, movie and rank, the best being 1.
enum RecommendationFile {
  private static let bufferSize = 1 << 20

  static func write(
    _ lists: RecommendationLists, users: [Int64], movies: [Int64], to path: String
  ) throws(CommandFailure) {
    let file = try OutputFile(path)
    var text = "user,movie,rank\n"
    for (index, user) in users.enumerated() {
      for (rank, row) in lists.rows(ofUser: index).enumerated() {
        text += "\(user),\(movies[Int(row)]),\(rank + 1)\n"
      }
      if text.utf8.count >= bufferSize {
        try file.write(Data(text.utf8))
        text = ""
      }
    }
    try file.write(Data(text.utf8))
  }
}
