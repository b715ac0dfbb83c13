/// The fewest insertions, deletions and replacements of a character that make one text the other
/// (Levenshtein 1966).
package func editDistance(_ a: String, _ b: String) -> Int {
  let target = Array(b)
  var row = Array(0...target.count)
  for (i, character) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for j in target.indices {
      let replaced = diagonal + (character == target[j] ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
    }
  }
  return row[target.count]
}

/// The known name that a wrong one most likely means: the same letters in another spelling, or the
/// one that takes the fewest edits.
///
/// - Returns: `nil` if none is so close that it can be meant.
package func nearestName(to name: String, among known: some Sequence<String>) -> String? {
  let folded = foldedName(name)
  guard !folded.isEmpty, name.utf8.count <= 64 else { return nil }
  let ranked = known.map { (name: $0, distance: editDistance(folded, foldedName($0))) }
  guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
  let length = max(folded.count, foldedName(best.name).count)
  return best.distance * 3 <= length ? best.name : nil
}

/// A name without what spellings differ in: small letters, no `_`, `-`, dots or blanks.
package func foldedName(_ name: String) -> String {
  String(name.lowercased().filter { $0 != "_" && $0 != "-" && $0 != " " && $0 != "." })
}
