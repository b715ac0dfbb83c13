import CRdkafka

/// The memory of librdkafka's clients, which is that of the C library's allocator.
public enum ClientMemory {
  /// Makes all threads share two arenas.
  ///
  /// librdkafka allocates in some threads and frees in others; with an arena for each, glibc keeps
  /// several times what is in use. To be called before the first client is made.
  public static func limitArenas() {
    mallopt(M_ARENA_MAX, 2)
  }

  /// Gives what is free back to the system. Takes some milliseconds, during which threads that
  /// allocate wait.
  public static func trim() {
    malloc_trim(0)
  }
}
