import Console
import EventLog
import Logging
import Streams
import Testing

@testable import DaemonRuntime

@Suite struct ShutdownTests {
  @Test func theFirstStageThatFailsDecidesTheExitCode() {
    let shutdown = Shutdown(deadline: .seconds(3600), logger: Logger(label: "test"))
    #expect(shutdown.failure == nil && !shutdown.stop.isStopped)
    shutdown.stageFailed("user", .log(LogError(.denied, "no right", reaction: .stopDaemon)))
    shutdown.stageFailed("movie", .failed(Reason(.stateLost, "lost"), .stopDaemon))
    #expect(shutdown.failure == .denied && shutdown.stop.isStopped)
  }
}
