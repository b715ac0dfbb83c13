import ArgumentParser
import Configuration
import Console
import LMDBStore
import Pipeline
import Ratings
import StateStore
import Streams

/// Which stores a command looks at.
struct StateOptions: ParsableArguments {
  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp(
      "Only the stores of this stage: \(StateOptions.names(" or ")).", valueName: "stage"),
    transform: StateOptions.stage)
  var stage: StageDeclaration?

  @Option(help: ArgumentHelp("Only the store of this partition.", valueName: "number"))
  var partition: Int32?

  func validate() throws {
    if let partition, partition < 0 { throw ValidationError("--partition must be 0 or more.") }
  }

  /// The stages with state.
  private static let stateful = Topology.product.filter(\.isStateful)

  private static func names(_ separator: String) -> String {
    stateful.map(\.name).joined(separator: separator)
  }

  static func stage(_ text: String) throws -> StageDeclaration {
    guard let stage = stateful.first(where: { $0.name == text }) else {
      throw ValidationError("--stage \(text): the stages with state are \(names(" and ")).")
    }
    return stage
  }

  /// The stages with state, or the one asked for.
  var stages: [StageDeclaration] { stage.map { [$0] } ?? Self.stateful }

  /// The stores there are, of those asked for.
  ///
  /// - Throws: `CommandFailure` when there is none.
  func places(in storage: LMDBStorage) throws -> [StorePlace] {
    var places: [StorePlace] = []
    for stage in stages {
      guard let schema = StoreSchema(stage) else { continue }
      for number in try storage.partitions(stage: stage.name)
      where partition.map({ $0 == number }) ?? true {
        places.append(StorePlace(storage: storage, schema: schema, partition: number))
      }
    }
    guard places.isEmpty else { return places }
    let wanted = [
      stage.map { " of stage \($0.name)" }, partition.map { " of partition \($0)" },
    ]
    throw CommandFailure(
      .failure,
      "there is no store\(wanted.compactMap(\.self).joined()) in \(storage.root): "
        + "run the daemon on this machine first, or name its directory with "
        + "--set state.directory=… and its application with --set application=…")
  }
}

/// Where a store is, and what it holds.
struct StorePlace: Sendable {
  let storage: LMDBStorage
  let schema: StoreSchema
  let partition: Int32

  var stage: String { schema.stage.name }
  var description: String { "\(stage)[\(partition)]" }

  func open() throws(StoreError) -> LMDBReader {
    try storage.openReadOnly(stage: stage, partition: partition)
  }

  /// The names of the genre numbers in the store's values; empty for a store that has none.
  func genres(in snapshot: LMDBSnapshot) throws -> GenreDictionary {
    guard schema.stage == .user else { return GenreDictionary() }
    let key = UserTables.genresKey
    let stored = try snapshot.get(UserTables.genres, key.span.bytes) { value -> [UInt8]? in
      if let value { value.withUnsafeBytes { [UInt8]($0) } } else { nil }
    }
    // One that can't be read leaves numbers in the place of names.
    return stored.flatMap { try? GenreDictionary(decoding: $0.span.bytes) } ?? GenreDictionary()
  }
}

/// A table as named on the command line.
struct TableChoice {
  let table: TableDeclaration
  let stage: StageDeclaration

  /// Finds a table by its name, in the stage asked for or the only one that has it; a stage's name
  /// is its first table: `user` are the aggregates of that stage.
  static func find(_ name: String, stage: StageDeclaration?) throws -> TableChoice {
    let schemas = (stage.map { [$0] } ?? Topology.product).compactMap { StoreSchema($0) }
    if let entity = schemas.first(where: { $0.stage.name == name }),
      let table = entity.stage.tables.first
    {
      return TableChoice(table: table, stage: entity.stage)
    }
    for schema in schemas {
      if let table = schema.table(named: name) {
        return TableChoice(table: table, stage: schema.stage)
      }
    }
    let known = names(of: schemas)
    let nearest = known.min { editDistance($0, name) < editDistance($1, name) } ?? ""
    throw CommandFailure(
      .usage,
      "there is no table \(name); did you mean \(nearest)? The tables are "
        + known.joined(separator: ", "))
  }

  /// What `find` knows: the stages with state, and the tables of all of them.
  static var names: [String] {
    let schemas = Topology.product.compactMap { StoreSchema($0) }
    let tables = names(of: schemas)
    // A stage's name stands for its first table.
    let first = Set(schemas.compactMap { $0.stage.tables.first?.name })
    return schemas.map(\.stage.name) + tables.filter { !first.contains($0) }
  }

  private static func names(of schemas: [StoreSchema]) -> [String] {
    var known: [String] = []
    for name in schemas.flatMap(\.tables).map(\.name) where !known.contains(name) {
      known.append(name)
    }
    return known
  }

  /// A key, or the beginning of one.
  func key(_ text: String) throws(CommandFailure) -> [UInt8] {
    guard let key = table.key(text) else {
      throw CommandFailure(
        .usage, "\(text) is no key of \(table.name); one looks like \(table.example)")
    }
    return key
  }
}
