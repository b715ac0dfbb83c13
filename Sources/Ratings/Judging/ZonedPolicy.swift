/// An intake policy with the offsets of its time zone: all that it takes to judge events.
public struct ZonedPolicy: Hashable, Sendable {
  public var policy: IntakePolicy
  public var zone: ZoneOffsets

  public init(_ policy: IntakePolicy = IntakePolicy(), zone: ZoneOffsets = .utc) {
    self.policy = policy
    self.zone = zone
  }
}
