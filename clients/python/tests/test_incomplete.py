"""Training sets whose history was deleted or retired since: they say so, with counts."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from server_process import Server, needs_server

import alula

pytestmark = needs_server

DEFINITIONS = """
project: incomplete
entities:
  - {name: person, keys: {id: string}}
  - {name: shop, keys: {shop: int64}}
views:
  - {name: habits, entity: person, features: {a: int64}}
  - {name: shops, entity: shop, features: {b: int64}}
services:
  - {name: s, features: ["habits:*", "shops:*"]}
"""
HOUR = 3_600_000_000


def times(hours: Any) -> Any:
    return (np.asarray(hours) * HOUR).astype("M8[us]")


def begun(server: Server) -> tuple[alula.Store, alula.TrainingSet]:
    store = server.connect()
    store.apply(DEFINITIONS)
    people = [f"p{number}" for number in range(20)]
    store.load(
        "habits",
        {"id": people * 5, "event_time": times(np.repeat([1, 5, 9, 13, 17], 20)), "a": range(100)},
        progress=False,
    )
    store.push("shops", {"shop": [1, 2], "event_time": times([2, 3]), "b": [7, 8]})
    spine = {
        "id": [people[row % 20] for row in range(60)], "shop": [1, 2, 3] * 20,
        "event_time": times(np.repeat([6, 12, 30], 20)), "y": range(60),
    }  # fmt: skip
    return store, store.training_set("s", spine, label="y")


def test_a_forgotten_entity_makes_its_sets_incomplete_with_counts(
    own_server: Server, tmp_path: Path
) -> None:
    store, made = begun(own_server)
    whole = made.to_arrow()
    forgotten = store.forget("person", {"id": "p3"}, progress=False)
    assert forgotten.training_sets == [made.id] and forgotten.spine_rows == 3
    with pytest.raises(alula.Incomplete) as caught:
        store.get_training_set(made.id)
    error = caught.value
    assert isinstance(error, alula.DataLoss) and error.code == "dataLoss" and error.retry == 0
    # Whole rows of the spine are blanked: two of the three had a shop that is known.
    assert [(loss.label, loss.values) for loss in error.losses] == [("habits", 3), ("shops", 2)]
    assert error.losses[0].log_entries == [forgotten.log_entry]
    assert error.blanked_rows == 3
    again = pickle.loads(pickle.dumps(error))
    assert again.losses == error.losses and again.blanked_rows == 3
    with pytest.raises(alula.Incomplete):
        store.stream_training_set(made.id).write_parquet(tmp_path / "set.parquet")
    left = store.get_training_set(made.id, incomplete=True)
    assert left.is_incomplete and left.digest == made.digest and len(left) == 60
    assert left.losses == error.losses and left.blanked_rows == 3
    stream = store.stream_training_set(made.id, incomplete=True)
    assert stream.reader().read_all().equals(left.to_arrow())
    assert stream.record.losses == left.losses
    mine = [row % 20 == 3 for row in range(60)]
    for name in ("id", "a", "shop", "event_time", "y"):
        values = left.to_arrow()[name].to_pylist()
        assert [value is None for value in values] == mine
        assert [v for v, m in zip(values, mine) if not m] == [
            v for v, m in zip(whole[name].to_pylist(), mine) if not m
        ]
    fresh = store.training_set("s", {"id": ["p1"], "shop": [1], "event_time": times([30])})
    assert not store.get_training_set(fresh.id).is_incomplete


def test_a_set_that_used_nothing_of_it_stays_whole(own_server: Server) -> None:
    store, made = begun(own_server)
    other = store.training_set("s", {"id": ["p5"], "shop": [1], "event_time": times([30])})
    store.forget("person", {"id": "p3"}, progress=False)
    assert store.get_training_set(other.id).to_arrow().equals(other.to_arrow())
    store.forget("shop", {"shop": 2}, progress=False)
    with pytest.raises(alula.Incomplete) as caught:
        store.get_training_set(made.id)
    assert [loss.label for loss in caught.value.losses] == ["habits", "shops"]
    assert caught.value.blanked_rows == 22, "3 of the person, 20 of the shop, one of both"
    assert [loss.values for loss in caught.value.losses] == [22, 21]
    assert store.get_training_set(other.id).digest == other.digest


def test_retention_takes_the_oldest_and_says_what_sets_it_hurts(own_server: Server) -> None:
    store, made = begun(own_server)
    store.apply(
        DEFINITIONS.replace(
            "{name: habits, entity: person,",
            "{name: habits, entity: person, retention: {rows_per_key: 2},",
        )
    )
    (planned,) = [c for c in store.compact(dry_run=True, progress=False) if c.view == "habits"]
    assert planned.rows_retired == 60 and store.get_training_set(made.id).digest == made.digest
    (done,) = store.compact("habits", progress=False)
    assert (done.view, done.rows_retired, done.rows, done.segments_after) == ("habits", 60, 40, 1)
    assert done.training_sets == [made.id]
    with pytest.raises(alula.Incomplete) as caught:
        store.get_training_set(made.id)
    (loss,) = caught.value.losses
    assert (loss.label, loss.values) == ("habits", 40) and caught.value.blanked_rows == 0
    left = store.get_training_set(made.id, incomplete=True).to_arrow()
    assert left["a"].to_pylist() == [None] * 40 + made.to_arrow()["a"].to_pylist()[40:]
    assert store.history("habits", {"id": "p0"})["a"].tolist() == [60, 80]
    assert store.history("habits", {"id": "p0"}, as_of=made)["a"].tolist() == [60, 80]


def test_retraction_leaves_recorded_sets_as_they_are(own_server: Server, tmp_path: Path) -> None:
    store, made = begun(own_server)
    (first,) = store.imports()
    retracted = store.retract(first.id, progress=False)
    assert retracted.training_sets == [made.id] and retracted.rows == 100
    assert store.get_training_set(made.id).to_arrow().equals(made.to_arrow())
    path = tmp_path / "set.parquet"
    store.stream_training_set(made.id).write_parquet(path)
    assert pq.read_table(path).equals(made.to_arrow())
