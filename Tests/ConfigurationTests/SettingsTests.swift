import Codecs
import Logging
import Pipeline
import Streams
import Testing

@testable import Configuration

/// Loads settings from texts instead of files and the process's environment.
func load(
  _ yaml: String? = nil, environment: [String: String] = [:], flags: [(String, String)] = []
) throws(ConfigurationError) -> LoadedSettings {
  try LoadedSettings(
    file: yaml.map { ConfigurationFile(name: "test.yaml", yaml: $0) }, environment: environment,
    flags: flags.map { SettingFlag(name: "--set \($0.0)", path: $0.0, value: $0.1) })
}

/// What is wrong with a configuration.
func problems(
  _ yaml: String? = nil, environment: [String: String] = [:], flags: [(String, String)] = []
) -> [String] {
  do {
    _ = try load(yaml, environment: environment, flags: flags)
    return []
  } catch {
    return error.problems
  }
}

@Suite struct SettingsTests {
  @Test func nothingConfiguredGivesTheDefaults() throws {
    for yaml in [nil, "", "# only a comment\n", "redis:\n", "redis: {}\nkafka:\n"] {
      let loaded = try load(yaml)
      #expect(loaded.settings == Settings())
      #expect(loaded.origins.isEmpty)
    }
  }

  @Test func everyKindOfValueIsRead() throws {
    let settings = try load(
      """
      application: films-2
      stages: [redis, user]
      state: {directory: /var/lib/films, map_size_gigabytes: 8}
      processing:
        guarantee: at_least_once
        batch_max_time_ms: 250
        batch_busy_records: 7
      redis.host: redis.example
      redis:
        port: "6380"
        password: a b#c
      log: {level: trace, format: json}
      """
    ).settings
    var expected = Settings()
    expected.application = "films-2"
    expected.stages = ["redis", "user"]
    expected.state.directory = "/var/lib/films"
    expected.state.mapSizeGigabytes = 8
    expected.processing.guarantee = .atLeastOnce
    expected.processing.limits.time = .milliseconds(250)
    expected.processing.limits.busyRecords = 7
    expected.redis.host = "redis.example"
    expected.redis.port = 6380
    expected.redis.password = "a b#c"
    expected.log.level = .trace
    expected.log.format = .json
    #expect(settings == expected)
  }

