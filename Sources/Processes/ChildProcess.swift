package import Console
package import Foundation

/// A child process, killed when this object goes.
///
/// It has a process group of its own: a Ctrl-C in the terminal reaches only this process, which
/// then ends its children in the right order. Where this process ends without that, by `kill -9`
/// say, the kernel kills the child. swift-subprocess does not serve: its handle is valid only
/// inside an async closure, and here an object owns the process and kills it in `deinit`.
package final class ChildProcess: Sendable {
  /// Where what the child prints goes.
  package enum Output: Sendable {
    case nowhere
    /// Standard output and error appended to a file, readable by its owner only.
    case file(String)
    /// As this process's own.
    case inherited
  }

  /// How a process ended.
  package enum Outcome: Hashable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signaled(Int32)

    /// - Parameter status: as `waitpid` reports it; see wait(2).
    package init(status: Int32) {
      let signal = status & 0x7f
      self = signal == 0 ? .exited(status >> 8 & 0xff) : .signaled(signal)
    }

    package var description: String {
      switch self {
      case .exited(let status): "exited with \(status)"
      case .signaled(let number): "was ended by signal \(number)"
      }
    }
  }

  /// This program's own file, to start it again.
  package static let ownExecutable = "/proc/self/exe"

  /// Its name in messages.
  package let name: String
  private let process: Process

  package var processID: pid_t { process.id }

  /// - Parameters:
  ///   - executable: a path, or a name to look for in the PATH.
  ///   - removing: environment variables the child must not inherit.
  package init(
    _ name: String, executable: String, arguments: [String], output: Output = .nowhere,
    removing: Set<String> = []
  ) throws(CommandFailure) {
    self.name = name
    process = try Spawn(
      name, executable: executable, arguments: arguments, output: output, removing: removing
    ).start()
  }

  deinit { kill() }

  /// How it has ended; `nil` while it runs.
  package func poll() -> Outcome? { process.outcome }

  /// Waits for its end; `nil` when the deadline is over first.
  package func wait(_ deadline: Duration) -> Outcome? { process.wait(deadline) }

  /// Asks it to end, and ends it when it has not by the deadline.
  @discardableResult
  package func terminate(_ deadline: Duration) -> Outcome {
    process.signal(SIGTERM)
    return wait(deadline) ?? kill()
  }

  /// Ends it at once and waits until it is gone.
  @discardableResult
  package func kill() -> Outcome {
    while true {
      process.signal(SIGKILL)
      if let outcome = wait(.seconds(1)) { return outcome }
    }
  }

  /// Ends every child at once, without waiting: for a process that is about to exit.
  static func killAll() { Process.killAll() }
}
