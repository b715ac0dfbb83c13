/// How many records of one topic a batch has read or sent.
public struct TopicTally: Hashable, Sendable {
  /// `nil` for topics that are not the stage's own, such as one that a request wants its reply on.
  public var topic: String?
  public var records: Int
  /// Bytes of their keys and values.
  public var bytes: Int

  public init(topic: String?, records: Int = 0, bytes: Int = 0) {
    self.topic = topic
    self.records = records
    self.bytes = bytes
  }

  @inline(__always)
  mutating func add(records: Int, bytes: Int) {
    self.records += records
    self.bytes += bytes
  }
}
