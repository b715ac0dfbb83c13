package import Configuration
package import Streams

/// Options shared by all benches on a broker.
package struct BenchOptions: Sendable {
  /// Where the daemon's configuration comes from, as this process's.
  package var source: ConfigurationSource
  /// As configured for `nil`.
  package var guarantee: ProcessingGuarantee?
  /// Of the topics.
  package var partitions = 4
  /// Users are 1 to this.
  package var users = 137_734
  /// Movies are 1 to this.
  package var movies = 26_228
  package var seed: UInt64 = 1
  /// Whether no catalog of movies is loaded.
  package var ratingsOnly = false
  /// Whether the configured Redis is used.
  package var redis = false
  /// Whether the product's topics are deleted first.
  package var recreateTopics = false
  /// Whether that is done without a question.
  package var yes = false

  package init(_ source: ConfigurationSource) {
    self.source = source
  }
}
