import Console
import EngineMetrics
import LMDBStore
import Metrics
import Streams

/// All metrics of a running daemon: what its stages' events add up to, and what is read when
/// somebody asks.
struct DaemonMetrics: Sendable {
  static let build = Info<VersionLabels>("projectionist_build", "The program that runs")

  static let families =
    [build.family] + EngineMetrics.families + StoreReadings.families + ProcessReadings.families

  struct VersionLabels: MetricLabels {
    static let names = ["version"]
    var version: String
    var values: [String] { [version] }
  }

  private let engine: EngineMetrics
  private let storage: LMDBStorage
  private let started: Int64

  /// - Parameter time: milliseconds since 1970.
  init(storage: LMDBStorage, time: @escaping @Sendable () -> Int64) {
    self.storage = storage
    engine = EngineMetrics(time: time)
    started = time()
  }

  /// Takes the events of all stages.
  var sink: EventSink { engine.sink }

  /// What a scrape is answered with.
  ///
  /// - Parameter accept: the value of the request's header `Accept`; `nil` if it has none.
  func page(accept: String?) -> MetricsPage {
    var build = MetricStore([Self.build.family])
    build.set(Self.build, VersionLabels(version: ProductVersion.text))
    return MetricsPage(
      [build] + engine.collect()
        + [StoreReadings.read(storage), ProcessReadings.read(started: started)],
      accept: accept)
  }
}
