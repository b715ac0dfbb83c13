"""Every user's and movie's features, computed from a MovieLens directory with pandas alone.

This is the oracle of the end-to-end tests: it shares no code and no algorithm with the daemon.
Definitions are those of `UserFeatures`, `MovieFeatures` and `RatingFeatures` in
Sources/Ratings/Features.

Usage: expected_features.py MOVIELENS_DIRECTORY [--limit N] [--output DIRECTORY]
"""

import argparse
import os

import numpy
import pandas

NO_GENRE = "(no genres listed)"
DAY_MS = 86_400_000
RECENT_DAYS = 30

INTEGERS = [
    "rating_count",
    "first_rating_ms",
    "last_rating_ms",
    "days_active",
    "recent_rating_count",
]
DOUBLES = [
    "rating_mean",
    "rating_std",
    "rating_std_population",
    "rating_min",
    "rating_max",
    "rating_range",
]


def read_ratings(directory, limit=None):
    """The ratings that stand: of what a user says of a movie the newest, and of equally new lines the
    last."""
    ratings = pandas.read_csv(
        os.path.join(directory, "ratings.csv"),
        nrows=limit,
        dtype={"userId": "int64", "movieId": "int64", "rating": "float64", "timestamp": "int64"},
    )
    ratings.columns = ["user_id", "movie_id", "rating", "timestamp"]
    ratings["ms"] = ratings.pop("timestamp") * 1000
    newest = ratings.sort_values("ms", kind="stable")
    return newest.drop_duplicates(["user_id", "movie_id"], keep="last").sort_index()


def read_movies(directory):
    movies = pandas.read_csv(
        os.path.join(directory, "movies.csv"), dtype={"title": "str", "genres": "str"}
    )
    movies.columns = ["movie_id", "title", "genres"]
    return movies


def rating_features(ratings, key):
    """What users and movies have in common, indexed by `key`."""
    groups = ratings.groupby(key)
    features = pandas.DataFrame(
        {
            "rating_count": groups["rating"].size(),
            "rating_mean": groups["rating"].mean(),
            # pandas' own: ddof=1, and no value for one rating.
            "rating_std": groups["rating"].std().fillna(0.0),
            "rating_std_population": groups["rating"].std(ddof=0),
            "rating_min": groups["rating"].min(),
            "rating_max": groups["rating"].max(),
            "first_rating_ms": groups["ms"].min(),
            "last_rating_ms": groups["ms"].max(),
        }
    )
    features["rating_range"] = features["rating_max"] - features["rating_min"]
    features["days_active"] = (
        features["last_rating_ms"] - features["first_rating_ms"]
    ) // DAY_MS
    last_day = ratings[key].map(features["last_rating_ms"]) // DAY_MS
    is_recent = ratings["ms"] // DAY_MS > last_day - RECENT_DAYS
    features["recent_rating_count"] = is_recent.groupby(ratings[key]).sum().astype("int64")
    return features


def favorite_genres(ratings, movies):
    """The genre a user rated most often, ties broken by name, indexed by user_id."""
    genres = movies.assign(genre=movies["genres"].fillna("").str.split("|")).explode("genre")
    genres = genres[(genres["genre"] != NO_GENRE) & (genres["genre"] != "")]
    genres = genres[["movie_id", "genre"]].drop_duplicates()
    rated = ratings.merge(genres, on="movie_id")
    counts = rated.groupby(["user_id", "genre"])["rating"].agg(["size", "mean"]).reset_index()
    # By bytes, as the daemon compares names.
    counts["name"] = counts["genre"].map(lambda genre: genre.encode())
    counts = counts.sort_values(["user_id", "size", "name"], ascending=[True, False, True])
    first = counts.drop_duplicates("user_id").set_index("user_id")
    return pandas.DataFrame(
        {
            "favorite_genre": first["genre"],
            "favorite_genre_count": first["size"],
            "favorite_genre_mean": first["mean"],
        }
    )


def user_features(ratings, movies):
    features = rating_features(ratings, "user_id").join(favorite_genres(ratings, movies))
    features["favorite_genre_count"] = features["favorite_genre_count"].fillna(0).astype("int64")
    features["favorite_genre_mean"] = features["favorite_genre_mean"].fillna(0.0)
    return features


def movie_features(ratings):
    features = rating_features(ratings, "movie_id")
    count = features["rating_count"]
    weight = len(ratings) / len(features)
    overall = ratings["rating"].mean()
    features["popularity_score"] = numpy.log(1.0 + count)
    features["quality_score"] = (weight * overall + features["rating_mean"] * count) / (
        weight + count
    )
    return features


def as_records(features):
    """`{id: {feature: value}}` with plain Python values; no value is None."""
    integers = set(INTEGERS) | {"favorite_genre_count"}
    columns = {
        name: [
            None if pandas.isna(value) else int(value) if name in integers else value
            for value in features[name].tolist()
        ]
        for name in features.columns
    }
    rows = zip(*columns.values())
    return {key: dict(zip(columns, row)) for key, row in zip(features.index.tolist(), rows)}


def expected(directory, limit=None):
    """Users' and movies' features, each as `{id: {feature: value}}`."""
    ratings = read_ratings(directory, limit)
    movies = read_movies(directory)
    return as_records(user_features(ratings, movies)), as_records(movie_features(ratings))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", help="a MovieLens directory: ratings.csv and movies.csv")
    parser.add_argument("--limit", type=int, help="only so many ratings, as `load --limit`")
    parser.add_argument("--output", help="write user_features.csv and movie_features.csv there")
    arguments = parser.parse_args()
    ratings = read_ratings(arguments.directory, arguments.limit)
    users = user_features(ratings, read_movies(arguments.directory))
    movies = movie_features(ratings)
    print(f"{len(ratings)} ratings, {len(users)} users, {len(movies)} movies")
    if arguments.output:
        users.to_csv(os.path.join(arguments.output, "user_features.csv"))
        movies.to_csv(os.path.join(arguments.output, "movie_features.csv"))
    else:
        print(users.head())
        print(movies.head())


if __name__ == "__main__":
    main()