  @Test func flagsStandOverTheEnvironmentOverTheFile() throws {
    let yaml = "redis:\n  port: 1\n  host: file\n  database: 1\n"
    let environment = ["PROJECTIONIST_REDIS_PORT": "2", "PROJECTIONIST_REDIS_HOST": "environment"]
    let loaded = try load(yaml, environment: environment, flags: [("redis.port", "3")])
    #expect(loaded.settings.redis.port == 3)
    #expect(loaded.settings.redis.host == "environment")
    #expect(loaded.settings.redis.database == 1)
    #expect(
      loaded.origins == [
        "redis.port": .flag("--set redis.port"),
        "redis.host": .environment("PROJECTIONIST_REDIS_HOST"),
        "redis.database": .file(name: "test.yaml", line: 4),
      ])
  }

  @Test func thePredecessorsVariablesWorkBelowOurOwn() throws {
    let environment = [
      "KAFKA_BROKER": "kafka:29092", "REDIS_HOST": "cache", "REDIS_PORT": "7000",
      "SERVICE_NAME": "feature-service",
    ]
    let settings = try load(environment: environment).settings
    #expect(settings.bootstrapServers == "kafka:29092")
    #expect(settings.redis.host == "cache")
    #expect(settings.redis.port == 7000)
    #expect(settings.application == "feature-service")

    var more = environment
    more["KAFKA_BOOTSTRAP_SERVERS"] = "a:1"
    #expect(try load(environment: more).settings.bootstrapServers == "a:1")
    more["PROJECTIONIST_KAFKA_BOOTSTRAP_SERVERS"] = "b:2"
    #expect(try load(environment: more).settings.bootstrapServers == "b:2")
  }

  @Test func thePrefixBeginsEveryName() throws {
    let settings = try load("application: films\ntopics.prefix: Try-1\n").settings
    #expect(settings.topology[.userRatings] == "Try-1.user-ratings")
    #expect(settings.topology.changelogs.allSatisfy { $0.hasPrefix("Try-1.films-") })
    #expect(settings.topology.group(of: .user) == "Try-1.films-user")
    #expect(settings.stateRoot == "state/Try-1.films")
    #expect(settings.topology.feastProject(settings.feast.project) == "Try_1_movies")
    #expect(try load("topics.prefix: \"\"\n").settings == Settings())
  }

  @Test func everyKeyHasItsVariable() {
    for key in SettingKey.all {
      let name = "PROJECTIONIST_" + key.path.uppercased().replacing(".", with: "_")
      #expect(key.environment.last == name)
    }
  }

  @Test func variablesOfContainerPlatformsDoNoHarm() throws {
    let loaded = try load(environment: [
      "REDIS_PORT": "tcp://10.0.0.1:6379", "REDIS_HOST": "",
      "PROJECTIONIST_SERVICE_HOST": "10.0.0.2", "PROJECTIONIST_PORT_80_TCP": "tcp://10.0.0.2:80",
      "PROJECTIONIST_REDIS_PORT": "tcp://10.0.0.3:6379",
    ])
    #expect(loaded.settings == Settings())
    #expect(loaded.warnings.count == 2)
    #expect(loaded.warnings.allSatisfy { $0.contains("REDIS_PORT") })
  }

  @Test func predictNeedsTheUserStageBesideIt() {
    let error = #expect(throws: ConfigurationError.self) { try load("stages: [intake, predict]") }
    #expect(error?.problems.count == 1)
    #expect(error?.description.contains("test.yaml:1: stages: predict") == true)
    #expect(throws: Never.self) { try load("stages: [user, predict]") }
  }

  @Test func anUnknownVariableOfOursIsAnError() {
    #expect(
      problems(environment: ["PROJECTIONIST_REDIS_PROT": "1", "OTHER_REDIS_PROT": "1"]) == [
        "environment variable PROJECTIONIST_REDIS_PROT is unknown; the nearest known one is"
          + " PROJECTIONIST_REDIS_PORT"
      ])
    #expect(problems(environment: ["PROJECTIONIST_REDS_PORT": "6380"]).count == 1)
  }

  @Test(arguments: [
    ("PROJECTIONIST_CACHE_SERVICE_HOST", "10.0.0.1"), ("PROJECTIONIST_SERVICE_PORT", "80"),
    ("PROJECTIONIST_CACHE_SERVICE_PORT_HTTP", "80"),
    ("PROJECTIONIST_CACHE_PORT", "tcp://10.0.0.1:80"), ("PROJECTIONIST_PORT", "tcp://10.0.0.1:80"),
    ("PROJECTIONIST_CACHE_PORT_80_TCP", "tcp://10.0.0.1:80"),
    ("PROJECTIONIST_CACHE_PORT_80_TCP_ADDR", "10.0.0.1"),
    ("PROJECTIONIST_CACHE_PORT_53_UDP_PROTO", "udp"),
    ("PROJECTIONIST_KAFKA_SERVICE_HOST", "10.0.0.1"), ("PROJECTIONIST_KAFKA_SERVICE_PORT", "9092"),
    ("PROJECTIONIST_KAFKA_PORT", "tcp://10.0.0.1:9092"),
    ("PROJECTIONIST_KAFKA_PORT_9092_TCP_ADDR", "10.0.0.1"),
  ])
  func serviceLinksOfKubernetesAreNoneOfOurs(_ name: String, _ value: String) throws {
    #expect(try load(environment: [name: value]).settings == Settings())
  }

  @Test func theFileIsNamedOrFound() {
    let variable = ["PROJECTIONIST_CONFIG": "other.yaml"]
    func name(_ path: String?, _ environment: [String: String], exists: Bool) -> String? {
      LoadedSettings.fileName(path, environment) { $0 == "projectionist.yaml" && exists }
    }
    #expect(name("a.yaml", variable, exists: true) == "a.yaml")
    #expect(name(nil, variable, exists: true) == "other.yaml")
    #expect(name(nil, [:], exists: true) == "projectionist.yaml")
    #expect(name(nil, [:], exists: false) == nil)
    #expect(name(nil, ["PROJECTIONIST_CONFIG": ""], exists: false) == nil)
    #expect(name(nil, ["PROJECTIONIST_CONFIG": ""], exists: true) == "projectionist.yaml")
  }

  @Test(arguments: ["warn", "WARN", "warning", "Warning"])
  func warnIsWarning(_ level: String) throws {
    #expect(try load(flags: [("log.level", level)]).settings.log.level == .warning)
  }

  @Test func librdkafkasPropertiesPassThrough() throws {
    let settings = try load(
      """
      kafka:
        bootstrap.servers: [a:1, b:2]
        security: {protocol: SASL_SSL}
        enable.ssl.certificate.verification: false
        sasl.username: daemon
      kafka.sasl.mechanism: SCRAM-SHA-512
      """,
      environment: ["PROJECTIONIST_KAFKA_SASL_PASSWORD": "secret"],
      flags: [("kafka.sasl.username", "other")]
    ).settings
    #expect(
      settings.kafka == [
        "bootstrap.servers": "a:1,b:2", "security.protocol": "SASL_SSL",
        "enable.ssl.certificate.verification": "false", "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "other", "sasl.password": "secret",
      ])
  }

  @Test func theOtherNameOfBootstrapServersReplacesIt() throws {
    let settings = try load("kafka: {metadata.broker.list: 'a:1'}").settings
    #expect(settings.kafka == ["bootstrap.servers": "a:1"])
  }
}

