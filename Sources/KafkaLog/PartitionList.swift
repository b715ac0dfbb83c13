import CRdkafka
import EventLog
import Glibc

/// Owns an `rd_kafka_topic_partition_list_t`.
@safe struct PartitionList: ~Copyable {
  let list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

  init(capacity: Int = 1) {
    unsafe list = rd_kafka_topic_partition_list_new(Int32(capacity))
  }

  init(_ partitions: some Collection<TopicPartition>) {
    self.init(capacity: partitions.count)
    for partition in partitions { add(partition) }
  }

  /// - Parameter stamp: stored with each offset, as its metadata.
  init(_ offsets: [TopicPartition: Int64], stamp: OffsetStamp? = nil) {
    let text = stamp?.text
    self.init(capacity: offsets.count)
    for (partition, offset) in offsets {
      let element = unsafe rd_kafka_topic_partition_list_add(
        list, partition.topic, partition.partition)
      unsafe element?.pointee.offset = offset
      guard let text else { continue }
      // The list frees it.
      unsafe element?.pointee.metadata = unsafe UnsafeMutableRawPointer(strdup(text))
      unsafe element?.pointee.metadata_size = text.utf8.count
    }
  }

  deinit { unsafe rd_kafka_topic_partition_list_destroy(list) }

  var count: Int { unsafe Int(list.pointee.cnt) }

  func add(_ partition: TopicPartition, offset: Int64 = Int64(RD_KAFKA_OFFSET_INVALID)) {
    unsafe rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition).pointee
      .offset =
      offset
  }

  /// What the metadata of each element says, where it has any.
  var stamps: [TopicPartition: OffsetStamp] {
    var stamps: [TopicPartition: OffsetStamp] = [:]
    for index in 0..<count {
      let element = unsafe list.pointee.elems[index]
      let partition = unsafe TopicPartition(String(cString: element.topic), element.partition)
      stamps[partition] = unsafe OffsetStamp(element)
    }
    return stamps
  }

  /// Calls `body` with each element, until it throws.
  func forEach(
    _ body: (TopicPartition, _ offset: Int64, rd_kafka_resp_err_t) throws(LogError) -> Void
  ) throws(LogError) {
    for index in 0..<count {
      let element = unsafe list.pointee.elems[index]
      try unsafe body(
        TopicPartition(String(cString: element.topic), element.partition), element.offset,
        element.err)
    }
  }
}

extension OffsetStamp {
  /// What an element's metadata says; `nil` for none.
  init?(_ element: rd_kafka_topic_partition_t) {
    guard let metadata = unsafe element.metadata, unsafe element.metadata_size > 0 else {
      return nil
    }
    let bytes = unsafe UnsafeRawBufferPointer(start: metadata, count: element.metadata_size)
    unsafe self.init(String(decoding: bytes, as: UTF8.self))
  }
}

/// The partitions of a list owned by librdkafka.
func partitions(of list: UnsafePointer<rd_kafka_topic_partition_list_t>) -> [TopicPartition] {
  unsafe (0..<Int(list.pointee.cnt)).map { index in
    let element = unsafe list.pointee.elems[index]
    return unsafe TopicPartition(String(cString: element.topic), element.partition)
  }
}

extension StartOffset {
  var native: Int64 {
    switch self {
    case .beginning: Int64(RD_KAFKA_OFFSET_BEGINNING)
    case .end: Int64(RD_KAFKA_OFFSET_END)
    case .at(let offset): offset
    }
  }
}
