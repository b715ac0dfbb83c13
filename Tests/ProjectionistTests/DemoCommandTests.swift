import ArgumentParser
import Foundation
import Testing

@testable import projectionist

@Suite struct DemoCommandTests {
  @Test func aTimeoutIsUpToADay() throws {
    for seconds in ["0.5", "86400"] { _ = try DemoCommand.parse(["--timeout", seconds]) }
    for seconds in ["0", "-1", "86401", "inf", "nan"] {
      #expect(throws: (any Error).self) { try DemoCommand.parse(["--timeout=\(seconds)"]) }
    }
  }

  @Test func theScriptKnowsTheCommandsOptions() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let process = Process()
    process.executableURL = root.appending(path: "deploy/demo")
    process.arguments = ["--help"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let usage = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    // The script's own, and the parser's.
    let ignored: Set = ["--help", "--yes", "--version"]
    #expect(
      options(in: usage).subtracting(ignored)
        == options(in: DemoCommand.helpMessage(columns: 200)).subtracting(ignored))
  }

  /// Each with ` <` behind it if it takes a value.
  private func options(in usage: String) -> Set<String> {
    Set(
      usage.split(separator: "\n").compactMap { line in
        line.prefixMatch(of: #/  (?:-[a-z], )?(--[a-z-]+(?: <)?)/#).map { String($0.1) }
      })
  }
}
