"""Bad input of the feedback loop, as a person gives it: each is told, counted, and harms nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from served_model import DEFINITIONS, now, read, register
from server_process import Server, needs_server
from waiting import wait_until

import alula

pytestmark = needs_server

MONITORS = """
project: p
monitors:
  - {name: gone, model: m, what: null_share, feature: a, threshold: 0.5, window: 1h, every: 1s,
     min_rows: 1}
  - {name: quiet, model: m, what: drift, feature: city, window: 1s, every: 1s, min_rows: 1}
"""
LATER = "2030-01-01T00:00:00Z"
EARLIER = "2020-01-01T00:00:00Z"


@pytest.fixture
def store(own_server: Server, tmp_path: Path) -> alula.Store:
    store = own_server.connect("p")
    store.apply(DEFINITIONS)
    people = {"id": [1, 2, 3], "event_time": [now()] * 3, "a": [1.0, 2.0, 3.0], "city": ["x"] * 3}
    store.push("v", people)
    register(store, tmp_path, [1.0, 2.0])
    return store


def test_outcomes(own_server: Server, store: alula.Store) -> None:
    ids = list(read(store, [1, 2, 3]).prediction_ids)
    day = dt.timedelta(days=1)
    never = "0" * 16 + "0000000180000000"

    def said(ids: Any, values: Any, times: Any = None) -> list[str]:
        return [str(one) for one in store.log_outcomes("m", ids, values, times).statuses]

    assert said([never], [1.0]) == ["unknown"]
    assert said(ids[:2], [1.0, 0.0], [now() + day, now() - day]) == ["inFuture", "beforePrediction"]
    assert said(ids, [float("inf"), None, 1.0]) == ["invalid", "invalid", "accepted"]
    assert said(ids[2:], [1.0]) == ["duplicate"]
    for values, expected in ((["yes"], "found string"), ([True], "found bool")):
        with pytest.raises(alula.InvalidArgument, match=expected):
            said(ids[:1], values)
    with pytest.raises(alula.InvalidArgument, match="32 hexadecimal digits"):
        said(["nonsense"], [1.0])
    with pytest.raises(alula.NotFound, match="no model"):
        store.log_outcomes("nobody", ids, [1.0] * 3)
    store.forget("person", {"id": 3})
    assert said(ids[2:], [1.0]) == ["unknown"]
    frame = store.predictions("m")
    assert len(frame) == 2 and frame["@outcome"].isna().all()
    page = own_server.page("/metrics")[1]
    for status, count in (("unknown", 2), ("invalid", 2), ("duplicate", 1), ("inFuture", 1)):
        lines = [line for line in page.splitlines() if f'"{status}"' in line and "outcome" in line]
        assert any(line.endswith(f" {count}") for line in lines), lines
    assert store.verify()


def test_windows_without_data(own_server: Server, store: alula.Store, tmp_path: Path) -> None:
    read(store, [1, 2, 3])
    run = CommandLine(own_server, tmp_path)
    words = ("m", "--project", "p")
    error = run.error("drift", *words, "--since", LATER)
    assert "nothing that m was served" in error and "alula prediction-log m" in error
    run("prediction-log", *words)
    assert "nothing is in the log" in run("performance", *words, "--since", LATER)
    assert "no vectors of m" in run("skew", *words, "--since", LATER)
    empty = run.run("predictions", *words, "--since", LATER)
    assert empty.stdout == "" and "no vectors of m were logged in that time" in empty.stderr
    for verb in ("drift", "performance", "predictions", "skew", "profile"):
        told = run.error(verb, *words, "--since", LATER, "--until", EARLIER)
        assert "ends before it begins" in told, verb
    with pytest.raises(alula.NotFound, match="no vectors of m"):
        store.training_set_from_log("m", since=LATER)
    assert store.profile_model("m", since=LATER).rows == 0


def test_a_monitor_on_a_feature_that_is_gone(store: alula.Store, tmp_path: Path) -> None:
    with pytest.raises(alula.InvalidArgument, match='no version of model m reads a feature "nope"'):
        store.apply(MONITORS.replace("feature: a", "feature: nope"))
    store.apply(MONITORS)
    # The next version does not read it.
    store.apply(
        'project: p\nservices:\n  - {name: s, features: ["v:city"], request: {asked: float64}}\n'
    )
    register(store, tmp_path, [1.0, 2.0])
    read(store, [1, 2, 3])

    def reason(name: str) -> str:
        return store.monitors()[name].state.reason

    wait_until(lambda: 'no feature "a"' in reason("gone"), tell=lambda: reason("gone"))
    assert store.monitors()["gone"].state.state == "cannot tell"
    wait_until(lambda: "there are none" in reason("quiet"), tell=lambda: reason("quiet"))
    assert store.monitors()["quiet"].state.state == "cannot tell"
    # With it in force, what reads a feature that is gone may still be applied and taken away.
    store.apply(MONITORS.replace("min_rows: 1}", "min_rows: 2}"))
