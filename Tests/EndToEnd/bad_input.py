"""Sends many kinds of bad input among good events, and checks what becomes of each.

Each bad record must give exactly one verdict with `valid` false on `validation-results`, with a
detail for each rule it fails, and exactly one dead letter on `user-ratings-dlq`: the same key and
value byte for byte, the original headers, and Kafka Streams' headers of KIP-1034. Each good one
must come out on `validated-ratings`, and so must events that producers write otherwise: their
verdicts name what was understood.

Usage: bad_input.py --bootstrap-servers HOST:PORT [--wait SECONDS]
Exit code: 0 when all of it holds, 1 when not, 2 when something can't be read or written.
"""

import argparse
import gzip
import itertools
import json
import sys
import time
import uuid
from dataclasses import dataclass, field

from confluent_kafka import Producer

from log_reader import TopicReader
from under_fire.waiting import settle

INPUT = "user-ratings"
VERDICTS = "validation-results"
DEAD_LETTERS = "user-ratings-dlq"
VALIDATED = "validated-ratings"

USER = 4_000_000_001
MOVIE = 1
TIME = 1_600_000_000
ERROR_PREFIX = "__streams.errors."


@dataclass
class Record:
    name: str
    value: bytes | None
    key: bytes | None = None
    headers: list = field(default_factory=list)
    # What the verdict on a good one names as coerced.
    coerced: list | None = None
    # Known once it is stored.
    partition: int = -1
    offset: int = -1

    @property
    def place(self):
        return self.partition, self.offset


def event(**changes):
    """A good event as JSON, with fields changed; a field set to ... is left out."""
    fields = {"user_id": USER, "movie_id": MOVIE, "rating": 4.0, "timestamp": TIME} | changes
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def raw(user=str(USER), movie=str(MOVIE), rating="4.0", timestamp=str(TIME), rest=""):
    """An event whose fields are JSON text, to hold what json.dumps would not write."""
    return (
        f'{{"user_id":{user},"movie_id":{movie},"rating":{rating},"timestamp":{timestamp}{rest}}}'
    ).encode()


def bad_values():
    """Bad values by name."""
    return {
        "null value": None,
        "empty value": b"",
        "only space": b"  ",
        "plain text": b"five stars for movie 1",
        "truncated JSON": event()[:-10],
        "text after the object": event() + b"}",
        "two objects": event() + event(),
        "JSON array": b"[" + event() + b"]",
        "JSON null": b"null",
        "JSON string": b'"rating"',
        "JSON number": b"5.0",
        "not UTF-8": raw(rest=',"session_id":"\xff\xfe"').decode("utf-8").encode("latin-1"),
        "zero bytes": b"\x00" * 64,
        "deep nesting": b'{"user_id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "no fields": b"{}",
        "no user_id": event(user_id=...),
        "no movie_id": event(movie_id=...),
        "no rating": event(rating=...),
        "no timestamp": event(timestamp=...),
        "null user_id": event(user_id=None),
        "null movie_id": event(movie_id=None),
        "null timestamp": event(timestamp=None),
        "user_id as text": event(user_id="somebody"),
        "movie_id as text": event(movie_id="Toy Story"),
        "fractional user_id": event(user_id=1.5),
        "negative user_id": event(user_id=-1),
        "user_id beyond 63 bits": raw(user="9223372036854775808"),
        "movie_id beyond 64 bits": raw(movie="36893488147419103232"),
        "user_id as object": event(user_id={"id": 1}),
        "rating too low": event(rating=0),
        "rating too high": event(rating=5.5),
        "rating not in half steps": event(rating=3.7),
        "rating as text": event(rating="four"),
        "rating as boolean": event(rating=True),
        "rating NaN": raw(rating="NaN"),
        "rating 1e999": raw(rating="1e999"),
        "rating as list": event(rating=[4.0]),
        "timestamp before 1995": event(timestamp=788_918_399),
        "timestamp in the future": event(timestamp=int(time.time()) + 3600),
        "timestamp in no unit": event(timestamp=500_000_000_000),
        "single quotes": str({"user_id": USER, "rating": None}).encode(),
        "encoded twice": json.dumps(event().decode()).encode(),
        "UTF-16": event().decode().encode("utf-16"),
        "trailing NUL": event() + b"\x00",
        "gzip": gzip.compress(event()),
        "other names": json.dumps({"user": USER, "item": 1, "score": 4, "time": TIME}).encode(),
        "wrapped in a name of its own": json.dumps({"record": json.loads(event())}).encode(),
        "a truncate of Debezium": json.dumps({"op": "t", "after": None, "ts_ms": 1}).encode(),
        "timestamp no date": event(timestamp="last tuesday"),
        "timestamp no such date": event(timestamp="2023-02-30T00:00:00Z"),
        "timestamp as boolean": event(timestamp=False),
        "unknown event_type": event(event_type="purchase"),
        "event_type as number": event(event_type=7),
        "duplicate user_id": raw(rest=f',"user_id":{USER}'),
        "duplicate rating": raw(rest=',"rating":1.0'),
        "genres as number": event(genres=7),
        "genres of numbers": event(genres=[1, 2]),
        "too many genres": event(genres=[f"genre {number}" for number in range(40)]),
        "session_id too long": event(session_id="s" * 1000),
        "control character in a string": raw(rest=',"session_id":"a\nb"'),
        "schema prefix and garbage": b"\x00\x00\x00\x00\x01 garbage",
        "large value": b'{"user_id":"' + b"x" * 900_000 + b'"}',
    }


