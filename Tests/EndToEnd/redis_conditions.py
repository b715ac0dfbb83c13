"""Whatever Redis lacks, the redis stage alone waits, by name, and goes on once it is mended.

Usage: redis_conditions.py --binary PROGRAM [--only WORD]

One daemon on the embedded broker, and one port on which a real redis-server is broken in one way
after the other, or another server stands in its place. In each: `check` names the condition; a new
user is rated; the stage waits with its code, while the other stages go on; it is mended; the user's
row appears. In the end nothing is lost: `redis verify` agrees.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import redis
from under_fire.redis_bed import RECORD, Bed, row_key
from under_fire.redis_port import PASSWORD, USER, old_server, without_scripts
from under_fire.waiting import NotInTime, wait_until

UNAVAILABLE, DENIED, CONFIGURATION, DIFFERS = 69, 77, 78, 3


def condition(bed, name, code, status, breaks, mends, words="", since=None):
    """Breaks Redis, sees that only its stage waits, and mends it.

    `since` tells how many events of waiting came before; those so far unless it is given.
    """
    start = time.monotonic()
    problems = []
    try:
        if since is None:
            since = len(bed.follower.events("waiting"))
        breaks()
        user = bed.rate()
        wait_until(lambda: bed.waits_with(code, since), 20, f"the stage waits with {code}")
        wait_until(lambda: bed.has_state(user), 20, "the user stage goes on", pause=0.3)
        found, text = bed.command("check")
        if found != status or code not in text or words not in text:
            problems.append(f"check: exit {found}, not {status} with {code}: {text}")
    except (NotInTime, redis.RedisError) as error:
        seen = [event["reason"] for event in bed.follower.events("waiting")[since:]]
        problems.append(f"{error}; seen: {seen}")
    finally:
        mends()
    try:
        # Where Redis lost something, the stage joins its group again, which takes the embedded
        # broker 20 s.
        wait_until(lambda: bed.alive() and bed.has_row(bed.users[-1]), 60, "the row appears")
    except NotInTime as error:
        problems.append(error)
    bed.check(f"{name} ({time.monotonic() - start:.1f} s)", problems)


# What is broken in a running server


def config(bed, key, value):
    bed.admin().config_set(key, value)


def acl(bed, *rules):
    bed.admin().execute_command("ACL", "SETUSER", USER, *rules)
    bed.kick()


def runaway_script(bed):
    config(bed, "busy-reply-threshold", 10)

    def run():
        with contextlib.suppress(redis.RedisError):
            bed.admin().eval("while true do end", 0)

    threading.Thread(target=run, daemon=True).start()
    wait_until(lambda: is_busy(bed), 10, "Redis is busy")


def is_busy(bed):
    try:
        bed.admin().get("x")
    except redis.RedisError:
        return True
    return False


def failing_save(bed):
    """A snapshot that can't be written: its directory is gone."""
    bed.admin().execute_command("CONFIG", "SET", "save", "3600 1")
    shutil.rmtree(f"{bed.directory}/gone")
    with contextlib.suppress(redis.RedisError):
        bed.admin().bgsave()
    wait_until(
        lambda: bed.admin().info("persistence")["rdb_last_bgsave_status"] == "err",
        10,
        "a snapshot has failed",
    )


