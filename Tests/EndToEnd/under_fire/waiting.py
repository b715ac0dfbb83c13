"""Waiting for conditions, and letting time pass."""

import time
from operator import not_


class NotInTime(Exception):
    """A condition did not come true before its deadline."""


def look_until(is_enough, look, seconds, pause=0.05):
    """Calls `look` until what it returns is enough or so many seconds are over.

    Returns what it returned last.
    """
    deadline = time.monotonic() + seconds
    while True:
        result = look()
        if is_enough(result) or time.monotonic() >= deadline:
            return result
        time.sleep(pause)


def wait_until(condition, seconds, what, pause=0.05):
    """Calls `condition` until it returns something true, and returns that.

    Raises `NotInTime` after so many seconds; `what` says in words what was waited for.
    """
    result = look_until(bool, condition, seconds, pause)
    if not result:
        raise NotInTime(f"not within {seconds:g} s: {what}")
    return result


def let_pass(seconds):
    """Lets time pass where time is the experiment, and nothing is waited for.

    A fault comes at a random moment, an outage lasts so long, a timeout runs out.
    """
    time.sleep(seconds)


def settle(find_problems, seconds, pause=0.2):
    """Calls `find_problems` until there are none or so many seconds are over.

    Returns those that were found last.
    """
    return look_until(not_, find_problems, seconds, pause)
