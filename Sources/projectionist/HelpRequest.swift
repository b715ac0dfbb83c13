import ArgumentParser
import Codecs
import Console

/// `projectionist help COMMAND`: the argument parser shows its first page for a command that does
/// not exist, as if nothing was wrong.
enum HelpRequest {
  /// - Throws: if help is asked for on a command that does not exist.
  static func check(_ arguments: some Sequence<String>) throws(CommandFailure) {
    var words = Array(arguments)[...]
    guard words.popFirst() == "help" else { return }
    var command: any ParsableCommand.Type = Projectionist.self
    var path = ""
    for word in words where !word.hasPrefix("-") {
      let known = command.configuration.subcommands
      guard !known.isEmpty else { return }
      guard let next = known.first(where: { $0._commandName == word }) else {
        guard word != "help" || !path.isEmpty else { return }
        let nearest = nearestName(to: word, among: known.map { $0._commandName })
        let advice =
          nearest.map { "the nearest is `projectionist \(path)\($0)`" }
          ?? "`projectionist --help` lists all"
        throw CommandFailure(.usage, "no command is called \(path)\(word); \(advice)")
      }
      command = next
      path += "\(word) "
    }
  }
}
