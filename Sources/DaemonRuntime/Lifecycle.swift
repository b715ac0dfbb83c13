import Console
import Foundation
package import Logging
import ServiceLifecycle
package import UnixSignals

/// Runs a service until SIGTERM, SIGINT or its own end, with a deadline for stopping.
package struct Lifecycle<Signals: AsyncSequence<UnixSignal, Never> & Sendable>: Sendable {
  /// How long the services may take to stop; `nil` for any time.
  let deadline: Duration?
  let logger: Logger
  let signals: Signals
  /// Ends the process; called after the second signal.
  let end: @Sendable () -> Void

  init(
    deadline: Duration?, signals: Signals, logger: Logger, end: @escaping @Sendable () -> Void
  ) {
    self.deadline = deadline
    self.signals = signals
    self.logger = logger
    self.end = end
  }

  /// Returns once the service has ended.
  ///
  /// - Parameters:
  ///   - name: of the service in debug lines.
  ///   - first: called after the first signal, before the service is asked to stop.
  /// - Throws: what the service throws; `CancellationError` when the deadline is over.
  func run(
    _ name: String, _ service: any Service, onSignal first: @escaping @Sendable () -> Void = {}
  ) async throws {
    let group = ServiceGroup(configuration: configuration([]))
    let termination = Termination(
      signals: signals,
      first: {
        first()
        await group.triggerGracefulShutdown()
      }, second: end)
    // Services stop in the reverse order, so the second signal is heard until the end.
    for (name, service) in [("signals", termination as any Service), (name, service)] {
      await group.addServiceUnlessShutdown(.stopsGroup(name, service))
    }
    try await group.run()
  }

  /// Returns after the first signal.
  package func runUntilSignal() async throws { try await run("idle", IdleService()) }

  /// Services that start in this order and stop in the reverse one, as soon as one of them fails or
  /// the service that runs the group is to stop.
  func group(_ services: [(name: String, service: any Service)]) -> ServiceGroup {
    ServiceGroup(configuration: configuration(services.map { .stopsGroup($0.name, $0.service) }))
  }

  private func configuration(_ services: [ServiceGroupConfiguration.ServiceConfiguration])
    -> ServiceGroupConfiguration
  {
    var configuration = ServiceGroupConfiguration(services: services, logger: logger)
    configuration.maximumGracefulShutdownDuration = deadline
    return configuration
  }
}

extension Lifecycle where Signals == UnixSignalsSequence {
  /// Catches the process's signals from now on.
  package init(deadline: Duration? = nil, logger: Logger) async {
    // 128 + SIGTERM's number, as a shell reports it.
    let secondSignalStatus: Int32 = 143
    // Whoever starts it with nohup(1) wants it to outlive the terminal.
    let signals: [UnixSignal] =
      SignalDisposition.isIgnored(SIGHUP) ? [.sigterm, .sigint] : [.sigterm, .sigint, .sighup]
    self.init(
      deadline: deadline, signals: await UnixSignalsSequence(trapping: signals),
      logger: logger, end: { _exit(secondSignalStatus) })
  }
}

/// Does nothing until it is to stop.
private struct IdleService: Service {
  func run() async throws {
    // Throws only when the task is cancelled, which ends the service as well.
    try? await gracefulShutdown()
  }
}

extension ServiceGroupConfiguration.ServiceConfiguration {
  fileprivate static func stopsGroup(_ name: String, _ service: any Service) -> Self {
    Self(
      service: service, successTerminationBehavior: .gracefullyShutdownGroup,
      failureTerminationBehavior: .gracefullyShutdownGroup, serviceName: name)
  }
}
