package import Console
import Foundation

/// The declarations of all topics, in the order of the data's flow. The files of `topics/` are
/// compiled into the program.
package struct TopicCatalog: Sendable {
  /// A declaration file's name, without its ending, and its text.
  package static let files: [(name: String, json: [UInt8])] = [
    ("user-ratings", PackageResources.user_ratings_json),
    ("validated-ratings", PackageResources.validated_ratings_json),
    ("validation-results", PackageResources.validation_results_json),
    ("user-ratings-dlq", PackageResources.user_ratings_dlq_json),
    ("ratings-by-movie", PackageResources.ratings_by_movie_json),
    ("user-features", PackageResources.user_features_json),
    ("movie-features", PackageResources.movie_features_json),
    ("user-changelog", PackageResources.user_changelog_json),
    ("movie-changelog", PackageResources.movie_changelog_json),
    ("movies", PackageResources.movies_json),
    ("models", PackageResources.models_json),
    ("recommendation-requests", PackageResources.recommendation_requests_json),
    ("recommendations", PackageResources.recommendations_json),
    ("recommendations-shadow", PackageResources.recommendations_shadow_json),
  ]

  package let declarations: [TopicDeclaration]

  package init() throws(CommandFailure) {
    var declarations: [TopicDeclaration] = []
    for file in Self.files {
      do {
        declarations.append(
          try JSONDecoder().decode(TopicDeclaration.self, from: Data(file.json)))
      } catch {
        throw CommandFailure(.internalError, "the declaration of topic \(file.name): \(error)")
      }
    }
    self.declarations = declarations
  }

  package func topics(_ settings: Settings) -> [DeclaredTopic] {
    declarations.map { DeclaredTopic($0, settings: settings) }
  }
}
