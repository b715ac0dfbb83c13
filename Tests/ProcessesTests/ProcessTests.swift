import Dispatch
import Foundation
import RedisProjection
import Synchronization
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

  @Test("several threads can wait for its end")
  func waiters() throws {
    let child = try ChildProcess("sleep", executable: "sleep", arguments: ["600"])
    #expect(child.wait(.zero) == nil)
    let outcomes = Mutex<[ChildProcess.Outcome?]>([])
    let waiting = DispatchGroup()
    for _ in 1...2 {
      waiting.enter()
      Thread {
        let outcome = child.wait(.seconds(20))
        outcomes.withLock { $0.append(outcome) }
        waiting.leave()
      }.start()
    }
    child.terminate(.seconds(20))
    try #require(waiting.wait(timeout: .now() + 20) == .success)
    #expect(outcomes.withLock { $0 } == [.signaled(SIGTERM), .signaled(SIGTERM)])
    #expect(child.poll() == .signaled(SIGTERM))
  }

  @Test("its output goes to the end of a private file, without the removed variables")
  func output() throws {
    setenv("PROCESS_TESTS_VALUE", "inherited", 1)
    defer { unsetenv("PROCESS_TESTS_VALUE") }
    let directory = try TemporaryDirectory("test")
    let file = directory.file("output")
    for removing in [[], ["PROCESS_TESTS_VALUE"]] as [Set] {
      let child = try ChildProcess(
        "sh", executable: "sh", arguments: ["-c", "echo ${PROCESS_TESTS_VALUE-none} >&2"],
        output: .file(file), removing: removing)
      #expect(child.wait(.seconds(20)) == .exited(0))
    }
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "inherited\nnone\n")
    let attributes = try FileManager.default.attributesOfItem(atPath: file)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
  }

  @Test("it leads a process group of its own")
  func group() throws {
    let child = try ChildProcess("sleep", executable: "sleep", arguments: ["600"])
    #expect(getpgid(child.processID) == child.processID)
  }

  @Test("it has no open file but its standard ones")
  func files() throws {
    let directory = try TemporaryDirectory("test")
    let output = directory.file("output")
    let open = open(directory.path, O_RDONLY)
    defer { close(open) }
    let child = try ChildProcess(
      "sh", executable: "sh", arguments: ["-c", "[ ! -e /proc/self/fd/\(open) ] && echo closed"],
      output: .file(output))
    #expect(child.wait(.seconds(20)) == .exited(0))
    #expect(try String(contentsOfFile: output, encoding: .utf8) == "closed\n")
  }

  @Test("a caretaker does its work when asked, in a session of its own, and says what it did")
  func caretaker() throws {
    let caretaker = try Caretaker(
      "sh", executable: "sh", arguments: ["-c", "cat; ps -o sid= -p $$ | tr -d ' '; echo $$"])
    #expect(caretaker.poll() == nil)
    let (text, outcome) = caretaker.finish(.seconds(20))
    #expect(outcome == .exited(0))
    let lines = text.split(separator: "\n")
    #expect(lines.count == 2 && lines.first == lines.last, "\(text)")
  }

  @Test("a caretaker that is late goes on")
  func lateCaretaker() throws {
    let directory = try TemporaryDirectory("test")
    let caretaker = try Caretaker(
      "sh", executable: "sh",
      arguments: ["-c", "cat; until [ -e \(directory.file("go")) ]; do sleep 0.01; done"])
    #expect(caretaker.finish(.milliseconds(20)).outcome == nil)
    try Data().write(to: URL(fileURLWithPath: directory.file("go")))
    #expect(caretaker.finish(.seconds(20)).outcome == .exited(0))
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
