import Foundation
import Testing

@testable import Console

@Suite struct OutputFileTests {
  @Test func whatCanNotBeWrittenIsKnownBeforeTheWork() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let file = directory.appending(path: "lists.csv").path
    try OutputFile.check(file)
    try OutputFile.check("-")
    try OutputFile.check("lists.csv")
    #expect(!FileManager.default.fileExists(atPath: file))
    try Data("kept".utf8).write(to: URL(fileURLWithPath: file))
    try OutputFile.check(file)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "kept")
    let error = #expect(throws: CommandFailure.self) {
      try OutputFile.check(directory.appending(path: "nowhere/lists.csv").path)
    }
    #expect(error?.message.hasSuffix("can't be written: No such file or directory") == true)
  }
}
