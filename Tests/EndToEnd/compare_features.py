"""Compares the daemon's features with those that pandas computes from the same ratings.

Reads `user-features` and `movie-features` to their ends and, with --redis, the hashes of Feast's
online store, and compares every feature of every user and movie: integers and texts exactly,
doubles to 1e-9 relative.

Usage: compare_features.py MOVIELENS_DIRECTORY --bootstrap-servers HOST:PORT [--redis HOST:PORT]
       [--wait SECONDS]
Exit code: 0 when all are equal, 1 when not, 2 when something can't be read.
"""

import argparse
import json
import math
import struct
import sys

from expected_features import expected
from log_reader import TopicReader
from under_fire.waiting import settle

TOLERANCE = 1e-9
SHOWN_DIFFERENCES = 10

# Feature names in Feast differ from those in records where Feast's type holds no milliseconds.
FEAST_NAMES = {"first_rating_ms": "first_rating_time", "last_rating_ms": "last_rating_time"}
VIEWS = {
    "user": ("user-features", "user_features", "user_id"),
    "movie": ("movie-features", "movie_features", "movie_id"),
}


class FeatureTopic:
    """The newest record of each key."""

    def __init__(self, bootstrap_servers, topic, join_key):
        self.reader = TopicReader(bootstrap_servers, topic)
        self.join_key = join_key
        self.current = {}
        self.problems = []

    def read(self):
        for message in self.reader.read():
            key = int(message.key())
            if message.value() is None:
                self.current.pop(key, None)
                continue
            record = json.loads(message.value())
            if record[self.join_key] != key:
                self.problems.append(f"key {key} has {self.join_key} {record[self.join_key]}")
            self.current[key] = record
        # Everything taken back is as good as never rated.
        return {key: record for key, record in self.current.items() if record["rating_count"] > 0}


class FeastHashes:
    """Feast's online store on Redis, read as Feast's own redis.py does."""

    ENTITY_INT64 = 4
    KEY_STRING = 2
    CHUNK = 2_000

    def __init__(self, address, project, view, join_key, features):
        import redis

        host, _, port = address.rpartition(":")
        self.redis = redis.Redis(host or "127.0.0.1", int(port))
        self.project = project
        self.join_key = join_key
        self.features = features
        self.fields = [
            struct.pack("<I", murmur3(f"{view}:{FEAST_NAMES.get(name, name)}".encode()))
            for name in features
        ]
        self.fields.append(f"_ts:{view}".encode())

    def key(self, entity):
        name = self.join_key.encode()
        return (
            struct.pack("<III", 1, self.KEY_STRING, len(name))
            + name
            + struct.pack("<IIq", self.ENTITY_INT64, 8, entity)
            + self.project.encode()
        )

    def read(self, entities):
        found = {}
        entities = list(entities)
        for start in range(0, len(entities), self.CHUNK):
            chunk = entities[start : start + self.CHUNK]
            pipeline = self.redis.pipeline(transaction=False)
            for entity in chunk:
                pipeline.hmget(self.key(entity), self.fields)
            for entity, values in zip(chunk, pipeline.execute()):
                if values[-1] is None:
                    continue
                found[entity] = {
                    name: decode_value(value) for name, value in zip(self.features, values)
                }
        return found


def murmur3(data, seed=0):
    """MurmurHash3 x86 32: https://github.com/aappleby/smhasher"""
    mask = 0xFFFFFFFF

    def rotate(value, bits):
        return ((value << bits) | (value >> (32 - bits))) & mask

    def mix(block):
        return rotate(block * 0xCC9E2D51 & mask, 15) * 0x1B873593 & mask

    hash_ = seed
    whole = len(data) & ~3
    for (block,) in struct.iter_unpack("<I", data[:whole]):
        hash_ = (rotate(hash_ ^ mix(block), 13) * 5 + 0xE6546B64) & mask
    hash_ ^= mix(int.from_bytes(data[whole:], "little"))
    hash_ ^= len(data)
    hash_ = (hash_ ^ (hash_ >> 16)) * 0x85EBCA6B & mask
    hash_ = (hash_ ^ (hash_ >> 13)) * 0xC2B2AE35 & mask
    return hash_ ^ (hash_ >> 16)


