"""What the broker says of the stages' groups and of the topics' offsets."""

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from under_fire.daemon import APPLICATION
from under_fire.waiting import wait_until

# A stage's group and what it reads.
INPUTS = {
    "intake": ["user-ratings"],
    "user": ["validated-ratings"],
    "movie": ["ratings-by-movie"],
    "redis": ["user-features", "movie-features"],
}

NOT_READY = {
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
}


class Member:
    def __init__(self, description):
        self.id = description.member_id
        self.client = description.client_id
        self.instance = description.group_instance_id
        self.partitions = sorted(
            (each.topic, each.partition) for each in description.assignment.topic_partitions
        )


class Groups:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._reader = None

    def members(self, stage):
        """The stage's group as the broker describes it: its state, and its members."""
        group = f"{APPLICATION}-{stage}"
        description = self.admin.describe_consumer_groups([group])[group].result(10)
        return description.state.name, [Member(each) for each in description.members]

    def owners(self, stage):
        """Which instance has each partition of the stage's topics, by (topic, partition)."""
        prefix = f"{APPLICATION}-{stage}-"
        return {
            place: (member.instance or member.client).removeprefix(prefix)
            for member in self.members(stage)[1]
            for place in member.partitions
        }

    def committed(self, stage):
        """The group's offsets by (topic, partition)."""
        group = f"{APPLICATION}-{stage}"
        future = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        offsets = future[group].result(10).topic_partitions
        return {(each.topic, each.partition): each.offset for each in offsets if each.offset >= 0}

    def partitions(self, topic):
        return sorted(self.admin.list_topics(topic, timeout=10).topics[topic].partitions)

    def ends(self, topics, committed=True):
        """The offset after the last record, by (topic, partition)."""
        return self._offsets(topics, OffsetSpec.latest(), committed)

    def starts(self, topics):
        """The first offset, by (topic, partition)."""
        return self._offsets(topics, OffsetSpec.earliest(), True)

    def _offsets(self, topics, spec, committed):
        wanted = {
            TopicPartition(topic, partition): spec
            for topic in topics
            for partition in self.partitions(topic)
        }
        level = (
            IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        )

        def answer():
            futures = self.admin.list_offsets(wanted, isolation_level=level, request_timeout=10)
            try:
                return {
                    (place.topic, place.partition): future.result().offset
                    for place, future in futures.items()
                }
            except KafkaException as error:
                # A broker that has just started knows an older epoch than its clients do.
                if error.args[0].code() not in NOT_READY:
                    raise
                return None

        return wait_until(answer, 30, "the broker tells offsets")

    # Lag

    def has_caught_up(self, stage):
        """Whether the stage's group has committed all there is to read.

        What a transaction leaves at the end of a partition, its marker, is not a record: where an
        end is not reached the records in between are looked for.
        """
        ends = self.ends(INPUTS[stage], committed=False)
        committed = self.committed(stage)
        for place, end in ends.items():
            position = committed.get(place, 0)
            if position < end and self._holds_record(*place, position, end):
                return False
        return True

    def _holds_record(self, topic, partition, start, end):
        if end - start > 1_000:
            return True
        if self._reader is None:
            self._reader = Consumer(
                {
                    "bootstrap.servers": self.bootstrap,
                    "group.id": "storm-lag",
                    "enable.auto.commit": False,
                    "isolation.level": "read_committed",
                    "enable.partition.eof": True,
                    # The broker reports an end without a record once it has waited for more.
                    "fetch.wait.max.ms": 10,
                    "auto.offset.reset": "earliest",
                    "log_level": 0,
                }
            )
        self._reader.assign([TopicPartition(topic, partition, start)])
        message = self._reader.poll(10)
        if message is None:
            return True
        if message.error() is None:
            return True
        # At the end of what is committed; anything behind it is an open transaction.
        return message.error().code() != KafkaError._PARTITION_EOF or self._is_open(
            topic, partition, end
        )

    def _is_open(self, topic, partition, end):
        return self.ends([topic])[(topic, partition)] < end

    def wait_until_caught_up(self, stages=tuple(INPUTS), seconds=120, watch=None, daemons=()):
        """Waits until every stage has processed everything, in the order of the pipeline.

        `watch` is called again and again meanwhile, and `daemons` must go on running.
        """

        def all_caught_up():
            for daemon in daemons:
                if not daemon.is_running:
                    raise RuntimeError(
                        f"{daemon.name} has ended with {daemon.exit_code}: {daemon.last_words()}"
                    )
            if watch:
                watch()
            try:
                return all(self.has_caught_up(stage) for stage in stages)
            except KafkaException:
                return False  # The group's coordinator is loading, or the broker is away.

        wait_until(all_caught_up, seconds, "no lag on any stage", pause=0.25)

    def has_open_transactions(self, topics):
        """Whether something is written that is neither committed nor aborted."""
        return self.ends(topics) != self.ends(topics, committed=False)

    def close(self):
        if self._reader is not None:
            self._reader.close()


def reset_group(bed, stage, topic, target="--to-earliest"):
    """Moves the offsets of a stage's group, as an operator does. Kafka refuses while the group has
    members, and a stopped instance is one until its session times out; the tool only says so."""
    wait_until(lambda: not bed.groups.members(stage)[1], 30, f"the group of {stage} is empty")
    command = ["kafka-consumer-groups.sh", "--bootstrap-server", bed.bootstrap]
    command += ["--group", f"{APPLICATION}-{stage}", "--topic", topic]
    command += ["--reset-offsets", target, "--execute"]
    ends = bed.groups.starts if target == "--to-earliest" else bed.groups.ends
    wanted = ends([topic])

    def is_moved():
        bed.kafka.tool(*command)
        committed = bed.groups.committed(stage)
        return all(committed.get(place) == offset for place, offset in wanted.items())

    wait_until(is_moved, 120, f"the offsets of {stage} are moved", pause=1)
