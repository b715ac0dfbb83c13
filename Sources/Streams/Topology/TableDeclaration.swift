public import StateStore

/// One table of a stage's stores.
public struct TableDeclaration: Hashable, Sendable {
  /// What a table's keys are.
  public enum Keys: Hashable, Sendable {
    /// One identifier: `42`
    case identifier
    /// Two identifiers: `42/1196`
    case pair
    /// Text, such as this.
    case text(String)
  }

  /// What a table's values are. Whoever shows values decodes those it knows by name.
  public struct Values: Hashable, Sendable {
    public let name: String

    public init(_ name: String) { self.name = name }

    /// The input offset that the state stands for.
    public static let position = Values("position")
  }

  /// The number, which is part of the changelog's format.
  public let table: Table
  public let name: String
  public let keys: Keys
  public let values: Values
  /// What a key and a value are, in a few words.
  public let summary: String

  public init(_ table: Table, _ name: String, keys: Keys, values: Values, _ summary: String) {
    self.table = table
    self.name = name
    self.keys = keys
    self.values = values
    self.summary = summary
  }

  /// The engine's own table, which every store has besides those its stage declares.
  public static let meta = TableDeclaration(
    .meta, "meta", keys: .text(Position.keyText), values: .position, "what the state stands for")
}
