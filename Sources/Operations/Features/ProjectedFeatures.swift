package import Configuration
import Pipeline
package import RedisProjection
import Wiring

/// Finds an entity's features in Redis.
package enum ProjectedFeatures {
  /// - Returns: what Redis has, or why it can't be read.
  package static func read(_ id: Int64, isMovie: Bool, _ settings: Settings) throws -> (
    row: RedisRow?, failure: RedisError?
  ) {
    let projection = settings.feastProjection
    let view = isMovie ? projection.movie : projection.user
    var key: [UInt8] = []
    view.key.append(id, to: &key)
    do throws(RedisError) {
      let reader = FeatureReader(settings.redisConfiguration)
      return (try reader.read(view.fields, key: key.span.bytes), nil)
    } catch {
      return (nil, error)
    }
  }
}