def habits():
    """By name: a value that producers write, and what its verdict names as coerced. Each rates a
    movie of its own, so that none repeats another."""
    movies = itertools.count(MOVIE + 1_000)

    def one(**changes):
        return event(movie_id=next(movies), **changes)

    def row():
        return json.loads(one())

    def text(fields):
        return json.dumps(fields).encode()

    camel = {"userId": USER, "movieId": next(movies), "rating": 4.0, "timestamp": TIME}
    upper = {name.upper(): value for name, value in row().items()}
    change = {"before": None, "after": row(), "op": "c", "ts_ms": TIME * 1000}
    delete = {"before": row(), "after": None, "op": "d", "ts_ms": TIME * 1000}
    cloud = {"specversion": "1.0", "id": "a", "source": "/a", "type": "r", "data": row()}
    in_text = {"user_id": str(USER), "rating": "4.0", "timestamp": str(TIME)}
    return {
        "milliseconds": (one(timestamp=TIME * 1000), ["epoch_milliseconds"]),
        "microseconds": (one(timestamp=TIME * 10**6), ["epoch_microseconds"]),
        "nanoseconds": (one(timestamp=TIME * 10**9), ["epoch_nanoseconds"]),
        "numbers as text": (one(**in_text), ["number_as_text"]),
        "noise": (one(rating=3.9999998), ["float_noise"]),
        "camel case": (text(camel), ["spelling"]),
        "upper case": (text(upper), ["spelling"]),
        "schema prefix": (b"\x00\x00\x00\x00\x07" + one(), ["schema_prefix"]),
        "byte order mark": (b"\xef\xbb\xbf" + one(), ["byte_order_mark"]),
        "Connect": (text({"schema": {}, "payload": row()}), ["connect_envelope"]),
        "Debezium": (text(change), ["debezium_envelope"]),
        "a delete of Debezium": (text(delete), ["debezium_envelope"]),
        "CloudEvents": (text(cloud), ["cloud_events"]),
        "no zone": (one(timestamp="2020-09-13 12:26:40.123456"), None),
        "whole floats": (one(user_id=float(USER)), None),
    }


def habit_records():
    """Each habit, without a key."""
    return [
        Record(name, value, coerced=coerced) for name, (value, coerced) in habits().items()
    ]


def bad_records():
    """Each bad value, with keys and headers of all sorts in turn."""
    keys = [None, b"", str(USER).encode(), b"\xff\x00\xfe", b"k" * 1000]
    headers = [
        [],
        [("trace", b"abc-123")],
        [("binary", b"\xff\x00"), ("empty", b""), ("null", None)],
        [("twice", b"1"), ("twice", b"2"), ("\u00fcnicode", "\u2713".encode())],
    ]
    return [
        Record(name, value, keys[index % len(keys)], list(headers[index % len(headers)]))
        for index, (name, value) in enumerate(bad_values().items())
    ]


def good_record(number):
    """A valid event; each rates another movie, and half of them come without a key."""
    value = event(movie_id=MOVIE + number, timestamp=TIME + number)
    return Record(f"good event {number}", value, None if number % 2 else str(USER).encode())


