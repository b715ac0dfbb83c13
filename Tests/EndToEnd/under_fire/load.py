"""Events of `user-ratings`, and who sends them how fast."""

import random
import re
import subprocess
import threading
import time

from confluent_kafka import Producer

from under_fire.waiting import wait_until

INPUT = "user-ratings"
USER = re.compile(rb'"user_id":(-?\d+)')
MOVIE = re.compile(rb'"movie_id":(\d+)')


def make_events(binary, directory, count, users, movies, seed):
    """Ratings, 1 % bad ones, 5 % re-ratings and 1 % take-backs; and the movies.

    Returns the values of `user-ratings` and of `movies`, in the order of their sending.
    """
    ratings_path, movies_path = f"{directory}/ratings.jsonl", f"{directory}/movies.jsonl"
    command = [binary, "generate", "--ratings", str(count), "--users", str(users)]
    command += ["--movies", str(movies), "--seed", str(seed), "--invalid", "1%"]
    command += ["--re-ratings", "5%", "--retractions", "1%"]
    command += ["--output", ratings_path, "--movies-output", movies_path]
    subprocess.run(command, check=True, capture_output=True)
    with open(ratings_path, "rb") as file:
        events = file.read().split(b"\n")[:-1]
    with open(movies_path, "rb") as file:
        catalog = file.read().splitlines()
    return events, catalog


def with_duplicates(events, seed, share=0.002):
    """The same with some events sent a second time, at once or a little later."""
    source = random.Random(seed)
    result = []
    waiting = []
    for event in events:
        result.append(event)
        if waiting and source.random() < 0.05:
            result.append(waiting.pop())
        if source.random() < share:
            waiting.append(event)
    return result + waiting


def key_of(value, number):
    """The user where the event names one, so that the order of a user's events is that of their
    sending and every run over them ends in the same state."""
    found = USER.search(value)
    return found[1] if found else b"event-%d" % number


class Load:
    """Sends events in their order on a thread of its own. The caller says how many may go."""

    def __init__(self, bootstrap, events, first_number=0):
        self.events = events
        self._first_number = first_number
        self._records = None
        self.sent = 0
        self.failures = []
        self._allowed = 0.0
        self._rate = 0.0
        self._updated = time.monotonic()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "queue.buffering.max.messages": 200_000,
                # Longer than a broker is away.
                "message.timeout.ms": 600_000,
                "log_level": 0,
            }
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @classmethod
    def again(cls, bootstrap, records):
        """Sends records as they were: (partition, offset, key, value, timestamp)."""
        load = cls(bootstrap, [record[3] for record in records])
        load._records = records
        return load

    # Pace

    def allow(self, count):
        """Lets so many more go, as fast as they can."""
        with self._lock:
            self._allowed += count

    def set_rate(self, events_per_second):
        """Lets so many more go each second, besides those that may go already."""
        with self._lock:
            self._advance()
            self._rate = events_per_second

    def _advance(self):
        now = time.monotonic()
        self._allowed += self._rate * (now - self._updated)
        self._updated = now

    @property
    def remaining(self):
        return len(self.events) - self.sent

    # Sending

    def _run(self):
        while self.sent < len(self.events) and not self._stop.is_set():
            with self._lock:
                self._advance()
                end = min(int(self._allowed), len(self.events), self.sent + 5_000)
            if end <= self.sent:
                self._producer.poll(0.01)
                continue
            for number in range(self.sent, end):
                self._send(number)
            self.sent = end
            self._producer.poll(0)

    def _send(self, number):
        value = self.events[number] or None
        place = {}
        if self._records is None:
            key = key_of(value or b"", self._first_number + number)
        else:
            partition, _, key, _, timestamp = self._records[number]
            place = {"partition": partition, "timestamp": timestamp}
        while True:
            try:
                self._producer.produce(INPUT, value, key, on_delivery=self._delivered, **place)
                return
            except BufferError:
                if self._stop.is_set():
                    return
                self._producer.poll(0.1)

    def _delivered(self, error, _):
        if error is not None:
            self.failures.append(str(error))

    def finish(self, seconds=300):
        """Lets all that is left go, and waits until the broker has it."""
        self.allow(len(self.events))
        self._thread.join(seconds)
        left = self._producer.flush(seconds)
        if left or self.remaining or self.failures:
            raise RuntimeError(
                f"not all events were stored: {self.remaining} not sent, {left} not acknowledged,"
                f" {len(self.failures)} failed {self.failures[:3]}"
            )

    def flush(self, seconds=60):
        """Waits until the broker has what may go by now."""

        def is_sent():
            return self.sent >= min(int(self._allowed), len(self.events))

        wait_until(is_sent, seconds, "the events are sent", pause=0.01)
        self._producer.flush(seconds)

    def close(self):
        self._stop.set()
        self._thread.join(10)


def produce_movies(bootstrap, catalog):
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    for value in catalog:
        while True:
            try:
                producer.produce("movies", value, MOVIE.search(value)[1])
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(60):
        raise RuntimeError("the broker did not take all movies")
