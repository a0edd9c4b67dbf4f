"""Shapes that the examples do not have, against a real server: ALULA_BINARY names the `alula` to start."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from odd_world import (
    DAY,
    DEFINITIONS,
    FEATURES,
    KEYS,
    SPINE,
    START,
    UTC,
    World,
    same,
    table_of,
    winner,
)
from server_process import BINARY, Server, needs_server

import alula

pytestmark = needs_server

Zoo = tuple[Server, dict[str, list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def zoo(server: Server) -> Zoo:
    store, world = server.connect("zoo"), World(1)
    store.apply(DEFINITIONS)
    history = {}
    for view, count in {"all": 300, "other": 100, "blobs": 40, "smalls": 40}.items():
        history[view] = [world.row(view) for _ in range(count)]
        for half in (history[view][: count // 2], history[view][count // 2 :]):
            assert store.load(view, table_of(view, half), progress=False).rows == len(half)
    return server, history


def column_of(view: str, feature: str) -> str:
    return f"{view}__{feature}" if feature == "d" else feature


@pytest.mark.parametrize("seed, count", [(1, 0), (2, 1), (3, 300)])
def test_every_type_and_odd_keys_join_as_the_naive_join(zoo: Zoo, seed: int, count: int) -> None:
    server, history = zoo
    store = server.connect("zoo")
    spine = World(seed).spine(count)
    train = store.training_set("everything", pa.Table.from_pylist(spine, schema=SPINE))
    assert train.to_arrow().schema.names[: len(SPINE)] == SPINE.names
    assert [field.type for field in train.to_arrow().schema][: len(SPINE)] == SPINE.types
    rows = train.to_arrow().to_pylist()
    assert len(rows) == len(spine)
    lookbacks = {"all": DAY * 10, "other": None, "blobs": None}
    for number, (row, asked) in enumerate(zip(rows, spine)):
        for name, value in asked.items():
            assert same(row[name], value), (seed, number, name)
        for view, lookback in lookbacks.items():
            best = winner(history[view], {key: key for key in KEYS[view]}, asked, lookback)
            for feature in FEATURES[view]:
                found = row[column_of(view, feature)]
                assert same(found, best.get(f"@{feature}")), (seed, number, view, feature)
    again = store.get_training_set(train.id)
    assert again.digest == train.digest and len(again) == len(spine)


def test_one_view_in_two_roles_joins_by_the_keys_of_each(zoo: Zoo) -> None:
    server, history = zoo
    world = World(4)
    spine = [
        {
            "origin": world.one([0, 1, None, 9]),
            "destination": world.one([0, -5, None]),
            "event_time": world.moment(),
        }
        for _ in range(100)
    ]
    train = server.connect("zoo").training_set("roles", pa.Table.from_pylist(spine))
    for row, asked in zip(train.to_arrow().to_pylist(), spine):
        for role in ("origin", "destination"):
            best = winner(history["smalls"], {"id": role}, asked, None)
            for feature in ("h", "g"):
                assert same(row[f"{role}__{feature}"], best.get(f"@{feature}")), (role, asked)


def test_online_equals_offline_now_before_and_after_a_restart(zoo: Zoo) -> None:
    server, _ = zoo
    world = World(5)
    keys = [{**world.key("all"), **world.key("blobs")} for _ in range(100)]
    inputs = {name: [key[name] for key in keys] for name in keys[0]}
    request = {"amount": [1.0] * len(keys), "words": [["x"]] * len(keys)}
    for _ in range(2):
        store = server.connect("zoo")
        online = store.read("everything", inputs, request)
        offline = store.training_set(
            "everything", {**inputs, **request, "event_time": [dt.datetime.now(UTC)] * len(keys)}
        )
        assert online.columns == offline.feature_columns
        for name in online.columns:
            left, right = online.to_arrow()[name], offline.to_arrow()[name]
            assert left.type == right.type, name
            assert all(map(same, left.to_pylist(), right.to_pylist())), name
        assert server.stop() == 0
        server.start()


def test_a_training_set_of_no_rows_has_columns_of_no_rows(zoo: Zoo) -> None:
    server, _ = zoo
    spine = pa.Table.from_pylist([], schema=SPINE)
    train = server.connect("zoo").training_set("everything", spine, label="amount")
    assert train.y.shape == (0,) and train.y.dtype == np.float64
    assert train.column("i").dtype == np.int32 and train.column("b").dtype == np.bool_
    assert train.column("t").dtype == "datetime64[us]" and train.column("s").dtype == object
    assert train.column("ff").shape == (0, 2) and train.column("lf").shape == (0,)
    assert train.to_pandas().shape == (0, len(train.columns)) and len(train.X) == 0


KEYS_OF_SPINES: list[tuple[str, Any]] = [
    ("int32", np.array([1, 0, 9], np.int32)), ("uint8", np.array([1, 0, 9], np.uint8)),
    ("float with NaN", np.array([1.0, np.nan, 9.0])), ("float32", np.array([1, np.nan, 9], np.float32)),
    ("Int64 with NA", pd.Series([1, pd.NA, 9], dtype="Int64")), ("objects", pd.Series([1, None, 9], dtype=object)),
    ("categories", pd.Series([1, 0, 9]).astype("category")), ("dictionary", pa.array([1, 0, 9]).dictionary_encode()),
    ("chunks", pa.chunked_array([[1], [0, 9]])),
]  # fmt: skip


@pytest.mark.parametrize("kind, keys", KEYS_OF_SPINES, ids=[kind for kind, _ in KEYS_OF_SPINES])
def test_keys_of_spines_are_taken_as_integers_whatever_holds_them(
    zoo: Zoo, kind: str, keys: Any
) -> None:
    server, history = zoo
    moment = START + DAY * 20
    train = server.connect("zoo").training_set("smalls", {"id": keys, "event_time": [moment] * 3})
    for row in train.to_arrow().to_pylist():
        best = winner(history["smalls"], {"id": "id"}, row, None)
        assert same(row["h"], best.get("@h")) and same(row["g"], best.get("@g")), row


def test_times_finer_than_a_microsecond_never_leak(server: Server) -> None:
    store = server.connect("times")
    store.apply("""
