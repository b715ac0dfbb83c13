"""The scenarios, each a module with `LONG` and `SHORT` defaults and `run(bed)`; the first line of
its text says what it does."""

import importlib

NAMES = ["kills", "broker", "pause", "rebalance", "loss", "retention", "standby"]
NAMES += ["owner", "demo", "strangers", "moved", "projection", "reset", "growth", "identity"]
NAMES += ["policy", "clusters", "training"]
MOVIELENS = {"users": 137_734, "movies": 26_228}
SMALL = {"users": 2_000, "movies": 500}


def _module(name):
    return importlib.import_module(f"under_fire.scenarios.{name}")


def defaults(name, is_short):
    module = _module(name)
    return module.SHORT if is_short else module.LONG


def run(name, bed):
    _module(name).run(bed)


def help_text():
    return "\n".join(f"  {name:<10} {_module(name).__doc__.splitlines()[0]}" for name in NAMES)
