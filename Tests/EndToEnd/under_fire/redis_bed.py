"""One daemon on the embedded broker, and one port for what it takes for Redis."""

import contextlib
import json
import struct

import redis
from confluent_kafka import Producer
from under_fire.embedded import EmbeddedPipeline
from under_fire.process import free_ports
from under_fire.redis_port import PASSWORD, USER, Server

PROJECT = "movies"
RECORD = f"projectionist:{PROJECT}:record"


def row_key(user):
    """As Feast builds it, version 3."""
    return struct.pack("<III7sIIq", 1, 2, 7, b"user_id", 4, 8, user) + PROJECT.encode()


class Bed(EmbeddedPipeline):
    """The server on the port, and what is asked of the daemon."""

    def __init__(self, binary, directory):
        # In cluster mode it listens 10,000 ports further as well.
        self.server = Server(directory, next(port for port in free_ports(50) if port < 55_000))
        settings = {
            "instance": "conditions",
            "redis.username": USER,
            "redis.password": PASSWORD,
            "redis.timeout_ms": 1000,
        }
        super().__init__(binary, directory, self.server, **settings)
        self.producer = Producer({"bootstrap.servers": self.bootstrap})
        self.users = []
        self.failures = 0

    def admin(self):
        return redis.Redis("127.0.0.1", self.server.port)

    def kick(self):
        """Ends the daemon's connections: it must log in again."""
        self.admin().execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    # Events and rows

    def rate(self):
        """Rates as a new user, and returns the user."""
        user = 1000 + len(self.users)
        event = {"user_id": user, "movie_id": 1, "rating": 4, "timestamp": 1_700_000_000}
        self.producer.produce("user-ratings", json.dumps(event), str(user))
        self.producer.flush(10)
        self.users.append(user)
        return user

    def has_state(self, user):
        """Whether intake and the user stage have gone on meanwhile."""
        return self.command("state", "get", "user", str(user))[0] == 0

    def has_row(self, user):
        with contextlib.suppress(redis.RedisError):
            return self.admin().hlen(row_key(user)) > 3
        return False

    def waits_with(self, code, since):
        waiting = self.follower.events("waiting")[since:]
        return self.alive() and any(
            event["stage"] == "redis" and event["reason"]["code"] == code for event in waiting
        )

    # Verdicts

    def check(self, name, problems):
        problems = [str(problem) for problem in problems if problem]
        print(f"{'FAILED' if problems else 'passed'}  {name}", flush=True)
        for problem in problems:
            print(f"        {problem}", flush=True)
        self.failures += bool(problems)
