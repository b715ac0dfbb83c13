package import Console
package import Foundation
import Synchronization

/// A child process, killed when this object goes.
///
/// It has a process group of its own: a Ctrl-C in the terminal reaches only this process, which
/// then ends its children in the right order. swift-subprocess does not serve: its handle is valid
/// only inside an async closure, and here an object owns the process and kills it in `deinit`.
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
    process = Process(
      try Self.spawn(
        name, executable == Self.ownExecutable ? Self.resolvedOwnExecutable : executable, arguments,
        output, removing))
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

  // MARK: Spawning

  private static var resolvedOwnExecutable: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: ownExecutable)) ?? ownExecutable
  }

  private static func spawn(
    _ name: String, _ executable: String, _ arguments: [String], _ output: Output,
    _ removing: Set<String>
  ) throws(CommandFailure) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    if let path = output.path {
      let flags = O_WRONLY | O_CREAT | O_APPEND
      posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, path, flags, 0o600)
      posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    setGroupAndSignals(&attributes)
    var environment = ProcessInfo.processInfo.environment
    for name in removing { environment[name] = nil }
    var process: pid_t = 0
    let code = withArguments([executable] + arguments) { arguments in
      withArguments(environment.map { "\($0)=\($1)" }) { environment in
        posix_spawnp(&process, executable, &actions, &attributes, arguments, environment)
      }
    }
    guard code == 0 else {
      throw CommandFailure(.failure, "\(name) can't be started: \(String(cString: strerror(code)))")
    }
    return process
  }

  /// Signals this process ignores or blocks must have their ordinary effect on the child.
  private static func setGroupAndSignals(_ attributes: inout posix_spawnattr_t) {
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&signals, signal) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
    posix_spawnattr_setflags(&attributes, Int16(flags))
  }

  private static func withArguments<R>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R
  ) -> R {
    let pointers = texts.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers + [nil])
  }
}

extension ChildProcess.Output {
  fileprivate var path: String? {
    switch self {
    case .nowhere: "/dev/null"
    case .file(let path): path
    case .inherited: nil
    }
  }
}
