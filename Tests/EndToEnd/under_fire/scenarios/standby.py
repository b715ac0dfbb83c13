"""Takeover after kill -9 of one of two daemons, with a warm copy and without.

With `standby: 1` the other one must process new events of the dead one's partitions within the
session timeout plus one second. Without, it restores them first, and shows how far it is.
"""

import json
import time

from confluent_kafka import Producer

from log_reader import TopicReader
from under_fire import checks, stores
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.settling import settle_on, wait_for_owners
from under_fire.waiting import wait_until

LONG = MOVIELENS | {"events": 2_000_000, "kills": 3}
SHORT = SMALL | {"events": 30_000, "kills": 1}

SPARE_SECONDS = 1.0
PROBE_TIME = 1_600_000_000
PROBE_SECONDS = 0.05
INTAKE = ["user-ratings"]


def run(bed):
    options, report = bed.options, bed.report
    report.progress("loading the state")
    one, two = bed.daemon("one", standby=1), bed.daemon("two", standby=1)
    one.start()
    # Every user has ratings: the events' own users are unequal.
    bed.send(1.0)
    produce_everyone(bed)
    bed.groups.wait_until_caught_up(seconds=600, daemons=[one])
    for number in range(options.kills):
        if not one.is_running:
            one.start()
        if not two.is_running:
            two.start()
        wait_for_owners(bed, [one, two], stages=["intake", "user", "redis"])
        wait_for_copies(bed, one, two)
        victim, heir = (one, two) if number % 2 else (two, one)
        seconds = time_of_takeover(bed, victim, heir)
        limit = options.session_timeout_ms / 1000 + SPARE_SECONDS
        report.figure("takeover with a warm copy", seconds, f"s, of {limit:.1f} s allowed")
        # A figure on a machine that does other things as well; a promise on a quiet one.
        if not options.short:
            report.check(
                f"a warm copy takes over within {limit:.1f} s of kill -9",
                [f"{seconds:.2f} s"] if seconds > limit else [],
            )
        bed.groups.wait_until_caught_up(seconds=120, daemons=[heir])
    without_copies(bed, one, two)
    checks.everything(bed, [one], options.guarantee == "exactly_once")


def produce_everyone(bed):
    producer = Producer({"bootstrap.servers": bed.bootstrap, "partitioner": "murmur2_random"})
    for user in range(1, bed.options.users + 1):
        event = {"user_id": user, "movie_id": 1 + user % bed.options.movies}
        event |= {"rating": 3.5, "timestamp": PROBE_TIME}
        while True:
            try:
                producer.produce(INTAKE[0], json.dumps(event), str(user))
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(120):
        raise RuntimeError("the broker did not take an event of every user")
    bed.events_sent += bed.options.users


def without_copies(bed, one, two):
    """The same without copies: the heir has no store of the partitions it takes over."""
    for daemon in (one, two):
        daemon.stop()
        daemon.settings["standby"] = 0
        daemon.write_configuration()
    two.start()
    two.wait_until_ready()
    one.clear_state()
    one.start()
    wait_for_owners(bed, [one, two], stages=["intake", "user", "redis"])
    bed.groups.wait_until_caught_up(seconds=300, daemons=[one, two])
    taken = [
        partition
        for (_, partition), owner in bed.groups.owners("user").items()
        if owner == two.name
    ]
    said = len(restores(one))
    seconds = time_of_takeover(bed, two, one)
    bed.report.figure("takeover without a copy", seconds, "s")
    restored = sum(event["partitions"] for event in restores(one)[said:])
    bed.report.check(
        "without a copy the heir says what it restores",
        [] if restored >= len(taken) else [f"{restored} of {len(taken)} partitions"],
    )
    # The first tells how much there is; the others, how it goes on.
    for event in one.events("restoring"):
        wanted = {"total", "percent"}
        if event["applied"]:
            wanted |= {"offsets_per_second", "time_left_ms"}
        missing = wanted - event.keys()
        bed.report.check("progress says how much, how fast and how long", sorted(missing))
    settle_on(bed, one, [two])


