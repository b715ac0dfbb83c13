package import EventLog
package import KafkaLog

/// A part of the brokers' own that keeps something in a topic of its own: transactions, or groups.
package enum Coordination: String, Sendable, CaseIterable {
  case transactions
  case groups

  var topic: String {
    switch self {
    case .transactions: "__transaction_state"
    case .groups: "__consumer_offsets"
    }
  }

  var factorKey: String {
    switch self {
    case .transactions: "transaction.state.log.replication.factor"
    case .groups: "offsets.topic.replication.factor"
    }
  }

  /// The broker's key for the copies that must have a record; `nil` where there is none of its own.
  var leastKey: String? { self == .transactions ? "transaction.state.log.min.isr" : nil }
}

/// What is known of a coordinator that doesn't answer.
package struct CoordinatorFacts: Hashable, Sendable {
  package var brokers: Int
  /// How many copies the coordinator's topic has; `nil` if there is none, or it isn't shown.
  package var copies: Int?
  /// The topic's `min.insync.replicas`, if it is known.
  package var leastCopies: Int?
  /// The broker's properties; empty if they are not shown.
  package var properties: [String: String]

  package init(
    brokers: Int, copies: Int? = nil, leastCopies: Int? = nil, properties: [String: String] = [:]
  ) {
    self.brokers = brokers
    self.copies = copies
    self.leastCopies = leastCopies
    self.properties = properties
  }

  /// What keeps the coordinator from its work, and what to do; `nil` if these facts don't explain
  /// it.
  ///
  /// - Parameter guesses: whether the coordinator is known not to work, so that what can't be seen
  ///   is the most likely reason.
  package func obstacle(
    to part: Coordination, _ tools: KafkaTools, guesses: Bool = true
  ) -> LogError? {
    let cluster = "the cluster has \(brokers) broker\(brokers == 1 ? "" : "s")"
    func error(_ text: String, _ advice: String) -> LogError {
      LogError(.unavailable, "\(part.rawValue) can't start: \(text)", reaction: .retry)
        .advised(advice)
    }
    if let copies, let leastCopies, leastCopies > copies {
      return error(
        "\(part.topic) has \(copies) cop\(copies == 1 ? "y" : "ies") and takes nothing with fewer"
          + " than \(leastCopies) (min.insync.replicas)",
        "lower it with `\(tools.command("kafka-configs")) --alter"
          + " --entity-type topics --entity-name \(part.topic) --add-config"
          + " min.insync.replicas=\(copies)`"
          + (part.leastKey.map { ", and set \($0)=\(copies) on the brokers" } ?? ""))
    }
    guard copies == nil else { return nil }
    let number = { (key: String) in properties[key].flatMap { Int($0) } }
    let wanted = number(part.factorKey)
    if wanted.map({ $0 <= brokers }) ?? !guesses { return nil }
    let settings =
      "\(part.factorKey)=\(brokers)" + (part.leastKey.map { " and \($0)=1" } ?? "")
    return error(
      "\(cluster), and \(part.topic) "
        + (wanted.map { "wants \($0) copies" }
          ?? "is not there: it most likely wants more copies"),
      "set \(settings) in the brokers' server.properties, and restart them")
  }
}

extension KafkaAdmin {
  /// What is known of a coordinator, as far as this client may see it.
  package func facts(of part: Coordination, _ cluster: Cluster) -> CoordinatorFacts {
    // Each of these needs a right of its own, which the daemon does without.
    let copies = try? copies()[part.topic]
    let least = try? properties(of: copies == nil ? [] : [part.topic])[part.topic]?
      .values["min.insync.replicas"]
    let broker = try? cluster.brokerIDs.first.map { id throws(LogError) in
      try properties(ofBroker: id)
    }
    return CoordinatorFacts(
      brokers: cluster.brokers.count, copies: copies, leastCopies: least.flatMap { Int($0) },
      properties: broker ?? [:])
  }

  /// What is seen to keep a coordinator from its work; `nil` if nothing is.
  package func obstacle(to part: Coordination, _ tools: KafkaTools) -> LogError? {
    guard let cluster = try? cluster(), !cluster.isEmbedded else { return nil }
    return facts(of: part, cluster).obstacle(to: part, tools, guesses: false)
  }

  /// Why a coordinator does not answer, as far as it can be seen.
  package func explain(_ error: LogError, _ part: Coordination, _ tools: KafkaTools) -> LogError {
    guard error.code == .unavailable, let cluster = try? cluster() else { return error }
    return facts(of: part, cluster).obstacle(to: part, tools) ?? error
  }
}
