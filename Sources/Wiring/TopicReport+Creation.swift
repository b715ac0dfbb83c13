import Configuration
package import Console
import EventLog
import Foundation
package import KafkaLog

extension TopicReport {
  /// How long the cluster may take to show what it has made.
  private static var patience: Duration { .seconds(10) }
  private static var pause: Double { 0.05 }

  /// Creates the topics that are missing and notes them as they are now. Throws if one can't be
  /// made.
  ///
  /// - Parameter look: called again and again while the cluster makes them; ends the wait by
  ///   throwing.
  /// - Returns: what has come of each that was not there as declared.
  @discardableResult
  package mutating func createMissing(_ admin: KafkaAdmin, look: () throws -> Void = {}) throws
    -> [TopicOutcome]
  {
    let outcomes = try apply(admin, look: look)
    if let failure = Self.failure(of: outcomes) { throw failure }
    return outcomes
  }

  /// What a command ends with whose topics have come to this.
  package static func failure(of outcomes: [TopicOutcome]) -> CommandFailure? {
    let refused = outcomes.filter { $0.result == .refused }
    guard let first = refused.first?.failure else { return nil }
    return CommandFailure(
      ExitStatus(of: first), refused.map(\.text).joined(separator: "\n  "))
  }

  /// Creates the topics that are missing, and gives those that the broker has made by itself the
  /// properties that are declared. What the cluster refuses of one stops none of the others.
  ///
  /// - Parameter look: called again and again while the cluster makes them; ends the wait by
  ///   throwing.
  package mutating func apply(_ admin: KafkaAdmin, look: () throws -> Void = {}) throws
    -> [TopicOutcome]
  {
    let wanted = missing
    guard !wanted.isEmpty || entries.contains(where: \.isSelfMade) else { return [] }
    guard knowsProperties else {
      throw CommandFailure(
        .topicsDiffer,
        "the embedded broker makes its topics itself, when it starts: start it again with the same"
          + " configuration as this command")
    }
    let results = try admin.create(wanted.map { KafkaAdmin.NewTopic($0) })
    let making = TopicMaking { topic, validatesOnly throws(LogError) in
      try admin.create([topic], validatesOnly: validatesOnly)[topic.name] ?? .done
    }
    var outcomes: [TopicOutcome] = []
    for topic in wanted {
      if case .failed(let error)? = results[topic.name] {
        outcomes.append(try making.make(topic, after: error))
      } else {
        outcomes.append(TopicOutcome(topic.name, .created))
      }
    }
    let made = Set(outcomes.filter { $0.result == .created }.map(\.topic))
    try Self.awaitVisible(made, admin, look)
    noteCreated(made)
    return try outcomes + complete(admin, look)
  }

  /// The topics that the broker has made by itself: nobody has chosen their properties.
  private func complete(_ admin: KafkaAdmin, _ look: () throws -> Void) throws -> [TopicOutcome] {
    var completed: [String: [String: String]] = [:]
    let outcomes = try entries.filter(\.isSelfMade).map { entry in
      var (accepted, notes): ([String: String], [String]) = ([:], [])
      var refusal: LogError?
      for (name, value) in entry.topic.config.sorted(by: { $0.key < $1.key }) {
        let all = accepted.merging([name: value]) { $1 }
        if let error = try admin.set(all, ofTopic: entry.topic.name) {
          notes.append("without \(name)=\(value): \(error)")
          refusal = refusal ?? error
        } else {
          accepted = all
        }
      }
      guard let refusal, accepted.isEmpty else {
        completed[entry.topic.name] = accepted
        return TopicOutcome(entry.topic.name, .completed, notes: notes)
      }
      return TopicOutcome(entry.topic.name, .refused, failure: refusal)
    }
    try Self.awaitShown(completed, admin, look)
    return outcomes
  }

  /// The broker that is asked learns of new properties a moment after they are set.
  private static func awaitShown(
    _ properties: [String: [String: String]], _ admin: KafkaAdmin, _ look: () throws -> Void
  ) throws {
    let deadline = ContinuousClock.now + patience
    while true {
      let shown = try admin.properties(of: properties.keys.sorted())
      let isShown = properties.allSatisfy { topic, wanted in
        wanted.allSatisfy { shown[topic]?.values[$0.key] == $0.value }
      }
      // A report of what is there follows, and says what is still missing.
      guard !isShown, ContinuousClock.now < deadline else { return }
      try look()
      Thread.sleep(forTimeInterval: pause)
    }
  }

  /// Brokers learn of a new topic a moment after it is made; whoever produces to it at once would
  /// be told that there is none.
  private static func awaitVisible(
    _ names: Set<String>, _ admin: KafkaAdmin, _ look: () throws -> Void
  ) throws {
    let deadline = ContinuousClock.now + patience
    while true {
      let hidden = names.subtracting(try admin.topics().keys)
      guard !hidden.isEmpty else { return }
      guard ContinuousClock.now < deadline else {
        // One that this client may not describe is not shown.
        for topic in hidden.sorted() { _ = try admin.partitionCount(of: topic) }
        throw CommandFailure(
          .unavailable, "the cluster has made topics but does not show them after 10 s: try again")
      }
      try look()
      Thread.sleep(forTimeInterval: pause)
    }
  }
}

extension TopicReport.Entry {
  fileprivate var isSelfMade: Bool {
    if case .selfMade = status { true } else { false }
  }
}
