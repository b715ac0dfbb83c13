public import EventLog
public import StateStore

/// A declared stage with the way to make its operator: all that a topology's host needs to run it.
public struct StageProgram<Log: EventLog, Storage: StateStorage>: Sendable {
  public typealias Environment = StageEnvironment<Log, Storage>

  public let declaration: StageDeclaration
  /// The partitions of the stage it follows; `nil` for one that follows none.
  public let followed: (any PartitionFeed)?
  private let body: @Sendable (Environment) throws(StageError) -> Void

  /// - Parameter makeOperator: called on the stage's thread, for each membership in its group.
  public init<Operator: StageOperator & SendableMetatype & ~Copyable>(
    _ declaration: StageDeclaration, followed: (any PartitionFeed)? = nil,
    makeOperator: @escaping @Sendable (Environment) throws(StageError) -> Operator
  ) where Operator.Store == Storage.Store, Operator.Producer == Log.Producer {
    self.declaration = declaration
    self.followed = followed
    body = { environment throws(StageError) in
      try StageLoop(environment) { () throws(StageError) in try makeOperator(environment) }.run()
    }
  }

  /// Runs the stage on the calling thread until a stop signal or a failure.
  ///
  /// - Throws: an error whose reaction is `.stopDaemon`.
  public func run(_ environment: Environment) throws(StageError) { try body(environment) }
}
