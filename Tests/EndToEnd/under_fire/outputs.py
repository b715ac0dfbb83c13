"""Reads topics whole."""

import json

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from log_reader import TopicReader


def committed(bootstrap, topic):
    """Every committed record of a topic, as messages, partition by partition in order."""
    reader = TopicReader(bootstrap, topic)
    try:
        yield from reader.read(600)
    finally:
        reader.close()


def newest(bootstrap, topic):
    """The newest committed value of each key; keys that were deleted are left out."""
    values = {}
    for message in committed(bootstrap, topic):
        if message.value() is None:
            values.pop(message.key(), None)
        else:
            values[message.key()] = message.value()
    return values


def input_records(bootstrap):
    """All of `user-ratings`: partition, offset, key, value, timestamp."""
    return [
        (
            message.partition(),
            message.offset(),
            message.key(),
            message.value(),
            message.timestamp()[1],
        )
        for message in committed(bootstrap, "user-ratings")
    ]


def verdicts(bootstrap):
    """What `validation-results` says, in order: ((partition, offset), valid, failed rules)."""
    for message in committed(bootstrap, "validation-results"):
        verdict = json.loads(message.value())
        yield (verdict["partition"], verdict["offset"]), verdict["valid"], verdict["failed"]


def aborted_count(bootstrap, topic):
    """How many records of a topic are in transactions that were aborted."""
    everything = count_uncommitted(bootstrap, topic)
    return everything - sum(1 for _ in committed(bootstrap, topic))


def count_uncommitted(bootstrap, topic):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "storm-uncommitted",
            "enable.auto.commit": False,
            "isolation.level": "read_uncommitted",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        count = 0
        at_end = set()
        while len(at_end) < len(partitions):
            for message in consumer.consume(10_000, timeout=0.05):
                if message.error() is None:
                    count += 1
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    at_end.add(message.partition())
                else:
                    raise KafkaException(message.error())
        return count
    finally:
        consumer.close()
