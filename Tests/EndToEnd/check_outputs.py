#!/usr/bin/env python3
"""Holds what the commands print with --json against the schemas of projectionist.docc.

The daemon must run, with ratings of the user given. Adds one rating, and two models of which it
deletes one.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema

SCHEMAS = pathlib.Path(__file__).parents[2] / "Sources/projectionist/projectionist.docc/outputs"
# An object a line, rather than one document.
LINES = {"state-get", "state-scan"}


# Those that read no configuration.
WITHOUT_CONFIGURATION = {"simulate", "bench"}


def commands(user, scratch):
    """Each schema's name with the command that prints what it declares."""
    return {
        "topology": ["topology"],
        "topics-list": ["topics", "list"],
        "topics-check": ["topics", "check"],
        "topics-apply": ["topics", "apply"],
        "topics-claim": ["topics", "claim"],
        "topics-acls": ["topics", "acls"],
        "intake-policy": ["intake", "policy"],
        "redis-stat": ["redis", "stat"],
        "redis-verify": ["redis", "verify"],
        "check": ["check"],
        "features": ["features", user],
        "predict": ["predict", user, "--timeout", "20"],
        "state-list": ["state", "list"],
        "state-stat": ["state", "stat"],
        "state-get": ["state", "get", "user", user],
        "state-scan": ["state", "scan", "ratings", user],
        "state-verify": ["state", "verify"],
        "state-snapshot": ["state", "snapshot", f"{scratch}/copies"],
        "offsets-list": ["offsets", "list"],
        "models-list": ["models", "list"],
        "generate": ["generate", "--ratings", "10", "--output", f"{scratch}/ratings.jsonl"],
    }


def changes(user, scratch):
    """The same of those that change something, in an order in which each has something to do."""
    rating = pathlib.Path(scratch, "rating.csv")
    rating.write_text("userId,movieId,rating,timestamp\n5000000009,1,4.5,1700000000\n")
    return {
        "load": ["load", rating],
        "models-show": ["models", "show"],
        "explain": ["explain", "--user", user],
        "redis-rebuild": ["redis", "rebuild"],
        "redis-claim": ["redis", "claim"],
        "offsets-accept": ["offsets", "accept"],
        "offsets-restore": ["offsets", "restore"],
        "state-restore": [
            "state", "restore", f"{scratch}/copies", "--set", f"state.directory={scratch}/state",
        ],
        "simulate": ["simulate", "--seeds", "1..2"],
        "bench": ["bench", "predict", "--in-process-only", "--seconds", "1", "--users", "200"],
    }


def models(first, second):
    """The same of those that need two models, of which the second serves."""
    return {
        "models-diff": ["models", "diff", first, second],
        "models-rollback": ["models", "rollback"],
        "models-promote": ["models", "promote", second],
        "models-delete": ["models", "delete", first],
    }


def violations(name, text):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    documents = text.splitlines() if name in LINES else [text]
    if not documents:
        return ["nothing was printed"]
    return [
        f"{error.json_path}: {error.message}"
        for document in documents
        for error in validator.iter_errors(json.loads(document))
    ]


class Checker:
    """Runs commands and prints what is not as declared."""

    def __init__(self, binary, configuration):
        self._binary, self._configuration = binary, configuration
        self.has_failed = False

    def run(self, commands):
        for name, command in commands.items():
            self._check(name, command)

    def train(self, seed):
        """Trains a model that serves at once; returns its version."""
        text = self._check("train", ["train", "--fixed", "--promote", "--seed", str(seed)])
        return json.loads(text)["version"]

    def _check(self, name, command):
        line = [self._binary, *command, "--json"]
        if name not in WITHOUT_CONFIGURATION:
            line += ["--config", self._configuration]
        result = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
        try:
            problems = violations(name, result.stdout)
        except ValueError as error:
            problems = [f"{error}: {result.stdout[:200]} {result.stderr[-500:]}"]
        self.has_failed = self.has_failed or bool(problems)
        print(f"{name}: {'; '.join(problems) or 'as declared'}")
        return result.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("configuration")
    parser.add_argument("user")
    options = parser.parse_args()
    checker = Checker(options.binary, options.configuration)
    with tempfile.TemporaryDirectory() as scratch:
        checker.run(commands(options.user, scratch))
        checker.run(changes(options.user, scratch))
    checker.run(models(checker.train(12), checker.train(13)))
    return 1 if checker.has_failed else 0


if __name__ == "__main__":
    sys.exit(main())
