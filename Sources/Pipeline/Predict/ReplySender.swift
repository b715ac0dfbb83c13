import Codecs
import EventLog
import Recommender
import StateStore
import Streams

/// Where a request's reply goes.
struct ReplyDestination<Store: StateStore, Producer: LogProducer> {
  var key: [UInt8]?
  var headers: RequestHeaders
  var task: PartitionTask<Store, Producer>
}

/// Encodes replies and sends them where their requests want them.
struct ReplySender<Store: StateStore, Producer: LogProducer>: ~Copyable {
  typealias Partition = PartitionTask<Store, Producer>
  typealias Destination = ReplyDestination<Store, Producer>

  private var replyTopics: ReplyTopics<Producer>
  private var detours: ReplyDetours
  private var value = JSONWriter(capacity: 4096)

  init(_ environment: PredictEnvironment) {
    replyTopics = ReplyTopics(environment.topology, now: environment.now)
    detours = ReplyDetours(
      environment.logger, countedBefore: environment.monitor.snapshot.detoured)
  }

  /// How many replies have gone elsewhere than their requests ask.
  var detoured: Int64 { detours.count }

  mutating func send(_ reply: RecommendationReply, to destination: Destination)
    throws(StageError)
  {
    value.removeAll()
    reply.write(to: &value)
    try destination.key.withSpan { (key) throws(StageError) in
      try sendValue(key: key, destination.headers, destination.task)
    }
  }

  /// Sends what a shadow would have replied to the shadow topic.
  mutating func sendShadow(_ reply: RecommendationReply, to destination: Destination)
    throws(StageError)
  {
    value.removeAll()
    reply.write(to: &value)
    try destination.key.withSpan { (key) throws(StageError) in
      try destination.task.send(
        to: PredictOutputs.shadows, key: key, value: value.bytes,
        headers: destination.headers.correlation)
    }
  }

  /// Sends what a shadow has hit in a partition.
  mutating func sendHits(_ tally: HitTally, of shadow: String, _ task: Partition)
    throws(StageError)
  {
    value.removeAll()
    tally.write(to: &value)
    let key = Array(ModelKey.hits(version: shadow, partition: task.partition).text.utf8)
    try task.send(to: PredictOutputs.hits, key: key.span.bytes, value: value.bytes)
  }

  /// Sends an error reply.
  mutating func refuse(
    _ record: borrowing RecordView, _ headers: RequestHeaders, _ error: RequestError,
    _ task: Partition
  ) throws(StageError) {
    value.removeAll()
    error.write(to: &value)
    try CopyLimit.key(record.key).withSpan { (key) throws(StageError) in
      try sendValue(key: key, headers, errorCode: error.code, task)
    }
  }

  /// Sends the request with its headers to its user's partition, marked so that it is forwarded
  /// only once.
  func forward(
    _ record: borrowing RecordView, _ headers: [RecordHeader], to partition: Int32,
    _ task: Partition
  ) throws(StageError) {
    try task.send(
      to: PredictOutputs.requests, partition: partition, key: record.key, value: record.value,
      headers: headers + [RecordHeader(RequestHeaders.rerouted, text: "1")],
      timestamp: Timestamps.kept(record.timestamp))
  }

  /// Sends `value` where the request wants it, or to the default topic if that takes none: a reply
  /// is not lost.
  private mutating func sendValue(
    key: RawSpan?, _ headers: RequestHeaders, errorCode: String? = nil, _ task: Partition
  ) throws(StageError) {
    var replyHeaders = headers.correlation
    if let errorCode {
      replyHeaders.append(RecordHeader(RequestHeaders.errorCode, text: errorCode))
    }
    var route = try replyTopics.route(of: headers, task)
    if let topic = route.topic {
      do throws(StageError) {
        try task.send(
          to: topic, partition: route.partition, key: key, value: value.bytes,
          headers: replyHeaders)
        if let detour = route.detour { detours.note(detour) }
        return
      } catch {
        guard case .log(let failure) = error, let other = replyTopics.forget(headers, failure.code)
        else { throw error }
        route = other
      }
    }
    if let detour = route.detour { detours.note(detour) }
    try task.send(
      to: PredictOutputs.replies, key: key, value: value.bytes, headers: replyHeaders)
  }
}
