package import Configuration
package import Logging

extension Settings.Log {
  /// A logger that writes to standard error as configured.
  ///
  /// - Parameter label: what writes: a stage, or a command.
  package func makeLogger(_ label: String, sink: LogSink = .standardError) -> Logger {
    let form: StreamHandler.Form =
      switch format {
      case .auto: sink.isTerminal ? .text : .json
      case .text: .text
      case .json: .json
      }
    return Logger(label: label) { label in
      StreamHandler(label: label, form: form, level: level, sink: sink)
    }
  }
}
