"""Input that makes no sense, through the words of the client: each is refused by name, and nothing changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from server_process import Server, needs_server

import alula

pytestmark = needs_server
NOW = dt.datetime.now(dt.timezone.utc)

BAD = """
project: bad
entities:
  - {name: e, keys: {k: string, n: int64}}
views:
  - {name: v, entity: e, features: {x: float64, i: int32, t: timestamp}}
services:
  - {name: s, features: ["v:*"], request: {amount: int32}}
"""


@pytest.fixture(scope="module")
def store(server: Server) -> Iterator[alula.Store]:
    store = server.connect("bad")
    store.apply(BAD)
    yield store
    (view,) = [view for view in store.status().views if view.project == "bad"]
    assert view.offline_rows == 0, "what was refused is there"
    assert [record.state for record in store.imports() if record.state == "published"] == []


def row(**changes: Any) -> dict[str, list[Any]]:
    good = {"k": "a", "n": 1, "event_time": NOW, "x": 1.0, "i": 1, "t": NOW, **changes}
    return {name: [value] for name, value in good.items() if value is not ...}


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "a null string key": ({"k": None}, "k"), "a null integer key": ({"n": None}, "n"),
    "NaN in an integer key": ({"n": float("nan")}, "n"), "a fraction in an integer key": ({"n": 1.5}, "n"),
    "a string in an integer key": ({"n": "one"}, "n"), "a missing key column": ({"k": ...}, "k"),
    "no event time": ({"event_time": ...}, "event_time"), "a null event time": ({"event_time": None}, "event"),
    "a time that is none": ({"event_time": "yesterday"}, "event_time"),
    "int32 overflow": ({"i": 2**31}, "i"), "int32 underflow": ({"i": -(2**31) - 1}, "i"),
    "int64 overflow": ({"n": 2**63}, "n"), "text in a number": ({"x": "much"}, "x"),
    "a fraction in an int32": ({"i": 0.5}, "i"),
    "a key over the limit": ({"k": "k" * 5_000}, "4096"), "a future": ({"event_time": NOW + dt.timedelta(1)}, "event time"),
}  # fmt: skip


@pytest.mark.parametrize("name", INVALID)
def test_a_bad_row_is_neither_pushed_nor_loaded(store: alula.Store, name: str) -> None:
    changes, said = INVALID[name]
    for act in (
        lambda: store.push("v", row(**changes)),
        lambda: store.load("v", row(**changes), progress=False),
    ):
        try:
            answer = act()
        except alula.InvalidArgument as error:
            assert said in str(error), error
        else:
            assert getattr(answer, "refused", None) == 1, answer
            assert said in str(answer.problems[0]), answer
    assert store.read("s", {"k": "a", "n": 1}, {"amount": 1}).statuses("x")[0] == "notFound"


def test_a_feature_that_is_none_is_not_pushed(store: alula.Store) -> None:
    with pytest.raises(alula.InvalidArgument, match="zz"):
        store.push("v", row(zz=1))


CSV = "k,n,event_time,x,i,t\n"
FILES: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "empty"), "header.csv": (CSV.encode(), "no rows"),
    "other.csv": (b"a,b\n1,2\n", "k"), "short.csv": (CSV.encode() + b"a,1\n", ""),
    "overflow.csv": (CSV.encode() + b"a,1,2024-01-01T00:00:00Z,1,2147483648,\n", "i"),
    "time.csv": (CSV.encode() + b"a,1,not a time,1,1,\n", "event_time"),
    "key.csv": (CSV.encode() + b"a,,2024-01-01T00:00:00Z,1,1,\n", "n"),
    "utf8.csv": (CSV.encode() + b"\xff\xfe,1,2024-01-01T00:00:00Z,1,1,\n", ""),
    "empty.ndjson": (b"", "empty"), "broken.ndjson": (b'{"k": "a", \n', ""),
    "list.ndjson": (b"[1, 2]\n", ""),
    "overflow.ndjson": (b'{"k":"a","n":1,"event_time":"2024-01-01T00:00:00Z","i":2147483648}\n', "i"),
    "nan.ndjson": (b'{"k":"a","n":NaN,"event_time":"2024-01-01T00:00:00Z"}\n', ""),
    "cut.parquet": (b"PAR1" + b"\0" * 100, "arquet"), "none.parquet": (b"", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_refused(store: alula.Store, tmp_path: Path, name: str) -> None:
    content, said = FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(alula.InvalidArgument) as caught:
        store.load("v", path, progress=False)
    assert said.lower() in str(caught.value).lower(), caught.value


def test_a_parquet_cut_short_is_refused(store: alula.Store, tmp_path: Path) -> None:
    path = tmp_path / "whole.parquet"
    pd.DataFrame(row()).to_parquet(path)
    whole = path.read_bytes()
    for part in (4, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:part])
        with pytest.raises(alula.InvalidArgument, match="whole.parquet"):
            store.load("v", path, progress=False)


UNKNOWN: dict[str, Callable[[alula.Store], Any]] = {
    "view": lambda store: store.push("w", row()),
    "loaded view": lambda store: store.load("w", row(), progress=False),
    "view of a history": lambda store: store.history("w", {"k": "a", "n": 1}),
    "materialized view": lambda store: store.materialize(["w"]),
    "service": lambda store: store.read("t", {"k": "a", "n": 1}),
    "version": lambda store: store.read("s@7", {"k": "a", "n": 1}),
    "training service": lambda store: store.training_set("t", row()),
    "training set": lambda store: store.get_training_set("ts-00000000000000000000"),
    "run": lambda store: store.get_run("run-00000000000000000000"),
    "model": lambda store: store.model("none", stage="production"),
    "lineage": lambda store: store.lineage("none", 1),
    "promoted": lambda store: store.promote("none", 1, "staging"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_unknown_is_said(store: alula.Store, name: str) -> None:
    with pytest.raises((alula.NotFound, alula.InvalidArgument)) as caught:
        UNKNOWN[name](store)
    assert str(caught.value) and "internal" not in str(caught.value)


SPINES: dict[str, tuple[dict[str, Any], str]] = {
    "without a key": ({"n": [1], "event_time": [NOW], "amount": [1]}, "k"),
    "without times": ({"k": ["a"], "n": [1], "amount": [1]}, "event"),
    "without the request": ({"k": ["a"], "n": [1], "event_time": [NOW]}, "amount"),
    "key of another type": ({"k": [1], "n": [1], "event_time": [NOW], "amount": [1]}, "k"),
    "fractional key": ({"k": ["a"], "n": [1.5], "event_time": [NOW], "amount": [1]}, "n"),
    "request overflow": ({"k": ["a"], "n": [1], "event_time": [NOW], "amount": [2**31]}, "amount"),
    "a clash": ({"k": ["a"], "n": [1], "event_time": [NOW], "amount": [1], "x": [1]}, "x"),
}


@pytest.mark.parametrize("name", SPINES)
def test_a_bad_spine_is_refused(store: alula.Store, name: str) -> None:
    spine, said = SPINES[name]
    with pytest.raises(alula.InvalidArgument, match=said):
        store.training_set("s", spine)
    assert store.training_sets() == []


def test_null_keys_of_a_spine_join_nothing_and_lose_nothing(store: alula.Store) -> None:
    spine = pd.DataFrame({
        "k": ["a", None, "b"], "n": [1.0, 2.0, np.nan], "event_time": [NOW, NOW, pd.NaT], "amount": [1, 2, 3],
    })  # fmt: skip
    made = store.training_set("s", spine)
    assert made.to_arrow()["amount"].to_pylist() == [1, 2, 3] and made.report[0].null_keys == 2


LONG = "n" * 129
DEFINITIONS: dict[str, tuple[str, str]] = {
    "the same entity twice": ("entities: [{name: a, keys: {k: int64}}, {name: a, keys: {k: int64}}]", "a"),
    "the same view twice": (
        "views: [{name: w, entity: e, features: {a: int64}}, {name: w, entity: e, features: {a: int64}}]", "w"),
    "the same feature twice": ("views: [{name: w, entity: e, features: {a: int64, a: int32}}]", "a"),
    "an unknown entity": ("views: [{name: w, entity: nobody, features: {a: int64}}]", "nobody"),
    "an unknown view": ('services: [{name: t, features: ["nothing:*"]}]', "nothing"),
    "an unknown feature": ('services: [{name: t, features: ["v:nothing"]}]', "nothing"),
    "an unknown type": ("views: [{name: w, entity: e, features: {a: int128}}]", "int128"),
    "a service of itself": ('services: [{name: t, features: ["t:*"]}]', "t"),
    "a name too long": (f"entities: [{{name: {LONG}, keys: {{k: int64}}}}]", "128"),
    "a name with signs": ('entities: [{name: "a/b", keys: {k: int64}}]', "a/b"),
    "a feature called like a key": ("views: [{name: w, entity: e, features: {k: int64}}]", "k"),
    "no features": ("views: [{name: w, entity: e, features: {}}]", "w"),
    "a word that is none": ("wiews: []", "wiews"),
    "an anchor of itself": ("views: &a [*a]", ""),
    "no YAML": ("views: [}", ""),
    "a list too long": ('views: [{name: w, entity: e, features: {a: "float32[70000]"}}]', "float32[70000]"),
    "a span that is none": ("views: [{name: w, entity: e, ttl: soon, features: {a: int64}}]", "soon"),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFINITIONS)
def test_bad_definitions_change_nothing(store: alula.Store, name: str) -> None:
    text, said = DEFINITIONS[name]
    before = store.status().catalog_revision
    with pytest.raises((alula.InvalidArgument, alula.Refused)) as caught:
        store.apply(f"project: bad\n{text}\n")
    assert said in str(caught.value), caught.value
    assert store.status().catalog_revision == before


def test_all_mistakes_of_a_file_are_said_at_once(store: alula.Store) -> None:
    text = (
        "project: bad\nviews:\n  - {name: w, entity: nobody, features: {a: int64}}\n"
        "  - {name: u, entity: e, features: {a: int128}}\n"
        'services:\n  - {name: t, features: ["v:nothing", "gone:*"]}\n'
    )
    with pytest.raises(alula.InvalidArgument) as caught:
        store.apply(text)
    for word in ("nobody", "int128", "nothing", "gone"):
        assert word in str(caught.value), caught.value


def test_a_call_that_takes_too_long_says_so(store: alula.Store) -> None:
    count = 60_000
    spine = {
        "k": ["a"] * count,
        "n": [1] * count,
        "event_time": [NOW] * count,
        "amount": [1] * count,
    }
    with pytest.raises(alula.DeadlineExceeded):
        store.training_set("s", spine, timeout=0.02)
    assert store.status()
