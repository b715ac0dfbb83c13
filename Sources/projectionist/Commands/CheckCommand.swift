import ArgumentParser
import Configuration
import Console
import Foundation
import KafkaLog
import Logging
import Operations

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check the configuration and everything it points to, before a start.",
    discussion: "Exits with 0 if every check passes, otherwise with the first failure's code.")

  @OptionGroup var common: CommonOptions
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let findings = findings()
    if json {
      print(try JSONText.of(findings))
    } else {
      for finding in findings { print(finding.description) }
    }
    if let failed = findings.first(where: { !$0.ok }) { throw ExitCode(failed.status.rawValue) }
  }

  private func findings() -> [CheckFinding] {
    let settings: Settings
    let logger: Logger
    do {
      (settings, logger) = try common.start("check")
    } catch {
      return [
        CheckFinding(
          "configuration", failed: .configuration, error.description,
          advice: "correct it; `projectionist config` explains every key")
      ]
    }
    let findings = [
      CheckFinding(
        "configuration",
        ok: common.source.fileInUse.map { "\($0) is valid" } ?? "no file; the defaults are valid")
    ]
    return findings + InstallationCheck.findings(settings, logger)
  }
}
