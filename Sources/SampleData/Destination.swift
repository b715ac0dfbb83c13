import Console
package import EventLog
import Pipeline
package import Streams

/// The topics that data commands write, as indices into the producer's.
package enum DataTopic: Int, CaseIterable {
  case movies
  case ratings

  package static let declarations: [TopicDeclaration] = [.movies, .userRatings]

  package static func names(_ topology: Topology) -> [String] {
    declarations.map { topology[$0] }
  }
}

/// Where generated or loaded records go.
package protocol Destination: AnyObject {
  func send(_ topic: DataTopic, key: RawSpan?, value: RawSpan?) throws
  /// Returns once all that was sent is stored.
  func flush() throws
}

/// The topics `movies` and `user-ratings` of a log.
package final class LogDestination<Producer: LogProducer>: Destination {
  private static var flushTimeout: Duration { .seconds(60) }
  private let producer: Producer

  /// Fails for a topic that does not exist, before anything is sent.
  package init<Log: EventLog>(_ log: Log, _ topology: Topology, topics: [DataTopic]) throws
  where Log.Producer == Producer {
    let names = DataTopic.names(topology)
    producer = try log.makeProducer(
      ProducerConfiguration(
        topics: names, delivery: .idempotent, clientID: "projectionist-data"))
    for topic in topics { _ = try producer.topic(named: names[topic.rawValue]) }
  }

  deinit { producer.close() }

  package func send(_ topic: DataTopic, key: RawSpan?, value: RawSpan?) throws {
    try producer.send(topic: topic.rawValue, key: key, value: value)
  }

  package func flush() throws {
    try producer.flush(timeout: Self.flushTimeout)
  }
}

/// Files with a value a line; keys are not written, a null value is an empty line.
package final class FileDestination: Destination {
  private static let bufferSize = 1 << 20
  private let movies: OutputFile?
  private let ratings: OutputFile?
  /// What waits to be written, by topic.
  private var buffers = [[UInt8]](repeating: [], count: DataTopic.allCases.count)

  /// - Parameters: paths; `-` is standard output, `nil` is nowhere.
  package init(movies: String?, ratings: String?) throws {
    self.movies = try movies.map { try OutputFile($0) }
    self.ratings = try ratings.map { try OutputFile($0) }
  }

  package func send(_ topic: DataTopic, key: RawSpan?, value: RawSpan?) throws {
    if let value {
      value.withUnsafeBytes { buffers[topic.rawValue].append(contentsOf: $0) }
    }
    buffers[topic.rawValue].append(UInt8(ascii: "\n"))
    if buffers[topic.rawValue].count >= Self.bufferSize { try write(topic) }
  }

  package func flush() throws {
    for topic in DataTopic.allCases { try write(topic) }
  }

  private func write(_ topic: DataTopic) throws {
    let file = topic == .movies ? movies : ratings
    try file?.write(buffers[topic.rawValue])
    buffers[topic.rawValue].removeAll(keepingCapacity: true)
  }
}
