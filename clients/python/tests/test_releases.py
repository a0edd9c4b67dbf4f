"""Aliases, approvals, gates, stages in time, the audit log and watches through a real server."""

from __future__ import annotations

import datetime as dt
import sqlite3
import sys
import threading
import time
from pathlib import Path

import pytest
from server_process import Server, needs_server

import alula

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "examples" / "model-server"))

pytestmark = needs_server
UTC = dt.timezone.utc

DEFINITIONS = """
project: p
entities: [{name: e, keys: {k: int64}}]
views: [{name: v, entity: e, features: {x: float64}}]
services: [{name: s, features: ["v:*"]}]
stages: [{model: m, name: canary, holders: 2}]
gates:
  - model: m
    to: production
    from: [staging, canary]
    require:
      - {metric: auc, on: holdout, better: higher, min: 0.7}
      - {training_set: reproducible}
      - {lineage: complete}
      - {tags: [owner]}
      - {artifacts: [onnx]}
"""


def versions(store: alula.Store, folder: Path, count: int, name: str = "model.onnx") -> None:
    store.apply(DEFINITIONS)
    store.load(
        "v",
        {"k": [1, 2], "event_time": [dt.datetime(2024, 1, 1)] * 2, "x": [0.5, 1.5]},
        progress=False,
        again=True,
    )
    spine = {"k": [1, 2], "event_time": [dt.datetime(2024, 2, 1)] * 2}
    train = store.training_set("s", spine)
    file = folder / name
    file.write_bytes(b"weights")
    for number in range(count):
        with store.run("e", training_set=train, code_revision="abc") as run:
            run.log_metric("auc", 0.8, data_set="holdout")
            run.log_metric("auc", 0.1, data_set="train")
            run.register("m", [file], tags={"owner": f"team {number}"})


def test_aliases_move_and_are_found(own_server: Server, tmp_path: Path) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 2)
    assert store.set_alias("m", "champion", 1).version == 1
    assert store.model("m", alias="champion").version == 1
    store.set_alias("m", "champion", 2, protect=True)
    with pytest.raises(alula.PermissionDenied, match="protected"):
        store.set_alias("m", "champion", 1)
    with pytest.raises(alula.PermissionDenied):
        store.delete_alias("m", "champion")
    assert [(a.name, a.version, a.protected) for a in store.aliases("m")] == [("champion", 2, True)]
    assert store.models()[0].aliases == {"champion": 2}
    store.set_alias("m", "other", 1)
    assert store.delete_alias("m", "other").version == 1
    with pytest.raises(alula.NotFound):
        store.model("m", alias="other")


def test_a_gate_asks_for_all_and_says_all(own_server: Server, tmp_path: Path) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 1)
    store.promote("m", 1, "canary")
    verdict = store.promote("m", 1, "production", dry_run=True)
    outcomes = {rule.rule: rule.outcome for rule in verdict.rules}
    assert outcomes["auc on holdout at least 0.7"] == "passed"
    assert outcomes["training set is reproducible"] == "cannot tell"
    assert outcomes["lineage is complete"] == outcomes["tag owner is there"] == "passed"
    with pytest.raises(alula.Refused) as refused:
        store.promote("m", 1, "production")
    assert len(refused.value.details) == 1 and "alula reproduce m 1" in refused.value.details[0]
    again = store.reproduce("m", 1)
    assert again and again.digest == again.recorded_digest and not again.differences
    assert store.promote("m", 1, "production").passed
    with pytest.raises(alula.PermissionDenied, match="role approver"):
        store.approve("m", 1, "production")
    gates = store.gates("m")
    assert [gate.version for gate in gates] == [1] and "lineage is complete" in gates[0].rules
    entry = store.audit("model:m", act="promote")[-1]
    assert '"holders":[1]' in entry.after and "auc on holdout" in entry.verdict


def test_what_was_in_production_at_any_moment(own_server: Server, tmp_path: Path) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 3)
    moments = [dt.datetime.now(UTC)]
    for number in (1, 2, 3):
        store.promote("m", number, "staging")
        moments.append(dt.datetime.now(UTC))
    store.rollback("m", "staging")
    held = [[t.version for t in store.stages_at("m", at, "staging")] for at in moments]
    assert held == [[], [1], [2], [3]]
    now = store.stages_at("m", dt.datetime.now(UTC))
    assert [(t.stage, t.version, t.until) for t in now] == [("staging", 2, None)]