@Suite struct ConfigurationErrorTests {
  @Test func anUnknownKeyNamesItsLineAndTheNearestKnownOne() {
    #expect(
      problems("application: a\nredis:\n  host: b\n  prot: 1\n") == [
        "test.yaml:4: unknown key \"redis.prot\"; the nearest known key is redis.port"
      ])
    #expect(
      problems("\nbatch_max_time_ms: 5\n") == [
        "test.yaml:2: unknown key \"batch_max_time_ms\"; the nearest known key is "
          + "processing.batch_max_time_ms"
      ])
    #expect(
      problems(flags: [("rediss.host", "x")]) == [
        "--set rediss.host: unknown key \"rediss.host\"; the nearest known key is redis.host"
      ])
  }

  @Test(arguments: [
    ("redis.port", "0"), ("redis.port", "65536"), ("redis.port", "http"), ("redis.port", ""),
    ("redis.port", "6379.0"), ("feast.entity_key_serialization_version", "1"),
    ("application", "Films"), ("application", ""), ("stages", "user,user"), ("stages", ""),
    ("topics.prefix", "a.b"), ("topics.prefix", "ü"),
    ("stages", "users"), ("processing.guarantee", "exactly-once"), ("log.level", "loud"),
    ("state.map_size_gigabytes", "99999999999999999999"), ("instance", "a/b"),
    ("kafka.bootstrap.servers", ""), ("state.directory", "~/state"), ("state.directory", "~"),
    ("redis.host", ""), ("redis.host", " "), ("redis.host", "redis://cache"),
    ("redis.host", "cache:6379"), ("redis.host", "[::1]"), ("redis.host", "/run/redis.sock"),
  ])
  func aWrongValueIsRefused(path: String, value: String) throws {
    let expected = try #require(SettingKey.byPath[path]).expected
    #expect(
      problems(flags: [(path, value)]) == [
        "--set \(path): \(path) is \"\(value)\"; expected \(expected)"
      ])
  }

  @Test(arguments: [("redis.host", "rediss"), ("mlflow.tracking_uri", "https")])
  func whoAnAddressLogsInAsIsNotShown(path: String, scheme: String) {
    let all = problems(flags: [(path, "\(scheme)://me:hun@ter2@cache/0")])
    #expect(all.count == 1 && all[0].contains("\(path) is \"\(scheme)://…@cache/0\"; expected"))
  }

  @Test(arguments: ["cache", "cache.example.org", "10.0.0.1", "::1", "fe80::1%eth0", "redis_1"])
  func aHostIsANameOrAnAddress(host: String) throws {
    #expect(try load(flags: [("redis.host", host)]).settings.redis.host == host)
  }

  @Test func allProblemsAreToldAtOnce() {
    let all = problems(
      "redis:\n  port: x\nlog: info\nstages: {a: 1}\nstate:\n  directory: [a, {b: c}]\n",
      environment: ["PROJECTIONIST_TOPICS_PARTITIONS": "none"])
    #expect(
      all == [
        "test.yaml:6: state.directory must be a list of plain values",
        "test.yaml:2: redis.port is \"x\"; expected a whole number from 1 to 65535",
        "test.yaml:3: log is a group of keys, such as log.level",
        "test.yaml:4: unknown key \"stages.a\"; the nearest known key is stages",
        "environment variable PROJECTIONIST_TOPICS_PARTITIONS: topics.partitions is \"none\";"
          + " expected a whole number from 1 to 10000",
      ])
  }

  @Test func aKeySetTwiceIsRefused() {
    #expect(
      problems("redis.port: 1\nredis: {port: 2}\n") == [
        "test.yaml:2: redis.port is set on line 1 already"
      ])
    #expect(problems("application: a\napplication: b\n").first?.contains("application") == true)
  }

  @Test func whatIsNotYAMLNamesItsLine() {
    #expect(problems("redis:\n  port: 'x\n").first?.hasPrefix("test.yaml:") == true)
    #expect(problems("just text") == ["test.yaml:1: expected keys with values"])
    #expect(problems("- a\n- b\n") == ["test.yaml:1: expected keys with values"])
  }

  @Test func aSecretIsNotRepeated() {
    let all = problems("redis:\n  password: [hunter2]\n")
    #expect(all.count == 1)
    #expect(all.contains { $0.contains("hunter2") } == false)
  }

  @Test func editDistanceCountsTheFewestEdits() {
    #expect(editDistance("kitten", "sitting") == 3)
    #expect(editDistance("", "abc") == 3)
    #expect(editDistance("abc", "") == 3)
    #expect(editDistance("same", "same") == 0)
  }
}
