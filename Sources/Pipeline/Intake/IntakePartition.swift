public import Streams

/// What intake keeps in memory of a partition.
public struct IntakePartition: PartitionState {
  /// Waiting to be sent.
  var verdicts = PendingVerdicts()
  /// Which policies its events are judged by.
  var schedule: PolicySchedule
  /// How the open batch changes that.
  var changes: [PolicySchedule.Change] = []
  var window: RefusalWindow

  init(_ schedule: PolicySchedule, _ window: RefusalWindow) {
    self.schedule = schedule
    self.window = window
  }

  public mutating func writeTables() {}
}
