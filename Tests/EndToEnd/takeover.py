"""A daemon takes over the topics, the state directory and the Redis of an earlier version.

Usage: takeover.py record --binary PROGRAM DIRECTORY   writes what a version leaves behind
       takeover.py check --binary PROGRAM DIRECTORY    starts a version on it and checks the result

The state is one of an earlier version, which kept what had arrived last: the daemon folds it again.

DIRECTORY holds `records.json` (every topic's records, in the order of their offsets),
`offsets.json` (the groups' positions), `redis.json` (every hash) and `state.tar.gz`. Runs on the
embedded broker, whose offsets have no gaps, so that producing the records again gives the same ones.
"""

import argparse
import base64
import json
import os
import tarfile
import tempfile

import redis
from confluent_kafka import Consumer, Producer, TopicPartition
from log_reader import TopicReader
from under_fire.embedded import APPLICATION, PARTITIONS, EmbeddedPipeline
from under_fire.services import RedisNode
from under_fire.waiting import wait_until

TOPICS = [
    "user-ratings",
    "validated-ratings",
    "validation-results",
    "user-ratings-dlq",
    "ratings-by-movie",
    "user-features",
    "movie-features",
    f"{APPLICATION}-user-changelog",
    f"{APPLICATION}-movie-changelog",
    "movies",
    "recommendation-requests",
    "recommendations",
]
GROUPS = {
    "intake": ["user-ratings"],
    "user": ["validated-ratings"],
    "movie": ["ratings-by-movie"],
    "redis": ["user-features", "movie-features"],
    "predict": ["recommendation-requests"],
}
GENRES = ["Action", "Comedy", "Drama", "Horror", "Sci-Fi"]
START = 1_700_000_000
# What a daemon that can use what it finds does not report.
REPAIRS = [
    "restoring",
    "store_rebuilt",
    "store_refused",
    "offsets_differ",
    "retention_guard",
    "batch_aborted",
    "rejoining",
    "waiting",
]


def encode(data):
    return None if data is None else base64.b64encode(data).decode()


def decode(text):
    return None if text is None else base64.b64decode(text)


class Bed(EmbeddedPipeline):
    """A Redis as well, and what is asked of the daemon."""

    def __init__(self, binary, directory):
        server = RedisNode(directory)
        server.start()
        super().__init__(binary, directory, server, instance="takeover")

    def verify(self):
        """Whether log, stores and Redis agree."""
        code, text = self.command("state", "verify")
        if code != 0:
            raise RuntimeError(f"state verify exited with {code}:\n{text}")

    def client(self):
        return redis.Redis("127.0.0.1", self.redis.port)


# Recording


def events():
    """Ratings, ratings of the same film later, take-backs and bad input of a few users."""
    moment = START
    for round_number in range(3):
        for user in range(1, 13):
            for movie in range(1, 21):
                if (user * 7 + movie * 3 + round_number * 5) % 9:
                    continue
                moment += 60
                rating = ((user * movie + round_number) % 10 + 1) / 2
                if round_number and (user + movie) % 8 == 0:
                    rating = None
                yield {"user_id": user, "movie_id": movie, "rating": rating, "timestamp": moment}
    yield {"user_id": 1, "movie_id": 1, "rating": 7.25, "timestamp": moment}
    yield {"user_id": "nobody"}


def record(binary, directory):
    os.makedirs(directory, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="projectionist-takeover-") as work:
        bed = Bed(binary, work)
        try:
            bed.start_daemon()
            producer = Producer({"bootstrap.servers": bed.bootstrap})
            for movie in range(1, 21):
                genres = "|".join(GENRES[movie % 5 : movie % 5 + 1 + movie % 2])
                value = {"movie_id": movie, "title": f"Film {movie}", "genres": genres}
                producer.produce("movies", json.dumps(value), str(movie))
            producer.flush()
            for event in events():
                user = event["user_id"]
                partition = user % PARTITIONS if isinstance(user, int) else 0
                producer.produce("user-ratings", json.dumps(event), partition=partition)
            producer.produce("recommendation-requests", '{"user_id":3}', "3")
            producer.flush()
            bed.verify()
            code = bed.daemon.stop()
            if code != 0:
                raise RuntimeError(f"the daemon exited with {code}")
            write(directory, "records", [dump_topic(bed, topic) for topic in TOPICS])
            write(directory, "offsets", {stage: committed(bed, stage) for stage in GROUPS})
            write(directory, "redis", dump_redis(bed))
            with tarfile.open(f"{directory}/state.tar.gz", "w:gz") as archive:
                archive.add(f"{bed.state}/{APPLICATION}", APPLICATION)
        finally:
            bed.close()


def write(directory, name, content):
    with open(f"{directory}/{name}.json", "w", encoding="utf-8") as file:
        json.dump(content, file, separators=(",", ":"))
        file.write("\n")


def read(directory, name):
    with open(f"{directory}/{name}.json", encoding="utf-8") as file:
        return json.load(file)


def dump_topic(bed, topic):
    reader = TopicReader(bed.bootstrap, topic)
    records = sorted(
        (
            message.partition(),
            message.offset(),
            message.timestamp()[1],
            encode(message.key()),
            encode(message.value()),
            [[name, encode(value)] for name, value in message.headers() or []],
        )
        for message in reader.read()
    )
    reader.close()
    return {"topic": topic, "records": records}


def places(stage):
    return [
        TopicPartition(topic, partition)
        for topic in GROUPS[stage]
        for partition in range(PARTITIONS)
    ]


def group_client(bed, stage):
    return Consumer(
        {
            "bootstrap.servers": bed.bootstrap,
            "group.id": f"{APPLICATION}-{stage}",
            "enable.auto.commit": False,
        }
    )


