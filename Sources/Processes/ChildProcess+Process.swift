import Dispatch
import Foundation
import Synchronization

extension ChildProcess {
  /// The kernel's process: a thread waits for its end and reaps it.
  final class Process: Sendable {
    let id: pid_t
    private let ending = Mutex<Outcome?>(nil)
    private let ended = DispatchGroup()

    /// - Parameter id: of a child that has just been started.
    init(_ id: pid_t) {
      self.id = id
      Self.living.withLock { _ = $0.insert(id) }
      ended.enter()
      let thread = Thread { [self] in
        reap()
        ended.leave()
      }
      thread.name = "child-\(id)"
      thread.stackSize = 256 << 10
      thread.start()
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
    }

    // MARK: All children

    private static let living = Mutex<Set<pid_t>>([])

    /// Ends every child at once, without waiting.
    static func killAll() {
      living.withLock { for id in $0 { _ = Glibc.kill(id, SIGKILL) } }
    }
  }
}
