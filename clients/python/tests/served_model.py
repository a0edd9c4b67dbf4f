"""A model in production whose reads are logged: what tests of the feedback loop begin with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import alula

DEFINITIONS = """
project: p
entities:
  - {name: person, keys: {id: int64}}
views:
  - {name: v, entity: person, features: {a: float64, city: string}}
services:
  - {name: s, features: ["v:*"], request: {asked: float64}}
"""


def now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def register(
    store: alula.Store, directory: Path, asked: Any, metrics: dict[str, float] | None = None
) -> None:
    """The next version of `m`, in production: trained on the people 0 to 99, a row for each ``asked``."""
    (directory / "f").write_bytes(b"model")
    count = len(asked)
    spine = {
        "id": [row % 100 for row in range(count)],
        "event_time": [now()] * count,
        "asked": asked,
    }
    with store.run("x", training_set=store.training_set("s", spine)) as run:
        for name, value in (metrics or {}).items():
            run.log_metric(name, value)
        version = run.register("m", [directory / "f"])
    store.promote("m", version, "production", reason="test")


def read(store: alula.Store, ids: Any, asked: Any = None) -> alula.Answer:
    """A logged read; where nothing is asked, the request's field is the id."""
    asked = [float(one) for one in ids] if asked is None else list(asked)
    return store.read(model="m", keys={"id": list(ids)}, request={"asked": asked}, log=True)