def committed(bed, stage):
    consumer = group_client(bed, stage)
    offsets = [
        [each.topic, each.partition, each.offset]
        for each in consumer.committed(places(stage), timeout=10)
        if each.offset >= 0
    ]
    consumer.close()
    return offsets


def dump_redis(bed):
    client = bed.client()
    return {
        encode(key): {encode(field): encode(value) for field, value in client.hgetall(key).items()}
        for key in sorted(client.keys())
    }


# Checking


def restore(bed, directory):
    """Gives the broker, Redis and the state directory what the earlier version had."""
    producer = Producer({"bootstrap.servers": bed.bootstrap, "linger.ms": 5})
    for topic in read(directory, "records"):
        for partition, _, timestamp, key, value, headers in topic["records"]:
            producer.produce(
                topic["topic"],
                value=decode(value),
                key=decode(key),
                partition=partition,
                timestamp=timestamp,
                headers=[(name, decode(value)) for name, value in headers],
            )
        producer.flush()
    for stage, offsets in read(directory, "offsets").items():
        consumer = group_client(bed, stage)
        consumer.commit(
            offsets=[TopicPartition(*each) for each in offsets], asynchronous=False
        )
        consumer.close()
    client = bed.client()
    for key, fields in read(directory, "redis").items():
        client.hset(
            decode(key), mapping={decode(name): decode(value) for name, value in fields.items()}
        )
    with tarfile.open(f"{directory}/state.tar.gz") as archive:
        archive.extractall(bed.state, filter="data")


def check_offsets(bed, directory):
    """The records stand where the earlier version had them."""
    for topic in read(directory, "records"):
        now = dump_topic(bed, topic["topic"])["records"]
        if [each[:2] for each in now] != [tuple(each[:2]) for each in topic["records"]]:
            raise RuntimeError(f"{topic['topic']} was not produced again at the same offsets")


def check(binary, directory):
    with tempfile.TemporaryDirectory(prefix="projectionist-takeover-") as work:
        bed = Bed(binary, work)
        try:
            restore(bed, directory)
            check_offsets(bed, directory)
            features = dump_redis(bed)
            bed.start_daemon()
            bed.verify()
            repairs = bed.follower.events(*REPAIRS)
            # Its state directory is a temporary one, and the earlier version recorded no positions.
            lines = [
                line
                for line in bed.log_text().splitlines()
                if not any(words in line for words in ("may empty", "position_unknown"))
            ]
            text = "\n".join(lines).replace('": "', '":"')
            if repairs or '"level":"warning"' in text or '"level":"error"' in text:
                raise RuntimeError(f"the state was not taken over: {repairs}\n{text}")
            if users_of(dump_redis(bed)) != users_of(features):
                raise RuntimeError("features of users changed although nothing has arrived late")
            check_upgraded(bed)
            check_goes_on(bed)
            check_late_events(bed)
            if bed.daemon.stop() != 0:
                raise RuntimeError("the daemon does not stop in order")
        finally:
            bed.close()
    print("taken over: topics, positions, state and Redis")


def users_of(rows):
    """The users' features. They are published again when the state is folded again, so their fences
    differ, and so may movies' quality scores."""

    def is_feature(field):
        return not decode(field).startswith((b"_fence:", b"_ts:"))

    return {
        key: {field: value for field, value in fields.items() if is_feature(field)}
        for key, fields in rows.items()
        if b"user_id" in decode(key)
    }


def check_upgraded(bed):
    """Every partition's state was folded again, once."""
    upgraded = bed.follower.events("upgraded")
    if len(upgraded) != PARTITIONS:
        raise RuntimeError(f"{len(upgraded)} states were folded again, not {PARTITIONS}")
    if bed.daemon.stop() != 0:
        raise RuntimeError("the daemon does not stop in order")
    bed.start_daemon()
    if bed.follower.events("upgrading"):
        raise RuntimeError("the state is folded again at every start")


def check_late_events(bed):
    """What the earlier version forgot counts: a rating that is older than its take-back is late."""
    taken_back = [event for event in events() if event.get("rating", 0) is None]
    event = taken_back[0] | {"rating": 5.0, "timestamp": START - 1_000}

    def verdicts():
        reader = TopicReader(bed.bootstrap, "validation-results")
        found = [json.loads(message.value())["failed"] for message in reader.read()]
        reader.close()
        return found

    producer = Producer({"bootstrap.servers": bed.bootstrap})
    producer.produce("user-ratings", json.dumps(event))
    producer.flush()
    late = ["expect_column_values_to_be_increasing:timestamp"]
    wait_until(lambda: late in verdicts(), 30, "the late rating has its second verdict")
    bed.verify()


def check_goes_on(bed):
    """One more rating of a known user counts once, on top of the ratings before."""

    def rating_count():
        _, text = bed.command("features", "1", "--json")
        rows = json.loads(text)
        return next(row for row in rows if row["feature"] == "rating_count")

    before = int(rating_count()["redis"])
    producer = Producer({"bootstrap.servers": bed.bootstrap})
    event = {"user_id": 1, "movie_id": 99, "rating": 4.0, "timestamp": START + 10_000_000}
    producer.produce("user-ratings", json.dumps(event))
    producer.flush()
    wait_until(lambda: int(rating_count()["redis"]) == before + 1, 30, "the new rating counts")
    bed.verify()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["record", "check"])
    parser.add_argument("--binary", required=True)
    parser.add_argument("directory")
    arguments = parser.parse_args()
    {"record": record, "check": check}[arguments.action](arguments.binary, arguments.directory)


if __name__ == "__main__":
    main()
