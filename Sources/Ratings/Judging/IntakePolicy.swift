/// The edition of the rules, so that an event that is read again is judged as it was.
public enum RuleEdition: Int, Hashable, Sendable {
  /// Those of earlier versions: whatever time a record has bounds its event's, and a time without
  /// a zone is read as UTC.
  case first = 1
  /// A record's time bounds its event's only if it can be true, and a time without a zone is read
  /// in the policy's.
  case second = 2
}

/// The settings an event is judged by.
public struct IntakePolicy: Hashable, Sendable {
  public var rules: RuleEdition
  public var accepts: CoercionSet
  /// The IANA name of the zone in which a time without one is read.
  public var timeZone: String

  public init(
    rules: RuleEdition = .second, accepts: CoercionSet = .all, timeZone: String = "UTC"
  ) {
    self.rules = rules
    self.accepts = accepts
    self.timeZone = timeZone
  }

  /// The policy of versions that recorded none.
  public static let earlier = IntakePolicy(
    rules: .first, accepts: [.schemaPrefix], timeZone: "UTC")
}
