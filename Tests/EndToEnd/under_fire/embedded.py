"""An embedded broker and one daemon on it, in a directory of their own."""

import os
import subprocess

from under_fire.events import Follower
from under_fire.process import Process
from under_fire.waiting import wait_until

APPLICATION = "projectionist"
PARTITIONS = 2


class EmbeddedPipeline:
    """The broker runs from the beginning on, the daemon from `start_daemon` on.

    The settings are those that a bed adds. `redis` answers to `stop`.
    """

    def __init__(self, binary, directory, redis, **settings):
        self.binary = os.path.realpath(binary)
        self.directory = directory
        self.redis = redis
        address = f"{directory}/broker-address"
        self.broker = Process(
            [self.binary, "broker", "--partitions", str(PARTITIONS), "--address-file", address],
            f"{directory}/broker.log",
        )
        self.broker.start()
        wait_until(lambda: os.path.exists(address), 20, "the embedded broker serves")
        with open(address, encoding="utf-8") as file:
            self.bootstrap = file.read().strip()
        self.state = f"{directory}/state"
        self.configuration = f"{directory}/projectionist.yaml"
        self.write_configuration(settings)
        self.log = f"{directory}/daemon.log"
        self.daemon = Process([self.binary, "run", "--config", self.configuration], self.log)
        self.follower = None

    def write_configuration(self, settings):
        settings = {
            "application": APPLICATION,
            "kafka.bootstrap.servers": self.bootstrap,
            "kafka.fetch.wait.max.ms": 10,
            "redis.port": self.redis.port,
            "state.directory": self.state,
            "log.format": "json",
            "processing.guarantee": "at_least_once",
            "topics.partitions": PARTITIONS,
            "topics.movie_partitions": PARTITIONS,
        } | settings
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.writelines(f"{name}: {value}\n" for name, value in settings.items())

    def start_daemon(self, is_ready=True):
        self.daemon.start()
        self.follower = Follower(
            f"{self.state}/{APPLICATION}/events.sock", lambda: self.daemon.is_running
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
        """Runs a command of the program and returns its exit code and what it prints."""
        result = subprocess.run(
            [self.binary, *arguments, "--config", self.configuration],
            capture_output=True,
            text=True,
            check=False,
        )
        return result.returncode, result.stdout + result.stderr

    def close(self):
        for process in (self.daemon, self.broker):
            process.kill()
        self.redis.stop()
