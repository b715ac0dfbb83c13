import Yams

/// A configuration file, taken apart into dotted paths.
///
/// `redis: {port: 1}`, `redis.port: 1` and any mixture mean the same.
package struct ConfigurationFile: Sendable {
  struct Entry: Hashable, Sendable {
    let path: String
    /// `nil` for a key without a value, and for an empty mapping.
    let value: RawSetting?
    /// From 1.
    let line: Int
  }

  /// As the user named it.
  let name: String
  private(set) var entries: [Entry] = []
  /// What is wrong with its form, each with its line.
  private(set) var problems: [String] = []

  package init(name: String, yaml: String) {
    self.name = name
    do {
      guard let root = try Yams.compose(yaml: yaml) else { return }
      switch root {
      case .mapping(let mapping): flatten(mapping, prefix: "")
      case .scalar(let scalar) where Self.isNull(scalar): break
      default: problems.append("\(name):\(Self.line(of: root)): expected keys with values")
      }
    } catch {
      problems.append(Self.describe(error, in: name))
    }
  }

  private mutating func flatten(_ mapping: Node.Mapping, prefix: String) {
    for (key, value) in mapping {
      let line = Self.line(of: key)
      guard let name = key.scalar?.string else {
        problems.append("\(self.name):\(line): a key must be text")
        continue
      }
      let path = prefix + name
      switch value {
      case .mapping(let inner) where !inner.isEmpty:
        flatten(inner, prefix: path + ".")
      case .mapping:
        append(Entry(path: path, value: nil, line: line))
      case .scalar(let scalar):
        let value = Self.isNull(scalar) ? nil : RawSetting.text(scalar.string)
        append(Entry(path: path, value: value, line: line))
      case .sequence(let sequence):
        let elements = sequence.compactMap(\.scalar?.string)
        guard elements.count == sequence.count else {
          problems.append("\(self.name):\(line): \(path) must be a list of plain values")
          continue
        }
        append(Entry(path: path, value: .list(elements), line: line))
      case .alias:
        problems.append("\(self.name):\(line): \(path) is an alias of nothing")
      }
    }
  }

  private mutating func append(_ entry: Entry) {
    if let earlier = entries.first(where: { $0.path == entry.path }) {
      problems.append("\(name):\(entry.line): \(entry.path) is set on line \(earlier.line) already")
    } else {
      entries.append(entry)
    }
  }

  private static func isNull(_ scalar: Node.Scalar) -> Bool {
    scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  private static func line(of node: Node) -> Int { node.mark?.line ?? 1 }

  private static func describe(_ error: any Error, in name: String) -> String {
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "\(name):\(mark.line): not YAML: \(problem)"
    case .duplicatedKeysInMapping(let duplicates, let context):
      "\(name):\(context.mark.line): set twice: \(duplicates.joined(separator: ", "))"
    case .reader(let problem, _, _, _):
      "\(name): not YAML: \(problem)"
    default:
      "\(name): not YAML: \(error)"
    }
  }
}
