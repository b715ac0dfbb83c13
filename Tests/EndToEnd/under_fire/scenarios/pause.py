"""SIGSTOP beyond the transaction's and the session's timeout, then SIGCONT; alone and with another.

The paused daemon's transaction is aborted by the broker and its partitions are given away. When it
goes on it must find out, give up what it has, join again, and lose nothing.
"""

import signal
import time

from under_fire import checks
from under_fire.bed import OUTPUTS
from under_fire.groups import INPUTS
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.settling import settle_on, wait_for_owners
from under_fire.waiting import let_pass, wait_until

LONG = MOVIELENS | {"events": 300_000, "kills": 10}
SHORT = SMALL | {"events": 30_000, "kills": 2}

BACKLOG = 0.1
CYCLE_SECONDS = 14


def run(bed):
    options, report = bed.options, bed.report
    load = bed.start_load()
    load.allow(int(len(load.events) * BACKLOG))
    one, two = bed.daemon("one"), bed.daemon("two")
    one.start()
    one.wait_until_ready()
    open_transactions = 0
    problems = []
    for number in range(options.kills):
        load.set_rate(load.remaining / ((options.kills - number) * CYCLE_SECONDS))
        has_other = number >= options.kills // 2
        if has_other and not two.is_running:
            two.start()
            two.wait_until_ready()
        if has_other:
            wait_for_owners(bed, [one, two])
        let_pass(bed.random.uniform(0.2, 1.5))
        leaves = len(leaving(one))
        open_transactions += pause(bed, one, two if has_other else None)
        one.signal(signal.SIGCONT)
        wait_until_back(bed, one, two if has_other else None)
        if len(leaving(one)) == leaves:
            problems.append(f"pause {number + 1}: it reports nothing of having left the group")
        report.keep_alive(
            f"{number + 1} of {options.kills} pauses, {load.sent:,} events"
        )
    report.figure("pauses in the middle of a transaction", open_transactions)
    report.check("a daemon that was paused reports that it has lost its partitions", problems)
    load.set_rate(0)
    load.finish()
    report.progress("all events are sent; waiting for the end of the lag")
    bed.groups.wait_until_caught_up(seconds=300, daemons=[one, two])
    settle_on(bed, one, [two])
    checks.everything(bed, [one], options.guarantee == "exactly_once")


def leaving(daemon):
    return daemon.events("rejoining")


def pause(bed, daemon, other):
    """Stops it until the broker has given it up. Returns whether it was in a transaction."""
    daemon.signal(signal.SIGSTOP)
    stopped = time.monotonic()
    was_open = bed.groups.has_open_transactions(OUTPUTS)

    def is_given_up():
        owners = {
            owner for stage in INPUTS for owner in bed.groups.owners(stage).values()
        }
        return owners == ({other.name} if other else set())

    wait_until(is_given_up, 60, "the group gives up a daemon that is paused", pause=0.2)
    # Only time makes a transaction that nobody needs ended time out.
    rest = bed.options.transaction_timeout_ms / 1000 + 1 - (time.monotonic() - stopped)
    let_pass(max(0, rest))
    if not other:
        wait_until(
            lambda: not bed.groups.has_open_transactions(OUTPUTS),
            60,
            "the broker aborts its transactions",
        )
    return was_open


def wait_until_back(bed, daemon, other):
    def is_back():
        if not daemon.is_running:
            raise RuntimeError(f"it ended with {daemon.exit_code}: {daemon.last_words()}")
        return all(daemon.name in bed.groups.owners(stage).values() for stage in INPUTS)

    wait_until(is_back, 90, "the daemon has partitions of every stage again", pause=0.2)
    if other and not other.is_running:
        raise RuntimeError(f"{other.name} ended with {other.exit_code}: {other.last_words()}")
