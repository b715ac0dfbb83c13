/// Writes settings as YAML: the documented default file, and what is in force with its origins.
package enum SettingsRendering {
  /// The text of `deploy/projectionist.yaml`.
  package static func documentedDefaults() -> String {
    let defaults = Settings()
    var lines = header
    var group: String?
    for key in SettingKey.all {
      let (keyGroup, name) = split(key.path)
      let indent = keyGroup == nil ? "" : "  "
      lines.append("")
      if keyGroup != group, let keyGroup { lines.append("\(keyGroup):") }
      group = keyGroup
      lines += comment(of: key, indent: indent)
      lines.append("\(indent)\(name): \(scalar(key.read(defaults)))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Every key in force with where it comes from. Secrets are masked.
  package static func effective(_ loaded: LoadedSettings) -> String {
    rows(loaded).map { row in
      let origin = loaded.origins[row.path].map(\.description) ?? "default"
      return "\(row.path): \(scalar(row.value))  # \(origin)\n"
    }.joined()
  }

  /// Every key in force, secrets masked, librdkafka's in order of their names.
  package static func rows(_ loaded: LoadedSettings) -> [(path: String, value: RawSetting)] {
    var rows: [(path: String, value: RawSetting)] = []
    for key in SettingKey.all {
      let value = key.read(loaded.settings)
      rows.append((key.path, key.isSecret && value != .text("") ? masked : value))
      guard key.path == "kafka.bootstrap.servers" else { continue }
      for (property, value) in loaded.settings.kafka.sorted(by: { $0.key < $1.key })
      where property != "bootstrap.servers" {
        rows.append(("kafka.\(property)", isSecret(property) ? masked : .text(value)))
      }
    }
    return rows
  }

  private static let masked = RawSetting.text("********")

  /// Whether a property of librdkafka holds a secret.
  package static func isSecret(_ property: String) -> Bool {
    ["password", "secret", "key.pem", "jaas", "oauthbearer.config", "assertion"].contains {
      property.contains($0)
    }
  }

  private static let header = [
    "# The configuration of projectionist: every key with its default.",
    "# Printed by `projectionist config`; read as ./projectionist.yaml, or named by --config FILE.",
    "#",
    "# The environment stands over this file, and flags (--set redis.port=6380) over both. Every key",
    "# has its variable, PROJECTIONIST_REDIS_PORT for redis.port; others that work are named below.",
  ]

  private static func split(_ path: String) -> (group: String?, name: String) {
    guard let dot = path.firstIndex(of: ".") else { return (nil, path) }
    return (String(path[..<dot]), String(path[path.index(after: dot)...]))
  }

  private static func comment(of key: SettingKey, indent: String) -> [String] {
    var facts = "Expected: \(key.expected)."
    let others = key.environment.dropLast()
    if !others.isEmpty { facts += " Also set by \(others.joined(separator: ", "))." }
    return [key.documentation, facts]
      .flatMap { wrapped($0, width: 100 - indent.count - 2) }.map { "\(indent)# \($0)" }
  }

  private static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] += " \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  private static func scalar(_ value: RawSetting) -> String {
    switch value {
    case .text(let text): quoted(text)
    case .list(let elements): "[\(elements.map(quoted).joined(separator: ", "))]"
    }
  }

  /// A plain scalar where YAML allows one without doubt, a double-quoted one otherwise.
  private static func quoted(_ text: String) -> String {
    let isPlain =
      text.first.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "/") } == true
      && text.last != ":"
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-/:@".contains($0)) }
    guard !isPlain else { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20:
        quoted += "\\x" + String(scalar.value + 0x100, radix: 16).dropFirst()
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
