extension Mend {
  /// After a topic was deleted whose partitions a client has, destroying the client waits for ever
  /// for the thread of a broker: seen with 2.0.2, and not looked for in newer versions.
  ///
  /// Such a client is closed, and its threads and memory are left to the end of the process.
  static let vanishedTopic = Mend(
    fault: "Destroying a client never ends if a topic that it reads was deleted.",
    source: "https://github.com/confluentinc/librdkafka/issues/3007",
    mendedIn: nil)
}
