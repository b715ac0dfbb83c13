package import Console
import Foundation
import Pipeline
package import Streams

/// What `topics/` says about the topics of the topology. Its files are compiled into the program.
package struct TopicCatalog: Sendable {
  /// A topic's file. Which topics there are, their order and their writers the topology says.
  package static let files: [TopicDeclaration: [UInt8]] = {
    var files: [TopicDeclaration: [UInt8]] = [
      .userRatings: PackageResources.user_ratings_json,
      .movies: PackageResources.movies_json,
      .models: PackageResources.models_json,
      .validatedRatings: PackageResources.validated_ratings_json,
      .validationResults: PackageResources.validation_results_json,
      .deadLetters: PackageResources.user_ratings_dlq_json,
      .ratingsByMovie: PackageResources.ratings_by_movie_json,
      .userFeatures: PackageResources.user_features_json,
      .movieFeatures: PackageResources.movie_features_json,
      .requests: PackageResources.recommendation_requests_json,
      .recommendations: PackageResources.recommendations_json,
      .shadow: PackageResources.recommendations_shadow_json,
      .control: PackageResources.projectionist_control_json,
    ]
    let changelogs: [(StageDeclaration, [UInt8])] = [
      (.user, PackageResources.user_changelog_json),
      (.movie, PackageResources.movie_changelog_json),
    ]
    for (stage, file) in changelogs {
      if let changelog = stage.changelog { files[changelog] = file }
    }
    if let positions = StageDeclaration.intake.positions {
      files[positions] = PackageResources.intake_positions_json
    }
    return files
  }()

  private let topology: Topology
  private let parsed: [TopicDeclaration: TopicFile]

  init(_ topology: Topology) throws(CommandFailure) {
    self.topology = topology
    var parsed: [TopicDeclaration: TopicFile] = [:]
    for topic in topology.topics {
      guard let json = Self.files[topic] else {
        throw CommandFailure(.internalError, "topics/\(topic.name).json is missing")
      }
      do {
        parsed[topic] = try JSONDecoder().decode(TopicFile.self, from: Data(json))
      } catch {
        throw CommandFailure(.internalError, "topics/\(topic.name).json: \(error)")
      }
    }
    self.parsed = parsed
  }

  /// The topics in the order of the data's flow, as these settings want them.
  package static func topics(_ settings: Settings) throws(CommandFailure) -> [DeclaredTopic] {
    let catalog = try TopicCatalog(settings.topology)
    return catalog.topology.topics.compactMap { topic in
      catalog.parsed[topic].map { DeclaredTopic(topic, $0, settings: settings) }
    }
  }
}
