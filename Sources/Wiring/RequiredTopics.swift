package import Configuration
import Console
import EventLog
package import KafkaLog
package import Streams

extension Settings {
  /// Makes sure that topics are there before a producer names them: many brokers create, with the
  /// wrong properties, whatever a producer names.
  ///
  /// - Throws: `CommandFailure` that names the missing ones.
  package func requireTopics(_ topics: [TopicDeclaration], _ admin: KafkaAdmin) throws {
    var missing: [String] = []
    for name in topics.map({ topology[$0] }) {
      do throws(LogError) { _ = try admin.partitionCount(of: name) } catch {
        guard error.code == .unknownTopic else { throw error }
        missing.append(name)
      }
    }
    guard missing.isEmpty else {
      throw CommandFailure(
        .topicsDiffer,
        "missing on the cluster: \(missing.joined(separator: ", ")); create what is missing with"
          + " `projectionist topics apply`")
    }
  }
}
