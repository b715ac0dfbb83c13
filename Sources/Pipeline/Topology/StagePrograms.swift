import EventLog
public import Logging
public import StateStore
public import Streams

/// The operators of the declared stages, on any log and storage: where a declaration meets its
/// code.
extension StageProgram {
  public static func intake(_ topology: Topology, _ intake: IntakeEnvironment = IntakeEnvironment())
    -> StageProgram
  {
    StageProgram(.intake) { environment throws(StageError) in
      try IntakeOperator<Storage.Store, Log.Producer, Log.Consumer>(
        environment.log, topology: topology, clientID: environment.configuration.clientID,
        environment: intake)
    }
  }

  /// - Parameter directory: receives the partitions owned, for the predict stage.
  public static func user(_ topology: Topology, directory: PartitionDirectory<Storage.Store>)
    -> StageProgram
  {
    StageProgram(.user) { environment in
      UserOperator<Storage.Store, Log.Producer>(
        environment.log, topology: topology, clientID: environment.configuration.clientID,
        directory: directory)
    }
  }

  /// - Parameter timesAreKept: whether its input's records have the times of those they come from;
  ///   a topic may limit them.
  public static func movie(
    _ topology: Topology, refreshInterval: Duration,
    timesAreKept: @escaping @Sendable () -> Bool = { true }
  ) -> StageProgram {
    StageProgram(.movie) { environment throws(StageError) in
      try MovieOperator<Storage.Store, Log.Producer, Log.Consumer>(
        environment.log, topology: topology, clientID: environment.configuration.clientID,
        refreshInterval: refreshInterval, timesAreKept: timesAreKept, now: environment.now)
    }
  }

  /// - Parameter makeSink: called on the stage's thread.
  public static func redis<Sink: FeatureSink & SendableMetatype>(
    _ topology: Topology, _ identity: ProjectionIdentity, logger: Logger,
    makeSink: @escaping @Sendable () -> Sink
  ) -> StageProgram {
    StageProgram(.redis) { environment in
      RedisOperator<Storage.Store, Log, Sink>(
        environment.log, topology: topology, clientID: environment.configuration.clientID,
        identity: identity, sink: makeSink(), logger: logger, now: environment.now)
    }
  }

  /// - Parameters:
  ///   - directory: the user stage's partitions.
  ///   - requests: the partitions it reads; those of the directory unless given.
  ///   - partitionOf: where Kafka's default partitioner puts a user's key among the user
  ///     partitions.
  ///   - makeEnvironment: called on the stage's thread.
  public static func predict(
    directory: PartitionDirectory<Storage.Store>, requests: (any PartitionFeed)? = nil,
    partitionOf: @escaping @Sendable (RawSpan) -> Int32,
    makeEnvironment: @escaping @Sendable () -> PredictEnvironment
  ) -> StageProgram {
    StageProgram(.predict, followed: requests ?? directory) { environment throws(StageError) in
      try PredictOperator<Storage.Store, Log.Producer, Log.Consumer>(
        environment.log, clientID: environment.configuration.clientID, directory: directory,
        partitionOf: partitionOf, environment: makeEnvironment())
    }
  }
}
