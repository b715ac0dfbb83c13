import ArgumentParser
import Codecs
import Console

/// The names of commands in a command line. For one that does not exist the argument parser shows
/// its first page after `help`, as if nothing was wrong, and else speaks of an unexpected argument.
enum CommandNames {
  /// - Throws: if a command, or one that help is asked for on, does not exist.
  static func check(_ arguments: some Sequence<String>) throws(CommandFailure) {
    var words = Array(arguments)[...]
    let isHelp = words.first == "help"
    if isHelp { words.removeFirst() }
    var command: any ParsableCommand.Type = Projectionist.self
    var path = ""
    for word in words {
      if word.hasPrefix("-") {
        if isHelp { continue } else { return }
      }
      let known = command.configuration.subcommands
      guard !known.isEmpty else { return }
      guard let next = known.first(where: { $0._commandName == word }) else {
        // `help help`, and `projectionist topics help show`.
        guard word != "help" || isHelp && !path.isEmpty else { return }
        let nearest = nearestName(to: word, among: known.map { $0._commandName })
        let advice =
          nearest.map { "the nearest is `projectionist \(path)\($0)`" }
          ?? "`projectionist \(path)--help` lists all"
        throw CommandFailure(.usage, "no command is called \(path)\(word); \(advice)")
      }
      command = next
      path += "\(word) "
    }
  }
}

/// A negative number among the arguments: the argument parser takes it for an unknown option, and
/// says that something else is missing.
enum NegativeNumber {
  /// - Throws: if there is one. No command has a use for it.
  static func check(_ arguments: some Sequence<String>) throws(CommandFailure) {
    for argument in arguments {
      if argument == "--" { return }
      guard argument.first == "-", argument.dropFirst().first?.isWholeNumber == true else {
        continue
      }
      throw CommandFailure(
        .usage, "\(argument) is negative: ids, counts and times of every command are 0 or more")
    }
  }
}
