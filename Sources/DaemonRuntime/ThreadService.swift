import Console
import ServiceLifecycle
import Streams

/// A stage can't go on.
struct StageFailure: Error {
  /// What the daemon exits with.
  var status: ExitStatus
}

/// Runs a blocking loop on an OS thread of its own.
struct ThreadService: Service {
  let threads: BlockingThreads
  let name: String
  var niceness: Int32 = 0
  /// Ends the loop. All threads share it, so that they finish their batches at the same time
  /// although the group stops its services one by one.
  let stop: StopSignal
  let body: @Sendable () throws -> Void

  func run() async throws {
    try await withGracefulShutdownHandler {
      try await threads.run(name, niceness: niceness, body)
    } onGracefulShutdown: {
      stop.stop()
    }
    // The group regards a service that ends before its turn as failed. Waiting throws only when the
    // task is cancelled, which ends the service as well.
    try? await gracefulShutdown()
  }
}
