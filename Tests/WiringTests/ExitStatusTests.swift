import EventLog
import LMDBStore
import RedisProjection
import StateStore
import Streams
import Testing
import Wiring

@testable import Configuration
@testable import Console

@Suite struct ExitStatusTests {
  @Test func errorsHaveTheirExitCodes() {
    let unavailable = LogError(.unavailable, "no broker", reaction: .retry)
    #expect(ExitStatus(of: unavailable as any Error) == .unavailable)
    let denied = LogError(.denied, "no right", reaction: .stopDaemon)
    #expect(ExitStatus(of: denied as any Error) == .denied)
    #expect(ExitStatus(of: ConfigurationError(problems: ["x"])) == .configuration)
    #expect(ExitStatus(of: CommandFailure(.alreadyRunning, "x")) == .alreadyRunning)
    func status(_ condition: RedisCondition) -> Console.ExitStatus? {
      Console.ExitStatus(of: RedisError(condition, at: "Redis", "x"))
    }
    #expect(status(.outOfMemory) == .unavailable && status(.passwordWrong) == .denied)
    #expect(status(.tls) == .configuration && status(.wrongType) == .failure)
    #expect(ExitStatus(of: RootLockError.held("x")) == .alreadyRunning)
    #expect(ExitStatus(of: RootLockError.store(StoreError("x", remedy: .stop))) == .failure)
    #expect(ExitStatus(of: StageError.log(denied)) == .denied)
    #expect(ExitStatus(of: StageError.failed(Reason(.stateLost, "x"), .stopDaemon)) == .failure)
    for code in [
      Reason.Code.foreignOffset, .storeOfAnotherLog, .topicRecreated, .offsetBelowLogStart,
      .offsetBeyondLogEnd,
    ] {
      let failure = StageError.failed(Reason(code, "x"), .stopDaemon)
      #expect(ExitStatus(of: failure) == .stateDiffers, "as `check` has it")
    }
    #expect(ExitStatus(of: CancellationError()) == nil)
  }
}
