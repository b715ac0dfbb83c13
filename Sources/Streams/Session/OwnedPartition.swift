/// A partition that a session owns: its task, and what the operator keeps of it.
///
/// An object of its own, so that whoever has it reaches both without a look at an array's type: the
/// engine is not specialised for its operators, and would look that up for each record.
final class OwnedPartition<Task: AnyObject, Working> {
  let task: Task
  var working: Working

  init(_ task: Task, _ working: Working) {
    self.task = task
    self.working = working
  }
}
