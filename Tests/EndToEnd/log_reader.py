"""Reads topics to their end with confluent-kafka."""

import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition


class TopicReader:
    """Follows one topic's committed records; joins no group."""

    def __init__(self, bootstrap_servers, topic, starts=None):
        """`starts` are offsets by partition; where there is none it starts at the beginning."""
        self.topic = topic
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "projectionist-end-to-end",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                # The client itself says when a partition is read to its end: offsets can't, since
                # transaction markers and compaction leave gaps.
                "enable.partition.eof": True,
                # The broker reports the end once it has waited this long for more.
                "fetch.wait.max.ms": 20,
            }
        )
        metadata = self._consumer.list_topics(topic, timeout=10).topics[topic]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        self.partitions = sorted(metadata.partitions)
        self._at_end = set()
        starts = starts or {}
        self._consumer.assign(
            [
                TopicPartition(topic, number, starts.get(number, OFFSET_BEGINNING))
                for number in self.partitions
            ]
        )

    def ends(self):
        """The offset after the last committed record, by partition."""
        return {
            number: self._consumer.get_watermark_offsets(
                TopicPartition(self.topic, number), timeout=10
            )[1]
            for number in self.partitions
        }

    def read(self, timeout_seconds=120):
        """Yields what is new since the last call, until every partition's end is reached."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            messages = self._consumer.consume(10_000, timeout=0.05)
            for message in messages:
                error = message.error()
                if error is None:
                    self._at_end.discard(message.partition())
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    self._at_end.add(message.partition())
                elif error.fatal() or not error.retriable():
                    raise KafkaException(error)
            if not messages and len(self._at_end) == len(self.partitions):
                return
        raise TimeoutError(f"{self.topic} was not read to its end in {timeout_seconds} s")

    def close(self):
        self._consumer.close()
