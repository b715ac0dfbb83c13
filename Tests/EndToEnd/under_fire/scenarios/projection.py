"""Redis that is flushed, evicted from, and another log's: it converges, or the stage waits by name.

FLUSHALL under load and under an idle daemon, single rows lost, rows of users that exist nowhere. A
second daemon on another cluster, with the same Redis and project: its redis stage waits, says whose
Redis it is and changes nothing, until `redis claim`; then the first one waits. After each of them
Redis equals the fold, and `state verify` says so.
"""

import json
import shutil
import subprocess

import redis

from under_fire import checks
from under_fire.load import Load
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.services import KafkaNode
from under_fire.waiting import wait_until

LONG = MOVIELENS | {"events": 300_000, "kills": 5}
SHORT = SMALL | {"events": 20_000, "kills": 2}

CLAIMED = "redis_claimed"
# As `projectionist --help` lists them.
DIFFERS = 3
USAGE = 64
RATING = b'{"user_id":%d,"movie_id":1,"rating":4,"timestamp":1700000000}'
RECORD = f"projectionist:{checks.PROJECT}:record"


def run(bed):
    daemon = bed.daemon("one")
    daemon.start()
    daemon.wait_until_ready()
    flushed_under_load(bed, daemon)
    flushed_when_idle(bed, daemon)
    rows_lost_and_left_over(bed, daemon)
    fenced_beyond_the_end(bed, daemon)
    anothers(bed, daemon)
    judge(bed, daemon, "in the end")
    stop(bed, daemon)
    store_missing(bed, daemon)


def client(bed):
    return redis.Redis("127.0.0.1", bed.redis.port)


def judge(bed, daemon, name):
    """Topics and Redis equal the fold, and the program's own comparison agrees."""
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])
    fold = checks.fold_of(bed)
    with bed.report.as_one(f"{name}: Redis is that of the log"):
        checks.features(bed, fold, 90)
        code, text = verify(bed, daemon)
        all_there = "validated-ratings has all" in text
        bed.report.check("state verify agrees", [text] if code or not all_there else [])
    return fold


