"""Predictions that could not be made: told, kept, counted, and what rollouts and monitors do then."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_line import CommandLine
from server_process import Server, needs_server

import alula
import alula.aio
from alula.rollouts import Rollout

pytestmark = needs_server

DEFINITIONS = """
project: p
entities:
  - {name: e, keys: {id: int64}}
views:
  - {name: v, entity: e, features: {a: int64, b: int64}}
services:
  - {name: s, features: ["v:a"]}
  - {name: t, features: ["v:a", "v:b"], request: {asked: float64}}
"""
ROLLOUT = """
project: p
rollouts:
  - name: fast
    model: m
    steps: [{share: 50%, for: 1s}, {share: 100%}]
    rules: [RULE]
"""
NOW = dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc)
IDS = np.arange(400)


@pytest.fixture
def store(own_server: Server, tmp_path: Path) -> alula.Store:
    store = own_server.connect("p")
    store.apply(DEFINITIONS)
    file = tmp_path / "f"
    file.write_bytes(b"model")
    rows = {"id": IDS, "event_time": [NOW] * len(IDS), "a": IDS, "b": IDS}
    store.load("v", rows, progress=False)
    plain = store.training_set("s", {"id": [1], "event_time": [NOW]})
    asking = store.training_set("t", {"id": [1], "event_time": [NOW], "asked": [1.0]})
    for train in (plain, plain, asking):
        with store.run("x", training_set=train) as run:
            run.register("m", [file])
    store.promote("m", 1, "production")
    return store


def served(store: alula.Store, count: int = 10) -> list[str]:
    return store.read(model="m", keys={"id": IDS[:count]}, log=True).prediction_ids


def test_a_failure_is_a_prediction_that_failed(store: alula.Store) -> None:
    ids = served(store)
    model = store.model("m")
    assert model.log(ids[:4], [0.5] * 4).accepted == 4
    assert model.log_failures(ids[4:6], ["timeout", "out of memory"]).accepted == 2
    assert model.log_failures(ids[6], ValueError("income 71243")).accepted == 1
    # What came first stays.
    assert model.log_failures(ids[:1]).counts() == {"duplicate": 1}
    assert model.log_failures(ids[4:5]).counts() == {"duplicate": 1}
    assert model.log(ids[4:7], [0.1] * 3).counts() == {"duplicate": 3}
    frame = store.predictions("m").set_index("@prediction_id")
    said = frame["@failure"].loc[ids]
    assert said.iloc[4:7].tolist() == ["timeout", "out of memory", "ValueError"]
    assert said.isna().sum() == 7 and frame["@prediction"].notna().sum() == 4
    assert "71243" not in str(frame.values.tolist())
    store.log_outcomes("m", ids, [1.0] * 10)
    [slice] = store.performance("m")
    assert (slice.rows, slice.failed, slice.unpredicted) == (4, 3, 3)
    assert slice.failed_share == 0.3 and slice.unpredicted_share == 0.3
    assert store.drift("m").failed == {1: 3} and store.drift("m").versions == {1: 10}
    log = store.prediction_log("m")
    assert (log.predictions, log.failures, log.outcomes) == (4, 3, 10)
    assert not store.verify().problems


def test_bad_failures_are_told(store: alula.Store) -> None:
    ids = served(store, 3)
    strange = ["0" * 16 + "0000000180000001", ids[0][:16] + "0000000100000000"]
    told = store.log_failures("m", [ids[0], ids[0], *strange])
    assert told.statuses.tolist() == ["accepted", "duplicate", "unknown", "notLogged"]
    with pytest.raises(alula.InvalidArgument, match="row 1: expected 200 bytes at most"):
        store.log_failures("m", ids[1:], ["x" * 200, "x" * 201])
    with pytest.raises(alula.InvalidArgument, match="expected a text or an exception"):
        store.log_failures("m", ids[1:], [1, 2])
    with pytest.raises(alula.InvalidArgument, match="2 ids and 1 reasons"):
        store.log_failures("m", ids[1:], ["x"])
    with pytest.raises(alula.InvalidArgument, match="expected a list of them"):
        store.log_failures("m", None)
    with pytest.raises(alula.NotFound, match="nobody"):
        store.log_failures("nobody", ids)
    assert store.log_failures("m", ids[1:], ["x" * 200, "é" * 100]).accepted == 2


def test_failures_go_with_what_they_are_of(store: alula.Store, own_server: Server) -> None:
    ids = served(store, 4)
    assert store.log_failures("m", ids[:2], "no").accepted == 2
    store.log_outcomes("m", ids, [1.0, 0.0, 1.0, 0.0])
    own_server.kill()
    own_server.start()
    store = own_server.connect("p")
    train = store.training_set_from_log("m").to_pandas()
    # What came true is known of them, too; what was answered is not.
    assert len(train) == 4 and train["prediction"].isna().all() and "@failure" not in train
    store.forget("e", {"id": 0})
    frame = store.predictions("m").set_index("@prediction_id")
    assert list(frame.index) == ids[1:] and frame["@failure"].notna().sum() == 1
    assert store.prediction_log("m").failures == 1
    assert store.log_failures("m", ids[0]).counts() == {"unknown": 1}
    store.set_prediction_log("m", keep_days=1e-6)
    assert store.predictions("m").empty


def test_a_task_tells_a_failure(store: alula.Store, own_server: Server) -> None:
    async def work() -> int:
        async with await alula.aio.connect(
            f"alula://127.0.0.1:{own_server.port}", project="p"
        ) as other:
            model = await other.model("m")
            answer = await model.read({"id": [1, 2]}, log=True)
            told = await model.log_failures(answer.prediction_ids[:1], "a")
            more = await other.log_failures("m", answer.prediction_ids[1:])
            return told.accepted + more.accepted

    assert asyncio.run(work()) == 2


def ended(store: alula.Store, work: Callable[[], None]) -> Rollout:
    limit = time.monotonic() + 60
    while (rollout := store.rollouts("m")[0]).state == "running":
        assert time.monotonic() < limit, rollout
        work()
        time.sleep(0.2)
    return rollout


def serve(store: alula.Store, failing: dict[int, float], silent: float = 0) -> None:
    """One read of everybody, of which a share cannot be predicted, and of another nothing is said."""
    for part in store.read(model="m", keys={"id": IDS}, log=True).by_version():
        ids = part.prediction_ids
        ids = ids[int(silent * len(ids)) :]
        failed = int(failing.get(part.model_version, 0) * len(ids))
        store.log_failures("m", ids[:failed], "model error")
        store.log_predictions("m", ids[failed:], np.full(len(ids) - failed, 0.5))


@pytest.mark.parametrize(
    ("rule", "failing", "state"),
    [
        ("{metric: errors, at_most: 1%, min_samples: 50}", {2: 0.3}, "stepped_back"),
        ("{metric: errors, at_most: 40%, min_samples: 50}", {2: 0.3}, "done"),
        ("{metric: errors, not_worse_than_holder_by: 0.1, min_samples: 50}", {2: 0.3},
         "stepped_back"),
        ("{metric: errors, not_worse_than_holder_by: 35%, min_samples: 50}", {1: 0.3, 2: 0.3},
         "done"),
    ],
)  # fmt: skip
def test_errors_decide_a_rollout(
    store: alula.Store, rule: str, failing: dict[int, float], state: str
) -> None:
    store.apply(ROLLOUT.replace("RULE", rule))
    store.start_rollout("m", 2)
    found = ended(store, lambda: serve(store, failing))
    assert found.state == state, found
    [figure] = found.figures
    # A look may come while somebody has told one half of what there is to tell.
    assert figure.value is not None and 0.05 < figure.value < 0.31
    assert "could not be predicted" in figure.reason


def test_what_nobody_predicts_steps_a_version_back(store: alula.Store) -> None:
    rule = "{metric: unpredicted, at_most: 10%, min_samples: 50, delay: 2s}"
    store.apply(ROLLOUT.replace("RULE", rule))
    store.start_rollout("m", 2)
    found = ended(store, lambda: serve(store, {}, silent=0.2))
    assert found.state == "stepped_back" and "have no prediction" in found.reason


@pytest.mark.parametrize("is_fresh", [False, True])
def test_reads_that_only_the_new_version_refuses(
    store: alula.Store, own_server: Server, is_fresh: bool
) -> None:
    """Version 3 wants a field that nobody sends: whoever meets it is refused, nobody else is."""
    store.apply(ROLLOUT.replace("RULE", "{metric: errors, at_most: 5%, min_samples: 20}"))
    assert store.read(model="m", keys={"id": [1]}, log=True).model_version == 1
    store.start_rollout("m", 3)
    if is_fresh:
        store = own_server.connect("p")
    met = {1: 0, 3: 0}

    def work() -> None:
        for id in range(60):
            try:
                answer = store.read(model="m", keys={"id": [id]}, log=True)
                assert answer.column("a").tolist() == [id]
                met[int(answer.model_version)] += 1
            except alula.InvalidArgument as error:
                assert "asked" in str(error)
                met[3] += 1

    found = ended(store, work)
    assert found.state == "stepped_back" and "were refused" in found.reason, found
    assert met[1] > 0 and met[3] > 0
    refused = store.performance("m").refused
    assert set(refused) == {3} and refused[3] >= 20
    assert store.read(model="m", keys={"id": [1]}).model_version == 1


def test_what_some_versions_take_may_be_given(store: alula.Store, own_server: Server) -> None:
    store.promote("m", 3, "production", share="50%")
    found = store.read(model="m", keys={"id": IDS[:50]}, request={"asked": 1.0})
    assert {part.model_version for part in found.by_version()} == {1, 3}
    with pytest.raises(alula.InvalidArgument, match="asked"):
        store.read(model="m", keys={"id": IDS[:50]})
    with pytest.raises(alula.InvalidArgument, match="asked"):
        list(store.read_batches(model="m", keys={"id": IDS[:50]}))
    with pytest.raises(alula.InvalidArgument, match="id"):
        store.read(model="m", keys={}, request={"asked": 1.0})

    async def later() -> int:
        async with await alula.aio.connect(f"alula://127.0.0.1:{own_server.port}", "p") as other:
            return int((await other.read(model="m", keys={"id": [plain]})).model_version)

    plain = next(int(i) for part in found.by_version() if part.model_version == 1
                 for i in IDS[:50][part.rows])  # fmt: skip
    assert asyncio.run(later()) == 1
    [one] = store.read_batches(model="m", keys={"id": [plain]})
    assert one.model_version == 1


def test_monitors_of_errors(store: alula.Store) -> None:
    store.apply("""
