import EventLog

/// How a stage keeps its guarantee: everything that differs between the two. Chosen once per
/// session.
protocol DeliveryStrategy: Sendable {
  /// The steps that end a batch of a stage with outputs, in order.
  var steps: [CommitStep] { get }
  /// Whether a dead member may leave a transaction open, which blocks readers of its partitions
  /// until the broker's transaction timeout.
  var leavesTransactions: Bool { get }
  /// Whether outputs are visible as soon as they are sent.
  var publishesEarly: Bool { get }
  /// Whether a crash may leave the group's offset behind the state's, to be corrected at the start.
  var leavesOffsetsBehind: Bool { get }

  func delivery(transactionalID: String) -> ProducerConfiguration.Delivery
  func begin(_ producer: some LogProducer) throws(LogError)
  func abort(_ producer: some LogProducer) throws(LogError)

  /// Whether an aborted batch leaves nothing behind.
  ///
  /// - Parameter hasState: whether the stage has a changelog.
  func canAbort(hasState: Bool) -> Bool

  /// Whether a batch sends its position to the changelog.
  ///
  /// - Parameter isDue: whether the last one was sent some time ago.
  func sendsPosition(isDue: Bool) -> Bool
}

extension DeliveryStrategy {
  /// The steps that end a batch, in order.
  ///
  /// - Parameter produces: whether the stage has outputs or a changelog.
  func steps(produces: Bool) -> [CommitStep] {
    produces ? steps : [.closeBatch, .flushEffects, .commitOffsets]
  }
}

/// How long the steps of a batch wait for the log.
enum DeliveryTimes {
  /// For one attempt at a commit, an abort or a flush. A stop is noticed between two of them.
  static let answer = Duration.seconds(5)
}

/// A batch is one transaction.
struct ExactlyOnceDelivery: DeliveryStrategy {
  var steps: [CommitStep] {
    [.closeBatch, .flushEffects, .sendPositions, .commitTransaction, .commitStores]
  }
  var leavesTransactions: Bool { true }
  var publishesEarly: Bool { false }
  var leavesOffsetsBehind: Bool { false }

  func delivery(transactionalID: String) -> ProducerConfiguration.Delivery {
    .transactional(id: transactionalID)
  }

  func begin(_ producer: some LogProducer) throws(LogError) {
    try producer.beginTransaction()
  }

  func abort(_ producer: some LogProducer) throws(LogError) {
    try producer.abortTransaction(timeout: DeliveryTimes.answer)
  }

  func canAbort(hasState: Bool) -> Bool { true }

  func sendsPosition(isDue: Bool) -> Bool { true }
}

/// A batch ends with a position, which vouches for everything sent before it.
struct AtLeastOnceDelivery: DeliveryStrategy {
  var steps: [CommitStep] {
    [
      .closeBatch, .flushEffects, .awaitDelivery, .sendPositions, .awaitDelivery, .commitStores,
      .commitOffsets,
    ]
  }
  var leavesTransactions: Bool { false }
  var publishesEarly: Bool { true }
  var leavesOffsetsBehind: Bool { true }

  func delivery(transactionalID: String) -> ProducerConfiguration.Delivery { .idempotent }
  func begin(_ producer: some LogProducer) {}
  func abort(_ producer: some LogProducer) {}

  /// What was sent stays in the changelog. The next restore writes over it.
  func canAbort(hasState: Bool) -> Bool { !hasState }

  /// Each position costs a batch another wait for the broker, and the changelog can do with fewer
  /// of them than the store: a restore goes on from the last one in it.
  func sendsPosition(isDue: Bool) -> Bool { isDue }
}

extension ProcessingGuarantee {
  var strategy: any DeliveryStrategy {
    switch self {
    case .exactlyOnce: ExactlyOnceDelivery()
    case .atLeastOnce: AtLeastOnceDelivery()
    }
  }
}