def restores(daemon):
    return [
        event
        for event in daemon.events("restored")
        if event["stage"] == "user" and "role" not in event
    ]


def wait_for_copies(bed, one, two):
    """Waits until each has a store of every partition, whoever owns it, and copies have come as far
    as the owners."""
    count = len(bed.groups.partitions("validated-ratings"))

    def has_all():
        return all(daemon.partitions("user") == list(range(count)) for daemon in (one, two))

    wait_until(has_all, 120, "both daemons have a store of every user partition", pause=0.2)

    def has_followed():
        owners = bed.groups.owners("user")
        return all(
            standby_is_near(bed, one if owner == two.name else two, partition)
            for (_, partition), owner in owners.items()
        )

    wait_until(has_followed, 300, "the copies have followed to the changelog's end", pause=0.5)


def standby_is_near(bed, daemon, partition):
    """Whether the copy stands at the changelog's end."""
    offset = stores.changelog_offset(daemon.store("user", partition))
    return offset >= last_position(bed, partition)


def last_position(bed, partition):
    # The last record is a position; the transaction's marker follows it.
    return bed.groups.ends(["storm-user-changelog"])[("storm-user-changelog", partition)] - 1


def time_of_takeover(bed, victim, heir):
    """Seconds from kill -9 until the features of a user of each partition of the victim's show an
    event that was produced after it."""
    owned = {
        partition
        for (_, partition), owner in bed.groups.owners("user").items()
        if owner == victim.name
    }
    users = users_of(bed, owned)
    probe = Probe(bed.bootstrap, users)
    victim.kill()
    started = time.monotonic()
    try:
        return probe.until_seen(started, bed, heir)
    finally:
        bed.events_sent += probe.sent
        probe.close()


def users_of(bed, partitions):
    """A user of each partition, by partition."""
    users = {}

    def delivered(error, message):
        if error is None and message.partition() in partitions:
            users.setdefault(message.partition(), int(message.key()))

    producer = Producer({"bootstrap.servers": bed.bootstrap, "partitioner": "murmur2_random"})
    for user in range(1, 65):
        event = {"user_id": user, "movie_id": 1, "rating": 2.5, "timestamp": PROBE_TIME + 1}
        producer.produce(INTAKE[0], json.dumps(event), str(user), on_delivery=delivered)
    producer.flush(30)
    bed.events_sent += 64
    bed.groups.wait_until_caught_up(["intake", "user"], seconds=60)
    if users.keys() != partitions:
        raise RuntimeError(f"users 1 to 64 reach {sorted(users)} only, of {sorted(partitions)}")
    return users


class Probe:
    """Rates with one user of each partition again and again, and sees when features follow."""

    def __init__(self, bootstrap, users):
        self.users = users
        self.sent = 0
        self._rounds = 0
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 0}
        )
        probe = TopicReader(bootstrap, "user-features")
        ends = probe.ends()
        probe.close()
        self._reader = TopicReader(bootstrap, "user-features", ends)

    def until_seen(self, started, bed, heir):
        wanted = set(self.users.values())
        deadline = started + 120
        next_round = started
        while wanted:
            now = time.monotonic()
            if now > deadline or not heir.is_running:
                raise RuntimeError(f"nobody took over for {sorted(wanted)}: {heir.last_words()}")
            if now >= next_round:
                self._rate()
                next_round = now + PROBE_SECONDS
            for message in self._reader.read(120):
                features = json.loads(message.value())
                if features["event_time_ms"] > (PROBE_TIME + 1) * 1000:
                    wanted.discard(int(message.key()))
        return time.monotonic() - started

    def _rate(self):
        self._rounds += 1
        for user in self.users.values():
            event = {"user_id": user, "movie_id": 1, "rating": 0.5 + self._rounds % 10 / 2}
            event["timestamp"] = PROBE_TIME + 1 + self._rounds
            self._producer.produce(INTAKE[0], json.dumps(event), str(user))
            self.sent += 1
        self._producer.poll(0)

    def close(self):
        self._producer.flush(30)
        self._reader.close()