project: p
monitors:
  - {name: errors, model: m, what: errors, threshold: 10%, min_rows: 50, window: 1h, every: 1s}
  - {name: silent, model: m, what: unpredicted, threshold: 0.5, min_rows: 50, window: 1h, every: 1s}
""")
    serve(store, {1: 0.2})
    limit = time.monotonic() + 30
    # A look may come between what is served and what is told of it.
    while not (found := store.monitors())["errors"] or found["silent"].state.value != 0:
        assert time.monotonic() < limit, found
        time.sleep(0.2)
    assert found["errors"].state.value == 0.2
    assert "80 of 400 vectors could not be predicted" in found["errors"].state.reason
    assert not found["silent"] and found["errors"].state.state == "firing"
    trial = store.try_monitor("errors", dt.datetime.now(dt.timezone.utc))
    assert trial.looks[-1].state == "firing"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{metric: errors, at_least: 1%}", "fewer are better"),
        ("{metric: errors, at_most: 120%}", "from 0 to 1"),
        ("{metric: errors, at_most: few}", "expected a share"),
        ("{metric: errors, at_most: 1%, delay: 1m}", "takes no delay"),
        ("{metric: auc, at_least: 0.5, delay: 1m}", "takes no delay"),
        ("{metric: error, at_most: 1%}", 'unknown word "error"'),
    ],
)
def test_a_rule_with_a_mistake_is_refused(server: Server, text: str, mistake: str) -> None:
    with pytest.raises(alula.InvalidArgument) as caught:
        server.connect().apply(ROLLOUT.replace("RULE", text).replace("project: p", "project: q"))
    assert mistake in str(caught.value)


def test_a_step_that_stands_for_no_time(store: alula.Store) -> None:
    store.apply(ROLLOUT.replace("for: 1s", "for: none").replace("rules: [RULE]", ""))
    [plan] = store.rollout_plans("m")
    assert [step.share for step in plan.steps] == [0.5, 1.0]
    with pytest.raises(alula.InvalidArgument, match="share"):
        store.promote("m", 2, "production", share=True)


def test_where_a_rollout_stands_is_a_metric(store: alula.Store, own_server: Server) -> None:
    store.apply(ROLLOUT.replace("RULE", "{metric: errors, at_most: 1%}").replace("1s", "1h"))
    store.start_rollout("m", 2)
    labels = 'project="p",model="m"'

    def lines() -> list[str]:
        return own_server.page("/metrics")[1].splitlines()

    found = lines()
    assert f'alula_rollout_info{{{labels},plan="fast",version="2",stage="production"}} 1' in found
    assert f'alula_rollout_state{{{labels},state="running"}} 1' in found
    assert f"alula_rollout_step{{{labels}}} 1" in found
    assert f"alula_rollout_share{{{labels}}} 0.5" in found
    assert any(line.startswith(f"alula_rollout_due_seconds{{{labels}}}") for line in found)
    store.cancel_rollout("m")
    found = lines()
    assert f'alula_rollout_state{{{labels},state="running"}} 0' in found
    assert f'alula_rollout_state{{{labels},state="cancelled"}} 1' in found
    assert not any(line.startswith("alula_rollout_due_seconds{") for line in found)


def test_the_command_line_tells_of_failures(
    store: alula.Store, own_server: Server, tmp_path: Path
) -> None:
    run = CommandLine(own_server, tmp_path)
    serve(store, {1: 0.25}, silent=0.5)
    text = run("performance", "m")
    assert "failed" in text and "unpredicted" in text and "12.5%" in text
    assert "12.5% could not be predicted" in run("drift", "m")
    assert "model error" in run("predictions", "m", "--format", "csv")
    assert "failed" in run("prediction-log", "m")
