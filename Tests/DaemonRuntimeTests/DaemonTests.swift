import Configuration
import LMDBStore
import Logging
import Pipeline
import Streams
import Testing

@testable import DaemonRuntime

@Suite struct DaemonTests {
  @Test func everyStageHasItsOperator() {
    let settings = Settings()
    let directory = PartitionDirectory<LMDBStore>()
    let programs = Daemon.programs(
      settings, cluster: "c", counts: settings.partitionCounts, directory: directory,
      requests: directory,
      predictEnvironment: {
        PredictEnvironment(
          topology: settings.topology, monitor: PredictMonitor(),
          logger: Logger(label: "test"), now: { .now }, time: { 0 })
      })
    #expect(programs.map(\.declaration) == settings.topology.stages)
    for program in programs {
      #expect((program.followed == nil) == (program.declaration.follows == nil))
    }
  }
}
