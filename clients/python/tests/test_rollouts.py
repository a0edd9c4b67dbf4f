"""Rollouts: shares that move by themselves, by what predictions and outcomes say."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_line import CommandLine
from server_process import Server, needs_server

import alula
from alula.rollouts import Rollout

pytestmark = needs_server

DEFINITIONS = """
project: p
entities:
  - {name: e, keys: {id: int64}}
views:
  - {name: v, entity: e, features: {a: int64}}
services:
  - {name: s, features: ["v:a"]}
"""
FAST = """
project: p
rollouts:
  - name: fast
    model: m
    steps: [{share: 20%, for: 1s}, {share: 60%, for: 1s}, {share: 100%}]
    rules:
      - {metric: accuracy, at_least: 0.7, min_samples: 40}
      - {metric: accuracy, not_worse_than_holder_by: 0.1, min_samples: 40}
"""
SLOW = """
project: p
rollouts:
  - {name: slow, stage: production, steps: [{share: 10%, for: 1h}, {share: 100%}]}
"""
NOW = dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc)
IDS = np.arange(1_000)


@pytest.fixture
def store(own_server: Server, tmp_path: Path) -> alula.Store:
    store = own_server.connect("p")
    store.apply(DEFINITIONS)
    file = tmp_path / "f"
    file.write_bytes(b"model")
    store.load("v", {"id": IDS, "event_time": [NOW] * len(IDS), "a": IDS}, progress=False)
    train = store.training_set("s", {"id": [1], "event_time": [NOW]})
    for _ in range(4):
        with store.run("x", training_set=train) as run:
            run.register("m", [file])
    store.promote("m", 1, "production")
    return store


def serve(store: alula.Store, right: dict[int, float]) -> None:
    """One read of everybody; predictions that come true as often as is said for each version."""
    answer = store.read(model="m", keys={"id": IDS[:400]}, log=True)
    for part in answer.by_version():
        outcomes = np.arange(len(part)) % 2
        good = np.arange(len(part)) < right[part.model_version] * len(part)
        scores = np.where(good, outcomes, 1 - outcomes) * 0.8 + 0.1
        assert store.log_predictions("m", part.prediction_ids, scores).accepted == len(part)
        assert store.log_outcomes("m", part.prediction_ids, outcomes).accepted == len(part)


def until(
    store: alula.Store, is_so: Callable[[Rollout], bool], right: dict[int, float] | None = None
) -> Rollout:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        rollout = store.rollouts("m")[0]
        if is_so(rollout):
            return rollout
        if right is not None:
            serve(store, right)
        time.sleep(0.2)
    raise AssertionError(f"never so: {rollout}")


def shares(store: alula.Store) -> dict[int, float]:
    return {h.version: h.share for h in store.models()[0].holders if h.stage == "production"}


def events(store: alula.Store, *names: str) -> list[alula.releases.Event]:
    """All so far that have these names."""
    end = f"end-{time.monotonic_ns()}"
    store.set_alias("m", end, 1)
    found = []
    with store.watch("m", after=0) as watch:
        for event in watch:
            if event.alias == end:
                break
            found.append(event)
    return [event for event in found if event.name in names]


def test_a_good_version_is_rolled_out(store: alula.Store) -> None:
    store.apply(FAST)
    [plan] = store.rollout_plans("m")
    assert plan.name == "fast" and [s.share for s in plan.steps] == [0.2, 0.6, 1.0]
    rollout = store.start_rollout("m", 2)
    assert rollout and rollout.step == 1 and rollout.share == 0.2
    assert shares(store) == {2: 0.2, 1: 0.8}
    waiting = until(store, lambda r: "fewer than 40" in r.reason)
    assert waiting.state == "running" and waiting.step == 1
    right = {1: 0.8, 2: 0.9}
    second = until(store, lambda r: r.step == 2, right)
    assert second.state == "running" and shares(store) == {2: 0.6, 1: 0.4}
    done = until(store, lambda r: r.state != "running", right)
    assert done.state == "done" and not done and shares(store) == {2: 1.0}
    assert [f.outcome for f in done.figures] == ["passed", "passed"]
    assert done.figures[0].value is not None and done.figures[0].value > 0.85
    steps = events(store, "rollout.stepped", "rollout.ended")
    assert [(e.name, e.version, e.subject) for e in steps] == [
        ("rollout.stepped", 2, "fast")
    ] * 3 + [("rollout.ended", 2, "fast")]
    assert "accuracy" in steps[1].detail and "60%" in steps[1].detail
    told = {"promote", "end rollout"}
    acts = [(e.act, e.actor) for e in store.audit("model:m") if e.act in told]
    assert acts[-4:] == [("promote", "local")] * 3 + [("end rollout", "local")]
    entry = [e for e in store.audit("model:m", act="promote")][-1]
    assert "accuracy" in entry.verdict and "rollout fast, step 3 of 3" in entry.detail
    assert store.rollback("m", "production").version == 1
    assert shares(store) == {1: 1.0}


def test_a_bad_version_is_stepped_back(store: alula.Store) -> None:
    store.apply(FAST)
    store.promote("m", 3, "production", share="25%")
    before = shares(store)
    store.start_rollout("m", 2, plan="fast")
    right = {1: 0.9, 2: 0.4, 3: 0.9}
    ended = until(store, lambda r: r.state != "running", right)
    assert ended.state == "stepped_back" and "accuracy" in ended.reason
    assert shares(store) == before == {3: 0.25, 1: 0.75}
    assert store.versions("m")[2].stage == "archived"
    [*_, back, end] = events(store, "rollout.stepped", "rollout.ended")
    assert back.detail.startswith("back to versions 1 (75%), 3 (25%)")
    assert end.detail.startswith("stepped_back")


def test_a_version_worse_than_its_holder_is_stepped_back(store: alula.Store) -> None:
    store.apply(FAST.replace("at_least: 0.7", "at_least: 0.1"))
    store.start_rollout("m", 2)
    ended = until(store, lambda r: r.state != "running", {1: 0.95, 2: 0.75})
    assert ended.state == "stepped_back" and "version 1 has" in ended.reason, ended
    assert [f.outcome for f in ended.figures] == ["passed", "failed"]


def test_a_move_by_somebody_ends_a_rollout(store: alula.Store) -> None:
    store.apply(SLOW)
    store.start_rollout("m", 2, reason="try it")
    with pytest.raises(alula.Refused, match="rolled out already"):
        store.start_rollout("m", 3)
    store.promote("m", 3, "staging")
    assert store.rollouts("m")[0].state == "running"
    store.promote("m", 4, "production", share="5%")
    [ended] = store.rollouts("m")
    assert ended.state == "cancelled" and "local promoted version 4" in ended.reason
    store.rollback("m", "production")
    store.start_rollout("m", 3)
    store.rollback("m", "production")
    newest = store.rollouts()[0]
    assert newest.state == "cancelled" and "rolled back" in newest.reason and newest.version == 3
    store.start_rollout("m", 4)
    ended = store.cancel_rollout("m", "enough")
    assert ended.state == "cancelled" and "enough" in ended.reason and 4 in shares(store)
    with pytest.raises(alula.Refused, match="no version"):
        store.cancel_rollout("m")
    store.rollback("m", "production")
    held = shares(store)
    store.start_rollout("m", 4)
    assert "back to" in store.cancel_rollout("m", back=True).reason and shares(store) == held


def test_a_rollout_lives_through_a_kill(store: alula.Store, own_server: Server) -> None:
    store.apply(FAST)
    store.start_rollout("m", 2)
    right = {1: 0.8, 2: 0.8}
    until(store, lambda r: r.step == 2, right)
    own_server.kill()
    own_server.start()
    store = own_server.connect("p")
    rollout = store.rollouts("m")[0]
    assert rollout.step == 2 and rollout.state == "running" and shares(store) == {2: 0.6, 1: 0.4}
    assert until(store, lambda r: r.state != "running", right).state == "done"


def test_a_gate_is_asked_at_the_start(store: alula.Store) -> None:
    store.apply(SLOW)
    store.apply(
        "project: p\ngates:\n  - {model: m, to: production, require: [{metric: auc, min: 0.7, "
        "better: higher}]}\n"
    )
    with pytest.raises(alula.Refused, match="may not enter production"):
        store.start_rollout("m", 2)
    assert store.rollouts() == [] and shares(store) == {1: 1.0}
    assert store.audit("model:m")[-1].act == "promote refused"


@pytest.mark.parametrize(
    "text, mistake",
    [
        ("steps: [{share: 10%}]", "the last step takes 100%"),
        ("steps: [{share: 50%}, {share: 50%}, {share: 100%}]", "expected more than the 50%"),
        ("steps: [{share: 0%}, {share: 100%}]", "more than 0%"),
        ("steps: [{share: 120%}]", "at most 100%"),
        ("steps: []", "expected 1 to"),
        ("steps: [{share: 100%, for: soon}]", "not a duration"),
        ("steps: [{share: 100%}], rules: [{metric: auk, at_least: 1}]", 'unknown word "auk"'),
        ("steps: [{share: 100%}], rules: [{metric: auc}]", "has one of"),
        ("steps: [{share: 100%}], rules: [{monitor: gone}]", 'no monitor "gone"'),
        ("steps: [{share: 100%}], stage: archived", "nobody holds archived"),
        ("step: []", 'unknown key "step"'),
    ],
)
def test_a_plan_with_a_mistake_is_refused(server: Server, text: str, mistake: str) -> None:
    store = server.connect()
    with pytest.raises(alula.InvalidArgument, match="mistake") as caught:
        store.apply(f"project: q\nrollouts:\n  - {{name: x, model: m, {text}}}\n")
    assert mistake in str(caught.value)


def test_the_command_line_rolls_out(store: alula.Store, own_server: Server, tmp_path: Path) -> None:
    run = CommandLine(own_server, tmp_path)
    store.apply(SLOW)
    assert "running, step 1 of 2 (10%)" in run("rollout", "start", "m", "2")
    assert "slow" in run("rollouts", "m") and "slow" in run("rollouts", "--plans")
    assert "10%" in run("stages", "m") and "2 (10%)" in run("models")
    assert "cancelled" in run("rollout", "cancel", "m", "--back", "--reason", "no")
    assert "shadow of production" in run("promote", "m", "3", "production", "--shadow")
    assert "shadow" in run("stages", "m")
    assert "no shadow" in run("promote", "m", "3", "production", "--no-shadow")
    text = run("promote", "m", "3", "production", "--share", "12.5%")
    assert "1 (87.5%), 3 (12.5%)" in text
    assert "share" in run.error("promote", "m", "3", "production", "--share", "0%")
    assert "retire" in run("apply", "--retire", "slow")
    assert "no plan" in run.error("rollout", "start", "m", "4")
