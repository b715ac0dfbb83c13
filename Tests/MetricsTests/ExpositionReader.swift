/// Reads samples letter by letter, without knowing how they are written.
enum ExpositionReader {
  struct Malformed: Error {
    var line: String
  }

  /// Values by name and labels: `name|label=value|label=value`.
  static func samples(in text: String) throws -> [String: Double] {
    var samples: [String: Double] = [:]
    for line in text.unicodeScalars.split(separator: "\n") where line.first != "#" {
      let malformed = Malformed(line: String(line))
      var rest = line
      var key = String(rest.prefix { $0 != "{" && $0 != " " })
      rest = rest.dropFirst(key.unicodeScalars.count)
      while rest.first == "{" || rest.first == "," {
        rest = rest.dropFirst()
        let name = rest.prefix { $0 != "=" }
        rest = rest.dropFirst(name.count + 1)
        guard rest.popFirst() == "\"" else { throw malformed }
        var value = String.UnicodeScalarView()
        while let letter = rest.popFirst(), letter != "\"" {
          guard letter == "\\" else {
            value.append(letter)
            continue
          }
          switch rest.popFirst() {
          case "n": value.append("\n")
          case "\\": value.append("\\")
          case "\"": value.append("\"")
          default: throw malformed
          }
        }
        key += "|\(String(name))=\(String(value))"
      }
      if rest.first == "}" { rest = rest.dropFirst() }
      guard rest.popFirst() == " ", let number = Double(String(rest).lowercased()),
        samples.updateValue(number, forKey: key) == nil
      else { throw malformed }
    }
    return samples
  }
}
