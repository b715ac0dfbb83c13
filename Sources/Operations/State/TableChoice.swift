import Codecs
import Configuration
package import Console
import Pipeline
package import Streams

/// A table as named on the command line.
package struct TableChoice {
  package let table: TableDeclaration
  package let stage: StageDeclaration

  /// Finds a table by its name, in the stage asked for or the only one that has it. A stage's name
  /// stands for its first table: `user` is the aggregates of that stage.
  package static func find(_ name: String, stage: StageDeclaration?) throws -> TableChoice {
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
  package static var names: [String] {
    let schemas = Topology.product.compactMap { StoreSchema($0) }
    let first = Set(schemas.compactMap { $0.stage.tables.first?.name })
    return schemas.map(\.stage.name) + names(of: schemas).filter { !first.contains($0) }
  }

  private static func names(of schemas: [StoreSchema]) -> [String] {
    var known: [String] = []
    for name in schemas.flatMap(\.tables).map(\.name) where !known.contains(name) {
      known.append(name)
    }
    return known
  }

  /// A key, or the beginning of one.
  package func key(_ text: String) throws(CommandFailure) -> [UInt8] {
    guard let key = table.key(text) else {
      throw CommandFailure(
        .usage, "\(text) is not a valid key for \(table.name); example: \(table.example)")
    }
    return key
  }
}
