import Configuration
import Streams

/// What a demo calls its own on a cluster or a Redis that is somebody's.
struct DemoNames {
  /// Names of settings have a limit; this leaves room for the rest of the prefix.
  private static let longestPrefix = 40

  /// Of nobody else.
  private let suffix: String

  init() { suffix = String(UInt32.random(in: 0x1000_0000 ... .max), radix: 16) }

  /// Gives everything that the settings name a name of the demo's own. Where the topics have a
  /// prefix, the demo's begins with it, and so do the rights to them.
  func apply(to settings: inout Settings) {
    let outer = settings.topics.prefix.prefix(Self.longestPrefix)
    settings.topics.prefix = (outer.isEmpty ? "" : "\(outer)-") + "demo-\(suffix)"
    settings.application = "demo"
    // Feast takes the rows of a project for those of any whose name ends alike.
    settings.feast.project = suffix
    // Its members are gone when the daemon is, and its groups can be deleted.
    settings.shutdown.partitions = .leave
  }
}

extension Topology {
  /// All that a cluster knows it by, besides its topics.
  var groups: [String] { stages.map(group(of:)) }
}
