"""The daemon under fire: kills, broker restarts, pauses, rebalances and lost state on Apache Kafka,
judged by an independent fold. Run by Tests/EndToEnd/storm."""
