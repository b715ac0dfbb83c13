import EventLog
import StateStore
import Streams

/// Resolves the reply topics that requests name. Each is looked up once; a missing one is looked up
/// again after a while, and its replies go to the default topic until then. So do replies to
/// internal topics of Kafka and to the product's own, whose records have another meaning.
struct ReplyTopics<Producer: LogProducer> {
  struct Target {
    var topic: StageOutput
    /// `nil` to choose by the request's key.
    var partition: Int32?
  }

  /// Requests can name any topic, so only this many are remembered and served.
  private static var capacity: Int { 1_000 }
  /// How many requests go to the default topic before a missing topic is looked up again.
  private static var patience: Int { 1_000 }

  private let defaultTopic: String
  /// The product's own.
  private let reserved: Set<String>
  private var known: [String: (output: StageOutput, partitions: Int32)] = [:]
  private var missing: [String: Int] = [:]

  /// - Parameter topology: whose topics, except the default one, take no replies.
  init(_ topology: Topology) {
    defaultTopic = topology[.recommendations]
    reserved = Set(topology.topics.map { topology[$0] })
  }

  /// `nil` for the default topic.
  mutating func target<Store>(
    of headers: RequestHeaders, _ task: PartitionTask<Store, Producer>
  ) throws(StageError) -> Target? {
    guard let name = headers.replyTopic, !name.hasPrefix("__"),
      name == defaultTopic || !reserved.contains(name),
      let found = try find(name, task)
    else { return nil }
    let partition = headers.replyPartition.flatMap {
      (0..<found.partitions).contains($0) ? $0 : nil
    }
    return Target(topic: found.output, partition: partition)
  }

  /// Notes that a known topic no longer exists.
  mutating func forget(_ headers: RequestHeaders) {
    guard let name = headers.replyTopic else { return }
    known[name] = nil
    missing[name] = Self.patience
  }

  private mutating func find<Store>(_ name: String, _ task: PartitionTask<Store, Producer>)
    throws(StageError) -> (output: StageOutput, partitions: Int32)?
  {
    if let found = known[name] { return found }
    if let patience = missing[name], patience > 0 {
      missing[name] = patience - 1
      return nil
    }
    guard known.count < Self.capacity else { return nil }
    if missing.count >= Self.capacity { missing.removeAll() }
    do throws(StageError) {
      let found = try task.output(named: name)
      known[name] = found
      missing[name] = nil
      return found
    } catch {
      guard case .log(let logError) = error, logError.code == .unknownTopic else { throw error }
      missing[name] = Self.patience
      return nil
    }
  }
}
