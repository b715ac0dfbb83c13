extension SettingKey {
  static let tracking: [SettingKey] = [
    SettingKey(
      "mlflow.tracking_uri", \.mlflow.trackingURI, .webAddress,
      "The MLflow server that shows each model as a run and a registered version; empty for none."
        + " Nothing waits for it, and what it missed is sent later.",
      aliases: ["MLFLOW_TRACKING_URI"]),
    SettingKey(
      "mlflow.experiment", \.mlflow.experiment, .unquotedName,
      "The experiment with the runs; empty: the application's name, after topics.prefix and a dot."),
    SettingKey(
      "mlflow.model", \.mlflow.model, .unquotedName,
      "The registered model with the versions; empty: named as the experiment of that default."),
    SettingKey(
      "mlflow.token", \.mlflow.token, .anyText, "The token to log in with, if any.",
      aliases: ["MLFLOW_TRACKING_TOKEN"], isSecret: true),
    SettingKey(
      "mlflow.token_file", \.mlflow.tokenFile, .anyText,
      "A file with the token instead, read again when MLflow refuses what it held."),
    SettingKey(
      "mlflow.username", \.mlflow.username, .anyText,
      "The user to log in as, where there is no token.", aliases: ["MLFLOW_TRACKING_USERNAME"]),
    SettingKey(
      "mlflow.password", \.mlflow.password, .anyText, "The user's password.",
      aliases: ["MLFLOW_TRACKING_PASSWORD"], isSecret: true),
    SettingKey(
      "mlflow.password_file", \.mlflow.passwordFile, .anyText,
      "A file with the password instead, read again when MLflow refuses what it held."),
    SettingKey(
      "mlflow.ca_file", \.mlflow.authorityFile, .anyText,
      "A PEM file with the authorities that may sign MLflow's certificate; empty: the system's.",
      aliases: ["MLFLOW_TRACKING_SERVER_CERT_PATH"]),
    SettingKey(
      "mlflow.timeout_ms", \.mlflow.timeout, .milliseconds(1_000...3_600_000),
      "How long a call may go without a single byte before it is given up."),
    SettingKey(
      "mlflow.interval_ms", \.mlflow.interval, .milliseconds(1_000...86_400_000),
      "How often MLflow is compared with the log where the log has not changed."),
  ]
}

extension SettingType<String> {
  /// An address of the web, or nothing.
  static let webAddress = SettingType(
    expected: "http:// or https:// and a host, without user and password, or nothing",
    parse: { text in
      if text.isEmpty { return text }
      guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return nil }
      let rest = text.dropFirst(scheme.count)
      let host = rest.prefix { $0 != "/" }
      let isPlain = rest.unicodeScalars.allSatisfy {
        $0.isASCII && $0.value > 0x20 && !"@?#\"<>\\^`{|}".unicodeScalars.contains($0)
      }
      return !host.isEmpty && !host.hasPrefix(":") && isPlain ? text : nil
    }, format: { $0 })

  /// A name that can stand in quotes in a filter.
  static let unquotedName = SettingType(
    expected: "text of at most 200 characters without quotes, slashes, backslashes and colons",
    parse: { text in
      text.count <= 200
        && text.unicodeScalars.allSatisfy {
          $0.value >= 0x20 && !"'\"`/\\:".unicodeScalars.contains($0)
        } ? text : nil
    }, format: { $0 })
}