def verify(bed, daemon, *more):
    result = subprocess.run(
        [bed.options.binary, "state", "verify", "--config", daemon.configuration, *more],
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


def flushed_under_load(bed, daemon):
    bed.report.progress("case: FLUSHALL while events come in")
    load = bed.start_load(0.5)
    load.set_rate(len(load.events) / 10)
    for number in range(bed.options.kills):
        share = (number + 1) / (bed.options.kills + 1)
        wait_until(
            lambda share=share: load.sent >= share * len(load.events), 120, "a part is sent"
        )
        client(bed).flushall()
    load.finish()
    judge(bed, daemon, "flushed under load")


def flushed_when_idle(bed, daemon):
    bed.report.progress("case: FLUSHALL while nothing comes in")
    client(bed).flushall()
    wait_until(lambda: client(bed).exists(RECORD), 60, "the stage notices that Redis is empty")
    judge(bed, daemon, "flushed when idle")
    bed.report.check(
        "the log says that Redis is filled again",
        [] if daemon.says("filling Redis from the log") else ["it does not"],
    )


def rows_lost_and_left_over(bed, daemon):
    """`state verify` finds what the stage can't notice, and a claim repairs it."""
    bed.report.progress("case: rows evicted, and rows of nobody")
    victim = a_row(bed)
    copy = client(bed).dump(victim)
    client(bed).delete(victim)
    finds(bed, daemon, "a lost row", "1 missing", "redis rebuild")
    stranger = bytearray(victim)
    stranger[-len(checks.PROJECT) - 2] = 0x70
    client(bed).restore(bytes(stranger), 0, copy)
    # The fence is of another partition, whose offsets may be beyond the end of this one.
    client(bed).hdel(bytes(stranger), fence_field(bed, bytes(stranger)))
    finds(bed, daemon, "a row of nobody", "1 left over", "redis claim")
    claim(bed, daemon)
    wait_until(
        lambda: daemon.says("removed from Redis what earlier logs had left there"),
        120,
        "the leftovers are removed",
    )
    bed.report.check(
        "the row of nobody is gone",
        [stranger.hex()] if client(bed).exists(bytes(stranger)) else [],
    )
    judge(bed, daemon, "claimed after rows were lost")


def a_row(bed):
    """The key of a row with features."""
    for key in client(bed).scan_iter(_type="hash"):
        if any(field.startswith(b"_ts:") for field in client(bed).hkeys(key)):
            return key
    raise RuntimeError("Redis has no features")


def fence_field(bed, key):
    return next(field for field in client(bed).hkeys(key) if field.startswith(b"_fence:"))


def finds(bed, daemon, name, *words):
    code, text = verify(bed, daemon)
    is_found = code == DIFFERS and all(word in text for word in words)
    problems = [] if is_found else [f"exit {code}: {text}"]
    bed.report.check(f"state verify finds {name}", problems)


def claim(bed, daemon):
    return json.loads(bed.run("redis", "claim", "--json", "--config", daemon.configuration))


def fenced_beyond_the_end(bed, daemon):
    bed.report.progress("case: a row fenced beyond the log's end")
    key = a_row(bed)
    fence = fence_field(bed, key)
    epoch = client(bed).hget(key, fence).split(b":")[0]
    client(bed).hset(key, fence, epoch + b":" + b"%020d" % 10**12)
    words = "1 fenced beyond the log's end", "redis claim"
    finds(bed, daemon, "a row fenced beyond the end", *words)
    claim(bed, daemon)
    judge(bed, daemon, "claimed after a fence beyond the end")


def store_missing(bed, daemon):
    bed.report.progress("case: a partition without a store")
    shutil.rmtree(daemon.store("user", 0))
    finds(bed, daemon, "a partition without a store", "this machine has no store of it")
    code, text = verify(bed, daemon, "--partition", "99")
    is_refused = code == USAGE and "no partition 99" in text
    bed.report.check(
        "state verify refuses a partition that nothing has",
        [] if is_refused else [f"exit {code}: {text}"],
    )


def anothers(bed, daemon):
    """The same application on another cluster has the Redis for a while: `KAFKA_BROKER=staging`."""
    bed.report.progress("case: another cluster with the same Redis and project")
    staging = KafkaNode(bed.options.kafka_home, bed.make_directory("staging"))
    staging.start()
    try:
        other = bed.daemon("two", kafka__bootstrap__servers=staging.bootstrap)
        bed.run("topics", "apply", "--config", other.configuration)
        other.start()
        waits_by_name(bed, daemon, other)
        takes_turns(bed, daemon, other)
        stop(bed, other)
    finally:
        staging.kill()


def waits_by_name(bed, daemon, other):
    before = client(bed).hgetall(RECORD)
    wait_until(lambda: other.says(CLAIMED), 90, "the other one says that Redis is claimed")
    said = other.says(CLAIMED, before[b"cluster"].decode(), "redis claim")
    bed.report.check(
        "it says whose Redis is and what to do", [] if said else [other.last_words()]
    )
    load = Load(staging_of(other), [RATING % user for user in range(1, 200)])
    load.finish()
    load.close()
    judge(bed, daemon, "with another cluster's daemon waiting")
    after = client(bed).hgetall(RECORD)
    keys = (b"application", b"cluster", b"epoch")
    bed.report.check(
        "the record's owner is as it was",
        [f"{key}: {after[key]}" for key in keys if after[key] != before[key]],
    )


def staging_of(daemon):
    return daemon.settings["kafka.bootstrap.servers"]


def takes_turns(bed, daemon, other):
    claim(bed, other)
    wait_until(lambda: daemon.says(CLAIMED), 60, "the first one says that Redis is claimed")
    wait_until(
        lambda: other.says("removed from Redis what earlier logs had left there"),
        120,
        "the other one has removed the first one's rows",
    )
    epoch = client(bed).hget(RECORD, "epoch")
    # SCAN names a key twice when the table shrinks meanwhile.
    users = len(set(client(bed).scan_iter(match="*user_id*")))
    bed.report.check("only the other one's users are left", [users] if users != 199 else [])
    bed.send(0.1)
    bed.groups.wait_until_caught_up(["intake", "user", "movie"], daemons=[daemon])
    bed.report.check(
        "the first one's late writes stay out",
        [] if client(bed).hget(RECORD, "epoch") == epoch else ["the record has changed"],
    )
    claim(bed, daemon)
    wait_until(lambda: len(other.says(CLAIMED)) > 1, 60, "the other one waits again")


def stop(bed, daemon):
    daemon.stop()
    bed.report.check(
        f"SIGTERM ends {daemon.name} with 0", [daemon.exit_code] if daemon.exit_code else []
    )
