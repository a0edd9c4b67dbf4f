"""Profiles of training sets and drift between them, by Python and from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import CommandLine
from html_page import Page
from server_process import Server, needs_server

import alula

pytestmark = needs_server

DEFINITIONS = """
project: drift
entities:
  - {name: person, keys: {id: int64}}
views:
  - name: habits
    entity: person
    lookback: 10h
    features: {amount: float64, city: string, embedding: "float32[2]"}
services:
  - {name: s, features: ["habits:*"]}
"""
HOUR = 3_600_000_000
#: What SciPy and Evidently say; written by make.py beside it.
VECTORS = Path(__file__).resolve().parents[3] / "Tests/StatisticsTests/vectors/drift.json"


def times(hours: Any) -> Any:
    return (np.asarray(hours) * HOUR).astype("M8[us]")


def world(server: Server) -> alula.Store:
    store = server.connect()
    store.apply(DEFINITIONS)
    people = range(100)
    store.push(
        "habits",
        {
            "id": people, "event_time": times([0] * 50 + [20] * 50),
            "amount": [None if one % 10 == 0 else one / 4 for one in people],
            "city": ["Ulm" if one < 70 else "Bonn" for one in people],
            "embedding": [[3.0, 4.0]] * 100,
        },
    )  # fmt: skip
    return store


def labelled(store: alula.Store, values: Any) -> alula.TrainingSet:
    """A training set with these labels."""
    count = len(values)
    spine = {
        "id": [one % 100 for one in range(count)],
        "event_time": times([21] * count),
        "y": values,
    }
    return store.training_set("s", spine, label="y")


def test_a_training_set_carries_the_profile_of_its_columns(own_server: Server) -> None:
    store = world(own_server)
    made = labelled(store, [float(one) for one in range(200)])
    profile = made.profile()
    assert profile.rows == 200 and set(profile) == {"y", "amount", "city", "embedding"}
    amount, values = profile["amount"], made.to_arrow()["amount"].to_pandas()
    assert (amount.rows, amount.nulls) == (200, int(values.isna().sum()))
    # What the first fifty have is older than ten hours.
    assert amount.expired == 100 and amount.not_found == 0
    assert amount.mean == pytest.approx(values.mean(), rel=1e-12)
    assert amount.deviation == pytest.approx(values.std(ddof=0), rel=1e-12)
    assert (amount.minimum, amount.maximum) == (values.min(), values.max())
    assert amount.exact and amount.distinct == values.nunique()
    assert sum(amount.counts) == values.count() and len(amount.edges) == len(amount.counts) + 1
    assert profile["city"].top == {"Bonn": 60, "Ulm": 40}
    assert profile["embedding"].dimension_means == [3.0, 4.0] and profile["embedding"].mean == 5.0
    assert profile["y"].quantiles[0.5] == 99.0 and not profile["y"].exact
    assert store.profile(made.id) == profile == store.training_sets()[0].profile()
    with pytest.raises(alula.NotFound):
        store.profile("ts-00000000000000000000000000")


def test_scores_are_those_of_evidently(own_server: Server) -> None:
    store = world(own_server)
    for case in json.loads(VECTORS.read_text())["cases"]:
        if len(case["reference"]) > 1_024 and case["usual"] == "wasserstein":
            continue  # from sketches scores are near, not equal
        sets = [labelled(store, case[side]) for side in ("reference", "current")]
        found = store.drift(sets[1], sets[0], features=["y"])
        feature = found["y"]
        assert feature.test == case["usual"], case["name"]
        assert feature.score == pytest.approx(case["scores"][case["usual"]], abs=1e-9)
        assert feature.is_drift == case["drifted"] == bool(found)


def test_what_cannot_be_compared_is_told(own_server: Server) -> None:
    store = world(own_server)
    first, second = labelled(store, [1.0, 2.0]), labelled(store, ["a", "b"])
    found = store.drift(second, first)
    assert list(found) == ["amount", "city", "embedding", "y"]
    assert found["y"].score is None and "float64 and is string" in found["y"].cannot_tell
    assert "no values" in found["amount"].cannot_tell and not found["amount"].is_drift
    with pytest.raises(alula.InvalidArgument, match="it has: y, amount"):
        store.drift(second, first, features=["nothing"])
    with pytest.raises(alula.InvalidArgument, match="expected one of ks, chi-squared"):
        store.drift(second, first, test="guess")
    with pytest.raises(alula.InvalidArgument, match="above 0"):
        store.drift(second, first, threshold=-1)
    with pytest.raises(alula.InvalidArgument, match="above 1"):
        store.drift(second, first, share=2)
    with pytest.raises(alula.NotFound):
        store.drift(second, "ts-00000000000000000000000000")


def test_a_profile_goes_with_the_rows_that_are_forgotten(own_server: Server) -> None:
    store = world(own_server)
    made = labelled(store, [1.0, 2.0, 3.0])
    other = store.training_set("s", {"id": [7], "event_time": times([21]), "y": [1]})
    store.forget("person", {"id": 1}, progress=False)
    with pytest.raises(alula.NotFound, match="forgotten"):
        made.profile()
    assert other.profile().rows == 1


def test_the_command_line_shows_profiles_and_drift(own_server: Server, tmp_path: Path) -> None:
    store = world(own_server)
    run = CommandLine(own_server, tmp_path)
    random = np.random.default_rng(3)
    first = labelled(store, random.normal(size=400))
    second = labelled(store, random.normal(3, 1, size=300))
    shown = run("training-set", "profile", first.id)
    assert "amount" in shown and "Bonn (120)" in shown
    (label,) = [one for one in run.json("training-set", "profile", first.id) if one["name"] == "y"]
    assert label["rows"] == 400 and sum(label["counts"]) == 400
    told = run.json("drift", "--between", first.id, second.id, "--feature", "y", "--html", "p.html")
    assert told["drift"] and told["drifted"] == 1 and told["features"][0]["test"] == "ks"
    assert told["features"][0]["score"] == store.drift(second, first)["y"].score
    page = Page((tmp_path / "p.html").read_text())
    assert page.tags.count("section") == 1 and page.tags.count("rect") == 60
    run("drift", "--between", first.id, second.id)
    run.run("drift", "--between", first.id, second.id, "--feature", "y", "--fail", code=1)
    assert "--between takes" in run.error("drift", "--between", first.id)
    assert "not one of each" in run.error("drift", "--between", first.id, "x.csv")


def test_files_are_compared_without_a_server(own_server: Server, tmp_path: Path) -> None:
    run = CommandLine(own_server, tmp_path)
    case = next(one for one in json.loads(VECTORS.read_text())["cases"] if one["name"] == "letters")
    for name in ("reference", "current"):
        rows = [f"{letter},<b>,{place % 7}" for place, letter in enumerate(case[name])]
        run.file(f"{name}.csv", "\n".join(["letter,<tag>&,digit", *rows]) + "\n")
    told = run.json("drift", "--between", "reference.csv", "current.csv", "--html", "p.html")
    features = {one["name"]: one for one in told["features"]}
    score = case["scores"]["chi-squared"]
    assert features["letter"]["score"] == pytest.approx(score, abs=1e-9)
    assert told["drifted"] == 1 and not told["drift"] and not features["digit"]["drift"]
    page = Page((tmp_path / "p.html").read_text())
    assert "<tag>&" in page.words and page.tags.count("b") == 1
    assert "has no column" in run.error(
        "drift", "--between", "reference.csv", "current.csv", "--feature", "z"
    )
