import ArgumentParser
import Testing

@testable import projectionist

@Suite struct NumberBoundsTests {
  private static let refused: [(arguments: String, message: String)] = [
    ("generate --rate inf", "--rate is 0.001 to 1000000000."),
    ("generate --rate 1e30", "--rate is 0.001 to 1000000000."),
    ("generate --rate 1e-300", "--rate is 0.001 to 1000000000."),
    ("generate --rate nan", "--rate is 0.001 to 1000000000."),
    ("generate --rate 0", "--rate is 0.001 to 1000000000."),
    ("generate --ratings 9223372036854775807", "--ratings is 0 to 1000000000000."),
    ("generate --users 0", "--users is 1 to 2147483647."),
    ("generate --movies 2147483648", "--movies is 1 to 2147483647."),
    ("load x --rate inf", "--rate is 0.001 to 1000000000."),
    ("load x --rate 1e-300", "--rate is 0.001 to 1000000000."),
    ("load x --limit 9223372036854775807", "--limit is 0 to 1000000000000."),
    ("load x --limit=-1", "--limit is 0 to 1000000000000."),
    ("state verify --wait inf", "--wait is 0 to 86400."),
    ("state verify --wait nan", "--wait is 0 to 86400."),
    ("bench ingest --events 0", "--events is 1 to 1000000000000."),
    ("bench ingest --events 9223372036854775807", "--events is 1 to 1000000000000."),
    ("bench ingest --partitions 10001", "--partitions is 1 to 10000."),
    ("bench latency --rate nan", "--rate is 1 to 1000000."),
    ("bench latency --seconds inf", "--seconds is 0.1 to 86400."),
    ("bench latency --seconds 1e-9", "--seconds is 0.1 to 86400."),
    ("bench latency --warm-up-seconds inf", "--warm-up-seconds is 0 to 86400."),
    ("bench latency --events 9223372036854775807", "--events is 0 to 1000000000000."),
    ("bench predict --seconds nan", "--seconds is 0.1 to 86400."),
    ("bench predict --warm-up-seconds 1e30", "--warm-up-seconds is 0 to 86400."),
    ("bench predict --events 9223372036854775807", "--events is 1 to 1000000000000."),
    ("bench predict --request-rate inf", "--request-rate is 0 to 100000."),
    ("bench predict --rating-rate nan", "--rating-rate is 0 to 1000000."),
    ("bench predict --factors 2049", "--factors is 0 to 2048."),
    ("bench predict --batch 0", "--batch is 1 to 10000."),
    ("bench predict --recommendations 101", "--recommendations is 1 to 100."),
    ("bench restart --rate inf", "--rate is 1 to 100000."),
    ("bench restart --kills 0", "--kills is 1 to 1000."),
    ("bench restart --events 1,9223372036854775807", "--events is 1 to 1000000000000."),
    ("bench restore --events 9223372036854775807", "--events is 1 to 1000000000000."),
    ("bench restore --runs 1001", "--runs is 1 to 1000."),
    ("bench train --ratings 2147483648", "--ratings is 1 to 2147483647."),
    ("train --threads 0", "--threads is 1 to 1024."),
    ("train --top 1001", "--top is 1 to 1000."),
    ("simulate --jobs 1025", "--jobs is 1 to 1024."),
  ]

  @Test("a number that can't be used is refused, with both bounds", arguments: refused)
  func outside(arguments: String, message: String) {
    let error = #expect(throws: (any Error).self) {
      try Projectionist.parseAsRoot(arguments.split(separator: " ").map(String.init))
    }
    #expect(error.map { Projectionist.message(for: $0) } == message)
  }

  @Test(
    "the bounds themselves are allowed",
    arguments: [
      "generate --rate 0.001", "generate --rate 1e9 --ratings 0", "load x --limit 0",
      "state verify --wait 0", "state verify --wait 86400", "bench latency --warm-up-seconds 0",
      "bench latency --rate 1 --seconds 0.1 --events 0",
      "bench predict --request-rate 0 --rating-rate 0 --factors 0 --seconds 86400",
      "bench restart --events 1,1000000000000", "bench ingest --events 1000000000000",
    ])
  func inside(arguments: String) throws {
    _ = try Projectionist.parseAsRoot(arguments.split(separator: " ").map(String.init))
  }

  @Test("the last seed there is can be simulated")
  func lastSeed() throws {
    let seeds = "\(UInt64.max - 1)..\(UInt64.max)"
    try SimulateCommand.parse(["--seeds", seeds, "--scenario", "engine", "--json"]).run()
  }
}
