/// Tries what the redis stage does to Redis, on keys of its own that it deletes again: makes a
/// record, loads the script, writes a row by it, reads it back.
public enum WriteTrial {
  /// What was read back is not what was written.
  static let mismatch = "it does not give back what was written"

  /// - Parameter project: whose keys the trial's look like, for rights that depend on their names:
  ///   `projectionist:…` and `…<project>`.
  public static func run(project: String, _ configuration: RedisConfiguration) throws(RedisError) {
    let trial = "check-\(String(UInt64.random(in: 0 ... .max), radix: 36)):\(project)"
    let owner = ProjectionRecord.Owner(application: "check", cluster: "check")
    let permit = ProjectionPermit(project: trial, owner: owner, epoch: 1)
    let view = FeastView("check", features: ["value"])
    let layout = FeastLayout(key: FeastKey(project: trial, joinKeys: ["user_id"]), fields: view)
    var key: [UInt8] = []
    layout.key.append(Int64.min, to: &key)
    do throws(RedisError) {
      try perform(permit, layout, key, configuration)
    } catch {
      // What failed may have written something, and often nothing can be deleted now either.
      try? delete(permit, key, configuration)
      throw error
    }
    try delete(permit, key, configuration)
  }

  private static func perform(
    _ permit: ProjectionPermit, _ layout: FeastLayout, _ key: [UInt8],
    _ configuration: RedisConfiguration
  ) throws(RedisError) {
    let keeper = ProjectionKeeper(configuration, project: permit.project)
    _ = try keeper.begin(ProjectionRecord(owner: permit.owner, epoch: permit.epoch))
    var batch = FeatureBatch(views: [layout.fields])
    unsafe batch.put(
      view: 0, key: key.span.bytes, fence: Fence(generation: permit.epoch, offset: 0),
      eventTime: 0)
    batch.append(.int64(1))
    _ = try FeatureWriter(configuration).write(batch, by: permit)
    let row = unsafe try FeatureReader(configuration).read(layout.fields, key: key.span.bytes)
    guard row?.values == [.int64(1)] else {
      throw RedisError(.notRedis, at: configuration.address.place, mismatch)
    }
    _ = try keeper.scan(layout, from: .init()) { _ in }
  }

  private static func delete(
    _ permit: ProjectionPermit, _ key: [UInt8], _ configuration: RedisConfiguration
  ) throws(RedisError) {
    var command = RedisCommand()
    command.append(copying: "DEL".utf8)
    command.append(copying: ProjectionRecord.key(project: permit.project).utf8)
    command.append(copying: key)
    _ = try RedisConnection(configuration).call(&command)
  }
}
