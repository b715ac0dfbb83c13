import ArgumentParser
import LMDBStore
import Pipeline
import Ratings
import StateStore

/// Which stores a command looks at.
struct StateOptions: ParsableArguments {
  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp("Only the stores of this stage: user or movie.", valueName: "stage"),
    transform: StateOptions.stage)
  var stage: StageName?

  @Option(help: ArgumentHelp("Only the store of this partition.", valueName: "number"))
  var partition: Int32?

  func validate() throws {
    if let partition, partition < 0 { throw ValidationError("--partition must be 0 or more.") }
  }

  static func stage(_ text: String) throws -> StageName {
    guard let stage = StageName(rawValue: text), StoreSchema(stage) != nil else {
      throw ValidationError("--stage \(text): the stages with state are user and movie.")
    }
    return stage
  }

  /// The stages with state, or the one asked for.
  var stages: [StageName] {
    if let stage { return [stage] }
    return StageName.allCases.filter { StoreSchema($0) != nil }
  }

  /// The stores there are, of those asked for.
  ///
  /// - Throws: `CommandFailure` when there is none.
  func places(in storage: LMDBStorage) throws -> [StorePlace] {
    var places: [StorePlace] = []
    for stage in stages {
      guard let schema = StoreSchema(stage) else { continue }
      for number in try storage.partitions(stage: stage.rawValue)
      where partition.map({ $0 == number }) ?? true {
        places.append(StorePlace(storage: storage, schema: schema, partition: number))
      }
    }
    guard places.isEmpty else { return places }
    let wanted = [
      stage.map { " of stage \($0.rawValue)" }, partition.map { " of partition \($0)" },
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

  var stage: String { schema.stage.rawValue }
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
  let table: StoreSchema.TableSchema
  let stage: StageName

  /// Finds a table by its name, in the stage asked for or the only one that has it; `user` and
  /// `movie` are the aggregates of these stages.
  static func find(_ name: String, stage: StageName?) throws -> TableChoice {
    if let entity = StageName(rawValue: name), let schema = StoreSchema(entity),
      let table = schema.table(named: "aggregates"), stage == nil || stage == entity
    {
      return TableChoice(table: table, stage: entity)
    }
    let schemas = (stage.map { [$0] } ?? StageName.allCases).compactMap { StoreSchema($0) }
    for schema in schemas {
      if let table = schema.table(named: name) {
        return TableChoice(table: table, stage: schema.stage)
      }
    }
    let names = schemas.flatMap { schema in schema.tables.map(\.name) }
    let nearest = names.min { editDistance($0, name) < editDistance($1, name) } ?? ""
    var known: [String] = []
    for name in names where !known.contains(name) { known.append(name) }
    throw CommandFailure(
      .usage,
      "there is no table \(name); did you mean \(nearest)? The tables are "
        + known.joined(separator: ", "))
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
