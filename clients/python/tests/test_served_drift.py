"""Drift of what a model was served, and how well its predictions came true."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import CommandLine
from html_page import Page
from served_model import DEFINITIONS, now, read, register
from server_process import Server, needs_server

import alula

pytestmark = needs_server

NOW = now()
#: What scikit-learn says; written by make.py beside it.
VECTORS = Path(__file__).resolve().parents[3] / "Tests/StatisticsTests/vectors/performance.json"


@pytest.fixture
def store(own_server: Server, tmp_path: Path) -> alula.Store:
    store = own_server.connect("p")
    store.apply(DEFINITIONS)
    people = range(100)
    store.push(
        "v",
        {
            "id": people, "event_time": [NOW - dt.timedelta(days=2)] * 100,
            "a": [float(one) for one in people],
            "city": ["Ulm" if one < 60 else "Bonn" for one in people],
        },
    )  # fmt: skip
    register(store, tmp_path, np.random.default_rng(7).normal(size=800), {"auc": 0.875})
    return store


def test_what_is_served_is_compared_with_the_training_set(store: alula.Store) -> None:
    random = np.random.default_rng(10)
    with pytest.raises(alula.NotFound, match="is in the log for that time"):
        store.drift("m")
    read(store, [one % 100 for one in range(700)], random.normal(size=700))
    same = store.drift("m")
    assert list(same) == ["a", "city", "asked"] and same.current_rows == 700
    assert same.versions == {1: 700} and same.reference_rows == 800
    assert not same and same.drifted == 0 and same["asked"].test == "ks"
    between = now()
    time.sleep(0.01)
    # Half are people whom nobody knows; the others are all of Bonn.
    ids = [60 + one % 40 if one % 2 else 1_000 + one for one in range(600)]
    read(store, ids, random.normal(2, 1, size=600))
    moved = store.drift("m", since=between)
    assert moved and moved.drifted == 3 and moved.current_rows == 600
    current = moved["a"].current
    assert current is not None and (current.nulls, current.not_found) == (300, 300)
    assert moved["a"].nulls_moved and not moved["asked"].nulls_moved
    window = store.drift("m", against=(None, between), since=between)
    assert list(window) == ["a", "city", "asked", "@prediction", "@outcome"]
    assert window.drifted == 3 and "no values" in window["@prediction"].cannot_tell
    assert store.drift("m", against=(None, between), until=between).drifted == 0
    one = store.drift("m", since=between, features=["asked"], test="psi")
    assert list(one) == ["asked"] and one["asked"].test == "psi" and bool(one)
    record = store.training_sets()[0]
    assert store.drift("m", against=record, since=between).drifted == 3


def test_predictions_that_move_are_told(store: alula.Store) -> None:
    random = np.random.default_rng(9)
    first = read(store, range(100), [0.0] * 100)
    store.log_predictions("m", first.prediction_ids, random.normal(size=100))
    between = now()
    time.sleep(0.01)
    second = read(store, range(100), [0.0] * 100)
    store.log_predictions("m", second.prediction_ids, random.normal(1, 1, size=100))
    found = store.drift("m", against=(None, between), since=between)
    assert found["@prediction"].is_drift and not found["a"].is_drift


def test_figures_are_those_of_scikit_learn(store: alula.Store) -> None:
    vectors = json.loads(VECTORS.read_text())["binary"][0]
    count = len(vectors["labels"])
    answer = read(store, [one % 100 for one in range(count)], [0.0] * count)
    assert store.performance("m")[0].unpredicted == count
    store.log_predictions("m", answer.prediction_ids, vectors["scores"])
    (early,) = store.performance("m")
    assert (early.rows, early.missing, early.missing_share) == (count, count, 1.0)
    assert not early
    store.log_outcomes("m", answer.prediction_ids, vectors["labels"])
    found = store.performance("m")
    (slice,) = found
    assert found.kind == "binary" and (slice.rows, slice.missing, slice.version) == (count, 0, 1)
    for name in ("accuracy", "precision", "recall", "f1", "auc", "log_loss", "brier"):
        assert slice[name].value == pytest.approx(vectors[name], abs=1e-9), name
        low, high = slice[name].low, slice[name].high
        assert low is not None and high is not None and low < slice[name].value < high
    assert [one.mean_score for one in slice.calibration] == pytest.approx(
        [one[0] for one in vectors["calibration"]], abs=1e-9
    )
    assert found.training == {1: {"auc": 0.875}}


def test_slices_are_told_apart(store: alula.Store, own_server: Server, tmp_path: Path) -> None:
    answer = read(store, range(100), [0.0] * 100)
    # Right for all of Ulm, wrong for all of Bonn.
    scores = [0.9 if one < 60 else 0.1 for one in range(100)]
    store.log_predictions("m", answer.prediction_ids, scores)
    store.log_outcomes("m", answer.prediction_ids[:90], [1] * 90)
    bonn, ulm = store.performance("m", by="city")
    assert (bonn.value, ulm.value) == ("Bonn", "Ulm")
    assert (bonn.rows, bonn.missing, ulm.rows, ulm.missing) == (40, 10, 60, 0)
    assert bonn["accuracy"].value == 0 and ulm["accuracy"].value == 1 and "auc" not in ulm
    (window,) = store.performance("m", window=dt.timedelta(days=30))
    assert window.since is not None and window.until is not None
    assert window.since <= NOW + dt.timedelta(minutes=5) and window.until > NOW
    assert len(store.performance("m", by="id")) == 100
    assert not store.performance("m", until=NOW - dt.timedelta(days=1))
    with pytest.raises(alula.InvalidArgument, match="it has: id, a, city, asked"):
        store.performance("m", by="nothing")
    with pytest.raises(alula.InvalidArgument, match="above zero"):
        store.performance("m", window=dt.timedelta(0))
    with pytest.raises(alula.NotFound):
        store.performance("nobody")
    run = CommandLine(own_server, tmp_path)
    shown = run("performance", "m", "--by", "city", "--window", "30d")
    assert "outcomes missing" in shown and "25%" in shown and "Ulm" in shown
    told = run.json("performance", "m")
    assert told["slices"][0]["figures"]["accuracy"]["value"] == pytest.approx(60 / 90)
    told = run.json("drift", "m", "--html", "p.html", "--until", "2100-01-01T00:00:00Z")
    assert told["current_rows"] == 100 and told["versions"] == [
        {"version": 1, "rows": 100, "failed": 0}
    ]
    assert "<svg" in (tmp_path / "p.html").read_text()
    run("drift", "m", "--against", "2020-01-01T00:00:00Z..2100-01-01T00:00:00Z", "--version", 1)
    assert "expected training" in run.error("drift", "m", "--against", "yesterday")
    assert "found both" in run.error("drift", "m", "--between", "a.csv", "b.csv")


def test_numbers_and_classes_have_figures_of_their_own(store: alula.Store) -> None:
    vectors = json.loads(VECTORS.read_text())["regression"][0]
    count = len(vectors["actual"])
    answer = read(store, [one % 100 for one in range(count)], [0.0] * count)
    store.log_predictions("m", answer.prediction_ids, vectors["predicted"])
    store.log_outcomes("m", answer.prediction_ids, vectors["actual"])
    found = store.performance("m")
    assert found.kind == "regression"
    for name in ("mae", "rmse", "r2"):
        assert found[0][name].value == pytest.approx(vectors[name], abs=1e-9)


def test_a_page_shows_drift_versions_and_performance(
    own_server: Server, store: alula.Store, tmp_path: Path
) -> None:
    run = CommandLine(own_server, tmp_path)
    words = ("drift", "m", "--project", "p", "--html", "p.html")
    random = np.random.default_rng(11)
    ids = [one % 100 for one in range(300)]
    first = read(store, ids, random.normal(size=300))
    run(*words)
    page = Page((tmp_path / "p.html").read_text())
    assert "No prediction in this time has an outcome yet" in page.words
    scores = random.uniform(size=300)
    store.log_predictions("m", first.prediction_ids, scores)
    outcomes = (random.uniform(size=300) < scores).astype(float)
    store.log_outcomes("m", first.prediction_ids, outcomes)
    with store.run("x", training_set=store.training_sets()[0].id) as other:
        other.register("m", [tmp_path / "f"])
    store.promote("m", 2, "production", reason="test")
    time.sleep(1)
    second = read(store, ids[:100], random.normal(size=100))
    store.log_predictions("m", second.prediction_ids, scores[:100])
    store.log_outcomes("m", second.prediction_ids, 1 - outcomes[:100])
    run(*words)
    text = (tmp_path / "p.html").read_text()
    page = Page(text)
    assert "Versions over time" in page.words and "auc over time" in page.words
    assert "version 1 in training: 0.875" in page.words
    assert "production, since" in page.words and "version 2" in page.words
    # Each drawing has its words.
    assert page.tags.count("svg") == page.tags.count("desc") > 8
    told = [float(one) for one in re.findall(r"0\.\d{3,4}", page.words)]
    for slice in store.performance("m"):
        assert any(abs(one - float(slice["auc"])) < 1e-4 for one in told)
    run(*words, "--window", "1d")
    assert Page((tmp_path / "p.html").read_text()).tags.count("circle") == 2 * 8
    assert "--window soon" in run.error(*words, "--window", "soon")


def test_what_others_wrote_is_text_on_the_page(own_server: Server, tmp_path: Path) -> None:
    run = CommandLine(own_server, tmp_path)
    evil = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</title><script>",
        "\"\u0301 onload=alert(1) x=\"", "<\u0338script>", "&lt;b&gt;", "\u202egnp.exe", "]]>",
        "'; alert(1); '", "\x07bell",
    ]  # fmt: skip
    for side in ("a", "b"):
        with (tmp_path / f"{side}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(evil)
            for place in range(60):
                rows.writerow([evil[(place + column) % 3] for column in range(len(evil))])
    run("drift", "--between", "a.csv", "b.csv", "--html", "p.html")
    text = (tmp_path / "p.html").read_text()
    page = Page(text)
    assert page.tags.count("section") == len(evil) and "script" not in page.tags
    for one in evil[:6]:
        assert one in page.words
    assert "\u202e" not in text and "\x07" not in text
    assert "default-src 'none'" in text


def test_a_report_tells_how_versions_do_where_they_are_served(
    store: alula.Store, tmp_path: Path
) -> None:
    with store.run("x", training_set=store.training_sets()[0].id) as other:
        other.log_metric("auc", 0.9)
        other.register("m", [tmp_path / "f"])
    assert "as served" not in store.report("m", 2, "production").markdown
    random = np.random.default_rng(13)
    trained = np.random.default_rng(7).normal(size=800)[:400]
    ids = [one % 100 for one in range(400)]
    expected: dict[int, float] = {}
    for version, middle in ((1, 0.0), (2, 3.0)):
        answer = store.read(
            model="m", version=version, keys={"id": ids}, log=True,
            request={"asked": list(trained + middle)},
        )  # fmt: skip
        scores = random.uniform(size=400)
        store.log_predictions("m", answer.prediction_ids, scores)
        if version == 2:
            outcomes = (random.uniform(size=300) < scores[:300]).astype(float)
            store.log_outcomes("m", answer.prediction_ids[:300], outcomes)
            (found,) = store.performance("m", versions=[2])
            expected[2] = float(found["auc"])
    page = store.report("m", 2, "production").markdown
    lines = page.splitlines()
    assert "## Performance as served, in the last 7 days" in lines
    (auc,) = [line for line in lines if line.startswith("| auc | -, in training 0.875 |")]
    assert f"{expected[2]:.4f}"[:5] in auc and "in training 0.9" in auc and " to " in auc
    assert "| predictions | 400 | 400 |" in lines
    assert "| of them without an outcome | 400 | 100 |" in lines
    assert "| features that moved | 0 of 3 | 1 of 3 |" in lines
    (asked,) = [line for line in lines if line.startswith("| asked | ks ")]
    assert asked.count(": drift") == 1 and asked.endswith(": drift |")
