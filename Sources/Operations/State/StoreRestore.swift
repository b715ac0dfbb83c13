package import Configuration
import Console
import EventLog
import KafkaLog
package import LMDBStore
package import Logging
import Pipeline
import StateStore
import Streams
import Wiring

/// Puts copies of stores in place, for the next start of the daemon.
package struct StoreRestore {
  private let copies: LMDBStorage
  private let settings: Settings
  private let logger: Logger
  /// Whether stores that are there are replaced.
  private let replaces: Bool

  package init(from copies: LMDBStorage, _ settings: Settings, _ logger: Logger, replaces: Bool) {
    self.copies = copies
    self.settings = settings
    self.logger = logger
    self.replaces = replaces
  }

  package func restore(_ places: [StorePlace]) throws -> [CopyManifest] {
    let storage = settings.storage
    let cluster = StoreCopy.clusterID(settings, logger)
    let lock = try storage.lock()
    // All are checked before the first is put in place.
    let manifests = try places.map { place in
      let path = "\(copies.root)/\(place.stage)/\(place.partition)"
      let manifest = try CopyManifest.read(path)
      if let mismatch = manifest.mismatch(
        place, application: settings.application, clusterID: cluster)
      {
        throw CommandFailure(.failure, "\(path) can't be restored: \(mismatch)")
      }
      let origin = try place.open().snapshot().origin()
      if let difference = try place.difference(
        of: origin, settings, clusterID: cluster, settings.makeQuietLog(logger))
      {
        throw CommandFailure(
          .failure, "\(path) can't be restored: store_of_another_log: the copy \(difference)")
      }
      let isThere = try storage.partitions(stage: place.stage).contains(place.partition)
      guard replaces || !isThere else {
        throw CommandFailure(
          .failure,
          "there is a store of \(place.description) in \(storage.root) already; "
            + "--force replaces it")
      }
      return manifest
    }
    for place in places {
      try storage.install(
        from: copies, stage: place.stage, partition: place.partition, replaces: replaces)
    }
    withExtendedLifetime(lock) {}
    return manifests
  }
}
