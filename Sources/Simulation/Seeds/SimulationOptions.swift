public import Streams

/// How seeds are run.
public struct SimulationOptions: Sendable {
  /// `nil` leaves it to the seed.
  public var guarantee: ProcessingGuarantee?
  public var canary: Canary?
  /// Whether every step is written down.
  public var traces: Bool
  /// Whether processes are taken for dead and go on under at-least-once as well, where the state is
  /// not promised to stay exact then.
  public var hasZombies: Bool

  public init(
    guarantee: ProcessingGuarantee? = nil, canary: Canary? = nil, traces: Bool = false,
    hasZombies: Bool = false
  ) {
    self.traces = traces
    self.hasZombies = hasZombies
    self.guarantee = canary?.guarantee ?? guarantee
    self.canary = canary
  }
}

/// What became of a seed.
public struct SeedReport: Sendable {
  public var seed: UInt64
  public var scenario: String
  public var guarantee: ProcessingGuarantee
  public var instances: Int
  public var violation: Violation?
  /// Effects and waits.
  public var steps = 0
  public var simulated: Duration = .zero
  public var events = SeedEvents()
  public var trace: [String] = []
}

/// What has gone wrong on purpose in a run.
public struct SeedEvents: Hashable, Sendable {
  public var crashes = 0
  public var faults = 0
  /// Processes that stood still or were cut off, and members that were expelled.
  public var silences = 0
  public var lostCommits = 0
  /// How often what lies outside the log was emptied.
  public var flushes = 0
  public var storeCommits = 0

  public init() {}

  public static func += (a: inout SeedEvents, b: SeedEvents) {
    a.crashes += b.crashes
    a.faults += b.faults
    a.silences += b.silences
    a.lostCommits += b.lostCommits
    a.flushes += b.flushes
    a.storeCommits += b.storeCommits
  }
}
