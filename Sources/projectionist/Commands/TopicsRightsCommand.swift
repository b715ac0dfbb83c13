import ArgumentParser
import Configuration
import Console
import KafkaLog
import Wiring

/// `projectionist topics acls`
struct TopicsRightsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "acls",
    abstract: "Print the commands that grant a user the rights the daemon needs, and no more.",
    discussion: """
      They follow from the configured application, prefix and topics; asks no broker. Each group \
      of lines says what it is for: leave out what this user does not do. `projectionist check` finds \
      the rights that are missing. On a cluster that wants TLS or a password the commands name \
      admin.properties: the connection of somebody who may grant, as Kafka's own tools read it.
      """)

  @OptionGroup var common: CommonOptions
  @Option(
    help: ArgumentHelp(
      "Who gets them; the user of kafka.sasl.username unless given.", valueName: "User:name"))
  var principal: String?
  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    if let principal, principal.split(separator: ":", maxSplits: 1).count != 2 {
      throw ValidationError("--principal must be a type and a name, such as User:alice.")
    }
  }

  func run() throws {
    let settings = try common.load().settings
    let needed = RightsNeeded(settings)
    let principal = principal ?? settings.kafkaSettings.principal
    let tools = settings.kafkaSettings.tools
    if json {
      let outputs = needed.parts.flatMap { part in
        part.rights.map { RightOutput(part.purpose, $0, principal, tools) }
      }
      return print(try JSONText.of(outputs))
    }
    print(needed.text(principal: principal, tools), terminator: "")
  }
}

/// A right in `--json`.
private struct RightOutput: Encodable {
  var purpose: String
  var resource: String
  var name: String?
  var operations: [String]
  var prefixed: Bool
  var command: String

  init(_ purpose: String, _ right: AccessRight, _ principal: String, _ tools: KafkaTools) {
    self.purpose = purpose
    switch right.resource {
    case .topic(let topic):
      resource = "topic"
      name = topic
    case .group(let group):
      resource = "group"
      name = group
    case .transactionalID(let id):
      resource = "transactional_id"
      name = id
    case .cluster: resource = "cluster"
    }
    operations = right.operations
    prefixed = right.isPrefix
    command = right.command(principal: principal, tools)
  }
}
