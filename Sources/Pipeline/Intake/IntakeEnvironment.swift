import EventLog
public import Ratings
import Streams

/// What intake judges by.
public struct IntakeEnvironment: Sendable {
  /// The settings new events are judged by.
  public var policy: IntakePolicy
  /// The offsets of a zone by its IANA name; `nil` for an unknown one.
  public var zone: @Sendable (String) -> ZoneOffsets?
  /// Receives the records of `movies` that are skipped.
  public var catalogFaults: CatalogFaults
  /// `max.message.bytes` of the dead letters' topic.
  public var letterLimit: Int
  /// Judges events that are read again by the present policy, for a checker to notice.
  package var forgetsPolicies = false

  public init(
    policy: IntakePolicy = IntakePolicy(),
    zone: @escaping @Sendable (String) -> ZoneOffsets? = { $0 == "UTC" ? .utc : nil },
    catalogFaults: CatalogFaults = CatalogFaults(), letterLimit: Int = 16 << 20
  ) {
    self.policy = policy
    self.zone = zone
    self.catalogFaults = catalogFaults
    self.letterLimit = letterLimit
  }

  func unknownZone(_ name: String) -> StageError {
    .failed(
      Reason(
        .unknownFormat,
        "events were judged by the time zone \(name), which this machine does not know: install the"
          + " system's time zone database (tzdata)"), .stopDaemon)
  }

  func unreadable(_ source: TopicPartition, _ offset: Int64, _ why: String) -> StageError {
    .failed(
      Reason(
        .unknownFormat,
        "the settings that the event at offset \(offset) of \(source) was judged by can't be read:"
          + " \(why). If a newer version of the program has written them, use that"), .stopDaemon)
  }
}