def produce(bootstrap_servers, records):
    """Sends the records in order and notes where each is stored."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            # A record a batch: random partitions for null keys, as for single events.
            "sticky.partitioning.linger.ms": 0,
        }
    )
    failures = []

    def deliver(record):
        def delivered(error, message):
            if error is not None:
                failures.append(f"{record.name} was not stored: {error}")
            else:
                record.partition, record.offset = message.partition(), message.offset()

        return delivered

    for record in records:
        producer.produce(
            INPUT,
            record.value,
            record.key,
            headers=record.headers,
            on_delivery=deliver(record),
        )
        producer.poll(0)
    if producer.flush(30) > 0:
        failures.append("the broker did not take all records in 30 s")
    if failures:
        raise RuntimeError("; ".join(failures))


class Output:
    """What came out of one topic since the start, by the input record it names."""

    def __init__(self, bootstrap_servers, topic, place_of):
        probe = TopicReader(bootstrap_servers, topic)
        starts = probe.ends()
        probe.close()
        self.reader = TopicReader(bootstrap_servers, topic, starts)
        self.place_of = place_of
        self.by_place = {}

    def read(self):
        for message in self.reader.read():
            place = self.place_of(message)
            if place is not None:
                self.by_place.setdefault(place, []).append(message)

    def of(self, record):
        return self.by_place.get(record.place, [])


def verdict_place(message):
    verdict = json.loads(message.value())
    if verdict.get("topic") != INPUT:
        return None
    return verdict["partition"], verdict["offset"]


def dead_letter_place(message):
    headers = dict(message.headers() or [])
    if headers.get(ERROR_PREFIX + "topic") != INPUT.encode():
        return None
    return (
        int(headers[ERROR_PREFIX + "partition"]),
        int(headers[ERROR_PREFIX + "offset"]),
    )


def validated_place(message):
    canonical = json.loads(message.value())
    return canonical["source_partition"], canonical["source_offset"]


def check_bad(record, verdicts, letters):
    """What is wrong with the answers to a bad record."""
    found = verdicts.of(record)
    if len(found) != 1:
        yield f"{record.name}: {len(found)} verdicts"
    for message in found:
        verdict = json.loads(message.value())
        if verdict.get("valid") is not False or not verdict.get("failed"):
            yield f"{record.name}: its verdict is {verdict}"
        explained = [detail["expectation"] for detail in verdict.get("details", [])]
        if explained != verdict.get("failed"):
            yield f"{record.name}: its verdict explains {explained} of {verdict.get('failed')}"
        if not all(detail["message"] for detail in verdict.get("details", [])):
            yield f"{record.name}: its verdict explains nothing"
        if message.key() != record.key:
            yield f"{record.name}: its verdict's key is {message.key()!r}"
    found = letters.of(record)
    if len(found) != 1:
        yield f"{record.name}: {len(found)} dead letters"
    for message in found:
        yield from check_dead_letter(record, message)


def check_dead_letter(record, message):
    if message.key() != record.key:
        yield f"{record.name}: its dead letter's key is {message.key()!r}, not {record.key!r}"
    if message.value() != record.value:
        yield f"{record.name}: its dead letter's value is not the original's"
    headers = message.headers() or []
    original = [header for header in headers if not header[0].startswith(ERROR_PREFIX)]
    if original[: len(record.headers)] != record.headers:
        yield f"{record.name}: its dead letter's headers begin with {original}"
    errors = dict(headers)
    for name in ("exception", "message"):
        if not errors.get(ERROR_PREFIX + name):
            yield f"{record.name}: its dead letter has no header {ERROR_PREFIX}{name}"


def check_good(record, verdicts, letters, validated):
    """What is wrong with the answers to a good record."""
    found = verdicts.of(record)
    said = [json.loads(message.value()) for message in found]
    if len(said) != 1 or said[0]["valid"] is not True or said[0].get("coerced") != record.coerced:
        yield f"{record.name}: its verdicts are {said}"
    if letters.of(record):
        yield f"{record.name}: it is a dead letter"
    found = validated.of(record)
    if len(found) != 1:
        yield f"{record.name}: it is {len(found)} times on {VALIDATED}"
    for message in found:
        if message.key() != str(USER).encode():
            yield f"{record.name}: its key on {VALIDATED} is {message.key()!r}"


def run(arguments):
    bad = bad_records()
    run_id = uuid.uuid4().hex
    for record in bad:
        record.headers.append(("end-to-end-run", run_id.encode()))
    good = [good_record(number) for number in range(len(bad) + 1)]
    records = [good[0]]
    for number, record in enumerate(bad):
        records += [record, good[number + 1]]
    understood = habit_records()
    records += understood
    good += understood
    verdicts = Output(arguments.bootstrap_servers, VERDICTS, verdict_place)
    letters = Output(arguments.bootstrap_servers, DEAD_LETTERS, dead_letter_place)
    validated = Output(arguments.bootstrap_servers, VALIDATED, validated_place)
    produce(arguments.bootstrap_servers, records)

    def find_problems():
        for output in (verdicts, letters, validated):
            output.read()
        found = [problem for record in bad for problem in check_bad(record, verdicts, letters)]
        for record in good:
            found += check_good(record, verdicts, letters, validated)
        return found

    found = settle(find_problems, arguments.wait)
    if not found:
        print(
            f"{len(bad)} kinds of bad input: each one verdict and one dead letter; "
            f"all {len(good)} good events, {len(understood)} of them written otherwise, are on "
            f"{VALIDATED}"
        )
        return 0
    print(f"{len(found)} problems with {len(bad)} bad and {len(good)} good records:")
    for problem in found:
        print(f"  {problem}")
    return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap-servers", required=True, metavar="HOST:PORT")
    parser.add_argument(
        "--wait", type=float, default=30, metavar="SECONDS", help="the deadline (%(default)s)"
    )
    return run(parser.parse_args())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:  # Whatever can't be read or written is no verdict on the daemon.
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(2)
