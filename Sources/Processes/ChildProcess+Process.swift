import Dispatch
import Foundation
import Synchronization

extension ChildProcess {
  /// The kernel's process: a thread waits for its end and reaps it.
  final class Process: Sendable {
    let id: pid_t
    private let ending = Mutex<Outcome?>(nil)
    private let ended = DispatchGroup()

    private init(_ id: pid_t, outlives: Bool) {
      self.id = id
      if !outlives { Self.living.withLock { _ = $0.insert(id) } }
      ended.enter()
    }

    /// Starts a child and waits for it on a new thread: the kernel kills a child when the thread
    /// that has started it ends.
    ///
    /// - Parameters:
    ///   - outlives: whether the child is to outlive this process, which `killAll` respects.
    ///   - spawn: returns the child's id, or the negative of an error code.
    /// - Returns: the error code if there is no child.
    static func start(outlives: Bool, _ spawn: @escaping @Sendable () -> pid_t)
      -> Result<Process, StartError>
    {
      let started = Mutex<Result<Process, StartError>?>(nil)
      let isDecided = DispatchSemaphore(value: 0)
      let thread = Thread {
        let id = spawn()
        let process = id > 0 ? Process(id, outlives: outlives) : nil
        started.withLock { $0 = process.map { .success($0) } ?? .failure(StartError(code: -id)) }
        isDecided.signal()
        process?.reap()
      }
      thread.name = "child"
      thread.stackSize = 256 << 10
      thread.start()
      isDecided.wait()
      return started.withLock { $0 } ?? .failure(StartError(code: ECHILD))
    }

    struct StartError: Error {
      var code: Int32
    }

    /// How it has ended; `nil` while it runs.
    var outcome: Outcome? { ending.withLock { $0 } }

    /// Waits for its end; `nil` when the deadline is over first.
    func wait(_ deadline: Duration) -> Outcome? {
      _ = ended.wait(timeout: .now() + deadline / .seconds(1))
      return outcome
    }

    /// Sends a signal unless it has ended.
    func signal(_ number: Int32) {
      ending.withLock { ending in
        // Not reaped, so the id still names this process.
        if ending == nil { _ = Glibc.kill(id, number) }
      }
    }

    private func reap() {
      // Leaves the process unreaped, so that its id stays valid until the lock is held.
      var info = siginfo_t()
      while waitid(P_PID, id_t(id), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
      ending.withLock { ending in
        var status: Int32 = 0
        while waitpid(id, &status, 0) != id, errno == EINTR {}
        ending = Outcome(status: status)
        Self.living.withLock { _ = $0.remove(id) }
      }
      ended.leave()
    }

    // MARK: All children

    private static let living = Mutex<Set<pid_t>>([])

    /// Ends every child at once, without waiting.
    static func killAll() {
      living.withLock { for id in $0 { _ = Glibc.kill(id, SIGKILL) } }
    }
  }
}
