import Testing

@testable import RedisProjection

/// What servers of all versions and makes are known to answer, word for word.
@Suite struct RedisConditionTests {
  static let replies: [(String, RedisCondition)] = [
    // Credentials.
    ("NOAUTH Authentication required.", .passwordMissing),
    ("ERR operation not permitted", .passwordMissing),
    ("ERR Protocol error: unauthenticated multibulk length", .passwordMissing),
    ("WRONGPASS invalid username-password pair or user is disabled.", .passwordWrong),
    ("WRONGPASS invalid username-password pair", .passwordWrong),
    ("ERR invalid password", .passwordWrong),
    ("ERR invalid username-password pair or user is disabled.", .passwordWrong),
    (
      "ERR AUTH <password> called without any password configured for the default user. Are you"
        + " sure your configuration is correct?", .passwordUnexpected
    ),
    ("ERR Client sent AUTH, but no password is set", .passwordUnexpected),
    ("ERR Client sent AUTH, but no username-password pair is set", .passwordUnexpected),
    ("ERR wrong number of arguments for 'auth' command", .userUnexpected),
    ("NOPERM this user has no permissions to run the 'script|load' command", .denied),
    (
      "NOPERM this user has no permissions to run the 'evalsha' command or its subcommand", .denied
    ),
    ("NOPERM User feast has no permissions to run the 'info' command", .denied),
    (
      "NOPERM this user has no permissions to access one of the keys used as arguments", .denied
    ),
    ("NOPERM No permissions to access a key", .denied),
    (
      "NOPERM this user has no permissions to access one of the channels used as arguments",
      .denied
    ),
    (
      "ERR The user executing the script can't run this command or subcommand script: 706a, on"
        + " @user_script:1.", .denied
    ),
    (
      "ERR Error running script (call to f_706a): @user_script:1: @user_script: 1: The user"
        + " executing the script can't access at least one of the keys mentioned in the command"
        + " arguments", .denied
    ),
    (
      "ERR ACL failure in script: No permissions to access a key script: 70, on @user_script:1.",
      .denied
    ),
    (
      "DENIED Redis is running in protected mode because protected mode is enabled, no bind"
        + " address was specified, no authentication password is requested to clients.", .protected
    ),

    // The state of the server.
    ("OOM command not allowed when used memory > 'maxmemory'.", .outOfMemory),
    (
      "OOM command not allowed when used memory > 'maxmemory'. script: 1d2a, on @user_script:1.",
      .outOfMemory
    ),
    (
      "ERR Error running script (call to f_aa): @user_script:23: @user_script: 23: -OOM command"
        + " not allowed when used memory > 'maxmemory'.", .outOfMemory
    ),
    (
      "ERR Error running script (call to f_aa): @user_script:23: OOM command not allowed when"
        + " used memory > 'maxmemory'.", .outOfMemory
    ),
    ("-OOM command not allowed when used memory > 'maxmemory'.", .outOfMemory),
    ("ERR command not allowed when used memory > 'maxmemory'", .outOfMemory),
    ("ERR max daily quota exceeded", .refused),
    ("READONLY You can't write against a read only replica.", .readOnly),
    ("READONLY You can't write against a read only slave.", .readOnly),
    (
      "ERR Error running script (call to f_aa): @user_script:30: @user_script: 30: -READONLY You"
        + " can't write against a read only slave.", .readOnly
    ),
    (
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to"
        + " disk.", .cannotSave
    ),
    (
      "ERR Error running script (call to f_aa): @user_script:30: @user_script: 30: -MISCONF Redis"
        + " is configured to save RDB snapshots, but is currently not able to persist on disk.",
      .cannotSave
    ),
    ("MISCONF Errors writing to the AOF file: No space left on device", .cannotSave),
    ("NOREPLICAS Not enough good replicas to write.", .tooFewReplicas),
    ("NOREPLICAS Not enough good slaves to write.", .tooFewReplicas),
    ("LOADING Redis is loading the dataset in memory", .loading),
    ("LOADING kvrocks is restoring the db from backup", .loading),
    ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN", .busy),
    (
      "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
      .masterDown
    ),
    ("NOSCRIPT No matching script. Please use EVAL.", .scriptLost),
    ("ERR max number of clients reached", .tooManyClients),
    ("ERR max number of clients + cluster connections reached", .tooManyClients),

    // What it is.
    ("CLUSTERDOWN Hash slot not served", .cluster), ("CLUSTERDOWN The cluster is down", .cluster),
    ("MOVED 3999 127.0.0.1:6381", .cluster), ("ASK 3999 127.0.0.1:6381", .cluster),
    ("TRYAGAIN Multiple keys request during rehashing of slot", .cluster),
    ("CROSSSLOT Keys in request don't hash to the same slot", .cluster),
    (
      "ERR Error running script (call to f_aa): @user_script:3: @user_script: 3: Lua script"
        + " attempted to access a non local key in a cluster node", .cluster
    ),
    ("ERR Script attempted to access keys that do not hash to the same slot", .cluster),
    ("ERR SELECT is not allowed in cluster mode", .cluster),
    ("ERR unknown command `EVALSHA`, with args beginning with: `aa`, ", .commandMissing),
    ("ERR unknown command 'SCRIPT'", .commandMissing),
    ("ERR unknown command 'script', with args beginning with: 'LOAD' ", .commandMissing),
    ("ERR Unknown Redis command called from script script: 1, on @user_script:1.", .commandMissing),
    (
      "ERR Error running script (call to f_aa): @user_script:1: @user_script: 1: Unknown Redis"
        + " command called from Lua script", .commandMissing
    ),
    ("ERR unknown subcommand 'LOAD'. Try SCRIPT HELP.", .commandMissing),
    ("ERR command is not allowed", .commandMissing), ("ERR unsupported command", .commandMissing),
    (
      "ERR Error running script (call to f_aa): @user_script:8: @user_script: 8: Wrong number of"
        + " args calling Redis command From Lua script", .unfit
    ),
    (
      "ERR user_script:9: Script attempted to access nonexistent global variable 'struct' script:"
        + " d5f1, on @user_script:9.", .unfit
    ),
    ("ERR DB index is out of range", .noDatabase), ("ERR invalid DB index", .noDatabase),

    // What it holds.
    ("WRONGTYPE Operation against a key holding the wrong kind of value", .wrongType),
    (
      "ERR Error running script (call to f_aa): @user_script:1: @user_script: 1: WRONGTYPE"
        + " Operation against a key holding the wrong kind of value", .wrongType
    ),
    ("ERR Operation against a key holding the wrong kind of value", .wrongType),

    // Nothing of its own.
    ("EXECABORT Transaction discarded because of previous errors.", .refused),
    ("ERR syntax error", .refused), ("ERR", .refused), ("", .refused), ("-", .refused),
    ("ERR Error running script (call to f_aa): @user_script:", .refused),
    ("SOMETHING new that no version says yet", .refused),
  ]

