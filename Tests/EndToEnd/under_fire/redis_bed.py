"""One daemon on the embedded broker, and one port for what it takes for Redis."""

import contextlib
import json
import os
import struct
import subprocess

import redis
from confluent_kafka import Producer
from under_fire.events import Follower
from under_fire.process import Process, free_ports
from under_fire.redis_port import PASSWORD, USER, Server
from under_fire.waiting import wait_until

PARTITIONS = 2
PROJECT = "movies"
RECORD = f"projectionist:{PROJECT}:record"


def row_key(user):
    """As Feast builds it, version 3."""
    return struct.pack("<III7sIIq", 1, 2, 7, b"user_id", 4, 8, user) + PROJECT.encode()


class Bed:
    """An embedded broker, the server on the port, and the daemon."""

    def __init__(self, binary, directory):
        self.binary = os.path.realpath(binary)
        self.directory = directory
        # In cluster mode it listens 10,000 ports further as well.
        self.server = Server(directory, next(port for port in free_ports(50) if port < 55_000))
        address = f"{directory}/broker-address"
        self.broker = Process(
            [self.binary, "broker", "--partitions", str(PARTITIONS), "--address-file", address],
            f"{directory}/broker.log",
        )
        self.broker.start()
        wait_until(lambda: os.path.exists(address), 20, "the embedded broker serves")
        with open(address, encoding="utf-8") as file:
            self.bootstrap = file.read().strip()
        self.configuration = f"{directory}/projectionist.yaml"
        self.write_configuration()
        self.log = f"{directory}/daemon.log"
        self.daemon = Process([self.binary, "run", "--config", self.configuration], self.log)
        self.follower = None
        self.producer = Producer({"bootstrap.servers": self.bootstrap})
        self.users = []
        self.failures = 0

    def write_configuration(self):
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(
                f"instance: conditions\nkafka.bootstrap.servers: {self.bootstrap}\n"
                f"kafka.fetch.wait.max.ms: 10\nredis.port: {self.server.port}\n"
                f"redis.username: {USER}\nredis.password: {PASSWORD}\nredis.timeout_ms: 1000\n"
                f"state.directory: {self.directory}/state\nlog.format: json\n"
                f"processing.guarantee: at_least_once\n"
                f"topics.partitions: {PARTITIONS}\ntopics.movie_partitions: {PARTITIONS}\n"
            )

    def start_daemon(self, is_ready=True):
        self.daemon.start()
        self.follower = Follower(
            f"{self.directory}/state/projectionist/events.sock", lambda: self.daemon.is_running
        )
        if is_ready:
            wait_until(lambda: self.alive() and self.follower.is_ready, 60, "the daemon is ready")

    def alive(self):
        if not self.daemon.is_running:
            raise RuntimeError(f"the daemon has ended: {self.log_text()[-2000:]}")
        return True

    def log_text(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def command(self, *arguments):
        result = subprocess.run(
            [self.binary, *arguments, "--config", self.configuration],
            capture_output=True,
            text=True,
            check=False,
        )
        return result.returncode, result.stdout + result.stderr

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

    def close(self):
        for process in (self.daemon, self.broker):
            process.kill()
        self.server.stop()
