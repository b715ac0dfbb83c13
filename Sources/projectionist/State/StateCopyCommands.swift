import ArgumentParser
import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import LMDBStore
import Logging
import Pipeline
import StateStore
import Streams
import Synchronization
import Wiring

/// `projectionist state snapshot`
struct StateSnapshotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot",
    abstract: "Copy the stores to a directory while the daemon writes them.",
    discussion: """
      Makes DIR/<stage>/<partition>/ with the store as of one commit, compact, and a manifest. A \
      copy appears when it is complete, or not at all, and none is overwritten. Another host starts \
      from it with `state restore`, and follows the changelog from there.
      """)

  @OptionGroup var options: StateOptions
  @Argument(help: "Where the copies go.", completion: .directory) var directory: String
  @Flag(help: "Print the manifests as JSON.") var json = false

  func run() throws {
    let (settings, logger) = try options.common.start("state")
    let places = try options.places(in: settings.storage)
    for place in places {
      let target = "\(directory)/\(place.stage)/\(place.partition)"
      guard !FileManager.default.fileExists(atPath: target) else {
        throw CommandFailure(.failure, "\(target) exists; choose another directory")
      }
    }
    let cluster = Self.clusterID(settings, logger)
    let manifests = try places.map {
      try StoreCopy($0, application: settings.application, clusterID: cluster).make(in: directory)
    }
    if json { return print(try JSONText.of(manifests)) }
    for manifest in manifests {
      print(
        "\(directory)/\(manifest.stage)/\(manifest.partition): input offset "
          + "\(manifest.inputOffset ?? 0), changelog offset \(manifest.changelogOffset)")
    }
  }

  /// A copy is as good without it.
  static func clusterID(_ settings: Settings, _ logger: Logger) -> String? {
    do { return try settings.makeAdmin(logger).cluster().id } catch {
      logger.warning("the cluster's id is not known", metadata: ["reason": "\(error)"])
      return nil
    }
  }
}

/// Copies one store, showing how far it is.
private struct StoreCopy: Sendable {
  private final class Outcome: Sendable {
    let result = Mutex<Result<CopyManifest, StoreError>?>(nil)
  }

  let place: StorePlace
  let application: String
  let clusterID: String?

  init(_ place: StorePlace, application: String, clusterID: String?) {
    self.place = place
    self.application = application
    self.clusterID = clusterID
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
    while ended.wait(timeout: .now() + .milliseconds(50)) == .timedOut {
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
    return CopyManifest(
      application: application, stage: place.stage, partition: place.partition,
      changelogOffset: try copied.changelogOffset() ?? 0, inputOffset: inputOffset,
      formatVersion: LMDBStorage.formatVersion, clusterID: clusterID, takenAt: Date())
  }

  private func fileSize(_ path: String) -> Int {
    // There is none before the copy has begun and after it has got its name.
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.size] as? Int ?? 0
  }
}

/// `projectionist state restore`
struct StateRestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Put copies of `state snapshot` in place, for the next start of the daemon.",
    discussion: """
      Takes all copies in DIR, or those asked for. Refuses while a daemon uses the state directory, \
      a copy of another application, cluster or format, a damaged one, and to replace a store \
      without --force. The daemon then follows the changelog from where the copy stands; a copy \
      older than what the changelog keeps is rebuilt from it.
      """)

  @OptionGroup var options: StateOptions
  @Argument(help: "The directory given to `state snapshot`.", completion: .directory)
  var directory: String
  @Flag(help: "Replace stores that are there.") var force = false
  @Flag(help: "Print the manifests as JSON.") var json = false

  func run() throws {
    let (settings, logger) = try options.common.start("state")
    let copies = LMDBStorage(root: directory, mapBytes: settings.storage.mapBytes)
    let storage = settings.storage
    let places = try options.places(in: copies)
    let cluster = StateSnapshotCommand.clusterID(settings, logger)
    let lock = try storage.lock()
    // All are checked before the first is put in place.
    let manifests = try places.map { place in
      let path = "\(directory)/\(place.stage)/\(place.partition)"
      let manifest = try CopyManifest.read(path)
      if let mismatch = manifest.mismatch(
        place, application: settings.application, clusterID: cluster)
      {
        throw CommandFailure(.failure, "\(path) can't be restored: \(mismatch)")
      }
      let isThere = try storage.partitions(stage: place.stage).contains(place.partition)
      guard force || !isThere else {
        throw CommandFailure(
          .failure,
          "there is a store of \(place.description) in \(storage.root) already; "
            + "--force replaces it")
      }
      return manifest
    }
    for place in places {
      try storage.install(
        from: copies, stage: place.stage, partition: place.partition, replaces: force)
    }
    withExtendedLifetime(lock) {}
    if json { return print(try JSONText.of(manifests)) }
    for manifest in manifests {
      print(
        "\(manifest.stage)[\(manifest.partition)]: restored at changelog offset "
          + "\(manifest.changelogOffset), taken \(manifest.takenAt.formatted(.iso8601))")
    }
  }
}
