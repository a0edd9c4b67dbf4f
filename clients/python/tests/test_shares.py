"""Several versions in a stage: every row meets one of them, and is read as that one was trained."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import CommandLine
from server_process import Server, needs_server

import alula
import alula.aio

pytestmark = needs_server

FIRST = """
project: p
entities:
  - {name: e, keys: {id: int64}}
views:
  - {name: v, entity: e, features: {a: int64, b: float64}}
services:
  - {name: s, features: ["v:a"]}
"""
SECOND = FIRST.replace('["v:a"]', '["v:b", "v:a"]')
COLUMNS = {1: ["a"], 2: ["b", "a"], 3: ["b", "a"], 4: ["b", "a"]}
NOW = dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc)
MANY = 3_000


def register(store: alula.Store, file: Path) -> int:
    train = store.training_set("s", {"id": [1], "event_time": [NOW]})
    with store.run("x", training_set=train) as run:
        return int(run.register("m", [file]))


@pytest.fixture
def store(own_server: Server, tmp_path: Path) -> alula.Store:
    store = own_server.connect("p")
    file = tmp_path / "f"
    file.write_bytes(b"model")
    store.apply(FIRST)
    assert register(store, file) == 1
    store.apply(SECOND)
    assert [register(store, file) for _ in range(3)] == [2, 3, 4]
    ids = np.arange(MANY)
    store.load(
        "v",
        {"id": ids, "event_time": [NOW] * MANY, "a": ids * 10, "b": ids + 0.5},
        progress=False,
    )
    return store


def check(answer: alula.Answer, ids: list[int] | np.ndarray) -> list[int]:
    """Every row has the columns of its version, in order, with its own values."""
    ids = np.asarray(ids)
    seen = np.zeros(len(ids), int)
    versions = answer.model_versions
    assert len(versions) == len(answer) == len(ids)
    for part in answer.by_version():
        assert part.columns == COLUMNS[part.model_version]
        mine = ids[part.rows]
        expected = {"a": mine * 10.0, "b": mine + 0.5}
        wanted = np.stack([expected[name] for name in part.columns], axis=1)
        assert (part.to_numpy() == wanted).all()
        assert all(versions[row] == part.model_version for row in part.rows)
        seen[part.rows] += 1
    assert (seen == 1).all()
    return versions


def read(store: alula.Store, ids: list[int] | np.ndarray) -> list[int]:
    return check(store.read(model="m", keys={"id": ids}), ids)


def test_a_key_always_meets_the_same_version(store: alula.Store, own_server: Server) -> None:
    store.promote("m", 1, "production")
    assert store.promote("m", 2, "production", share="20%").shares == {2: 0.2, 1: 0.8}
    ids = np.arange(MANY)
    versions = read(store, ids)
    assert 0.15 < versions.count(2) / MANY < 0.25
    assert read(store, ids) == versions
    singles = [store.read(model="m", keys={"id": [i]}).model_version for i in range(100)]
    assert singles == versions[:100]
    shuffled = np.random.default_rng(1).permutation(MANY)
    assert read(store, shuffled) == [versions[i] for i in shuffled]
    own_server.stop()
    own_server.start()
    store = own_server.connect("p")
    assert read(store, ids) == versions

    async def later() -> list[int]:
        async with await alula.aio.connect(f"alula://127.0.0.1:{own_server.port}", "p") as other:
            return check(await other.read(model="m", keys={"id": ids}), ids)

    assert asyncio.run(later()) == versions


def test_who_met_a_growing_version_keeps_meeting_it(store: alula.Store) -> None:
    store.promote("m", 1, "production")
    store.promote("m", 2, "production", share="30%")
    ids = np.arange(MANY)
    before = read(store, ids)
    for share in ("1%", "5%", "25%", "60%", "100%"):
        store.promote("m", 3, "production", share=share)
        now = read(store, ids)
        kept = [(was, v) for was, v in zip(before, now) if v != 3]
        # Who does not meet the new one is where they were.
        assert all(was == v for was, v in kept)
        assert abs(now.count(3) / MANY - float(share[:-1]) / 100) < 0.04
        before = now
    assert set(before) == {3}
    assert [h.share for h in store.models()[0].holders] == [1.0]
    assert store.rollback("m", "production").shares == {2: 0.3, 1: 0.7}


def test_several_versions_are_taken_apart(store: alula.Store) -> None:
    store.promote("m", 1, "production")
    store.promote("m", 2, "production", share=0.5)
    answer = store.read(model="m", keys={"id": [1, 2, 3, 4, 5, 6, 7, 8]})
    assert isinstance(answer, alula.SplitAnswer)
    for what in ("to_numpy", "to_pandas", "columns", "model_version", "service"):
        with pytest.raises(alula.Refused, match="by_version"):
            got = getattr(answer, what)
            got()
    with pytest.raises(alula.Refused, match="not logged"):
        _ = answer.prediction_ids
    one = store.read(model="m", version=2, keys={"id": [1]})
    assert one.by_version() == [one] and one.model_versions == [2]
    assert len(store.read(model="m", keys={"id": []})) == 0


def test_a_model_server_reads_what_it_has_loaded(store: alula.Store) -> None:
    store.promote("m", 1, "production")
    model = store.model("m")
    assert [int(v) for v in model.versions] == [1]
    ids = list(range(200))
    store.promote("m", 2, "production", share="50%")
    # It knows version 1 alone, until it looks.
    assert set(check(model.read({"id": ids}), ids)) == {1}
    assert model.refresh() and not model.refresh()
    assert sorted(int(v) for v in model.versions) == [1, 2]
    assert [h.share for h in model.holders] == [0.5, 0.5]
    both = check(model.read({"id": ids}), ids)
    assert set(both) == {1, 2} and both == read(store, ids)
    assert [check(a, ids) for a in model.read_batches({"id": ids})] == [both]
    assert model.of(2).read({"id": [7]}).columns == ["b", "a"]
    with pytest.raises(alula.NotFound):
        model.of(3)
    # One that comes is not met; one that is taken out is not met any more.
    store.promote("m", 3, "production", share="40%")
    assert set(check(model.read({"id": ids}), ids)) == {1, 2}
    store.rollback("m", "production")
    store.rollback("m", "production")
    assert set(check(model.read({"id": ids}), ids)) == {1}
    store.promote("m", 4, "production")
    assert set(check(model.read({"id": ids}), ids)) <= {1, 2}


def test_what_is_logged_has_the_version_that_was_met(store: alula.Store) -> None:
    store.promote("m", 1, "production")
    store.promote("m", 2, "production", share="40%")
    ids = list(range(300))
    answer = store.read(model="m", keys={"id": ids}, log=True)
    versions = check(answer, ids)
    names = answer.prediction_ids
    assert len(set(names)) == 300 and answer.logged.all()
    for part in answer.by_version():
        done = store.log_predictions("m", part.prediction_ids, [1.0] * len(part))
        assert done.counts() == {"accepted": len(part)}
    table = store.predictions("m").to_dict("list")
    found = dict(zip(table["@prediction_id"], zip(table["id"], table["@model_version"])))
    assert found == {name: (i, v) for name, i, v in zip(names, ids, versions)}
    assert table["@prediction"] == [1.0] * 300


def test_a_shadow_is_read_and_logged_and_never_answers(store: alula.Store) -> None:
    store.promote("m", 1, "production")
    shadow = store.promote("m", 2, "production", shadow=True)
    assert shadow.shadow == 2 and shadow.shares == {1: 1.0}
    assert store.versions("m")[2].stage == "none"
    ids = list(range(50))
    assert set(read(store, ids)) == {1}
    answer = store.read(model="m", keys={"id": ids}, log=True, shadow=True)
    assert set(check(answer, ids)) == {1}
    assert answer.shadow is not None and set(check(answer.shadow, ids)) == {2}
    assert not set(answer.prediction_ids) & set(answer.shadow.prediction_ids)
    store.log_predictions("m", answer.shadow.prediction_ids, [0.5] * 50)
    table = store.predictions("m", versions=[2]).to_dict("list")
    assert table["@prediction"] == [0.5] * 50 and set(table["@stage"]) == {"production (shadow)"}
    model = store.model("m")
    assert int(model.version) == 1 and model.shadow == 2
    both = model.read({"id": ids}, shadow=True)
    assert both.shadow is not None and both.shadow.columns == ["b", "a"]
    assert model.of(2).read({"id": [3]}).to_numpy().tolist() == [[3.5, 30.0]]
    with pytest.raises(alula.Refused, match="holds production"):
        store.promote("m", 1, "production", shadow=True)
    with pytest.raises(alula.Refused, match="no shadow"):
        store.promote("m", 3, "production", shadow=False)
    assert store.promote("m", 2, "production", share="10%").shadow == 0
    assert store.read(model="m", keys={"id": ids}, shadow=True).shadow is None
    store.promote("m", 3, "production", shadow=True)
    assert store.models()[0].shadows[0].version == 3
    assert store.promote("m", 3, "production", shadow=False).shadow == 0
    names = [event.name for event in _events(store)]
    assert names.count("shadow.set") == 2 and names.count("shadow.ended") == 1


def _events(store: alula.Store) -> list[alula.releases.Event]:
    store.set_alias("m", "end", 1)
    found = []
    with store.watch("m", after=0) as watch:
        for event in watch:
            found.append(event)
            if event.kind == "alias set":
                return found
    return found


def test_shares_that_do_not_add_up_are_refused(store: alula.Store) -> None:
    with pytest.raises(alula.Refused, match="without a share"):
        store.promote("m", 1, "production", share="10%")
    store.promote("m", 1, "production")
    with pytest.raises(alula.Refused, match="nobody else answers"):
        store.promote("m", 1, "production", share="10%")
    for share in ("0%", "101%", "10", "-1%", "x%", "1e1%1", 0, 1.5, float("nan"), "0.001%"):
        with pytest.raises(alula.InvalidArgument, match="share"):
            store.promote("m", 2, "production", share=share)
    store.promote("m", 2, "production", share="0.01%")
    assert store.models()[0].holders[1].share == 0.0001
    with pytest.raises(alula.Refused, match="less than a hundredth"):
        store.promote("m", 3, "production", share="99.99%")
    revision = store.models()[0].revision
    with pytest.raises(alula.Aborted):
        store.promote("m", 3, "production", share="5%", expected_revision=revision - 1)
    shares = store.promote("m", 3, "production", share="50%", expected_revision=revision).shares
    assert sum(round(share * 10_000) for share in shares.values()) == 10_000
    moment = dt.datetime.now(dt.timezone.utc)
    held = {t.version: t.share for t in store.stages_at("m", moment, "production")}
    assert held == shares


def test_two_promoters_race_and_shares_add_up(store: alula.Store) -> None:
    store.promote("m", 1, "production")
    refused = []

    def promote(version: int) -> None:
        for share in ("10%", "30%", "50%"):
            try:
                store.promote("m", version, "production", share=share)
            except alula.AlulaError as error:
                refused.append(error)

    threads = [threading.Thread(target=promote, args=(v,)) for v in (2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    holders = store.models()[0].holders
    assert sum(round(h.share * 10_000) for h in holders) == 10_000
    assert {h.version for h in holders} == {1, 2, 3, 4} and not refused


def test_a_read_under_moving_shares_never_mixes(store: alula.Store) -> None:
    store.promote("m", 1, "production")
    end = time.monotonic() + 4
    failures: list[BaseException] = []
    reads = [0]

    def reading(size: int) -> None:
        ids = np.arange(size)
        try:
            while time.monotonic() < end:
                read(store, ids)
                reads[0] += 1
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=reading, args=(size,)) for size in (1, 20, 2_000)]
    for thread in threads:
        thread.start()
    round = 0
    while time.monotonic() < end:
        round += 1
        try:
            store.promote("m", 2 + round % 3, "production", share=f"{1 + round % 50}%")
        except alula.Refused as error:  # a share that others have pressed to nothing
            assert "less than a hundredth" in str(error)
            store.promote("m", 1, "production")
        if round % 5 == 0:
            store.rollback("m", "production")
        if round % 7 == 0:
            store.promote("m", 1, "production")
    for thread in threads:
        thread.join()
    assert not failures, failures
    assert reads[0] > 20 and round > 5


def test_the_command_line_meets_the_same_versions(
    store: alula.Store, own_server: Server, tmp_path: Path
) -> None:
    run = CommandLine(own_server, tmp_path)
    store.promote("m", 1, "production")
    store.promote("m", 2, "production", share="50%")
    ids = list(range(40))
    versions = read(store, ids)
    assert set(versions) == {1, 2}
    words = ("read", "--model", "m", "id=" + ",".join(map(str, ids)))
    found = run.json(*words)["rows"]
    assert [row["version"] for row in found] == versions
    assert [row["keys"]["id"] for row in found] == ids
    for id, row in zip(ids, found):
        wanted = {"a": id * 10, "b": id + 0.5}
        columns = COLUMNS[row["version"]]
        assert list(row["values"]) == columns and row["service"].startswith("s@")
        assert row["values"] == {name: wanted[name] for name in columns}
    for id in ids[:5]:
        assert f"version {versions[id]}, s@" in run("read", "--model", "m", f"id={id}")
    second = run.json("read", "--model", "m", "--model-version", "2", "id=1,2")["rows"]
    assert [row["version"] for row in second] == [2, 2]
    store.set_alias("m", "best", 1)
    [best] = run.json("read", "--model", "m", "--alias", "best", "id=1")["rows"]
    assert best["version"] == 1 and list(best["values"]) == ["a"]
    assert "staging" in run.error("read", "--model", "m", "--stage", "staging", "id=1")


def test_performance_by_a_feature_that_one_version_lacks(
    store: alula.Store, own_server: Server, tmp_path: Path
) -> None:
    ids = list(range(30))
    for version in (1, 2):
        answer = store.read(model="m", version=version, keys={"id": ids}, log=True)
        store.log_predictions("m", answer.prediction_ids, [0.5] * 30)
        store.log_outcomes("m", answer.prediction_ids, [1] * 30)
    found = store.performance("m", by="b")
    assert {slice.version for slice in found} == {2} and len(found) == 30
    assert found.without == {1: 30}
    assert store.performance("m", by="a").without == {}
    text = CommandLine(own_server, tmp_path)("performance", "m", "--by", "b")
    assert "version 1 has no b: 30 vectors left out" in text
    with pytest.raises(alula.InvalidArgument, match="it has: id, a"):
        store.performance("m", by="nothing")
    with pytest.raises(alula.InvalidArgument, match="it has: id, a"):
        store.performance("m", by="b", versions=[1])
