import Configuration
import Foundation
import MLflow
import Testing

@testable import Wiring

@Suite struct MLflowTargetTests {
  private func settings(_ change: (inout Settings) -> Void) -> Settings {
    var settings = Settings()
    settings.mlflow.trackingURI = "http://h:1/"
    change(&settings)
    return settings
  }

  @Test func namesComeFromTheApplicationUnlessTheyAreGiven() throws {
    let plain = try settings {
      $0.application = "films"
      $0.topics.prefix = "Test"
    }.mlflowTarget()
    #expect(plain.uri == "http://h:1")
    #expect(plain.experiment == "Test.films" && plain.model == "Test.films")
    let given = try settings { $0.mlflow.model = "m" }.mlflowTarget()
    #expect(given.model == "m" && given.experiment == "projectionist")
    #expect(!Settings().usesMLflow && settings { _ in }.usesMLflow)
  }

  @Test func secretsComeFromValuesOrFilesAndTokensStandAbove() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try Data("from file\n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    func credentials(_ change: (inout Settings.MLflow) -> Void) throws -> MLflowCredentials? {
      try settings { change(&$0.mlflow) }.mlflowTarget().credentials
    }
    #expect(try credentials { _ in } == nil)
    #expect(try credentials { $0.token = "t" } == .token("t"))
    #expect(try credentials { $0.tokenFile = file.path } == .token("from file"))
    #expect(
      try credentials {
        $0.username = "u"
        $0.passwordFile = file.path
      } == .login(user: "u", password: "from file"))
    #expect(
      try credentials {
        $0.username = "u"
        $0.token = "t"
      } == .token("t"))
  }

  @Test func aSecretThatCantBeReadIsAnErrorThatNamesTheFile() {
    let broken = settings { $0.mlflow.tokenFile = "/there/is/none" }
    do throws(MLflowError) {
      _ = try broken.mlflowTarget()
      Issue.record("read")
    } catch {
      #expect(error.reason == .secretFile && error.description.contains("/there/is/none"))
    }
  }
}