project: times
entities: [{name: e, keys: {k: int64}}]
views: [{name: v, entity: e, lookback: 1h, features: {x: int64}}]
services: [{name: s, features: ["v:*"]}]
""")
    events = np.array(["2024-03-02T00:00:00.000000001", "1969-12-31T23:59:59.999999001"], "M8[ns]")
    store.load("v", {"k": [1, 2], "event_time": events, "x": [1, 2]}, progress=False)
    spine = np.array([
        "2024-03-02T00:00:00.000000999", "2024-03-02T00:00:00.000001001", "2024-03-02T01:00:00.000001999",
        "2024-03-02T01:00:00.000002000", "1969-12-31T23:59:59.999999999", "1970-01-01T00:00:00.000000001",
    ], "M8[ns]")  # fmt: skip
    train = store.training_set("s", {"k": [1, 1, 1, 1, 2, 2], "event_time": spine})
    assert train.to_arrow()["x"].to_pylist() == [None, 1, 1, None, None, 2]


def test_an_as_of_that_is_no_log_entry_is_said_clearly(zoo: Zoo) -> None:
    server, _ = zoo
    store = server.connect("zoo")
    spine = {"id": [1], "event_time": [START]}
    with pytest.raises(alula.InvalidArgument, match="log entries are counted from 1"):
        store.training_set("smalls", spine, as_of=-1)
    with pytest.raises(alula.OutOfRange, match="the last one so far"):
        store.training_set("smalls", spine, as_of=10**9)


def run(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "ALULA_SERVER": f"alula://127.0.0.1:{server.port}",
        "ALULA_PROJECT": "zoo",
    }
    return subprocess.run(
        [BINARY, *arguments], capture_output=True, text=True, env=environment, timeout=60
    )


def test_a_training_set_written_as_text_is_a_spine_of_the_same_values(
    zoo: Zoo, tmp_path: Path
) -> None:
    server, _ = zoo
    rows = [
        ["row", "at", "id", "zip", "ratio", "number", "mixed", "long", "note"],
        [
            "1",
            "1970-01-13T00:00:00Z",
            "1",
            "01234",
            "NaN",
            "12345678901234567890",
            "9007199254740993",
            "9223372036854775807",
            "x",
        ],
        ["2", "1970-01-13T00:00:00Z", "0", "94109", "1.5", "1", "1.5", "1", ""],
        ["3", "", "", "00000", "-Infinity", "", "", "", "é"],
    ]
    with (tmp_path / "spine.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    facts = {}
    source = tmp_path / "spine.csv"
    for turn, ending in enumerate(("csv", "ndjson", "ndjson", "csv")):
        out = tmp_path / f"out{turn}.{ending}"
        made = run(
            server, "training-set", "make", "smalls", "--spine", str(source), "--out", str(out),
            "--event-time", "at", "--json",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        facts[turn] = json.loads(made.stdout)
        source = tmp_path / f"spine{turn}.{ending}"
        cut(out, source, len(rows[0]))
    assert (
        facts[0]["columns"]["zip"]
        == facts[0]["columns"]["number"]
        == facts[0]["columns"]["mixed"]
        == "string"
    )
    assert facts[0]["columns"]["ratio"] == "float64" and facts[0]["columns"]["long"] == "int64"
    assert {fact["digest"] for fact in facts.values()} == {facts[0]["digest"]}
    python = server.connect("zoo").training_set("smalls", tmp_path / "spine.csv", event_time="at")
    assert python.digest == facts[0]["digest"]


def cut(source: Path, target: Path, columns: int) -> None:
    """Keeps the first columns: those of the spine."""
    with source.open(newline="") as file, target.open("w", newline="") as out:
        if source.suffix == ".csv":
            csv.writer(out).writerows(row[:columns] for row in csv.reader(file))
        else:
            for line in file:
                out.write(json.dumps(dict(list(json.loads(line).items())[:columns])) + "\n")


def test_a_bad_row_of_an_import_names_the_way_round_it(zoo: Zoo, tmp_path: Path) -> None:
    server, _ = zoo
    (tmp_path / "bad.csv").write_text("id,event_time,h,g\nx,2024-01-01T00:00:00Z,1,a\n")
    refused = run(server, "import", "smalls", str(tmp_path / "bad.csv"))
    assert refused.returncode == 1
    assert (
        'line 2, column "id": expected int64' in refused.stderr
        and "--on-error skip" in refused.stderr
    )
