import ArgumentParser
import Console
import Foundation
import LMDBStore
import Operations
import Wiring

/// `projectionist state`: the stores of this machine.
struct StateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "state",
    abstract: "Look at the state stores, check them against the log, copy them.",
    discussion: """
      Each partition of the user and movie stages keeps its state in an LMDB store on the machine \
      that owns it. These commands read them while a daemon runs.

        projectionist state list
        projectionist state get user 42
        projectionist state get ratings 42/1196
        projectionist state scan ratings 42
        projectionist state verify
        projectionist state snapshot /backup/today
      """,
    subcommands: [
      StateListCommand.self, StateGetCommand.self, StateScanCommand.self, StateStatCommand.self,
      StateVerifyCommand.self, StateSnapshotCommand.self, StateRestoreCommand.self,
    ],
    defaultSubcommand: StateListCommand.self)
}

/// `projectionist state list`
struct StateListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Print the stores of this machine, with their sizes and offsets.",
    discussion: """
      CONDITION is `closed` after an orderly end; `open` while a daemon uses the store or after it \
      was killed, which harms nothing; `torn` when pages may be missing on the disk. A store that is \
      torn or damaged is rebuilt from its changelog at the daemon's next start.
      """)

  @OptionGroup var options: StateOptions
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let (settings, _) = try options.common.start("state")
    let rows = try options.places(in: settings.storage).map(StoreListing.init)
    if json { return print(try JSONText.of(rows)) }
    var table = TextTable(
      ["STAGE", "PARTITION", "ENTRIES", "BYTES", "INPUT OFFSET", "CHANGELOG OFFSET", "CONDITION"],
      rightAligned: [1, 2, 3, 4, 5])
    for row in rows {
      table.append([
        row.stage, "\(row.partition)", row.entries.map(String.init) ?? "-",
        row.fileBytes.map(String.init) ?? "-", row.inputOffset.map { "\($0)" } ?? "-",
        row.changelogOffset.map { "\($0)" } ?? "-", row.problem ?? row.condition,
      ])
    }
    print(table.description, terminator: "")
  }
}

/// `projectionist state stat`
struct StateStatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stat",
    abstract: "Print each table's entries, pages and depth, and how full the file is.")

  @OptionGroup var options: StateOptions
  @Flag(help: "Also check every page.") var check = false
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let (settings, _) = try options.common.start("state")
    let all = try options.places(in: settings.storage).map { place in
      let reader = try place.open()
      if check { try reader.check() }
      return StoreStatistics(place, try reader.statistics())
    }
    if json { return print(try JSONText.of(all)) }
    var table = TextTable(
      ["STORE", "TABLE", "ENTRIES", "BYTES", "DEPTH", "BRANCH", "LEAF", "OVERFLOW"],
      rightAligned: [2, 3, 4, 5, 6, 7])
    for store in all {
      for row in store.tables {
        table.append([
          "\(store.stage)[\(store.partition)]", row.name, "\(row.entries)", "\(row.bytes)",
          "\(row.depth)", "\(row.branchPages)", "\(row.leafPages)", "\(row.overflowPages)",
        ])
      }
    }
    print(table.description)
    for store in all {
      print(
        "\(store.stage)[\(store.partition)]: \(store.fileBytes) bytes in the file, "
          + "\(store.freePages) of \(store.fileBytes / max(1, store.pageBytes)) pages free, "
          + "room for \(store.mapBytes) bytes\(check ? "; page check passed" : "")")
    }
  }
}