def test_lists_page(own_server: Server, tmp_path: Path) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 1)
    train = store.training_sets()[0].id
    ids = [store.run("many", training_set=train).id for _ in range(230)]
    assert [run.id for run in store.runs("many", limit=1_000)] == ids[::-1]
    assert [run.id for run in store.runs("many", limit=7)] == ids[:-8:-1]
    assert len(store.audit(limit=5_000)) == store.audit(limit=5_000)[-1].number


def test_a_tail_cut_off_is_found_at_the_next_start(own_server: Server, tmp_path: Path) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 2)
    whole = store.verify_audit()
    assert whole and whole.head == whole.head_kept_online and not whole.key_outside
    assert store.verify_audit(whole.head)
    own_server.stop()
    with sqlite3.connect(own_server.directory / "catalog.sqlite") as file:
        file.execute("DROP TRIGGER audit_remains")
        file.execute("DELETE FROM audit WHERE number > (SELECT max(number) - 3 FROM audit)")
    file.close()
    own_server.start()
    store = own_server.connect("p")
    broken = store.verify_audit()
    assert not broken and "was kept" in broken.problems[0]
    kept = store.verify_audit(whole.head)
    assert len(kept.problems) == 2


def test_a_changed_entry_is_found(own_server: Server, tmp_path: Path) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 1)
    own_server.stop()
    with sqlite3.connect(own_server.directory / "catalog.sqlite") as file:
        file.execute("DROP TRIGGER audit_stays")
        file.execute("UPDATE audit SET actor = 'somebody' WHERE number = 2")
    file.close()
    own_server.start()
    store = own_server.connect("p")
    found = store.verify_audit()
    assert found.problem_count == 1 and found.problems[0].startswith("entry 2 is not as it was")


def test_a_watch_goes_on_over_a_restart_without_gap_or_repeat(
    own_server: Server, tmp_path: Path
) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 2)
    told: list[alula.releases.Event] = []
    watch = store.watch("m", after=0)

    def listen() -> None:
        for event in watch:
            told.append(event)
            if event.kind == "alias deleted":
                return

    listener = threading.Thread(target=listen)
    listener.start()
    store.promote("m", 1, "staging")
    own_server.kill()
    own_server.start()
    store = own_server.connect("p")
    store.promote("m", 2, "staging")
    store.set_alias("m", "a", 1)
    store.delete_alias("m", "a")
    listener.join(60)
    assert not listener.is_alive()
    # The first is of the import, which is no model's.
    assert [event.revision for event in told] == list(range(2, len(told) + 2))
    assert [(e.kind, e.version, e.stage) for e in told] == [
        ("registered", 1, ""), ("registered", 2, ""), ("promoted", 1, "staging"),
        ("left", 1, "staging"), ("promoted", 2, "staging"), ("alias set", 1, ""),
        ("alias deleted", 1, ""),
    ]  # fmt: skip


def test_a_watch_from_now_stands_when_it_returns(server: Server, tmp_path: Path) -> None:
    store = server.connect("p")
    versions(store, tmp_path, 1)
    for number in range(20):
        with store.watch("m") as watch:
            store.set_alias("m", f"a{number}", 1)
            begun = time.monotonic()
            event = next(watch)
            assert event.alias == f"a{number}" and time.monotonic() - begun < 5
    with pytest.raises(alula.OutOfRange):
        next(store.watch("m", after=10_000_000))


def test_a_watch_that_nobody_reads_for_a_while_misses_nothing(
    own_server: Server, tmp_path: Path
) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 2)
    watch = store.watch("m")
    writers = [
        threading.Thread(
            target=lambda n=n: [store.set_alias("m", f"a{n}", i % 2 + 1) for i in range(600)]
        )
        for n in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    revisions = [next(watch).revision for _ in range(2_400)]
    watch.close()
    assert revisions == list(range(revisions[0], revisions[0] + 2_400))


def test_a_model_server_follows_production(own_server: Server) -> None:
    story = pytest.importorskip("story")
    store = own_server.connect()
    story.prepare(store)
    seconds, answered = story.take_turns(own_server.connect(), 10)
    assert answered > 50
    assert sorted(seconds)[len(seconds) // 2] < 0.1
