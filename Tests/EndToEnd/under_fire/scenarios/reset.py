"""The input's offsets are moved ahead and back, and ratings come late, twice and out of order.

What was skipped counts as soon as it is read, what is read again changes nothing, and of what a user
says of a movie the newest stands, whatever the order and the partition it comes from.
"""

import json
import time

from confluent_kafka import KafkaException, Producer

from under_fire import checks, outputs
from under_fire.groups import reset_group
from under_fire.scenarios import MOVIELENS, SMALL

LONG = MOVIELENS | {"events": 300_000, "kills": 1}
SHORT = SMALL | {"events": 20_000, "kills": 1}

INPUT = "user-ratings"
# Above all users and movies of the load.
USER, MOVIE = 5_000_000_112, 7
AHEAD_SECONDS = 1_800


def run(bed):
    daemon = bed.daemon("one")
    daemon.start()
    bed.send(0.3)
    caught_up(bed, daemon)
    daemon.stop()
    skip(bed, daemon)
    read_again(bed, daemon)
    late_events(bed, daemon)
    judge(bed, daemon, "late events")
    clock_ahead(bed, daemon)
    judge(bed, daemon, "a clock that ran ahead")
    daemon.stop()
    reset_group(bed, "intake", INPUT)
    daemon.start()
    caught_up(bed, daemon)
    judge(bed, daemon, "everything read once more")
    code, text = verify(bed, daemon)
    bed.report.check("state verify agrees", [] if code == 0 else [text[-500:]])
    daemon.stop()
    checks.store_contents(bed, checks.fold_of(bed), lambda *_: daemon)


def caught_up(bed, daemon):
    daemon.wait_until_ready()
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])


def skip(bed, daemon):
    """Ratings are sent while it is down, and its group is moved past them, which is accepted."""
    bed.report.progress("case: ratings are skipped")
    bed.send(0.2)
    reset_group(bed, "intake", INPUT, "--to-latest")
    bed.run("offsets", "accept", "--stage", "intake", "--config", daemon.configuration)
    daemon.start()
    bed.send(0.2)
    caught_up(bed, daemon)
    daemon.stop()
    skipped = len(places_of(checks.fold_of(bed))) - len(judged(bed))
    bed.report.figure("events skipped", skipped)
    bed.report.check("events were skipped", [] if skipped > 0 else ["all events were judged"])


def read_again(bed, daemon):
    """Its group is moved to the beginning: what was skipped counts, the rest changes nothing."""
    bed.report.progress("case: everything is read again")
    reset_group(bed, "intake", INPUT)
    code, text = bed.command("check", "--config", daemon.configuration)
    told = code == 0 and "somebody else has set intake in user-ratings[0] to 0" in text
    bed.report.check("check says that events will be read again", [] if told else [text])
    daemon.start()
    caught_up(bed, daemon)
    missing = places_of(checks.fold_of(bed)) - judged(bed)
    bed.report.check("each event has a verdict", (f"{place}: none" for place in missing))
    judge(bed, daemon, "everything read again")


def late_events(bed, daemon):
    """A re-rating and a take-back that are older than what stands, from other partitions."""
    bed.report.progress("case: a late re-rating and a late take-back")
    now = int(time.time())
    partitions = bed.groups.partitions(INPUT)
    told = [(5.0, now - 100), (1.0, now - 5_000), (None, now - 9_000)]
    for number, (rating, seconds) in enumerate(told):
        partition = partitions[number % len(partitions)]
        produce(bed, event(MOVIE, rating, seconds), partition)
        # A take-back that comes before its rating.
        produce(bed, event(MOVIE + 1, None if number == 0 else rating, seconds), partition)
    caught_up(bed, daemon)


def clock_ahead(bed, daemon):
    """A rating from the future is taken back by name; an hour ahead the broker refuses it."""
    bed.report.progress("case: a clock that runs ahead")
    now = int(time.time())
    ahead = now + AHEAD_SECONDS
    partition, offset = produce(bed, event(MOVIE + 2, 4.0, ahead), 0, ahead)
    produce(bed, event(MOVIE + 2, 2.0, now), 1)
    take_back = event(MOVIE + 2, None, now + 1) | {"retracts": f"{partition}:{offset}"}
    produce(bed, take_back, 2)
    produce(bed, event(MOVIE + 2, 3.0, now + 2), 3)
    try:
        produce(bed, event(MOVIE + 3, 4.0, 4_070_908_800), 0, 4_070_908_800)
        refused = ["it was stored"]
    except KafkaException:
        refused = []
    bed.report.check("the broker refuses a rating of 2099", refused)
    caught_up(bed, daemon)


def event(movie, rating, seconds):
    return {"user_id": USER, "movie_id": movie, "rating": rating, "timestamp": seconds}


def produce(bed, value, partition, seconds=None):
    """Sends one event; returns where it is. Raises what the broker answers."""
    producer = Producer({"bootstrap.servers": bed.bootstrap, "log_level": 0})
    delivered = []
    producer.produce(
        INPUT,
        json.dumps(value),
        partition=partition % len(bed.groups.partitions(INPUT)),
        timestamp=(seconds or int(time.time())) * 1000,
        on_delivery=lambda error, message: delivered.append((error, message)),
    )
    producer.flush(30)
    error, message = delivered[0]
    if error is not None:
        raise KafkaException(error)
    return message.partition(), message.offset()


def places_of(fold):
    valid = zip(fold.events["partition"].tolist(), fold.events["offset"].tolist())
    return set(valid) | fold.invalid.keys()


def judged(bed):
    return {place for place, *_ in outputs.verdicts(bed.bootstrap)}


def judge(bed, daemon, name):
    fold = checks.fold_of(bed)
    with bed.report.as_one(f"{name}: the features are those of the fold of user-ratings"):
        checks.features(bed, fold, 60)


def verify(bed, daemon):
    try:
        return 0, bed.run("state", "verify", "--config", daemon.configuration)
    except RuntimeError as error:
        return 1, str(error)