def in_place(bed):
    """Conditions of the server that can be mended without a restart."""
    yield (
        "a rotated password",
        "redis_password_wrong",
        DENIED,
        lambda: acl(bed, "resetpass", ">other"),
        lambda: acl(bed, f">{PASSWORD}"),
    )
    yield (
        "a user without scripts",
        "redis_denied",
        DENIED,
        lambda: acl(bed, "-@scripting"),
        lambda: acl(bed, "+@scripting"),
    )
    yield (
        "a user without HSET in scripts",
        "redis_denied",
        DENIED,
        lambda: acl(bed, "-hset"),
        lambda: acl(bed, "+hset"),
    )
    yield (
        "a user without the keys",
        "redis_denied",
        DENIED,
        lambda: acl(bed, "resetkeys", "~x*"),
        lambda: acl(bed, "~*"),
    )
    yield (
        "out of memory",
        "redis_out_of_memory",
        UNAVAILABLE,
        lambda: config(bed, "maxmemory", 1),
        lambda: config(bed, "maxmemory", 0),
    )
    yield (
        "a read-only replica",
        "redis_read_only",
        UNAVAILABLE,
        lambda: bed.admin().replicaof("127.0.0.1", "1"),
        lambda: bed.admin().replicaof("NO", "ONE"),
    )
    yield (
        "too few replicas",
        "redis_too_few_replicas",
        UNAVAILABLE,
        lambda: config(bed, "min-replicas-to-write", 1),
        lambda: config(bed, "min-replicas-to-write", 0),
    )
    yield (
        "a script that does not end",
        "redis_busy",
        UNAVAILABLE,
        lambda: runaway_script(bed),
        lambda: bed.admin().script_kill(),
    )
    yield (
        "a disk that takes no snapshot",
        "redis_cannot_save",
        UNAVAILABLE,
        lambda: failing_save(bed),
        lambda: config(bed, "stop-writes-on-bgsave-error", "no"),
    )


# What stands in its place


def certificate(bed):
    """A certificate of its own for a day; `None` where there is no openssl."""
    if not shutil.which("openssl"):
        return None
    paths = [f"{bed.directory}/{name}" for name in ("key.pem", "cert.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", paths[0]]
        + ["-out", paths[1], "-days", "1", "-subj", "/CN=localhost"],
        capture_output=True,
        check=True,
    )
    return paths


def start_tls(bed):
    """redis-server behind TLS, or what such a server says to plain text."""
    paths = certificate(bed)
    if paths:
        with contextlib.suppress(RuntimeError):
            return bed.server.start(
                "--tls-port",
                str(bed.server.port),
                "--tls-cert-file",
                paths[1],
                "--tls-key-file",
                paths[0],
                "--tls-ca-cert-file",
                paths[1],
                port=0,
            )
    return bed.server.stand_in(lambda _: b"\x15\x03\x03\x00\x02\x02\x28")


