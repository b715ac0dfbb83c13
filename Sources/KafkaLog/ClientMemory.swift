import CRdkafka

/// The memory of librdkafka's clients, which comes from the C library's allocator.
public enum ClientMemory {
  /// Makes all threads share two arenas.
  ///
  /// librdkafka allocates in some threads and frees in others. With an arena per thread glibc keeps
  /// several times what is in use. Call this before making the first client.
  public static func limitArenas() {
    mallopt(M_ARENA_MAX, 2)
  }

  /// Returns free memory to the system. Takes some milliseconds, during which allocations block.
  public static func trim() {
    malloc_trim(0)
  }
}
