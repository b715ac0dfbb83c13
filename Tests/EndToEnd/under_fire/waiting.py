"""Waiting for conditions, never for time alone."""

import time


class NotInTime(Exception):
    """A condition did not come true before its deadline."""


def wait_until(condition, seconds, what, pause=0.05):
    """Calls `condition` until it returns something true, and returns that.

    Raises `NotInTime` after so many seconds; `what` says in words what was waited for.
    """
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise NotInTime(f"not within {seconds:g} s: {what}")
        time.sleep(pause)
