"""What every scenario runs on: a broker, a Redis, the load, and daemons."""

import os
import random
import shutil
import subprocess
import tempfile

from under_fire.daemon import Daemon
from under_fire.groups import Groups
from under_fire.load import Load, make_events, produce_movies, with_duplicates
from under_fire.services import KafkaNode, RedisNode

OUTPUTS = ["validated-ratings", "user-features", "ratings-by-movie", "movie-features"]
# Topics that hold still when nobody rates; quality scores of movies may be published again.
STILL = [
    "user-ratings",
    "movies",
    "models",
    "validated-ratings",
    "validation-results",
    "user-ratings-dlq",
    "user-features",
    "ratings-by-movie",
    "recommendation-requests",
    "recommendations",
    "projectionist-control",
]


class Bed:
    """Everything listens on loopback ports of its own and is gone after `close`."""

    def __init__(self, options, report):
        self.options = options
        self.report = report
        self.random = random.Random(options.seed)
        self.directory = tempfile.mkdtemp(prefix="projectionist-storm-")
        self.daemons = []
        self.load = None
        self.events_sent = 0
        # Events that were processed and are in the topic no more.
        self.archive = []
        self._events = None
        self.kafka = KafkaNode(options.kafka_home, self.directory)
        self.redis = RedisNode(self.directory)
        self.groups = None

    @property
    def bootstrap(self):
        return self.kafka.bootstrap

    def start(self):
        """Starts the services, makes the topics, and produces the movies."""
        self.report.progress("starting Apache Kafka and Redis")
        self.kafka.start()
        self.redis.start()
        self.groups = Groups(self.bootstrap)
        daemon = self.daemon("setup")
        self.run("topics", "apply", "--config", daemon.configuration)
        self.daemons.remove(daemon)
        self._events, catalog = make_events(
            self.options.binary,
            self.directory,
            self.options.events,
            self.options.users,
            self.options.movies,
            self.options.seed,
        )
        self._events = with_duplicates(self._events, self.options.seed)
        produce_movies(self.bootstrap, catalog)

    def make_directory(self, name):
        path = f"{self.directory}/{name}"
        os.makedirs(path)
        return path

    def run(self, *arguments):
        """Runs one of the program's commands and returns what it prints."""
        code, text = self.command(*arguments)
        if code != 0:
            raise RuntimeError(f"projectionist {' '.join(arguments)} ended with {code}: {text}")
        return text

    def command(self, *arguments):
        """Runs one of the program's commands; returns its exit code and what it prints."""
        result = subprocess.run(
            [self.options.binary, *arguments], capture_output=True, text=True, check=False
        )
        output = result.stdout if result.returncode == 0 else result.stdout + result.stderr
        return result.returncode, output

    def daemon(self, name, **settings):
        """A daemon that is not started yet; underscores in settings' names stand for dots."""
        defaults = {
            "kafka.bootstrap.servers": self.bootstrap,
            "kafka.session.timeout.ms": self.options.session_timeout_ms,
            "kafka.transaction.timeout.ms": self.options.transaction_timeout_ms,
            "redis.port": self.redis.port,
            "topics.movie_partitions": 2,
            "movie.refresh_interval_ms": 1000,
            "processing.guarantee": self.options.guarantee,
        }
        settings = {key.replace("__", "."): value for key, value in settings.items()}
        daemon = Daemon(self.options.binary, self.directory, name, defaults | settings)
        self.daemons.append(daemon)
        return daemon

    def start_load(self, share=1.0):
        """Begins to send the next share of the events; none goes before this call."""
        if self.load is not None:
            self.load.close()
        count = min(round(len(self._events) * share), len(self._events) - self.events_sent)
        self.load = Load(
            self.bootstrap,
            self._events[self.events_sent : self.events_sent + count],
            first_number=self.events_sent,
        )
        self.events_sent += count
        return self.load

    def send(self, share):
        """Sends the next share of the events and waits until the broker has them."""
        self.start_load(share).finish()

    def close(self):
        """Ends everything, and keeps the files when something failed."""
        if self.load is not None:
            self.load.close()
        if self.groups is not None:
            self.groups.close()
        for process in [*self.daemons, self.redis, self.kafka]:
            process.kill()
        if self.options.keep or not self.report.passed:
            self.report.progress(f"logs and data are kept in {self.directory}")
        else:
            shutil.rmtree(self.directory)
