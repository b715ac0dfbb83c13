extension Mend {
  /// Between joining a group and its first assignment, be it an empty one, a member has a
  /// cooperative-sticky assignor without state. To destroy it then aborts the process
  /// (`rd_kafka_sticky_assignor_state_destroy`).
  ///
  /// Such a client is closed, and its threads and memory are left to the end of the process.
  static let indestructibleMember = Mend(
    fault: "Destroying a member before its first assignment aborts the process.",
    source: "https://github.com/confluentinc/librdkafka/pull/4381",
    mendedIn: LibraryVersion(2, 3, 0))

  /// Whether a closed client must be left undestroyed.
  static func mustLeak(
    isMember: Bool, hasBeenAssigned: Bool, _ version: LibraryVersion = .linked
  ) -> Bool {
    isMember && !hasBeenAssigned && indestructibleMember.isNeeded(by: version)
  }
}
