import Testing

@testable import Configuration

@Suite struct MLflowSettingsTests {
  @Test func theVariablesOfMLflowsOwnClientAreRead() throws {
    let settings = try load(
      environment: [
        "MLFLOW_TRACKING_URI": "https://flow.example:5000/base", "MLFLOW_TRACKING_TOKEN": "t",
        "MLFLOW_TRACKING_USERNAME": "u", "MLFLOW_TRACKING_PASSWORD": "p",
        "MLFLOW_TRACKING_SERVER_CERT_PATH": "/ca.pem", "PROJECTIONIST_MLFLOW_TOKEN": "own",
      ]
    ).settings.mlflow
    #expect(settings.trackingURI == "https://flow.example:5000/base")
    #expect(settings.token == "own" && settings.username == "u" && settings.password == "p")
    #expect(settings.authorityFile == "/ca.pem")
  }

  @Test(arguments: [
    "", "http://h", "https://h:1/", "http://127.0.0.1:5000", "http://[::1]:5000/a/b",
  ])
  func addressesAreTaken(text: String) throws {
    #expect(try load("mlflow.tracking_uri: '\(text)'").settings.mlflow.trackingURI == text)
  }

  /// MLflow's client also takes directories and databases; there is no server then.
  @Test(arguments: [
    "mlruns", "file:/tmp/mlruns", "sqlite:///m.db", "databricks", "http://", "http://:5000",
    "http://u:p@h", "http://h/?a=b", "http://h/a b", "HTTP://h",
  ])
  func whatIsNoAddressIsRefused(text: String) {
    #expect(problems("mlflow.tracking_uri: '\(text)'").count == 1)
  }

  @Test(arguments: ["a'b", "a/b", "a:b", "a\\\"b"]) func namesHaveNoQuotes(text: String) {
    #expect(problems("mlflow.model: \"\(text)\"").count == 1)
  }

  @Test func secretsAreNotShown() throws {
    let shown = SettingsRendering.effective(
      try load("mlflow: {token: verysecret, password: quitesecret}"))
    #expect(!shown.contains("verysecret") && !shown.contains("quitesecret"))
  }
}
