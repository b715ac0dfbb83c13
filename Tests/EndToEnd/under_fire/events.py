"""The daemon's events, read from its socket.

Usage: events.py is-ready SOCKET    exits with 0 when the daemon that serves it is ready
"""

import contextlib
import json
import socket
import sys
import threading
import time

RETRY_SECONDS = 0.01
# What is left to read of a dead daemon's events arrives at once.
END_SECONDS = 10


def connect(path):
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def read(connection):
    """An object a line. A line that the daemon's death has cut short is left out."""
    with connection.makefile("rb") as lines, contextlib.suppress(ConnectionError):
        for line in lines:
            if line.endswith(b"\n"):
                yield json.loads(line)


def is_ready(path):
    with contextlib.suppress(OSError), connect(path) as connection:
        connection.settimeout(5)
        return next((message["ready"] for message in read(connection)), False)
    return False


class Follower:
    """Collects the events of one run of a daemon in a thread, from its start to its end.

    Batches and positions are left out: they are most of the stream.
    """

    def __init__(self, path, is_running):
        self._path = path
        self._is_running = is_running
        self._messages = []
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def events(self, *names):
        """Those with one of these names, so far; all of a daemon that has ended."""
        if not self._is_running():
            self._thread.join(END_SECONDS)
        return [message for message in list(self._messages) if message["event"] in names]

    @property
    def is_ready(self):
        """Whether all stages have been running since the start."""
        return bool(self.events("daemon_ready")) or any(
            snapshot["ready"] for snapshot in self.events("snapshot")
        )

    def _follow(self):
        while self._is_running():
            with contextlib.suppress(OSError), connect(self._path) as connection:
                for message in read(connection):
                    if message["event"] not in ("batch_committed", "positions"):
                        self._messages.append(message)
            time.sleep(RETRY_SECONDS)


if __name__ == "__main__":
    sys.exit(0 if sys.argv[1] == "is-ready" and is_ready(sys.argv[2]) else 1)
