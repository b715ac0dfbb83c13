import Configuration
package import Console
package import Pipeline

/// A table as named on the command line.
package struct TableChoice {
  package let table: StoreSchema.TableSchema
  package let stage: StageName

  /// Finds a table by its name, in the stage asked for or the only one that has it; `user` and
  /// `movie` are the aggregates of these stages.
  package static func find(_ name: String, stage: StageName?) throws -> TableChoice {
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
  package func key(_ text: String) throws(CommandFailure) -> [UInt8] {
    guard let key = table.key(text) else {
      throw CommandFailure(
        .usage, "\(text) is no key of \(table.name); one looks like \(table.example)")
    }
    return key
  }
}
