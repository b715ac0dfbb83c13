import EventLog
import StateStore
import Streams

/// Resolves the reply topics that requests name. Each is looked up once; a missing one is looked up
/// again after a while, and its replies go to the default topic until then. So do replies to
/// internal topics of Kafka and to the product's own, whose records have another meaning. A topic
/// that may be described but not written is found out by a reply that is lost, so it is left alone
/// for longer.
struct ReplyTopics<Producer: LogProducer> {
  /// Where a reply goes.
  struct Route {
    /// `nil` for the default topic.
    var topic: StageOutput?
    /// `nil` to choose by the request's key.
    var partition: Int32?
    /// Why that is not where the request wants it.
    var detour: ReplyDetour?
  }

  /// Requests can name any topic, so only this many are remembered and served.
  private static var capacity: Int { 1_000 }
  /// How long replies go to the default topic before a missing topic is looked up again.
  private static var patience: Duration { .seconds(5) }
  /// The same for one that has refused a reply, which was lost.
  private static var patienceAfterLoss: Duration { .seconds(300) }

  private let defaultTopic: String
  /// The product's own.
  private let reserved: Set<String>
  private let now: () -> ContinuousClock.Instant
  private var known: [String: (output: StageOutput, partitions: Int32)] = [:]
  /// Why a topic takes no replies, and until when that is believed.
  private var missing: [String: (fault: ReplyDetour.Fault, until: ContinuousClock.Instant)] = [:]

  /// - Parameter topology: whose topics, except the default one, take no replies.
  init(_ topology: Topology, now: @escaping () -> ContinuousClock.Instant) {
    defaultTopic = topology[.recommendations]
    reserved = Set(topology.topics.map { topology[$0] })
    self.now = now
  }

  mutating func route<Store>(
    of headers: RequestHeaders, _ task: PartitionTask<Store, Producer>
  ) throws(StageError) -> Route {
    guard let name = headers.replyTopic else {
      let detour = headers.unreadable.first.map { ReplyDetour($0, .unreadable) }
      return Route(detour: detour)
    }
    if name.hasPrefix("__") { return Self.elsewhere(name, .internalTopic) }
    if name != defaultTopic, reserved.contains(name) { return Self.elsewhere(name, .ownTopic) }
    switch try find(name, task) {
    case .found(let topic, let partitions): return Self.route(to: topic, partitions, name, headers)
    case .refused(let fault): return Self.elsewhere(name, fault)
    }
  }

  private static func elsewhere(_ name: String, _ fault: ReplyDetour.Fault) -> Route {
    Route(detour: ReplyDetour(name, fault))
  }

  private static func route(
    to topic: StageOutput, _ partitions: Int32, _ name: String, _ headers: RequestHeaders
  ) -> Route {
    if let header = headers.unreadable.first {
      return Route(topic: topic, detour: ReplyDetour(header, .unreadable))
    }
    guard let wanted = headers.replyPartition else { return Route(topic: topic) }
    guard let partition = Int32(exactly: wanted), (0..<partitions).contains(partition) else {
      return Route(
        topic: topic, detour: ReplyDetour("\(name)[\(wanted)]", .noSuchPartition(of: partitions)))
    }
    return Route(topic: topic, partition: partition)
  }

  /// Notes that a known topic takes no replies any more: it no longer exists, or has refused one.
  ///
  /// - Returns: where its replies go now; `nil` if the error says nothing about the topic.
  mutating func forget(_ headers: RequestHeaders, _ code: LogError.Code) -> Route? {
    guard let name = headers.replyTopic else { return nil }
    switch code {
    case .unknownTopic: note(.missing, of: name, for: Self.patience)
    case .denied: note(.denied, of: name, for: Self.patienceAfterLoss)
    default: return nil
    }
    return missing[name].map { Self.elsewhere(name, $0.fault) }
  }

  private mutating func note(_ fault: ReplyDetour.Fault, of name: String, for time: Duration) {
    known[name] = nil
    missing[name] = (fault, now() + time)
  }

  private enum Finding {
    case found(StageOutput, partitions: Int32)
    case refused(ReplyDetour.Fault)
  }

  private mutating func find<Store>(_ name: String, _ task: PartitionTask<Store, Producer>)
    throws(StageError) -> Finding
  {
    if let (output, partitions) = known[name] { return .found(output, partitions: partitions) }
    if let (fault, until) = missing[name], now() < until { return .refused(fault) }
    guard known.count < Self.capacity else { return .refused(.tooManyTopics) }
    if missing.count >= Self.capacity { missing.removeAll() }
    do throws(StageError) {
      let found = try task.output(named: name)
      known[name] = found
      missing[name] = nil
      return .found(found.output, partitions: found.partitions)
    } catch {
      // A request must not stop the stage by the topic it names.
      guard case .log(let failure) = error, let fault = ReplyDetour.Fault(failure.code) else {
        throw error
      }
      note(fault, of: name, for: Self.patience)
      return .refused(fault)
    }
  }
}
