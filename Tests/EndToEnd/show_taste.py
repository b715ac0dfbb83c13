"""Shows that a rating counts in the next recommendation, and that ids mean the same everywhere.

Usage: show_taste.py BINARY CONFIGURATION --bootstrap-servers HOST:PORT [--wait SECONDS]

Loads two groups of movies, each of a genre of its own and each liked by a group of users of its own,
trains and promotes a model, and then rates three movies of one genre as a new user, with kcat. From
there on the user's recommendations must be of that genre, within a second.
"""

import argparse
import json
import random
import subprocess
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition

GENRES = ["Heist", "Pirates"]
MOVIES = 40
USERS = 60
FIRST_MOVIE = 7_000_000
FIRST_USER = 6_000_000_000
NEW_USER = 6_900_000_000


def movie_ids(group):
    return range(FIRST_MOVIE + group * 1_000, FIRST_MOVIE + group * 1_000 + MOVIES)


class Client:
    """Asks for recommendations over the topics."""

    def __init__(self, bootstrap_servers):
        # The partitioner of Kafka's own clients: the daemon need not send requests on.
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "partitioner": "murmur2_random",
                "linger.ms": 0,
            }
        )
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "projectionist-end-to-end",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
            }
        )
        topic = self._consumer.list_topics("recommendations", timeout=10).topics["recommendations"]
        starts = []
        for number in topic.partitions:
            partition = TopicPartition("recommendations", number)
            partition.offset = self._consumer.get_watermark_offsets(partition, timeout=10)[1]
            starts.append(partition)
        self._consumer.assign(starts)

    def produce(self, topic, records):
        for record in records:
            self._producer.poll(0)
            key = str(record["movie_id"]) if topic == "movies" else None
            self._producer.produce(topic, json.dumps(record), key)
        assert self._producer.flush(60) == 0, f"{topic} was not written"

    def ask(self, user, **fields):
        """One request and its reply; None when none comes in ten seconds."""
        correlation = uuid.uuid4().bytes
        self._producer.produce(
            "recommendation-requests",
            json.dumps({"user_id": user, **fields}),
            str(user),
            headers=[("kafka_correlationId", correlation)],
        )
        self._producer.flush(10)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            message = self._consumer.poll(0.1)
            if message is None or message.error() is not None:
                continue
            if ("kafka_correlationId", correlation) in (message.headers() or []):
                reply = json.loads(message.value())
                assert "error" not in reply, reply
                return reply
        return None

    def ask_until(self, user, condition, seconds, **fields):
        """Asks again and again; fails when no reply is as wanted in time."""
        end = time.monotonic() + seconds
        while True:
            reply = self.ask(user, **fields)
            if reply is not None and condition(reply):
                return reply
            assert time.monotonic() < end, f"not within {seconds} s; the last reply: {reply}"


def load(client):
    """Users of a group rate half of the group's movies, and one of the other's."""
    client.produce(
        "movies",
        (
            {"movie_id": movie, "title": f"{genre} {movie}", "genres": genre}
            for group, genre in enumerate(GENRES)
            for movie in movie_ids(group)
        ),
    )
    chance = random.Random(1)
    ratings = []
    for group in range(len(GENRES)):
        for number in range(USERS):
            own = chance.sample(movie_ids(group), MOVIES // 2)
            other = chance.sample(movie_ids(1 - group), 1)
            for movie in own + other:
                ratings.append(
                    {
                        "user_id": FIRST_USER + group * 1_000 + number,
                        "movie_id": movie,
                        "rating": 4.5 if movie in own else 1.0,
                        "timestamp": 1_600_000_000 + len(ratings),
                    }
                )
    client.produce("user-ratings", ratings)
    users = {}
    for rating in ratings:
        users[rating["user_id"]] = users.get(rating["user_id"], 0) + 1
    return users


def train(binary, configuration):
    output = subprocess.run(
        [binary, "train", "--promote", "--factors", "16", "--json", "--config", configuration]
        + ["--log-level", "error"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    print(output)
    return json.loads(output)["version"]


def rate_with_kcat(bootstrap_servers, movies):
    lines = "".join(
        json.dumps({"user_id": NEW_USER, "movie_id": movie, "rating": 5, "timestamp": time.time()})
        + "\n"
        for movie in movies
    )
    command = ["kcat", "-P", "-b", bootstrap_servers, "-t", "user-ratings"]
    subprocess.run(command, input=lines, text=True, check=True)


def expect_genre(reply, genre, rated):
    movies = reply["recommendations"]
    assert len(movies) == 10, movies
    assert all(movie["genres"] == genre for movie in movies), movies
    assert not {movie["movie_id"] for movie in movies} & set(rated), movies
    assert reply["features"]["favorite_genre"] == genre, reply["features"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("configuration")
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--wait", type=float, default=60)
    arguments = parser.parse_args()

    client = Client(arguments.bootstrap_servers)
    for user, count in load(client).items():
        client.ask_until(
            user, lambda reply: reply["features"]["rating_count"] == count, arguments.wait
        )
    version = train(arguments.binary, arguments.configuration)
    # The daemon takes the model over; known users get movies of their genre.
    for group, genre in enumerate(GENRES):
        reply = client.ask_until(
            FIRST_USER + group * 1_000,
            lambda reply: reply["model_version"] == version,
            arguments.wait,
        )
        assert reply["strategy"] == "personal", reply
        assert all(movie["genres"] == genre for movie in reply["recommendations"]), reply

    reply = client.ask(NEW_USER)
    assert reply["strategy"] == "popular" and reply["reason"] == "no_ratings", reply
    rated = random.Random(2).sample(movie_ids(1), 3)
    rate_with_kcat(arguments.bootstrap_servers, rated)
    start = time.monotonic()
    reply = client.ask_until(NEW_USER, lambda reply: reply["strategy"] == "personal", 1)
    reply = client.ask_until(
        NEW_USER, lambda reply: reply["features"]["known_rating_count"] == 3, 1
    )
    took = time.monotonic() - start
    assert reply["model_version"] == version, reply
    expect_genre(reply, GENRES[1], rated)
    print(f"the recommendations show it after {took * 1000:.0f} ms")
    assert took < 1, took


if __name__ == "__main__":
    main()
