import ArgumentParser
import Console
import Foundation
import LMDBStore
import Operations
import Pipeline
import Streams
import Wiring

/// `projectionist state get`
struct StateGetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Print one entry's value as JSON.",
    discussion: """
      Looks in all partitions kept on this machine. `user` and `movie` stand for the aggregates of \
      these stages. Exits with 1 when no store here has the key.

        projectionist state get user 42
        projectionist state get movie 1196
        projectionist state get ratings 42/1196
        projectionist state get genres genres
        projectionist state get --stage movie meta position
      """)

  @OptionGroup var options: StateOptions
  @Argument(help: "The table: \(TableChoice.names.joined(separator: ", ")).") var table: String
  @Argument(help: "The key: 42, or 42/1196 where there are two identifiers.") var key: String
  @Flag(help: "Print stage, partition, table and key as well.") var json = false

  func run() throws {
    let choice = try TableChoice.find(table, stage: options.stage)
    let bytes = try choice.key(key)
    var narrowed = options
    narrowed.stage = choice.stage
    let (settings, _) = try options.common.start("state")
    var found = 0
    for place in try narrowed.places(in: settings.storage) {
      let snapshot = try place.open().snapshot()
      let value = try snapshot.get(choice.table.table, bytes.span.bytes) { value -> [UInt8]? in
        if let value { value.withUnsafeBytes { [UInt8]($0) } } else { nil }
      }
      guard let value else { continue }
      found += 1
      var output = EntryOutput(place, choice.table, genres: try place.genres(in: snapshot))
      print(
        json
          ? output.json(bytes.span.bytes, value.span.bytes) : output.value(value.span.bytes))
    }
    guard found > 0 else {
      throw CommandFailure(
        .failure, "no \(choice.stage.name) store here has \(key) in \(choice.table.name)")
    }
  }
}

/// `projectionist state scan`
struct StateScanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan",
    abstract: "Print the entries of a table in the order of their keys.",
    discussion: """
      A line an entry: partition, key and value, or with --json an object. Each partition is read \
      as of one commit.

        projectionist state scan user --limit 5
        projectionist state scan ratings 42        all ratings of user 42
        projectionist state scan --stage movie sources --json
      """)

  @OptionGroup var options: StateOptions
  @Argument(help: "The table: \(TableChoice.names.joined(separator: ", ")).") var table: String
  @Argument(help: "Only keys that begin with this identifier.") var prefix: String?
  @Option(help: "Stop after so many entries; 0 is all.") var limit = 100
  @Flag(help: "Print a JSON object a line.") var json = false

  func validate() throws {
    if limit < 0 { throw ValidationError("--limit must be 0 or more.") }
  }

  func run() throws {
    let choice = try TableChoice.find(table, stage: options.stage)
    let start = try prefix.map { try choice.key($0) } ?? []
    var narrowed = options
    narrowed.stage = choice.stage
    let (settings, _) = try options.common.start("state")
    var remaining = limit == 0 ? Int.max : limit
    var hasMore = false
    for place in try narrowed.places(in: settings.storage) {
      let snapshot = try place.open().snapshot()
      var output = EntryOutput(place, choice.table, genres: try place.genres(in: snapshot))
      try snapshot.scan(choice.table.table, prefix: start.span.bytes) { key, value in
        guard remaining > 0 else {
          hasMore = true
          return false
        }
        remaining -= 1
        print(
          json
            ? output.json(key, value)
            : "\(place.partition)\t\(choice.table.text(ofKey: key))\t\(output.value(value))")
        return true
      }
    }
    if hasMore {
      FileHandle.standardError.write(
        Data("stopped after \(limit) entries; --limit 0 shows all\n".utf8))
    }
  }
}
