public import Streams

/// Options for running seeds.
public struct SimulationOptions: Sendable {
  /// `nil` to let the seed decide.
  public var guarantee: ProcessingGuarantee?
  public var canary: Canary?
  /// Whether every step is recorded.
  public var traces: Bool
  /// Whether processes may be presumed dead and go on even under at-least-once, where the state is
  /// then not guaranteed to stay exact.
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

/// The outcome of a seed.
public struct SeedReport: Sendable {
  public var seed: UInt64
  public var scenario: String
  public var guarantee: ProcessingGuarantee
  public var instances: Int
  public var violation: Violation?
  /// How many effects and waits there were.
  public var steps = 0
  public var simulated: Duration = .zero
  public var events = SeedEvents()
  public var trace: [String] = []
}

/// Counts of the faults in a run.
public struct SeedEvents: Hashable, Sendable {
  public var crashes = 0
  public var faults = 0
  /// Processes suspended or cut off, and members expelled.
  public var silences = 0
  public var lostCommits = 0
  /// How often the system outside the log was emptied, set back or given to somebody else.
  public var upsets = 0
  /// How often the offsets of the input's group were moved.
  public var replays = 0
  public var storeCommits = 0

  public init() {}

  public static func += (a: inout SeedEvents, b: SeedEvents) {
    a.crashes += b.crashes
    a.faults += b.faults
    a.silences += b.silences
    a.lostCommits += b.lostCommits
    a.upsets += b.upsets
    a.replays += b.replays
    a.storeCommits += b.storeCommits
  }
}
