extension Mend {
  /// `rd_kafka_abort_transaction` drops what is queued once, at its start, and then waits for what
  /// is on its way. A record that comes back from there, because one before it was refused, is
  /// queued again and stays: the call waits for it until its timeout.
  ///
  /// The next call drops it. So an abort is made of short attempts.
  static let requeuedByAbort = Mend(
    fault: "An abort waits for records that come back to the queue after it was emptied.",
    source: "rd_kafka_abort_transaction",
    mendedIn: nil)

  /// How long one attempt to abort may take, in milliseconds.
  static func abortAttempt(_ remaining: Int32, _ version: LibraryVersion = .linked) -> Int32 {
    requeuedByAbort.isNeeded(by: version) ? min(remaining, 500) : remaining
  }
}
