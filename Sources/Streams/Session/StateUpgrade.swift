/// A state of an earlier version on its way to this one.
struct StateUpgrade {
  /// `nil` before its turn.
  var progress: RestoreProgress?
  /// Why the state stays as it was.
  var obstacle: Reason?
}
