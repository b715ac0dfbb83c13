import EventLog
import StateStore
import Streams

/// The reply topics that requests name. Each is looked up once; one that does not exist is asked
/// for again after a while, and its replies go to the default topic until then.
struct ReplyTopics<Producer: LogProducer> {
  struct Target {
    var topic: Int
    /// `nil` chooses by the request's key.
    var partition: Int32?
  }

  /// Requests can name any topic: more than these are not remembered, and not served.
  private static var capacity: Int { 1_000 }
  /// Requests answered elsewhere before a missing topic is asked for again.
  private static var patience: Int { 1_000 }

  private var known: [String: (index: Int, partitions: Int32)] = [:]
  private var missing: [String: Int] = [:]

  mutating func target<Store>(
    of headers: RequestHeaders, default topic: Int, _ task: PartitionTask<Store, Producer>
  ) throws(StageError) -> Target {
    guard let name = headers.replyTopic, let found = try find(name, task) else {
      return Target(topic: topic, partition: nil)
    }
    let partition = headers.replyPartition.flatMap {
      (0..<found.partitions).contains($0) ? $0 : nil
    }
    return Target(topic: found.index, partition: partition)
  }

  private mutating func find<Store>(_ name: String, _ task: PartitionTask<Store, Producer>)
    throws(StageError) -> (index: Int, partitions: Int32)?
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
