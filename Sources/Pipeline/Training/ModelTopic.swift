import Codecs
public import EventLog
public import Recommender
public import Streams

/// Writes models to `models`, and deletes them. Where the log has transactions, a model's records
/// become visible together; elsewhere the metadata follows once the parts are stored.
public final class ModelPublisher<Log: EventLog> {
  private static var timeout: Duration { .seconds(60) }

  private let producer: Log.Producer
  /// A commit needs a consumer for its offsets, although there are none here.
  private let consumer: Log.Consumer
  private let isTransactional: Bool

  /// - Parameter transactionalID: names the writer, differently from any that may write at the same
  ///   time; `nil` on a log without transactions.
  public init(_ log: Log, topology: Topology, clientID: String, transactionalID: String?)
    throws(LogError)
  {
    let topic = topology[.models]
    isTransactional = transactionalID != nil
    producer = try log.makeProducer(
      ProducerConfiguration(
        topics: [topic],
        delivery: transactionalID.map { .transactional(id: $0) } ?? .idempotent,
        clientID: clientID))
    consumer = try log.makeConsumer(
      ConsumerConfiguration(topics: [topic], group: nil, clientID: clientID))
    _ = try producer.topic(named: topic)
  }

  deinit {
    producer.close()
    consumer.close()
  }

  /// Writes changes, in this order. Where there are transactions, all of them become visible
  /// together.
  public func write(_ changes: [ModelChange]) throws(LogError) {
    try atomically { () throws(LogError) in
      for change in changes { try send(change) }
    }
  }

  private func send(_ change: ModelChange) throws(LogError) {
    switch change {
    case .publish(let model):
      try model.forEachRecord { key, value throws(LogError) in
        if case .metadata = key { try settleParts() }
        try send(key, value)
      }
      try settleParts()
    case .role(let role, let promotion):
      try send(.role(role)) { writer in promotion?.write(to: &writer) }
    case .verdict(let version, let verdict):
      try send(.verdict(version: version)) { verdict.write(to: &$0) }
    case .delete(let model):
      // From the null for its metadata on nobody serves it.
      try send(.metadata(version: model.version), nil)
      for number in 0..<model.parts { try send(.part(version: model.version, number: number), nil) }
      if model.hasVerdict { try send(.verdict(version: model.version), nil) }
      for partition in model.partitionsWithHits {
        try send(.hits(version: model.version, partition: partition), nil)
      }
      guard var recipe = model.recipe else { return }
      recipe.search = []
      try send(.recipe(version: model.version)) { recipe.write(to: &$0) }
    }
  }

  /// Without transactions, what follows counts only with all that came before it.
  private func settleParts() throws(LogError) {
    if !isTransactional { try producer.flush(timeout: Self.timeout) }
  }

  private func atomically(_ body: () throws(LogError) -> Void) throws(LogError) {
    guard isTransactional else {
      try body()
      return try producer.flush(timeout: Self.timeout)
    }
    try producer.beginTransaction()
    do throws(LogError) {
      try body()
      try producer.commitTransaction(offsets: [:], of: consumer, timeout: Self.timeout)
    } catch {
      try producer.abortTransaction(timeout: Self.timeout)
      throw error
    }
  }

  /// - Parameter write: writes the value; nothing for null.
  private func send(_ key: ModelKey, _ write: (inout JSONWriter) -> Void) throws(LogError) {
    var writer = JSONWriter()
    write(&writer)
    if writer.count > 0 { try send(key, writer.bytes) } else { try send(key, nil) }
  }

  private func send(_ key: ModelKey, _ value: RawSpan?) throws(LogError) {
    let text = Array(key.text.utf8)
    try producer.send(topic: 0, key: text.span.bytes, value: value)
  }
}

/// A change to `models`.
public enum ModelChange: Sendable {
  /// The parts, and then the metadata.
  case publish(PublishedModel)
  /// Gives a model a role; with `nil`, none has it.
  case role(ModelRole, ModelPromotion?)
  case verdict(version: String, ModelVerdict)
  /// Writes a null for each record of a model, and how to train it again.
  case delete(DeletedModel)
}

/// A model to delete, complete or not, with all that is on the topic of it.
public struct DeletedModel: Hashable, Sendable {
  public var version: String
  /// One more than the highest number of a part.
  public var parts: Int
  public var hasVerdict: Bool
  public var partitionsWithHits: [Int32]
  /// Its metadata; `nil` if that is not on the topic.
  public var recipe: ModelMetadata?
}

/// What `models` holds now.
public struct ModelCatalog: Sendable {
  public private(set) var assembler = ModelAssembler()
  public private(set) var notes = ModelNotes()
  /// Records that are invalid and have not been replaced since.
  public private(set) var faults: [ModelFault] = []

  public init() {}

  /// Takes the topic's next record.
  public mutating func take(_ record: borrowing RecordView) {
    if let key = record.key, let name = ModelKey(key) { faults.removeAll { $0.key == name } }
    if case .refused(let fault) = assembler.take(key: record.key, value: record.value) {
      faults.append(fault)
    }
    if let fault = notes.take(key: record.key, value: record.value) { faults.append(fault) }
  }

  /// Reads the topic up to its present end.
  ///
  /// - Parameter waits: as of `SnapshotTable`.
  public init<Log: EventLog>(
    reading log: Log, topology: Topology, clientID: String, waits: Bool = false
  ) throws(LogError) {
    let table = try SnapshotTable(
      log, topic: topology[.models], clientID: clientID, waits: waits)
    var catalog = ModelCatalog()
    try table.catchUp { catalog.take($0) }
    self = catalog
  }

  /// All that is on the topic of a version, complete or not; `nil` for nothing.
  public func deletion(of version: String) -> DeletedModel? {
    let metadata = assembler.models[version]?.metadata
    let parts: Int
    if let metadata {
      parts = metadata.partChecksums.count
    } else if let torn = assembler.incomplete.first(where: { $0.version == version }) {
      parts = max(torn.partsExpected ?? 0, torn.partLimit)
    } else {
      return nil
    }
    return DeletedModel(
      version: version, parts: parts, hasVerdict: notes.verdicts[version] != nil,
      partitionsWithHits: notes.hits[version, default: [:]].keys.sorted(), recipe: metadata)
  }
}
