public import EventLog

/// One committed batch.
public struct BatchSummary: Hashable, Sendable {
  /// Input records processed.
  public var records: Int
  /// Bytes of their keys and values.
  public var bytes: Int
  /// The same by input topic.
  public var inputs: [TopicTally] = []
  /// What the stage has sent since the batch before, by topic; its changelog is one of them.
  public var outputs: [TopicTally] = []
  /// How old the input records were when the batch was committed.
  public var ages = AgeHistogram()
  /// Records dropped since the batch before because they were below their partition's position.
  public var redeliveries: Int
  /// What a stage that judges its input counted.
  public var judged: VerdictCounts
  /// What became of requests, in a stage that answers them.
  public var requests: RequestSummary?
  /// What was written, in a stage that projects features.
  public var projected: ProjectionSummary?
  /// How old the records were whose effect was complete with the batch: requests answered, features
  /// projected.
  public var completed = AgeHistogram()
  /// From the batch's first record to the beginning of its commit.
  public var open: Duration
  /// How long each step of the commit took, in order.
  public var steps: [StepTime]
  /// Where the stage stands after it in each partition it owns.
  public var positions: [TopicPartition: PartitionPosition]

  public struct StepTime: Hashable, Sendable {
    public var step: CommitStep
    public var duration: Duration

    public init(_ step: CommitStep, _ duration: Duration) {
      self.step = step
      self.duration = duration
    }
  }

  public init(
    records: Int, bytes: Int, redeliveries: Int, judged: VerdictCounts = VerdictCounts(),
    open: Duration, steps: [StepTime], positions: [TopicPartition: PartitionPosition]
  ) {
    self.records = records
    self.bytes = bytes
    self.redeliveries = redeliveries
    self.judged = judged
    self.open = open
    self.steps = steps
    self.positions = positions
  }

  /// How long the whole commit took.
  public var commit: Duration { steps.reduce(.zero) { $0 + $1.duration } }
}