def decode_value(value):
    """The content of a serialized feast.types.Value; None for no value."""
    if not value:
        return None
    tag, payload = value[0], value[1:]
    if tag == 0x12:  # string_val
        length, rest = decode_varint(payload)
        return rest[:length].decode()
    if tag in (0x20, 0x40):  # int64_val, unix_timestamp_val
        number, _ = decode_varint(payload)
        return number - (1 << 64) if number >= 1 << 63 else number
    if tag == 0x29:  # double_val
        return struct.unpack("<d", payload)[0]
    raise ValueError(f"a Feast value of unknown kind {tag:#x}")


def decode_varint(data):
    number = 0
    for index, byte in enumerate(data):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, data[index + 1 :]
    raise ValueError("a varint has no end")


def is_equal(want, got):
    if isinstance(want, float):
        return isinstance(got, (int, float)) and math.isclose(
            want, got, rel_tol=TOLERANCE, abs_tol=TOLERANCE
        )
    return type(want) is type(got) and want == got


def differences(place, want, got):
    """One sentence for each entity or feature that is not as expected."""
    for key in sorted(want.keys() - got.keys()):
        yield f"{place} {key}: missing"
    for key in sorted(got.keys() - want.keys()):
        yield f"{place} {key}: not expected"
    for key in sorted(want.keys() & got.keys()):
        for name, value in want[key].items():
            if name not in got[key]:
                yield f"{place} {key}: {name} is missing"
            elif not is_equal(value, got[key][name]):
                yield f"{place} {key}: {name} is {got[key][name]!r}, expected {value!r}"


def in_feast_units(features):
    """The same features as Redis holds them: times in whole seconds."""
    return {
        key: {
            name: value // 1000 if name in FEAST_NAMES else value for name, value in row.items()
        }
        for key, row in features.items()
    }


class Comparison:
    def __init__(self, arguments):
        users, movies = expected(arguments.directory, arguments.limit)
        self.want = {"user": users, "movie": movies}
        self.topics = {
            kind: FeatureTopic(arguments.bootstrap_servers, topic, join_key)
            for kind, (topic, _, join_key) in VIEWS.items()
        }
        self.hashes = {}
        if arguments.redis:
            self.hashes = {
                kind: FeastHashes(
                    arguments.redis,
                    arguments.project,
                    view,
                    join_key,
                    list(next(iter(self.want[kind].values()))),
                )
                for kind, (_, view, join_key) in VIEWS.items()
            }

    def run(self):
        """All differences, as they are now."""
        found = []
        for kind, topic in self.topics.items():
            found += differences(topic.reader.topic, self.want[kind], topic.read())
            found += topic.problems
        for kind, hashes in self.hashes.items():
            want = in_feast_units(self.want[kind])
            found += differences(f"Redis {hashes.join_key}", want, hashes.read(want))
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", help="a MovieLens directory: ratings.csv and movies.csv")
    parser.add_argument("--bootstrap-servers", required=True, metavar="HOST:PORT")
    parser.add_argument("--redis", metavar="HOST:PORT", help="compare Feast's online store, too")
    parser.add_argument("--project", default="movies", help="the Feast project (%(default)s)")
    parser.add_argument("--limit", type=int, help="only so many ratings, as `load --limit`")
    parser.add_argument(
        "--wait", type=float, default=0, metavar="SECONDS", help="how long to try until all are equal"
    )
    arguments = parser.parse_args()
    comparison = Comparison(arguments)
    found = settle(comparison.run, arguments.wait, pause=1)
    users, movies = (len(comparison.want[kind]) for kind in ("user", "movie"))
    places = "the topics and Redis" if arguments.redis else "the topics"
    if not found:
        print(f"all features of {users} users and {movies} movies are as expected in {places}")
        return 0
    print(f"{len(found)} differences among {users} users and {movies} movies; the first are:")
    for difference in found[:SHOWN_DIFFERENCES]:
        print(f"  {difference}")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:  # Whatever can't be read is not a difference.
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(2)
