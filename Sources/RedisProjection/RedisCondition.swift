/// Why Redis does not do what it is asked to: a closed set, whatever the version or make of the
/// server. Each has one way to mend it.
public enum RedisCondition: Hashable, Sendable, CaseIterable {
  // Nobody answers.
  case unreachable
  /// It takes the connection and says nothing.
  case silent
  case closed
  case tooManyClients

  // It answers, and will do more later or once somebody has looked after it.
  case loading
  case busy
  case outOfMemory
  case readOnly
  case cannotSave
  case tooFewReplicas
  case masterDown
  /// It does not know a script that was loaded a moment ago.
  case scriptLost

  // Who asks.
  case passwordMissing
  case passwordWrong
  /// A password is configured and it has none.
  case passwordUnexpected
  /// A user is configured, and it is of a version without users.
  case userUnexpected
  case denied
  /// Protected mode: no connections from other hosts.
  case protected

  // What it is.
  case cluster
  case tls
  case notRedis
  /// A command that it does not have, or that a service forbids to everybody.
  case commandMissing
  /// It can't run the script that writes features.
  case unfit
  case noDatabase

  // What it holds.
  /// Something other than a hash under a key that is ours.
  case wrongType
  /// A record that another version of this program wrote.
  case unknownRecord

  /// Anything else that it answers with an error.
  case refused
}

extension RedisCondition {
  /// What it takes to go on.
  public enum Remedy: Hashable, Sendable {
    /// The server: it comes back, or somebody looks after it.
    case server
    /// Credentials or rights.
    case rights
    /// Another server or another configuration.
    case configuration
    /// What is stored.
    case content
  }

  public var remedy: Remedy {
    switch self {
    case .unreachable, .silent, .closed, .tooManyClients, .loading, .busy, .outOfMemory, .readOnly,
      .cannotSave, .tooFewReplicas, .masterDown, .scriptLost:
      .server
    case .passwordMissing, .passwordWrong, .passwordUnexpected, .userUnexpected, .denied,
      .protected:
      .rights
    case .cluster, .tls, .notRedis, .commandMissing, .unfit, .noDatabase: .configuration
    case .wrongType, .unknownRecord, .refused: .content
    }
  }

  /// What is wrong, after the name of the server.
  public var complaint: String {
    switch self {
    case .unreachable: "can't be reached"
    case .silent: "takes connections and does not answer in time"
    case .closed: "closes the connection"
    case .tooManyClients: "takes no more clients"
    case .loading: "is still loading its data"
    case .busy: "is busy with somebody's script"
    case .outOfMemory: "is out of memory"
    case .readOnly: "is a read-only replica"
    case .cannotSave: "takes no writes because it can't save to its disk"
    case .tooFewReplicas: "takes no writes because it has too few replicas"
    case .masterDown: "is a replica that has lost its primary"
    case .scriptLost: "forgets a script as soon as it is loaded"
    case .passwordMissing: "wants a password"
    case .passwordWrong: "refuses the password or the user"
    case .passwordUnexpected: "has no password, and redis.password is set"
    case .userUnexpected: "knows no users, and redis.username is set"
    case .denied: "does not permit its user what the redis stage does"
    case .protected: "is in protected mode and takes no connections from other hosts"
    case .cluster: "is a Redis Cluster, which is not supported"
    case .tls: "speaks TLS, which is not supported"
    case .notRedis: "does not speak as Redis does"
    case .commandMissing: "lacks a command or forbids it to everybody"
    case .unfit: "can't run the script that writes features"
    case .noDatabase: "has no database of the configured number"
    case .wrongType: "has something other than a hash under a key of this project"
    case .unknownRecord: "has a record of the project in a format of another version"
    case .refused: "refuses a command"
    }
  }

  /// What to do about it. The stage goes on by itself once it is done.
  public var advice: String {
    switch self {
    case .unreachable: "check redis.host and redis.port, and that Redis runs"
    case .silent: "see whether it is overloaded or paused; raise redis.timeout_ms if it is slow"
    case .closed: "see its log; a proxy in front of it may have no server to go to"
    case .tooManyClients: "raise its maxclients, or close other connections"
    case .loading: "nothing to do but wait"
    case .busy: "wait, or end the script with SCRIPT KILL"
    case .outOfMemory: "raise its maxmemory, or delete keys that nobody needs"
    case .readOnly: "set redis.host to the primary, or promote this replica"
    case .cannotSave: "see its log and make room on its disk"
    case .tooFewReplicas: "start its replicas, or lower min-replicas-to-write"
    case .masterDown: "set redis.host to the primary, or mend the replication"
    case .scriptLost:
      "set redis.host to one server: this may be a proxy that spreads commands over several"
    case .passwordMissing:
      "set redis.password, with redis.username if it has users, and restart"
    case .passwordWrong:
      "correct redis.password or redis.username and restart, or let the server take this password"
    case .passwordUnexpected: "remove redis.password and restart, or set requirepass there"
    case .userUnexpected: "remove redis.username and restart"
    case .denied: "grant it \(Self.neededRights)"
    case .protected: "set a password there (requirepass), or protected-mode no"
    case .cluster: "set redis.host to an instance without cluster mode (cluster-enabled no)"
    case .tls:
      "put a TLS proxy such as stunnel in between, and set redis.host and redis.port to it"
    case .notRedis: "set redis.host and redis.port to a Redis server"
    case .commandMissing:
      "undo its rename-command, or use a server with scripts: Redis 4 or newer, Valkey"
    case .unfit: "use Redis 4 or newer, or Valkey"
    case .noDatabase: "correct redis.database, or raise databases there"
    case .wrongType: "rename or delete that key"
    case .unknownRecord: "run that version, or delete the record: the stage then looks at the rows"
    case .refused: "see what it says"
    }
  }

  /// What a user of Redis needs for everything that the product does.
  public static let neededRights =
    "~* +@connection +@hash +@scripting +scan +exists +del +info (ACL SETUSER)"
}
