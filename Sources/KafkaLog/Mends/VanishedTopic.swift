import CRdkafka
import Dispatch
import Glibc

extension Mend {
  /// After a topic was deleted whose partitions a client has, destroying the client waits for ever
  /// for the thread of a broker: seen with 2.0.2, and not looked for in newer versions. Whether the
  /// topic is gone may come out only while the client is destroyed.
  ///
  /// So a thread of its own destroys the client, and is left behind if that takes long.
  static let vanishedTopic = Mend(
    fault: "Destroying a client never ends if a topic that it reads was deleted.",
    source: "https://github.com/confluentinc/librdkafka/issues/3007",
    mendedIn: nil)

  /// How long the owner of a client waits until it is destroyed.
  private static let patience = DispatchTimeInterval.seconds(2)

  /// Destroys a client that has left its group or given up: closing it again could take for ever.
  ///
  /// - Parameter context: the target of the client's callbacks, which must outlive it.
  static func destroy(_ client: OpaquePointer, _ context: ClientContext) {
    let remains = unsafe Remains(client: client, context: context)
    guard vanishedTopic.isNeeded(), remains.destroyOnThread(patience) else {
      return remains.destroy()
    }
  }
}

/// What is left of a client once its owner is gone. The thread that destroys it owns it.
@safe private final class Remains: @unchecked Sendable {
  private let client: OpaquePointer
  private let context: ClientContext
  private let isDestroyed = DispatchSemaphore(value: 0)

  init(client: OpaquePointer, context: ClientContext) {
    unsafe self.client = client
    self.context = context
  }

  func destroy() {
    unsafe rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
    isDestroyed.signal()
  }

  /// Destroys the client on a thread of its own.
  ///
  /// - Returns: whether there is such a thread, which may not have ended yet.
  func destroyOnThread(_ patience: DispatchTimeInterval) -> Bool {
    var thread = pthread_t()
    let failure = unsafe pthread_create(
      &thread, nil,
      { remains in
        guard let remains = unsafe remains else { return nil }
        unsafe Unmanaged<Remains>.fromOpaque(remains).takeRetainedValue().destroy()
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    guard failure == 0 else {
      unsafe Unmanaged.passUnretained(self).release()
      return false
    }
    pthread_detach(thread)
    _ = isDestroyed.wait(timeout: .now() + patience)
    return true
  }
}