  @Test(arguments: replies)
  func repliesAreToldApart(reply: String, condition: RedisCondition) {
    #expect(RedisCondition(reply: reply) == condition)
  }

  @Test(arguments: [
    (#"Protocol error, got "\x15" as reply type byte"#, RedisCondition.tls),
    (#"Protocol error, got "\x16" as reply type byte"#, .tls),
    (#"Protocol error, got "H" as reply type byte"#, .notRedis),
    (#"Protocol error, got "\"" as reply type byte"#, .notRedis),
    (#"Protocol error, got "\n" as reply type byte"#, .notRedis),
    ("Bad simple string value", .notRedis), ("Bad bulk string length", .notRedis), ("", .notRedis),
  ])
  func noiseIsToldApart(text: String, condition: RedisCondition) {
    let protocolError: Int32 = 4
    #expect(ConnectionFailure(code: protocolError, text).condition == condition)
  }

  @Test func connectionsFailInFewWays() {
    for (code, text, condition) in [
      (1, "Connection refused", .unreachable), (1, "Connection timed out", .unreachable),
      (1, "No route to host", .unreachable), (2, "Name or service not known", .unreachable),
      (1, "Resource temporarily unavailable", .silent), (1, "Connection reset by peer", .closed),
      (1, "Broken pipe", .closed), (3, "Server closed the connection", .closed),
      (5, "Out of memory", .unreachable),
    ] as [(Int32, String, RedisCondition)] {
      #expect(ConnectionFailure(code: code, text).condition == condition, "\(text)")
    }
  }

  @Test func everyConditionSaysWhatToDo() {
    for condition in RedisCondition.allCases {
      let error = RedisError(condition, at: "Redis at h:1", "x")
      #expect(!condition.complaint.isEmpty && !condition.advice.isEmpty)
      #expect(error.description.hasPrefix("Redis at h:1 "))
      #expect(!error.description.contains("\n"))
    }
    let complaints = RedisCondition.allCases.map(\.complaint)
    #expect(Set(complaints).count == complaints.count)
  }

  @Test func wordsAreCutAndRepeatNoPassword() {
    let secret = "ERR unknown command `AUTH`, with args beginning with: `secret`, "
    #expect(!"\(RedisError(.commandMissing, at: "Redis", secret))".contains("secret"))
    let long = RedisError(.refused, at: "Redis", String(repeating: "a\r\n\u{1}", count: 1_000))
    #expect(long.words.count < 300 && !long.words.contains("\u{1}"))
    #expect(!long.words.contains("\n"))
  }

  @Test func serversDescribeThemselves() {
    let redis = RedisServerInfo(
      "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n\r\n# Memory\r\n"
        + "used_memory:12\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\nrole:slave\r\n"
        + "evicted_keys:3\r\ncluster_enabled:0\r\n")
    #expect(redis.version == "Redis 7.0.15" && redis.mode == "standalone" && !redis.isCluster)
    #expect(redis.usedBytes == 12 && redis.maxBytes == 0 && redis.role == "slave")
    #expect(redis.evictedKeys == 3 && redis.evictionPolicy?.keepsKeys == false)
    #expect(redis.evictionPolicy?.warning?.contains("allkeys-lru") == true)
    #expect(EvictionPolicy("noeviction").warning == nil)
    #expect(EvictionPolicy("volatile-ttl").warning?.contains("expiry") == true)
    #expect(redis.unusable == nil)
    #expect(RedisServerInfo("cluster_enabled:1").unusable?.condition == .cluster)
    #expect(RedisServerInfo("redis_mode:cluster\n").unusable?.condition == .cluster)
    #expect(RedisServerInfo("redis_mode:sentinel\n").unusable?.condition == .notRedis)
    let valkey = RedisServerInfo("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n")
    #expect(valkey.version == "Valkey 8.0.1")
    #expect(RedisServerInfo("noise\0:\r\n::::\nused_memory:x") == RedisServerInfo())
  }
}
