/// A JSON Schema, as far as the project's own use it: types, properties, items, enumerations, least
/// numbers and alternatives.
package struct JSONSchema {
  private let schema: JSONValue

  package init(_ schema: JSONValue) {
    self.schema = schema
  }

  /// What of a document is not as the schema says; empty if it is valid.
  package func violations(in document: JSONValue, at path: String = "$") -> [String] {
    var found: [String] = []
    if let types = schema["type"] {
      let names = types.text.map { [$0] } ?? types.elements.compactMap(\.text)
      guard names.contains(where: { Self.isOf($0, document) }) else {
        return ["\(path) is not \(names.joined(separator: " or "))"]
      }
    }
    if let allowed = schema["enum"]?.elements, !allowed.contains(document) {
      found.append("\(path) is none of what is allowed")
    }
    if let constant = schema["const"], constant != document {
      found.append("\(path) is not the one value that is allowed")
    }
    if case .number(let least)? = schema["minimum"], case .number(let number) = document,
      number < least
    {
      found.append("\(path) is below \(least)")
    }
    for choices in ["anyOf", "oneOf"].compactMap({ schema[$0]?.elements }) {
      let results = choices.map { JSONSchema($0).violations(in: document, at: path) }
      found += results.min { $0.count < $1.count } ?? []
    }
    for (index, element) in document.elements.enumerated() {
      guard let items = schema["items"] else { break }
      found += JSONSchema(items).violations(in: element, at: "\(path)[\(index)]")
    }
    if case .object(let members) = document { found += violations(of: members, at: path) }
    return found
  }

  private func violations(of members: [String: JSONValue], at path: String) -> [String] {
    let required = schema["required"]?.elements.compactMap(\.text) ?? []
    var found = required.filter { members[$0] == nil }.map { "\(path).\($0) is missing" }
    let others = schema["additionalProperties"]
    for (name, member) in members.sorted(by: { $0.key < $1.key }) {
      if let property = schema["properties"]?[name] {
        found += JSONSchema(property).violations(in: member, at: "\(path).\(name)")
      } else if others == .flag(false) {
        found.append("\(path).\(name) is not in the schema")
      } else if let others, case .object = others {
        found += JSONSchema(others).violations(in: member, at: "\(path).\(name)")
      }
    }
    return found
  }

  private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
    switch (type, value) {
    case ("null", .null), ("boolean", .flag), ("number", .number), ("string", .text),
      ("array", .array), ("object", .object):
      true
    case ("integer", .number(let number)): number == number.rounded()
    default: false
    }
  }
}
