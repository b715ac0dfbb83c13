import Configuration
package import EventLog
import KafkaLog

/// What has come of a topic that `topics apply` was to make.
package struct TopicOutcome: Hashable, Sendable {
  package enum Result: String, Hashable, Sendable {
    case created
    /// Made by the broker itself, it has its declared properties now.
    case completed
    case refused
  }

  package var topic: String
  package var result: Result
  /// What the cluster has refused, and why; a sentence each.
  package var notes: [String]
  /// Why nothing was made; `nil` if something was.
  package var failure: LogError?

  init(_ topic: String, _ result: Result, notes: [String] = [], failure: LogError? = nil) {
    self.topic = topic
    self.result = result
    self.notes = notes
    self.failure = failure
  }

  /// For people.
  package var text: String {
    let head =
      switch result {
      case .created: "created \(topic)"
      case .completed:
        "\(topic), which the broker had made, has its properties now"
          + (notes.isEmpty ? "" : " but")
      case .refused: "can't make \(topic) as declared: \(failure.map { "\($0)" } ?? "")"
      }
    return ([head] + notes.map { "  \($0)" }).joined(separator: "\n")
  }
}

/// Makes topics on clusters that don't let everybody choose everything: finds out what they refuse,
/// and goes on without it where the stages can live with that.
struct TopicMaking {
  typealias Create = (_ topic: KafkaAdmin.NewTopic, _ validatesOnly: Bool) throws(LogError) ->
    KafkaAdmin.TopicResult

  let create: Create

  /// Sizes of a batch that clusters are known to limit topics to.
  private static let sizes = [8_388_608, 4_194_304, 2_097_152]

  /// - Parameter first: why the topic was refused as declared.
  func make(_ topic: DeclaredTopic, after first: LogError) throws(LogError) -> TopicOutcome {
    let refused = TopicOutcome(topic.name, .refused, failure: first)
    guard first.code == .configuration || first.code == .other else { return refused }
    var request = KafkaAdmin.NewTopic(topic)
    request.properties = topic.config.filter { !DeclaredTopic.dispensable.contains($0.key) }
    var notes: [String] = []
    guard let factor = try acceptedFactor(request, topic.replicationFactor) else { return refused }
    if factor != request.replicationFactor {
      notes.append(
        "with \(factor < 0 ? "the cluster's own number of" : "\(factor)") copies, as it refuses"
          + " \(topic.replicationFactor): set topics.replication_factor to what it wants")
      request.replicationFactor = factor
    }
    for (name, value) in topic.config.sorted(by: { $0.key < $1.key })
    where DeclaredTopic.dispensable.contains(name) {
      let (accepted, reason) = try acceptedValue(of: name, value, request)
      request.properties[name] = accepted
      guard let reason else { continue }
      let how = accepted.map { "with \(name)=\($0)" } ?? "without \(name)"
      notes.append("\(how), as the cluster refuses \(value): \(reason)")
    }
    switch try create(request, false) {
    case .done, .unchanged: return TopicOutcome(topic.name, .created, notes: notes)
    case .failed(let error): return TopicOutcome(topic.name, .refused, failure: error)
    }
  }

  /// How many copies the cluster lets it have; -1 for its default, `nil` if that is not what it
  /// refuses. Fewer than wanted are none: a broker may be away for the moment.
  private func acceptedFactor(_ request: KafkaAdmin.NewTopic, _ wanted: Int) throws(LogError)
    -> Int16?
  {
    let others: [Int16] = wanted < 3 ? [-1, 3] : []
    for factor in [Int16(clamping: wanted)] + others {
      var request = request
      request.replicationFactor = factor
      if case .failed = try create(request, true) { continue }
      return factor
    }
    return nil
  }

  /// The value itself if the cluster takes it; otherwise the nearest it takes, if any, and why.
  private func acceptedValue(of name: String, _ value: String, _ request: KafkaAdmin.NewTopic)
    throws(LogError) -> (value: String?, reason: String?)
  {
    var request = request
    request.properties[name] = value
    guard case .failed(let error) = try create(request, true) else { return (value, nil) }
    if name == "max.message.bytes" {
      for size in Self.sizes where size < Int(value) ?? 0 {
        request.properties[name] = "\(size)"
        if case .failed = try create(request, true) { continue }
        return ("\(size)", error.message)
      }
    }
    return (nil, error.message)
  }
}

extension KafkaAdmin.NewTopic {
  /// As declared.
  init(_ topic: DeclaredTopic) {
    self.init(
      topic.name, partitions: Int32(clamping: topic.partitions),
      replicationFactor: Int16(clamping: topic.replicationFactor), properties: topic.config)
  }
}
