import Foundation

/// What the process was started with for a signal.
package enum SignalDisposition {
  /// Whether the signal is ignored, as nohup(1) has it for SIGHUP.
  package static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0,
      let handler = action.__sigaction_handler.sa_handler
    else { return false }
    return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