def replaced(bed):
    """Other servers on the port."""

    def back():
        bed.server.start()

    def old():
        record = bed.admin().hgetall(RECORD)
        bed.server.stand_in(old_server(record))

    def answers(reply):
        return lambda: bed.server.stand_in(lambda _: reply)

    yield "a version before 7, out of memory", "redis_out_of_memory", UNAVAILABLE, old, back
    yield (
        "an old version that refuses the password",
        "redis_password_wrong",
        DENIED,
        answers(b"-ERR invalid password\r\n"),
        back,
    )
    yield (
        "a server without a password",
        "redis_credentials_unexpected",
        DENIED,
        answers(b"-ERR Client sent AUTH, but no password is set\r\n"),
        back,
    )
    yield (
        "too many clients",
        "redis_too_many_clients",
        UNAVAILABLE,
        answers(b"-ERR max number of clients reached\r\n"),
        back,
    )
    yield (
        "a proxy that forbids scripts",
        "redis_command_missing",
        CONFIGURATION,
        (lambda: bed.server.stand_in(without_scripts)),
        back,
    )
    yield (
        "a server that loads",
        "redis_loading",
        UNAVAILABLE,
        answers(b"-LOADING Redis is loading the dataset in memory\r\n"),
        back,
    )
    yield (
        "a web server",
        "redis_not_redis",
        CONFIGURATION,
        answers(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        back,
    )
    yield "TLS", "redis_tls", CONFIGURATION, lambda: start_tls(bed), back
    yield "a server that hangs up", "redis_unavailable", UNAVAILABLE, answers(None), back
    yield "a server that says nothing", "redis_unavailable", UNAVAILABLE, answers(b""), back
    yield "nothing at all", "redis_unavailable", UNAVAILABLE, bed.server.stop, back


# The rest


def starts_with_a_cluster(bed):
    """A daemon that starts meets it before it has written anything."""
    bed.server.start("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf")
    bed.admin().execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    # It is not ready before Redis is.
    bed.start_daemon(is_ready=False)
    condition(
        bed,
        "Redis Cluster, at the start",
        "redis_cluster",
        CONFIGURATION,
        lambda: None,
        bed.server.start,
        words="Redis Cluster",
        since=0,
    )
    wait_until(lambda: bed.follower.is_ready, 30, "the daemon is ready once Redis is mended")


def foreign_values(bed):
    """Keys that hold something else: a row's, and the record's."""
    user = 1000 + len(bed.users)
    bed.admin().set(row_key(user), "somebody's")
    bed.rate()
    wait_until(lambda: bed.has_row(user), 20, "the row replaces what was there")
    said = "something other than a hash" in bed.log_text()
    bed.check("a row's key that holds a text", [] if said else ["the log does not say so"])

    def spoil():
        bed.admin().delete(RECORD)
        bed.admin().set(RECORD, "somebody's")

    condition(
        bed,
        "the record's key holds a text",
        "redis_wrong_type",
        1,
        spoil,
        lambda: bed.admin().delete(RECORD),
    )


def commands(bed):
    """`redis stat`, `verify` and `rebuild` while the daemon runs."""
    code, text = bed.command("redis", "verify", "--json")
    bed.check("redis verify: nothing is lost", [text] if code else [])
    admin = bed.admin()
    lost, spoiled, emptied = bed.users[:3]
    admin.delete(row_key(lost))
    [field] = [name for name in admin.hkeys(row_key(spoiled)) if len(name) == 4][:1]
    admin.hset(row_key(spoiled), field, b"\x20\x63")
    admin.set(row_key(emptied), "x")
    code, text = bed.command("redis", "verify")
    found = code == DIFFERS and "3 rows differ" in text and "redis rebuild" in text
    bed.check("redis verify finds what was changed", [] if found else [f"exit {code}: {text}"])
    code, text = bed.command("redis", "rebuild", "--json")
    report = json.JSONDecoder().raw_decode(text[text.index("{") :])[0] if code == 0 else {}
    right = report.get("written", 0) >= len(bed.users) and "rows_per_second" in report
    bed.check("redis rebuild writes every row", [] if right else [f"exit {code}: {text}"])
    code, text = bed.command("redis", "verify")
    bed.check("redis verify agrees afterwards", [text] if code else [])
    config(bed, "maxmemory-policy", "allkeys-lru")
    code, text = bed.command("check")
    warned = code == 0 and "allkeys-lru" in text and "noeviction" in text
    bed.check("check warns of an eviction policy", [] if warned else [f"exit {code}: {text}"])
    code, text = bed.command("redis", "stat", "--json")
    stat = json.loads(text) if code == 0 else {}
    right = stat.get("users") == len(bed.users) and stat.get("is_own") is True
    right = right and stat.get("eviction_policy") == "allkeys-lru" and stat.get("version")
    bed.check("redis stat", [] if right else [f"exit {code}: {text}"])


def stops_while_it_waits(bed):
    config(bed, "maxmemory", 1)
    since = len(bed.follower.events("waiting"))
    bed.rate()
    wait_until(lambda: bed.waits_with("redis_out_of_memory", since), 20, "the stage waits")
    start = time.monotonic()
    code = bed.daemon.stop(10)
    seconds = time.monotonic() - start
    late = code != 0 or seconds > 5
    bed.check("SIGTERM while it waits", [f"exit {code} after {seconds:.1f} s"] if late else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--only", default="", help="conditions with this word only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="projectionist-conditions-") as directory:
        bed = Bed(options.binary, directory)
        try:
            starts_with_a_cluster(bed)
            os.mkdir(f"{directory}/gone")
            bed.server.start("--dir", f"{directory}/gone")
            for case in [*in_place(bed), *replaced(bed)]:
                if options.only in case[0]:
                    condition(bed, *case)
            foreign_values(bed)
            commands(bed)
            stops_while_it_waits(bed)
        except (NotInTime, RuntimeError) as error:
            bed.check("all of it", [error])
        finally:
            bed.close()
        sys.exit(1 if bed.failures else 0)


if __name__ == "__main__":
    main()
