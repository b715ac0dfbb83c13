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

  /// Writes the parts, and then the metadata.
  public func publish(_ model: PublishedModel) throws(LogError) {
    try atomically { () throws(LogError) in
      try model.forEachRecord { key, value throws(LogError) in
        if case .metadata = key, !isTransactional { try producer.flush(timeout: Self.timeout) }
        try send(key, value)
      }
    }
  }

  /// Makes a model the one that serves; with `nil`, none does.
  public func promote(_ promotion: ModelPromotion?) throws(LogError) {
    try atomically { () throws(LogError) in
      guard let promotion else { return try send(.promotion, nil) }
      var writer = JSONWriter()
      promotion.write(to: &writer)
      try send(.promotion, writer.bytes)
    }
  }

  /// Writes a null for each record of a model, starting with the metadata: from then on nobody
  /// serves it.
  ///
  /// - Parameter parts: how many it has.
  public func delete(version: String, parts: Int) throws(LogError) {
    try atomically { () throws(LogError) in
      try send(.metadata(version: version), nil)
      for number in 0..<parts { try send(.part(version: version, number: number), nil) }
    }
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

  private func send(_ key: ModelKey, _ value: RawSpan?) throws(LogError) {
    let text = Array(key.text.utf8)
    try producer.send(topic: 0, key: text.span.bytes, value: value)
  }
}

/// What `models` holds now.
public struct ModelCatalog: Sendable {
  public private(set) var assembler = ModelAssembler()
  /// Records that are invalid and have not been replaced since.
  public private(set) var faults: [ModelFault] = []

  public init() {}

  /// Takes the topic's next record.
  public mutating func take(_ record: borrowing RecordView) {
    if let key = record.key, let name = ModelKey(key) { faults.removeAll { $0.key == name } }
    if case .refused(let fault) = assembler.take(key: record.key, value: record.value) {
      faults.append(fault)
    }
  }

  /// Reads the topic up to its present end.
  public init<Log: EventLog>(reading log: Log, topology: Topology, clientID: String)
    throws(LogError)
  {
    let table = try GlobalTable(log, topic: topology[.models], clientID: clientID)
    var catalog = ModelCatalog()
    try table.catchUp { catalog.take($0) }
    self = catalog
  }

  /// How many records of parts a version may have on the topic, complete or not.
  public func partCount(of version: String) -> Int? {
    if let model = assembler.models[version] { return model.metadata.partChecksums.count }
    return assembler.incomplete.first { $0.version == version }.map {
      max($0.partsExpected ?? 0, $0.partLimit)
    }
  }
}
