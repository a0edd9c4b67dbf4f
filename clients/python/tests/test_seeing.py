"""Seeing history from Python: every row of an entity, why a join takes one, all of a view."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from server_process import Server, needs_server

import alula

pytestmark = needs_server
UTC = dt.timezone.utc

FEATURES = """
      {b: bool, i: int32, d: float64, f: float32, s: string, y: bytes, t: timestamp,
       li: "int64[]", ls: "string[]", lt: "timestamp[]", emb: "float32[2]"}"""
DEFINITIONS = f"""
project: seeing
entities:
  - {{name: e, keys: {{k: string, n: int64}}}}
  - {{name: p, keys: {{p: int64}}}}
views:
  - name: v
    entity: e
    lookback: 10d
    features: {FEATURES}
  - name: w
    entity: e
    features: {FEATURES}
  - {{name: other, entity: p, features: {{a: int64}}}}
services:
  - name: s
    features: ["v:i", "other:a"]
    request: {{amount: float64}}
"""


def day(number: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2024, 1, number, hour, tzinfo=UTC)


HISTORY: list[dict[str, Any]] = [
    {"k": "a", "n": 1, "event_time": day(1), "i": 1, "d": 0.1, "s": 'quo"te, comma\nline', "y": b"\x00\x01"},
    {"k": "a", "n": 1, "event_time": day(5), "created_time": day(6), "i": 2, "b": True, "s": ""},
    {"k": "a", "n": 1, "event_time": day(5), "created_time": day(7), "i": 3, "li": [1, -2], "ls": ["", "ż"]},
    {"k": "a", "n": 1, "event_time": day(5), "created_time": day(7), "i": 4, "li": [], "lt": [day(2, 3)]},
    {"k": "a", "n": 1, "event_time": day(9), "i": 5, "d": float("nan"), "f": float("-inf"), "t": day(2, 3)},
    {"k": "ä", "n": -7, "event_time": day(3), "i": -2147483648, "d": 1e-320, "emb": [0.5, 2.0]},
    {"k": "", "n": 9007199254740993, "event_time": day(4), "f": 3.4028234663852886e38},
]  # fmt: skip


@pytest.fixture(scope="module")
def store(server: Server) -> Iterator[alula.Store]:
    with server.connect() as connected:
        connected.apply(DEFINITIONS)
        for row in HISTORY:
            if row.get("created_time") is None:
                row["created_time"] = None
        first = {name: [row.get(name) for row in HISTORY[:4]] for name in NAMES}
        connected.load("v", first, progress=False)
        connected.push("v", HISTORY[4:]).raise_for_problems()
        connected.push("other", {"p": 1, "event_time": day(2), "a": 10}).raise_for_problems()
        yield connected


NAMES = [
    "k", "n", "event_time", "created_time", "b", "i", "d", "f", "s", "y", "t", "li", "ls", "lt", "emb",
]  # fmt: skip
KEY = {"k": "a", "n": 1}


def verdicts(rows: pd.DataFrame) -> list[str]:
    return [text.split(":")[0] for text in rows["@verdict"]]


def test_history_says_which_row_a_join_takes_and_why_not_the_others(store: alula.Store) -> None:
    rows = store.history("v", KEY)
    assert "@verdict" not in rows and rows["i"].tolist() == [1, 2, 3, 4, 5]
    later = ["later"] * 4
    equal = ["earlier created time", "earlier log position", "taken"]
    for moment, wanted in (
        ("2023-12-31", ["later", *later]),
        (day(1), ["taken", *later]),
        (day(1).date(), ["taken", *later]),
        ("2024-01-05T00:00:00Z", ["older", *equal, "later"]),
        (day(12), ["expired", "older", "older", "older", "taken"]),
        (pd.Timestamp("2024-03-01"), ["expired"] * 5),
    ):
        assert verdicts(store.history("v", KEY, at=moment)) == wanted
    entry = int(rows["@log_entry"].iloc[0])
    seen = store.history("v", KEY, at=day(12), as_of=entry)
    assert verdicts(seen) == ["expired", *equal]
    assert seen["i"].tolist() == [1, 2, 3, 4]
    assert store.history("v", {"k": "none", "n": 0}, at=day(1)).empty
    with pytest.raises(alula.InvalidArgument, match="at is a time"):
        store.history("v", KEY, at=7)
    with pytest.raises(alula.InvalidArgument, match="is asked by"):
        store.history("v", {"k": "a"})


def test_the_verdict_is_what_a_training_set_does(store: alula.Store) -> None:
    moments = [day(1), day(4), day(5), day(5, 1), day(9), day(12), day(15), day(19), day(20)]
    spine = {
        "k": ["a"] * len(moments), "n": [1] * len(moments), "p": [1] * len(moments),
        "amount": [0.0] * len(moments), "event_time": moments,
    }  # fmt: skip
    made = store.training_set("s", spine).to_arrow()["i"].to_pylist()
    for moment, value in zip(moments, made):
        rows = store.history("v", KEY, at=moment)
        taken = rows[rows["@verdict"].str.startswith("taken")]
        assert taken["i"].tolist() == ([] if value is None else [value])


def test_explain_names_the_winner_and_the_losers_of_each_view(store: alula.Store) -> None:
    told = store.explain("s", {"k": "a", "n": 1, "p": 1, "event_time": day(6), "y": 3})
    assert told.service == "s@1" and told.log_entry >= 3
    v, other = told.parts
    assert (v.label, v.view, v.status, v.lookback) == ("v", "v", "matched", dt.timedelta(days=10))
    assert verdicts(v.rows) == [
        "older",
        "earlier created time",
        "earlier log position",
        "taken",
        "later",
    ]
    assert (other.status, other.lookback, other.rows["a"].tolist()) == ("matched", None, [10])
    assert "taken" in str(told) and "looking back 10d" in str(told)
    row = pd.Series({"k": "a", "n": 1, "p": None, "when": day(25)})
    v, other = store.explain("s", row, event_time="when").parts
    assert (v.status, other.status) == ("expired", "nullKey")
    v, _ = store.explain("s", {"k": "x", "n": 1, "p": 1, "event_time": day(6)}).parts
    assert v.status == "notFound" and v.rows.empty
    first = int(store.history("v", KEY)["@log_entry"].iloc[0])
    v, _ = store.explain("s", {**KEY, "p": 1, "event_time": day(12)}, as_of=first).parts
    assert len(v.rows) == 4
    for row, said in (
        ({"k": "a", "n": 1, "event_time": day(6)}, "lacks 1 column of"),
        ([{"k": "a", "n": 1, "p": 1, "amount": 0.0, "event_time": day(6)}] * 2, "one row"),
        ({"k": "a", "n": "x", "p": 1, "event_time": day(6)}, 'column "n"'),
    ):
        with pytest.raises(alula.InvalidArgument, match=said):
            store.explain("s", row)
    with pytest.raises(alula.NotFound):
        store.explain("t", {"k": "a"})


def plain(table: pa.Table) -> list[dict[str, Any]]:
    """Rows without what the server says of each; NaN as text, so that it equals itself."""
    told = {"@recorded_time", "@log_entry", "@log_row", "@import"}
    rows = table.to_pylist()
    return [
        {n: "NaN" if isinstance(v, float) and v != v else v for n, v in r.items() if n not in told}
        for r in rows
    ]


def test_an_export_holds_what_is_asked_for_in_order(store: alula.Store) -> None:
    table = store.export("v").read_all()
    assert table.column_names[:8] == [
        "k", "n", "@event_time", "@created_time", "@recorded_time", "@log_entry", "@log_row", "@import",
    ]  # fmt: skip
    rows = table.to_pylist()
    keys = [(row["k"].encode(), row["n"]) for row in rows]
    assert len(rows) == 7 and keys == sorted(keys)
    assert [row["i"] for row in rows if row["k"] == "a"] == [1, 2, 3, 4, 5]
    first = min(row["@log_entry"] for row in rows)
    assert store.export("v", as_of=first).read_all()["i"].to_pylist() == [1, 2, 3, 4]
    for options, wanted in (
        ({"since": day(5)}, lambda event: event >= day(5)),
        ({"until": "2024-01-05"}, lambda event: event <= day(5)),
        ({"since": day(3), "until": day(5)}, lambda event: day(3) <= event <= day(5)),
        ({"since": day(20)}, lambda event: False),
    ):
        found = store.export("v", **options).read_all()  # type: ignore[call-overload]
        assert plain(found) == plain(
            table.filter(pa.array([wanted(row["@event_time"]) for row in rows]))
        )
    assert store.export("w").read_all().num_rows == 0
    assert store.export("w").schema.names == table.column_names
    with pytest.raises(alula.NotFound):
        store.export("none")


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson"])
def test_an_export_is_read_back_to_equal_history(
    store: alula.Store, own_server: Server, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"v.{ending}"
    assert store.export("v", path) == 7
    before = store.export("v").read_all()
    with own_server.connect() as other:
        other.apply(DEFINITIONS)
        if ending == "ndjson":
            read = pa.Table.from_pylist([_parsed(line) for line in path.read_text().splitlines()])
            assert read.num_rows == 7 and read.column_names == before.column_names
            assert read["k"].to_pylist() == before["k"].to_pylist()
            assert read["y"].to_pylist()[1] == "AAE=" and read["d"].to_pylist()[5] == "NaN"
            assert read["@event_time"].to_pylist()[0] == "2024-01-04T00:00:00Z"
            return
        assert other.load("w", path, progress=False).rows == 7
        after = other.export("w").read_all()
        assert plain(after) == plain(before)
    if ending == "parquet":
        assert plain(pq.read_table(path)) == plain(before)


def _parsed(line: str) -> Any:
    import json

    row = json.loads(line)
    return {n: str(v) if isinstance(v, (float, str)) else v for n, v in row.items()}


def test_leaving_an_export_early_frees_it_and_a_bad_name_leaves_nothing(
    store: alula.Store, tmp_path: Path
) -> None:
    reader = store.export("v")
    reader.read_next_batch()
    del reader
    with pytest.raises(alula.InvalidArgument, match="parquet"):
        store.export("v", tmp_path / "v.xlsx")
    assert list(tmp_path.iterdir()) == []
    assert np.asarray(store.export("v").read_all()["n"]).size == 7
