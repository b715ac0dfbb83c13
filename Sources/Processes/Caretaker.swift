package import Console
import Foundation
import Synchronization

/// A process that outlives this one, to clean up after it however it ends.
///
/// It gets a pipe as its standard input, whose other end only this process holds. The pipe ends
/// when this process asks for it, or ends itself: then the caretaker does its work.
package final class Caretaker: Sendable {
  private let process: ChildProcess.Process
  private let pipes: Pipes

  /// - Parameter executable: this program itself unless another is named.
  package init(
    _ name: String, executable: String = ChildProcess.ownExecutable, arguments: [String],
    removing: Set<String> = []
  ) throws(CommandFailure) {
    var spawn = Spawn(name, executable: executable, arguments: arguments, removing: removing)
    spawn.outlives = true
    let input = try Self.makePipe(name)
    defer { close(input.reading) }
    let output: (reading: Int32, writing: Int32)
    do { output = try Self.makePipe(name) } catch {
      close(input.writing)
      throw error
    }
    defer { close(output.writing) }
    spawn.input = input.reading
    spawn.outputDescriptor = output.writing
    pipes = Pipes(input: input.writing, output: output.reading)
    process = try spawn.start()
  }

  /// How it has ended; `nil` while it runs.
  package func poll() -> ChildProcess.Outcome? { process.outcome }

  /// Has it do its work now.
  ///
  /// - Returns: what it has printed, and how it has ended; `nil` for an end that did not come by
  ///   the deadline. It goes on then.
  package func finish(_ deadline: Duration) -> (text: String, outcome: ChildProcess.Outcome?) {
    pipes.endInput()
    let outcome = process.wait(deadline)
    return (outcome == nil ? "" : pipes.readOutput(), outcome)
  }

  private static func makePipe(_ name: String) throws(CommandFailure) -> (
    reading: Int32, writing: Int32
  ) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw CommandFailure(.failure, "no pipe to \(name): \(String(cString: strerror(errno)))")
    }
    // No other child may hold an end open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}

/// The ends that this process holds.
private final class Pipes: Sendable {
  private let input: Mutex<Int32?>
  private let output: Int32

  init(input: Int32, output: Int32) {
    self.input = Mutex(input)
    self.output = output
  }

  deinit {
    endInput()
    close(output)
  }

  func endInput() {
    input.withLock { descriptor in
      if let open = descriptor { close(open) }
      descriptor = nil
    }
  }

  /// What was printed, once whoever has printed it has ended; a pipe's room at most.
  func readOutput() -> String {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    let count = read(output, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
  }
}
