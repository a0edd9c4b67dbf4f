"""Looking after history from Python: compact, verify, imports, abandon, retract."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from server_process import Server, needs_server

import alula

pytestmark = needs_server

DEFINITIONS = """
project: upkeep
entities:
  - {name: e, keys: {k: int64}}
views:
  - {name: v, entity: e, features: {a: int64, s: string}}
  - {name: w, entity: e, features: {b: float64}}
services:
  - {name: s, features: ["v:*", "w:*"]}
"""
HOUR = 3_600_000_000


def times(hours: Any) -> Any:
    return (np.asarray(hours) * HOUR).astype("M8[us]")


def rows_of(seed: int, count: int = 300) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "k": random.integers(0, 40, count), "event_time": times(random.integers(0, 200, count)),
        "a": np.arange(count) + seed * 10_000, "s": [f"text {value}" for value in range(count)],
    }  # fmt: skip


SPINE = {"k": list(range(45)) * 4, "event_time": times(np.repeat([20, 90, 150, 250], 45))}


def seen(store: alula.Store, as_of: Any = None) -> list[Any]:
    table = store.training_set("s", SPINE, as_of=as_of).to_arrow()
    values: list[Any] = table["a"].to_pylist()
    return values


def oracle(pieces: list[dict[str, Any]]) -> list[Any]:
    """The greatest event time at or before the spine's, then the latest piece, then the last row."""
    best: dict[int, list[tuple[Any, int, int, int]]] = {}
    for number, piece in enumerate(pieces):
        for row, (key, event, value) in enumerate(zip(piece["k"], piece["event_time"], piece["a"])):
            best.setdefault(int(key), []).append((event, number, row, int(value)))
    answer = []
    for key, moment in zip(SPINE["k"], SPINE["event_time"]):
        found = [candidate for candidate in best.get(key, []) if candidate[0] <= moment]
        answer.append(max(found)[3] if found else None)
    return answer


def online(store: alula.Store) -> list[Any]:
    values: list[Any] = store.read("s", {"k": list(range(45))}).to_arrow()["a"].to_pylist()
    return values


def newest(pieces: list[dict[str, Any]]) -> list[Any]:
    best: dict[int, tuple[Any, int, int, int]] = {}
    for number, piece in enumerate(pieces):
        for row, (key, event, value) in enumerate(zip(piece["k"], piece["event_time"], piece["a"])):
            mine = (event, number, row, int(value))
            best[int(key)] = max(best.get(int(key), mine), mine)
    return [best[key][3] if key in best else None for key in range(45)]


def test_compacting_changes_no_answer(own_server: Server) -> None:
    pieces = [rows_of(seed) for seed in range(9)]
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        for piece in pieces:
            store.load("v", piece, progress=False)
        before = store.training_set("s", SPINE)
        assert before.to_arrow()["a"].to_pylist() == oracle(pieces)
        told: list[tuple[int, int | None]] = []
        compacted = {
            c.view: c
            for c in store.compact(progress=lambda done, total: told.append((done, total)))
        }
        assert set(compacted) == {"v", "w"}
        v = compacted["v"]
        assert v.segments_after == 1 <= v.segments_before and v.rows == 2_700
        assert v.rows_retired == 0 and v.training_sets == []
        assert store.get_training_set(before.id).to_arrow().equals(before.to_arrow())
        assert seen(store) == oracle(pieces) and online(store) == newest(pieces)
        again = store.compact("v", progress=False)
        assert [(c.segments_before, c.segments_after) for c in again] == [(1, 1)]
        assert store.verify(progress=False)
        with pytest.raises(alula.NotFound):
            store.compact(["none"])
    assert own_server.stop() == 0
    own_server.start()
    with own_server.connect("upkeep") as store:
        assert seen(store) == oracle(pieces)
        status = {view.name: view for view in store.status().views}
        assert status["v"].segments == 1 and status["v"].offline_rows == 2_700


