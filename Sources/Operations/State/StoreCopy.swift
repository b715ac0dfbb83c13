package import Configuration
import Console
import Foundation
import KafkaLog
import LMDBStore
package import Logging
import StateStore
import Streams
import Synchronization
import Wiring

/// Copies one store, showing how far it is.
package struct StoreCopy: Sendable {
  private final class Outcome: Sendable {
    let result = Mutex<Result<CopyManifest, StoreError>?>(nil)
  }

  package let place: StorePlace
  package let application: String
  let clusterID: String?

  package init(_ place: StorePlace, application: String, clusterID: String?) {
    self.place = place
    self.application = application
    self.clusterID = clusterID
  }

  /// Copies all stores, into a directory that has none of their names.
  package static func all(
    _ places: [StorePlace], to directory: String, _ settings: Settings, _ logger: Logger
  ) throws -> [CopyManifest] {
    for place in places {
      let target = "\(directory)/\(place.stage)/\(place.partition)"
      guard !FileManager.default.fileExists(atPath: target) else {
        throw CommandFailure(.failure, "\(target) exists; choose another directory")
      }
    }
    let cluster = clusterID(settings, logger)
    return try places.map {
      try StoreCopy($0, application: settings.application, clusterID: cluster).make(in: directory)
    }
  }

  /// A copy is as good without it.
  static func clusterID(_ settings: Settings, _ logger: Logger) -> String? {
    do { return try settings.makeAdmin(logger).cluster().id } catch {
      logger.warning("the cluster's id is not known", metadata: ["reason": "\(error)"])
      return nil
    }
  }

  func make(in root: String) throws -> CopyManifest {
    let bytes = try place.open().statistics().usedBytes
    let partial = LMDBStorage.partialCopy(
      stage: place.stage, partition: place.partition, in: root)
    let outcome = Outcome()
    let ended = DispatchSemaphore(value: 0)
    var progress = ProgressBar("copy \(place.description)", unit: "bytes", goal: .count(bytes))
    DispatchQueue.global().async { [self] in
      outcome.result.withLock { result in
        do throws(StoreError) { result = .success(try copy(to: root)) } catch {
          result = .failure(error)
        }
      }
      ended.signal()
    }
    while ended.wait(timeout: .now() + .milliseconds(250)) == .timedOut {
      progress.update(fileSize(partial))
    }
    progress.close(bytes)
    guard let result = outcome.result.withLock({ $0 }) else {
      throw CommandFailure(.internalError, "the copy has ended without a result")
    }
    return try result.get()
  }

  private func copy(to root: String) throws(StoreError) -> CopyManifest {
    var manifest: CopyManifest?
    try place.storage.copy(stage: place.stage, partition: place.partition, to: root) {
      (directory, copied) throws(StoreError) in
      let made = try describe(copied)
      try made.write(to: directory)
      manifest = made
    }
    guard let manifest else { throw StoreError("the copy has no manifest", remedy: .stop) }
    return manifest
  }

  private func describe(_ copied: LMDBSnapshot) throws(StoreError) -> CopyManifest {
    let inputOffset: Int64?
    do throws(StageError) { inputOffset = try copied.inputOffset() } catch {
      throw StoreError("\(error)", remedy: .stop)
    }
    let origin = try copied.origin()
    return CopyManifest(
      application: application, stage: place.stage, partition: place.partition,
      changelogOffset: try copied.changelogOffset() ?? 0, inputOffset: inputOffset,
      formatVersion: LMDBStorage.formatVersion, clusterID: origin?.cluster ?? clusterID,
      input: origin?.input, partitions: origin?.partitions,
      changelogIdentity: origin?.changelog?.text, takenAt: Date())
  }

  private func fileSize(_ path: String) -> Int {
    // There is none before the copy has begun and after it has got its name.
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.size] as? Int ?? 0
  }
}
