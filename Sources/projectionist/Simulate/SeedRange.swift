import ArgumentParser

/// Seeds on the command line: `7`, or `1..10000` with both ends.
struct SeedRange: Hashable, ExpressibleByArgument {
  var seeds: ClosedRange<UInt64>

  init(_ seeds: ClosedRange<UInt64>) { self.seeds = seeds }

  init?(argument: String) {
    let parts = argument.split(separator: "..", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let first = UInt64(parts[0]),
      let last = UInt64(parts[parts.count - 1]), first <= last, last - first < 1 << 40
    else { return nil }
    seeds = first...last
  }

  var defaultValueDescription: String { "\(seeds.lowerBound)..\(seeds.upperBound)" }
}
