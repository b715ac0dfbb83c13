extension Mend {
  /// When a group's coordinator is not ready for a question about the group's offsets,
  /// `rd_kafka_handle_OffsetFetch` hands the error to the client's own group, and crashes if it has
  /// none.
  ///
  /// So an admin client has a group of its own, which it never joins.
  static let adminWithoutGroup = Mend(
    fault: "A client without a group crashes if the coordinator of the group it asks about moves.",
    source: "rd_kafka_handle_OffsetFetch",
    mendedIn: nil)

  static func adminProperties(
    clientID: String, _ version: LibraryVersion = .linked
  ) -> [(String, String)] {
    adminWithoutGroup.isNeeded(by: version) ? [("group.id", "\(clientID)-standalone")] : []
  }
}
