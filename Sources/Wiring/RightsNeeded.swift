package import Configuration
package import KafkaLog
import Pipeline
import Streams

/// The rights that the daemon and its commands need on the cluster; they follow from the topology.
package struct RightsNeeded: Sendable {
  /// Some rights, and what for.
  package struct Part: Sendable {
    package var purpose: String
    package var rights: [AccessRight]
  }

  /// Topics that the daemon consumes, reads as a whole, or looks records up in.
  package let read: [String]
  /// Topics that it writes.
  package let written: [String]
  /// The groups of its stages, each with the topics it consumes.
  package let groups: [(name: String, inputs: [String])]
  /// What the groups begin with that hold the instances' claims on the stages.
  package let claims: String
  package let parts: [Part]

  package init(_ settings: Settings) {
    let topology = settings.topology
    let stages = topology.stages
    let control = topology.control.map { [topology[$0]] } ?? []
    let kept = stages.flatMap { [$0.changelog, $0.positions].compactMap(\.self) }
      .map { topology[$0] }
    let names = topology.topics.map { topology[$0] }
    let readNames = Set(
      stages.flatMap { ($0.inputs + $0.globals + $0.lookups).map { topology[$0] } } + kept
        + control)
    let writtenNames = Set(stages.flatMap { topology.outputs(of: $0) } + kept + control)
    read = names.filter(readNames.contains)
    written = names.filter(writtenNames.contains)
    groups = stages.map { (topology.group(of: $0), topology.inputs(of: $0)) }
    claims = Self.beginning(of: stages.map { topology.claimant(of: $0, instance: "").group })
    // Every group and id begins with the application's name; see `StageIdentity`.
    let own = Self.beginning(of: groups.map(\.name))
    let daemon = names.map { topic in
      var operations = ["Describe", "DescribeConfigs"]
      if readNames.contains(topic) { operations.append("Read") }
      if writtenNames.contains(topic) { operations.append("Write") }
      return AccessRight(operations, on: .topic(topic))
    }
    parts = [
      Part(purpose: "run and check: topics", rights: daemon),
      Part(
        purpose: "run and check: groups",
        rights: [AccessRight(["Read", "Describe"], on: .group(own), isPrefix: true)]),
      Part(
        purpose: "run and check: transactions",
        rights: [AccessRight(["Write", "Describe"], on: .transactionalID(own), isPrefix: true)]
          + control.map {
            AccessRight(["Write", "Describe"], on: .transactionalID($0), isPrefix: true)
          }),
      Part(
        purpose: "run and check: producers without transactions, on Kafka before 2.8 only",
        rights: [AccessRight(["IdempotentWrite"], on: .cluster)]),
      Part(
        purpose: "check: what the brokers allow (optional)",
        rights: [AccessRight(["DescribeConfigs"], on: .cluster)]),
      Part(
        purpose: "topics apply, and run --apply-topics",
        rights: names.map { AccessRight(["Create", "AlterConfigs"], on: .topic($0)) }),
      Part(
        purpose: "load, train, models and predict",
        rights: stages.flatMap { $0.inputs + $0.globals }.filter { !$0.outsideWriters.isEmpty }
          .reduce(into: [String]()) { names, topic in
            let name = topology[topic]
            if !names.contains(name), !control.contains(name) { names.append(name) }
          }.map { AccessRight(["Write"], on: .topic($0)) }
          + [AccessRight(["Read"], on: .topic(topology[.recommendations]))]),
    ]
  }

  /// What these names begin with, up to the end of a word.
  static func beginning(of names: [String]) -> String {
    guard let first = names.first else { return "" }
    let shared = names.dropFirst().reduce(first) { $0.commonPrefix(with: $1) }
    guard let dash = shared.lastIndex(of: "-") else { return shared }
    return String(shared[...dash])
  }

  /// The commands of Kafka's own tools that grant all this.
  package func text(principal: String, _ tools: KafkaTools) -> String {
    parts.map { part in
      (["# \(part.purpose)"]
        + part.rights.map { $0.command(principal: principal, tools) }).joined(separator: "\n")
    }.joined(separator: "\n\n") + "\n"
  }
}

extension String {
  fileprivate func commonPrefix(with other: String) -> String {
    String(zip(self, other).prefix { $0 == $1 }.map(\.0))
  }
}
