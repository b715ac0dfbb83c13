"""Reads with the real Feast SDK what RedisProjection wrote, and fails if anything differs.

Run by FeastRoundtripTests when FEAST_PYTHON names a Python that has `feast[redis]`:

    FEAST_PYTHON=/path/to/venv/bin/python swift test --filter FeastRoundtripTests

Usage: feast_roundtrip.py PORT SERIALIZATION_VERSION
"""

import sys
import tempfile
from datetime import timedelta

from feast import Entity, FeatureStore, FeatureView, Field, FileSource, PushSource, RepoConfig, ValueType
from feast.types import Bool, Float32, Float64, Int32, Int64, String

EXPECTED = {
    "user_id": [42, 7, 8],
    "rating_count": [17, 0, None],
    "rating_mean": [3.5, 0.0, None],
    "rating_std": [0.25, 0.0, None],
    "days_active": [-1, 0, None],
    "favourite_genre": ["Children's \u00e9", "", None],
    "is_active": [True, False, None],
}


def main() -> None:
    port, version = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        store = FeatureStore(
            config=RepoConfig(
                project="movies",
                provider="local",
                registry=f"{directory}/registry.db",
                online_store={"type": "redis", "connection_string": f"127.0.0.1:{port}"},
                entity_key_serialization_version=int(version),
            )
        )
        user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
        batch = FileSource(path=f"{directory}/none.parquet", timestamp_field="event_timestamp")
        view = FeatureView(
            name="user_stats",
            entities=[user],
            ttl=timedelta(0),
            schema=[
                Field(name="user_id", dtype=Int64),
                Field(name="rating_count", dtype=Int64),
                Field(name="rating_mean", dtype=Float64),
                Field(name="rating_std", dtype=Float32),
                Field(name="days_active", dtype=Int32),
                Field(name="favourite_genre", dtype=String),
                Field(name="is_active", dtype=Bool),
            ],
            source=PushSource(name="user_stats_push", batch_source=batch),
        )
        store.apply([user, view])
        found = store.get_online_features(
            features=[f"user_stats:{name}" for name in EXPECTED if name != "user_id"],
            entity_rows=[{"user_id": user_id} for user_id in EXPECTED["user_id"]],
        ).to_dict()
    if found != EXPECTED:
        sys.exit(f"expected {EXPECTED}\nfound    {found}")


main()
