"""Writes a directory like a MovieLens download, with made-up movies and ratings.

Usage: make_movielens.py DIRECTORY [--ratings N] [--users N] [--movies N] [--seed N]
"""

import argparse
import os

import numpy
import pandas

GENRES = ["Action", "Comedy", "Documentary", "Drama", "Horror", "Sci-Fi", "(no genres listed)"]


def make_movies(random, count):
    """Some titles need quoting, some movies have no genre, and some have several."""
    titles = [f'Movie "{number}", The (19{number % 100:02})' for number in range(1, count + 1)]
    genres = [
        "|".join(random.choice(GENRES[:-1], size=size, replace=False)) if size else GENRES[-1]
        for size in random.integers(0, 4, size=count)
    ]
    return pandas.DataFrame({"movieId": range(1, count + 1), "title": titles, "genres": genres})


def make_ratings(random, count, users, movies):
    """A few users and movies have most of the ratings; a movie may be rated again later."""
    return pandas.DataFrame(
        {
            "userId": 1 + (users * random.random(count) ** 2).astype("int64"),
            "movieId": 1 + (movies * random.random(count) ** 3).astype("int64"),
            "rating": random.integers(1, 11, size=count) / 2,
            "timestamp": numpy.sort(random.integers(900_000_000, 1_700_000_000, size=count)),
        }
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    parser.add_argument("--ratings", type=int, default=20_000)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--movies", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random = numpy.random.default_rng(arguments.seed)
    os.makedirs(arguments.directory, exist_ok=True)
    movies = make_movies(random, arguments.movies)
    ratings = make_ratings(random, arguments.ratings, arguments.users, arguments.movies)
    movies.to_csv(os.path.join(arguments.directory, "movies.csv"), index=False)
    ratings.to_csv(os.path.join(arguments.directory, "ratings.csv"), index=False)


if __name__ == "__main__":
    main()
