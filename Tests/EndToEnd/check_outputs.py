#!/usr/bin/env python3
"""Holds what the commands print with --json against the schemas of projectionist.docc.

The daemon must run, with ratings of the user given.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("configuration")
    parser.add_argument("user")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        for name, command in commands(options.user, scratch).items():
            result = subprocess.run(
                [options.binary, *command, "--json", "--config", options.configuration],
                capture_output=True,
                text=True,
                timeout=120,
            )
            try:
                problems = violations(name, result.stdout)
            except ValueError as error:
                problems = [f"{error}: {result.stdout[:200]} {result.stderr[-500:]}"]
            failed = failed or bool(problems)
            print(f"{name}: {'; '.join(problems) or 'as declared'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
