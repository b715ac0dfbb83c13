/// Names of genres as people write them.
public enum GenreNames {
  /// The names in a text, with bars as in MovieLens or commas between them.
  public static func list(_ text: String) -> [String] {
    text.split { $0 == "|" || $0 == "," }.map(trimmed).filter { !$0.isEmpty }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
