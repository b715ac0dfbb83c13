import Console
import Foundation
import Streams
import Testing

@testable import Configuration

/// The repository this test was built from.
let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

@Suite struct SettingsRenderingTests {
  @Test func theCommittedDefaultFileIsTheRenderedOne() throws {
    let file = repository.appending(path: "deploy/projectionist.yaml")
    let committed = try String(contentsOf: file, encoding: .utf8)
    #expect(
      committed == SettingsRendering.documentedDefaults(),
      "regenerate it: projectionist config > deploy/projectionist.yaml")
  }

  @Test func theDefaultFileSetsEveryKeyToItsDefault() throws {
    let text = SettingsRendering.documentedDefaults()
    let file = ConfigurationFile(name: "defaults.yaml", yaml: text)
    #expect(file.problems.isEmpty)
    #expect(file.entries.map(\.path) == SettingKey.all.map(\.path))
    let loaded = try LoadedSettings(file: file, environment: [:], flags: [])
    #expect(loaded.settings == Settings())
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  @Test func whatIsInForceIsShownWithItsOriginAndReadsBack() throws {
    let loaded = try load(
      "redis: {username: 'a \"b\" #c', password: hunter2}\nkafka: {sasl.password: hunter3}\n",
      environment: ["REDIS_PORT": "7000"])
    let text = SettingsRendering.effective(loaded)
    #expect(text.contains("redis.port: 7000  # environment variable REDIS_PORT\n"))
    #expect(text.contains("# test.yaml:1\n"))
    #expect(text.contains("redis.database: 0  # default\n"))
    #expect(!text.contains("hunter"))
    #expect(try load(text).settings.redis.username == "a \"b\" #c")
  }
}

@Suite struct InstanceNameTests {
  @Test func theNameIsKeptInTheStateDirectory() throws {
    let directory = FileManager.default.temporaryDirectory
      .appending(path: "instance-\(UInt64.random(in: .min ... .max))")
    defer { try? FileManager.default.removeItem(at: directory) }
    var settings = Settings()
    settings.state.directory = directory.path
    let name = try InstanceName.resolve(settings)
    #expect(name.count == 8)
    #expect(try InstanceName.resolve(settings) == name)
    settings.instance = "pod-0"
    #expect(try InstanceName.resolve(settings) == "pod-0")
  }

  /// A new name in its place would make this another instance.
  @Test(arguments: [[0xFF, 0xFE], Array("two words\n".utf8), []] as [[UInt8]])
  func anUnreadableNameIsAnErrorThatNamesTheFile(_ bytes: [UInt8]) throws {
    let directory = FileManager.default.temporaryDirectory
      .appending(path: "instance-\(UInt64.random(in: .min ... .max))")
    defer { try? FileManager.default.removeItem(at: directory) }
    var settings = Settings()
    settings.state.directory = directory.path
    let file = URL(fileURLWithPath: settings.stateRoot).appending(path: "instance")
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
    let failure = #expect(throws: CommandFailure.self) { try InstanceName.resolve(settings) }
    #expect(failure?.message.contains(file.path) ?? false)
    #expect(try Data(contentsOf: file) == Data(bytes))
  }

  @Test func theEmbeddedBrokerGetsNoTransactionsAndShortFetches() {
    var settings = Settings()
    settings.processing.guarantee = .exactlyOnce
    let adapted = settings.adaptedToEmbeddedBroker()
    #expect(adapted.processing.guarantee == .atLeastOnce)
    #expect(adapted.kafka["fetch.wait.max.ms"] == "10")
    settings.kafka["fetch.wait.max.ms"] = "50"
    #expect(settings.adaptedToEmbeddedBroker().kafka["fetch.wait.max.ms"] == "50")
  }
}
