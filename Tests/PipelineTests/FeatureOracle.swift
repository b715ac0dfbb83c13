import Pipeline
import PipelineSimulation
import Testing

extension FeatureOracle {
  /// Compares the newest records of `user-features` and `movie-features`.
  func check(_ chain: Chain, _ comment: Comment) throws {
    let differences = differences(
      users: try chain.newest(Topics.userFeatures), movies: try chain.newest(Topics.movieFeatures))
    #expect(differences.isEmpty, comment)
  }
}
