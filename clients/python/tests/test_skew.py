"""Skew planted on purpose, and a world without any."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from command_line import CommandLine
from server_process import Server, needs_server
from test_served import OLD, prepared, served

import alula

pytestmark = needs_server


@pytest.fixture
def store(own_server: Server, tmp_path: Path) -> alula.Store:
    return prepared(own_server, tmp_path)


def test_a_world_without_skew_has_none(store: alula.Store) -> None:
    for _ in range(5):
        served(store, list(range(25)))
        store.push("v", {"id": [3], "event_time": [dt.datetime.now(dt.timezone.utc)], "a": [1]})
    skew = store.skew("m")
    assert (skew.rows, skew.skewed, skew.rows_left_out) == (125, 0, 0)
    assert {name: f.same for name, f in skew.services[0].features.items()} == dict.fromkeys(
        ["a", "b", "city", "flag"], 125
    )


def test_a_late_row_is_late(store: alula.Store) -> None:
    ids = served(store, [1, 2]).prediction_ids
    store.push("v", {"id": [1], "event_time": [OLD + dt.timedelta(days=1)], "a": [77], "b": [0.5]})
    features = store.skew("m").services[0].features
    assert (features["a"].late, features["a"].same, features["a"].skewed) == (1, 1, 1)
    # The value of b is the same in the late row.
    assert (features["b"].skewed, features["city"].skewed) == (0, 0)
    example = features["a"].examples[0]
    assert (example.kind, example.served, example.then, example.now) == ("late", "10", "10", "77")
    assert example.prediction_id == ids[0] and example.key == "id=1"


def test_a_retracted_import_is_withdrawn(store: alula.Store) -> None:
    rows = {"id": [500, 501], "event_time": [OLD] * 2, "a": [1, 2], "b": [0.0, 0.0]}
    loaded = store.load("v", pd.DataFrame(rows))
    served(store, [500, 501, 1])
    assert store.skew("m").skewed == 0
    store.retract(loaded.import_id)
    features = store.skew("m").services[0].features
    assert (features["a"].withdrawn, features["a"].same, features["a"].skewed) == (2, 1, 2)
    assert features["a"].examples[0].now is None


def test_what_was_not_carried_online_is_missing(store: alula.Store) -> None:
    rows = {"id": [600], "event_time": [OLD], "a": [6], "b": [0.0]}
    store.load("v", pd.DataFrame(rows), materialize=False)
    served(store, [600, 1])
    features = store.skew("m").services[0].features
    assert (features["a"].missing, features["a"].same, features["a"].skewed) == (1, 1, 1)
    changed = {"id": [1], "event_time": [OLD + dt.timedelta(hours=1)], "a": [-3], "b": [0.5]}
    store.load("v", pd.DataFrame(changed), materialize=False)
    served(store, [1])
    features = store.skew("m").services[0].features
    # Of the first read it is late, of the second it is what history had then.
    assert (features["a"].late, features["a"].differs, features["a"].missing) == (1, 1, 1)


def test_the_command_line_says_the_same(
    own_server: Server, store: alula.Store, tmp_path: Path
) -> None:
    alula_says = CommandLine(own_server, tmp_path)
    served(store, [1, 2])
    assert "no skew" in alula_says("skew", "m")
    late = OLD + dt.timedelta(days=1)
    store.push("v", {"id": [1], "event_time": [late], "a": [77], "b": [0.5]})
    text = alula_says("skew", "m")
    assert "a late: id=1, served 10, history then 10, now 77" in text
    told = alula_says.json("skew", "m")
    features = {f["column"]: f for f in told["services"][0]["features"]}
    assert (features["a"]["late"], features["a"]["same"], features["b"]["late"]) == (1, 1, 0)
    csv = alula_says("predictions", "m", "--out", "-").splitlines()
    assert csv[0].startswith("@prediction_id,@model_version,@served_time") and len(csv) == 3
    log = alula_says("prediction-log", "m", "--rate", "0.5", "--keep", "90d")
    assert "0.5" in log and "90d" in log
    told = alula_says.json("prediction-log")
    assert (told[0]["rate"], told[0]["vectors"]) == (0.5, 2)
