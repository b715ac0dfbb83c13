import EventLog
import Streams

/// What goes wrong with single effects of one process, as the seed decides.
struct FaultPlan: Sendable {
  private static let fullDisk = "no space left on the simulated disk"

  /// Whether a stage has ended because a store refused a commit for want of space.
  static func isFullDisk(_ reason: Reason) -> Bool {
    [.diskFull, .storeRefused].contains(reason.code) && reason.text == fullDisk
  }

  private static let unavailable = LogError(.unavailable, "no answer", reaction: .retry)
  private static let refused = LogError(.transactionAborted, "refused", reaction: .abortBatch)
  private static let fenced = LogError(.fenced, "fenced", reaction: .abandonPartition)

  /// The process's last effect, counted over all kinds or within one kind; `nil` if at most the
  /// director kills it.
  private var lastEffect: (kind: SimulatedProcess.Effect?, number: Int)?
  private var diesAfterwards: Bool
  /// One effect in this many fails.
  private var rate: Int

  /// Effects at which a batch moves from one place to the next. In the middle of a flush some
  /// partitions lack what others already have: that is where a wrong order shows.
  private static let turningPoints: [SimulatedProcess.Effect] = [
    .deliver, .deliver, .deliver, .flush, .commitTransaction, .commitStore, .commitOffsets,
    .writeElsewhere,
  ]

  init(_ random: inout SeededGenerator) {
    lastEffect =
      switch Int.random(in: 0..<4, using: &random) {
      case 0: nil
      case 1: (nil, Int.random(in: 0..<400, using: &random))
      default:
        (Self.turningPoints.randomElement(using: &random), Int.random(in: 0..<12, using: &random))
      }
    diesAfterwards = random.oneIn(2)
    rate = Int.random(in: 15...300, using: &random)
  }

  func fault(
    of moment: SimulatedProcess.Moment, isCutOff: Bool, _ random: inout SeededGenerator
  ) -> SimulatedProcess.Fault? {
    if isLast(moment) { return diesAfterwards ? .dieAfterwards : .die }
    if isCutOff {
      switch moment.effect {
      case .poll: return .silence
      case .openStore, .destroyStore, .commitStore, .writeElsewhere, .send: return nil
      default: return .fail(Self.unavailable)
      }
    }
    guard random.oneIn(rate) else { return nil }
    return Self.fault(of: moment.effect, &random)
  }

  private func isLast(_ moment: SimulatedProcess.Moment) -> Bool {
    guard let lastEffect else { return false }
    guard let kind = lastEffect.kind else { return moment.total == lastEffect.number }
    return moment.effect == kind && moment.number == lastEffect.number
  }

  private static func fault(
    of effect: SimulatedProcess.Effect, _ random: inout SeededGenerator
  ) -> SimulatedProcess.Fault? {
    switch effect {
    case .poll:
      let faults: [SimulatedProcess.Fault] = [
        .fail(unavailable), .silence, .redeliver(Int64.random(in: 1...5, using: &random)),
      ]
      return faults.randomElement(using: &random)
    case .commitTransaction:
      let faults: [SimulatedProcess.Fault] = [
        .fail(unavailable), .failAfterwards(unavailable), .fail(refused), .fail(fenced),
        .failAfterwards(fenced),
      ]
      return faults.randomElement(using: &random)
    case .send: return random.oneIn(2) ? .fail(refused) : .fail(unavailable)
    case .flush: return random.oneIn(2) ? .failAfterwards(unavailable) : .fail(refused)
    case .abortTransaction: return .failAfterwards(unavailable)
    case .makeConsumer, .makeProducer, .beginTransaction, .assign, .commitOffsets,
      .writeElsewhere:
      return random.oneIn(2) ? .fail(unavailable) : .failAfterwards(unavailable)
    case .ask, .deliver: return .fail(unavailable)
    case .openStore:
      return .fail(LogError(.other, "the store can't be read", reaction: .rebuildStore))
    case .commitStore:
      return random.oneIn(2)
        ? .fail(LogError(.other, fullDisk, reaction: random.oneIn(4) ? .stopDaemon : .retry))
        : .fail(LogError(.other, "the store can't be read", reaction: .rebuildStore))
    case .unassign, .destroyStore: return nil
    }
  }
}
