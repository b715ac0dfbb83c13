import Console
import Foundation
import Recommender

/// Writes a file of recommendations with the columns user, movie and rank, the best being 1.
enum RecommendationFile {
  private static let bufferSize = 1 << 20

  static func write(
    _ lists: RecommendationLists, users: [Int64], movies: [Int64], to path: String
  ) throws(CommandFailure) {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw CommandFailure(.failure, "\(path) can't be written") }
    var text = "user,movie,rank\n"
    do {
      for (index, user) in users.enumerated() {
        for (rank, row) in lists.rows(ofUser: index).enumerated() {
          text += "\(user),\(movies[Int(row)]),\(rank + 1)\n"
        }
        if text.utf8.count >= bufferSize {
          try handle.write(contentsOf: Data(text.utf8))
          text = ""
        }
      }
      try handle.write(contentsOf: Data(text.utf8))
      try handle.close()
    } catch {
      throw CommandFailure(.failure, "\(path) can't be written: \(error.localizedDescription)")
    }
  }
}
