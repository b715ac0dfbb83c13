"""Recommends with a model of projectionist, as its daemon does. Needs NumPy alone.

`mlflow.pyfunc.load_model` calls `_load_pyfunc`; without MLflow, `load(folder)` does the same with
the folder that holds MLmodel. The formulas are those of the daemon's Model.md. The
daemon has a catalog, too, by whose genres it places movies that the model lacks; here they are left
out.
"""

import glob
import hashlib
import json
import os

import numpy as np

# Ratings with a smaller share of the newest's weight are left out.
SMALLEST_SHARE_BITS = 6
# How many ratings of the general mean are added to a user's own.
MEAN_WEIGHT = 5.0
LEAST_WEIGHT, MOST_WEIGHT = -0.5, 1.5
# With so many ratings of a user, half of the doubt about a factor is gone.
DOUBT_RATINGS = 10.0


def load(folder):
    """The model in a folder, whose files must be as they were sent."""
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    for entry in manifest["files"]:
        digest = hashlib.sha256()
        with open(os.path.join(folder, entry["path"]), "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        if digest.hexdigest() != entry["sha256"]:
            raise ValueError(f"{entry['path']} is damaged: its SHA-256 is not the manifest's")
    return Model(os.path.join(folder, "data"))


def _load_pyfunc(data_path):
    return load(os.path.dirname(os.path.abspath(data_path)))


class Model:
    """A model in memory. `predict` is what MLflow calls."""

    def __init__(self, data):
        def array(name):
            paths = sorted(glob.glob(os.path.join(glob.escape(data), f"{name}*.npy")))
            return np.concatenate([np.load(path, allow_pickle=False) for path in paths])

        with open(os.path.join(data, "metadata.json"), encoding="utf-8") as file:
            self.metadata = json.load(file)
        self.prior = array("prior")
        self.movies = array("movies-")
        self.factors = array("factors-")
        self.scales = array("scales-")
        self.starts = array("neighbour_starts-")
        self.rows = array("neighbour_rows-")
        self.weights = array("neighbour_weights-")

    def predict(self, model_input, params=None):
        """The best movies for each user of `model_input`.

        `model_input` has the columns user_id, movie_id, rating and timestamp, in seconds since
        1970: a DataFrame, a dict of columns, or a list of dicts. `params` may have
        num_recommendations, at (seconds since 1970; below 0 for each user's last rating) and
        exclude_rated. The answer has the same form: user_id, rank, movie_id and score.
        """
        params = params or {}
        count = int(params.get("num_recommendations", 10))
        at = params.get("at")
        at = None if at is None or at < 0 else round(float(at) * 1000)
        columns = self._columns(model_input)
        result = {"user_id": [], "rank": [], "movie_id": [], "score": []}
        users = columns["user_id"]
        for user in dict.fromkeys(users.tolist()):
            mine = users == user
            best = self.recommend(
                columns["movie_id"][mine], columns["rating"][mine], columns["timestamp"][mine],
                count, at, bool(params.get("exclude_rated", True)))
            for rank, (movie, score) in enumerate(best, 1):
                result["user_id"].append(user)
                result["rank"].append(rank)
                result["movie_id"].append(movie)
                result["score"].append(score)
        if isinstance(model_input, list):
            return [dict(zip(result, row)) for row in zip(*result.values())]
        if isinstance(model_input, dict):
            return result
        return type(model_input)(result)

    @staticmethod
    def _columns(model_input):
        if isinstance(model_input, list):
            model_input = {
                name: [row[name] for row in model_input]
                for name in ("user_id", "movie_id", "rating", "timestamp")
            }
        return {
            "user_id": np.asarray(model_input["user_id"], dtype=np.int64),
            "movie_id": np.asarray(model_input["movie_id"], dtype=np.int64),
            "rating": np.asarray(model_input["rating"], dtype=np.float64),
            "timestamp": np.rint(
                np.asarray(model_input["timestamp"], dtype=np.float64) * 1000).astype(np.int64),
        }

    def recommend(self, movies, ratings, times, count, at=None, exclude_rated=True):
        """One user's best movies with their scores, best first; none if all rated are unknown.

        Times are in milliseconds since 1970; `at` is the moment to recommend for.
        """
        rows, ratings, times = self._known(movies, ratings, times)
        if len(rows) == 0:
            return []
        scores = self.score(rows, ratings, times, at)
        if exclude_rated:
            scores[rows] = -np.inf
        count = min(count, int(np.isfinite(scores).sum()))
        # By falling score; of equal ones the smaller id comes first.
        best = np.lexsort((self.movies, -scores))[:count]
        return [(int(self.movies[row]), float(scores[row])) for row in best]

    def _known(self, movies, ratings, times):
        """Of each movie that the model knows the newest rating, by rising time."""
        places = np.searchsorted(self.movies, movies)
        places = np.minimum(places, len(self.movies) - 1)
        known = self.movies[places] == movies if len(self.movies) else np.zeros(len(movies), bool)
        order = np.argsort(times[known], kind="stable")
        newest = {}
        for place, rating, time in zip(
                places[known][order], ratings[known][order], times[known][order]):
            newest.pop(place, None)
            newest[place] = (rating, time)
        rows = np.array(list(newest), dtype=np.int64)
        values = list(newest.values())
        return (rows, np.array([rating for rating, _ in values]),
                np.array([time for _, time in values], dtype=np.int64))

    def score(self, rows, ratings, times, at=None):
        """The scores of all movies for a user who rated those of some rows, each once."""
        settings = self.metadata
        general = settings["mean_rating"]
        count = len(rows)
        mean = (ratings.sum() + MEAN_WEIGHT * general) / (count + MEAN_WEIGHT)
        weights = np.clip(1 + settings["taste"] * (ratings - mean), LEAST_WEIGHT, MOST_WEIGHT)
        elapsed = 0 if at is None else max(0, at - int(times.max()))
        hours = settings["sitting_hours"]
        share = settings["sitting"] * (hours / (hours + elapsed / 3_600_000))
        whole = count + settings["prior"]
        lasting = (1 - share) * weights * self.scales[rows].astype(np.float64) / whole
        vector = (1 - share) * settings["prior"] / whole * self.prior.astype(np.float64)
        vector = vector + lasting @ self.factors[rows].astype(np.float64)
        doubts = np.array(settings.get("doubts") or [0.0], dtype=np.float64)
        trust = 1 - doubts * DOUBT_RATINGS / (DOUBT_RATINGS + count)
        vector = (vector * trust).astype(np.float32)
        scores = self.factors.astype(np.float64) @ vector.astype(np.float64)
        for row, weight in zip(rows, share * weights * self._recency(times)):
            mine = slice(self.starts[row], self.starts[row + 1])
            scores[self.rows[mine]] += weight * self.weights[mine].astype(np.float64)
        return scores

    def _recency(self, times):
        """Each rating's share of the last sitting; the shares sum up to 1."""
        half_life = self.metadata["recency_half_life"]
        if half_life <= 0:
            return np.full(len(times), 1 / len(times))
        newer = np.array([(times > time).sum() for time in times])
        shares = np.exp2(-newer / half_life)
        shares[newer >= int(SMALLEST_SHARE_BITS * half_life) + 1] = 0
        return shares / shares.sum()
