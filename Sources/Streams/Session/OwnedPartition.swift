/// A partition that a session owns: its task, and what the operator keeps of it.
final class OwnedPartition<Task: AnyObject, State> {
  let task: Task
  var state: State
  /// `nil` for a state of this version. Another one takes no records yet.
  var upgrade: StateUpgrade?

  init(_ task: Task, _ state: State) {
    self.task = task
    self.state = state
  }
}
