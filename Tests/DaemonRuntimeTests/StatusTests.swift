import Logging
import Pipeline
import Streams
import Testing

@testable import DaemonRuntime

@Suite struct StatusTests {
  @Test func theStatusLineTellsOfARestore() {
    var status = StageStatus(stage: "user")
    status.phase = .restoring(
      RestoreStatus(
        changelog: "app-user-changelog", partitions: 1, applied: 250, total: 1_000, elapsed: .zero))
    let restoring = StatusReporter.metadata(of: status, records: 0, seconds: 10)
    #expect(restoring?["restoring"] == "app-user-changelog" && restoring?["percent"] == "25")
    #expect(restoring?["changelog_lag"] == "750")
    status.phase = .running
    #expect(StatusReporter.metadata(of: status, records: 0, seconds: 10) == nil)
    let running = StatusReporter.metadata(of: status, records: 50, seconds: 10)
    #expect(running?["events_per_second"] == "5" && running?["restoring"] == nil)
  }

  @Test func theStatusLineTellsWhatPredictDid() {
    var status = PredictStatus()
    status.personal = 5
    status.late = 2
    status.keptModels = ["a", "b"]
    let plain = StatusReporter.metadata(of: status)
    #expect(plain["late"] == "2" && plain["personal"] == "5" && plain["model"] == "none")
    #expect(plain["kept_models"] == "a,b" && plain["shadow_overlap_at_10"] == nil)
    status.modelVersion = "b"
    status.shadows = 3
    status.shadowOverlapSum = 2
    let shadowed = StatusReporter.metadata(of: status)
    #expect(shadowed["model"] == "b" && shadowed["shadow_overlap_at_10"] == "0.667")
  }
}
