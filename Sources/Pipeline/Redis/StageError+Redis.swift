import EventLog
public import RedisProjection
public import Streams

extension StageError {
  /// Runs a call to Redis, its error wrapped.
  static func redis<R>(_ body: () throws(RedisError) -> R) throws(StageError) -> R {
    do throws(RedisError) { return try body() } catch { throw StageError(error) }
  }

  /// Redis is a projection: whatever it lacks, the stage waits for it, and goes on by itself.
  init(_ error: RedisError) {
    guard let refusal = error.refusal else {
      self = .failed(Reason(Reason.Code(error.condition), "\(error)"), .retry)
      return
    }
    let why =
      switch refusal {
      case .missing: "Redis was emptied"
      case .claimed: "the project in Redis was claimed"
      case .moved: "Redis has lost writes, or another member has gone on"
      }
    // The next session asks what is there.
    self = .failed(Reason(.redisBehind, "\(why): looking where to go on"), .abandonPartition)
  }

  /// Asks the log, its error wrapped.
  static func asking<R>(_ body: () throws(LogError) -> R) throws(StageError) -> R {
    do throws(LogError) { return try body() } catch { throw .log(error) }
  }
}

extension Reason.Code {
  /// The code that a condition of Redis is waited for with.
  public init(_ condition: RedisCondition) {
    self =
      switch condition {
      case .unreachable, .silent, .closed: .redisUnavailable
      case .tooManyClients: .redisTooManyClients
      case .loading: .redisLoading
      case .busy: .redisBusy
      case .outOfMemory: .redisOutOfMemory
      case .readOnly: .redisReadOnly
      case .cannotSave: .redisCannotSave
      case .tooFewReplicas: .redisTooFewReplicas
      case .masterDown: .redisMasterDown
      case .scriptLost: .redisScriptLost
      case .passwordMissing: .redisPasswordMissing
      case .passwordWrong: .redisPasswordWrong
      case .passwordUnexpected, .userUnexpected: .redisCredentialsUnexpected
      case .denied: .redisDenied
      case .protected: .redisProtected
      case .cluster: .redisCluster
      case .tls: .redisTLS
      case .notRedis: .redisNotRedis
      case .commandMissing: .redisCommandMissing
      case .unfit: .redisUnfit
      case .noDatabase: .redisNoDatabase
      case .wrongType: .redisWrongType
      case .unknownRecord: .redisRecordUnknown
      case .refused: .redisRefused
      }
  }
}
