import ArgumentParser
import Console
import Foundation
import LMDBStore
import Operations
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
    let manifests = try StoreCopy.all(
      options.places(in: settings.storage), to: directory, settings, logger)
    if json { return print(try JSONText.of(manifests)) }
    for manifest in manifests {
      print(
        "\(directory)/\(manifest.stage)/\(manifest.partition): input offset "
          + "\(manifest.inputOffset ?? 0), changelog offset \(manifest.changelogOffset)")
    }
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
    guard FileManager.default.fileExists(atPath: directory) else {
      throw CommandFailure(.failure, "there is no directory \(directory)")
    }
    let copies = LMDBStorage(root: directory, mapBytes: settings.storage.mapBytes)
    let manifests = try StoreRestore(from: copies, settings, logger, replaces: force)
      .restore(options.places(in: copies, advice: "name a directory of `state snapshot`"))
    if json { return print(try JSONText.of(manifests)) }
    for manifest in manifests {
      print(
        "\(manifest.stage)[\(manifest.partition)]: restored at changelog offset "
          + "\(manifest.changelogOffset), taken \(manifest.takenAt.formatted(.iso8601))")
    }
  }
}