def test_verify_counts_all_and_finds_a_damaged_block(own_server: Server) -> None:
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        store.load("v", rows_of(1), progress=False)
        store.push("w", {"k": [1, 2], "event_time": times([1, 2]), "b": [0.5, 1.5]})
        store.training_set("s", SPINE)
        told: list[int] = []
        found = store.verify(progress=lambda done, total: told.append(done))
        assert found and found.problem_count == 0 and "nothing wrong" in str(found)
        assert found.history_rows == 302 and found.segments >= 2 and found.blocks > 4
        assert found.online_rows == 42 and found.training_sets == 1
    assert own_server.stop() == 0
    file = sqlite3.connect(own_server.directory / "offline.sqlite")
    number, content = file.execute(
        "SELECT id, bytes FROM block ORDER BY length(bytes) DESC"
    ).fetchone()
    damaged = bytearray(content)
    damaged[len(damaged) // 2] ^= 1
    file.execute("UPDATE block SET bytes = ? WHERE id = ?", (bytes(damaged), number))
    file.commit()
    file.close()
    own_server.start()
    with own_server.connect("upkeep") as store:
        found = store.verify(progress=False)
        assert not found and found.problem_count >= 1 and found.problems
        assert "problem" in str(found)


def test_an_unfinished_import_is_listed_and_freed(own_server: Server, tmp_path: Path) -> None:
    rows = pd.DataFrame(rows_of(3, 200_000))
    rows["k"] = rows["k"].astype(str)
    rows.loc[199_999, "k"] = "not a number"
    rows.to_csv(tmp_path / "rows.csv", index=False)
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        with pytest.raises(alula.InvalidArgument, match='column "k", row 199999'):
            store.load("v", tmp_path / "rows.csv", progress=False)
        (listed,) = store.imports()
        assert (listed.view, listed.source, listed.state) == ("v", "rows.csv", "staging")
        assert seen(store) == [None] * 180
        assert store.abandon(listed.id) == listed.rows
        assert store.imports() == []
        with pytest.raises(alula.NotFound):
            store.abandon("imp-none")
        loaded = store.load("v", tmp_path / "rows.csv", on_error="skip", progress=False)
        assert (loaded.rows, loaded.skipped, loaded.existed) == (199_999, 1, False)
        with pytest.raises(alula.Refused, match="published"):
            store.abandon(loaded.import_id)
        (listed,) = store.imports()
        assert (listed.state, listed.rows) == ("published", 199_999)


def test_a_retracted_import_is_undone_in_both_stores_and_seen_before(own_server: Server) -> None:
    good, wrong, more = rows_of(1), rows_of(2), rows_of(3, 50)
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        store.load("v", good, progress=False)
        loaded = store.load("v", wrong, progress=False)
        store.push("v", pd.DataFrame(more).to_dict("list")).raise_for_problems()
        before = store.training_set("s", SPINE)
        assert before.to_arrow()["a"].to_pylist() == oracle([good, wrong, more])
        planned = store.retract(loaded.import_id, dry_run=True, progress=False)
        assert (planned.log_entry, planned.rows) == (0, 300)
        assert seen(store) == oracle([good, wrong, more])
        done = store.retract(loaded.import_id, progress=False)
        assert done.rows == 300 and done.log_entry > loaded.log_entry
        assert before.id in done.training_sets
        assert seen(store) == oracle([good, more])
        assert online(store) == newest([good, more])
        assert done.rows_restored == sum(
            a != b for a, b in zip(newest([good, wrong, more]), newest([good, more]))
        )
        assert seen(store, as_of=before) == oracle([good, wrong, more])
        assert store.get_training_set(before.id).digest == before.digest
        store.compact(progress=False)
        assert seen(store) == oracle([good, more])
        assert seen(store, as_of=before) == oracle([good, wrong, more])
        assert online(store) == newest([good, more])
        assert all(store.history("v", {"k": 1})["@import"] != loaded.import_id)
    own_server.kill()
    own_server.start()
    with own_server.connect("upkeep") as store:
        assert seen(store) == oracle([good, more]) and online(store) == newest([good, more])


def test_pushes_between_two_entries_are_retracted(own_server: Server) -> None:
    pieces = [rows_of(seed, 40) for seed in range(4)]
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        pushed = [store.push("v", piece) for piece in pieces]
        store.push("w", {"k": 1, "event_time": times(1), "b": 1.0})
        span = (pushed[1].log_entry, pushed[2].log_entry)
        assert store.retract(entries=span, view="w", dry_run=True, progress=False).rows == 0
        done = store.retract(entries=span, view="v", progress=False)
        assert done.rows == 80
        assert seen(store) == oracle([pieces[0], pieces[3]])
        assert online(store) == newest([pieces[0], pieces[3]])
        assert seen(store, as_of=pushed[3].log_entry) == oracle(pieces)
        for wrong, said in (
            ({}, "what to retract"),
            ({"import_id": "x", "entries": (1, 2)}, "what to retract"),
            ({"import_id": "x", "view": "v"}, "goes with entries"),
            ({"entries": (2, 1)}, "counted from 1"),
            ({"entries": (0, 1)}, "counted from 1"),
        ):
            with pytest.raises(alula.InvalidArgument, match=said):
                store.retract(**wrong)  # type: ignore[arg-type]
        with pytest.raises(alula.NotFound):
            store.retract("imp-none")


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_times_may_be_integers_where_the_unit_is_said(
    own_server: Server, tmp_path: Path, ending: str
) -> None:
    rows = pd.DataFrame(rows_of(1))
    rows["event_time"] = rows["event_time"].astype("int64")
    path = tmp_path / f"rows.{ending}"
    rows.to_parquet(path) if ending == "parquet" else rows.to_csv(path, index=False)
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        with pytest.raises(alula.InvalidArgument, match="time"):
            store.load("v", path, progress=False)
        with pytest.raises(alula.InvalidArgument, match="time_unit"):
            store.load("v", path, time_unit="d", progress=False)  # type: ignore[arg-type]
        assert store.load("v", path, time_unit="us", progress=False).rows == 300
        assert seen(store) == oracle([rows_of(1)])
