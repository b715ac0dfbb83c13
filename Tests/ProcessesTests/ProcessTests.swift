import Foundation
import RedisProjection
import Testing

@testable import Console
@testable import Processes

@Suite("Child processes")
struct ProcessTests {
  @Test("the outcome tells the exit code, or the signal")
  func outcome() throws {
    let child = try ChildProcess("sh", executable: "sh", arguments: ["-c", "exit 3"])
    #expect(child.wait(.seconds(20)) == .exited(3))
    let killed = try ChildProcess("sh", executable: "sh", arguments: ["-c", "kill -KILL $$"])
    #expect(killed.wait(.seconds(20)) == .signaled(SIGKILL))
  }

  @Test("what is not there can't be started")
  func missing() {
    #expect(throws: CommandFailure.self) {
      try ChildProcess("nothing", executable: "/nonexistent/program", arguments: [])
    }
  }

  @Test("it ends when asked, although this process ignores the signal")
  func terminate() throws {
    signal(SIGTERM, SIG_IGN)
    defer { signal(SIGTERM, SIG_DFL) }
    let child = try ChildProcess("sleep", executable: "sleep", arguments: ["600"])
    #expect(child.poll() == nil)
    #expect(child.terminate(.seconds(20)) == .signaled(SIGTERM))
  }

  @Test("one that does not end when asked is ended")
  func stubborn() throws {
    let directory = try TemporaryDirectory("test")
    let file = directory.file("output")
    let child = try ChildProcess(
      "sh", executable: "sh", arguments: ["-c", "trap '' TERM; echo ready; exec sleep 600"],
      output: .file(file))
    let deadline = ContinuousClock.now + .seconds(20)
    while (try? String(contentsOfFile: file, encoding: .utf8)) != "ready\n" {
      try #require(ContinuousClock.now < deadline)
      #expect(child.wait(.milliseconds(5)) == nil)
    }
    #expect(child.terminate(.milliseconds(50)) == .signaled(SIGKILL))
  }

  @Test("it is gone when its object is")
  func scope() throws {
    let process: pid_t
    do {
      let child = try ChildProcess("sleep", executable: "sleep", arguments: ["600"])
      process = child.processID
      #expect(kill(process, 0) == 0)
    }
    #expect(kill(process, 0) == -1 && errno == ESRCH)
  }

  @Test("a redis-server of our own answers, and leaves nothing behind")
  func redis() throws {
    let directory = try TemporaryDirectory("test")
    let server = try RedisServerProcess(directory: directory)
    try RedisConnection(server.configuration).ping()
    server.stop()
    #expect(throws: RedisError.self) { try RedisConnection(server.configuration).ping() }
    directory.remove()
    #expect(!FileManager.default.fileExists(atPath: directory.path))
  }
}
