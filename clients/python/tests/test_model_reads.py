"""Reads by model against a real server: one call, never the features of another version."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import pytest
from server_process import Server, needs_server

import alula

pytestmark = needs_server

FIRST = """
project: p
entities:
  - {name: e, keys: {id: int64}}
views:
  - {name: v, entity: e, features: {a: int64, b: float64}}
services:
  - {name: s, features: ["v:a"], request: {asked: float64}}
"""
SECOND = FIRST.replace('["v:a"]', '["v:b", "v:a"]')
COLUMNS = {1: ["a", "asked"], 2: ["b", "a", "asked"]}
NOW = dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc)


def register(store: alula.Store, definitions: str, file: Path) -> int:
    store.apply(definitions)
    train = store.training_set("s", {"id": [1], "event_time": [NOW], "asked": [1.0]})
    with store.run("x", training_set=train) as run:
        return int(run.register("m", [file]))


@pytest.fixture
def store(own_server: Server, tmp_path: Path) -> alula.Store:
    store = own_server.connect("p")
    file = tmp_path / "f"
    file.write_bytes(b"model")
    assert register(store, FIRST, file) == 1
    store.push("v", {"id": [1, 2], "event_time": [NOW] * 2, "a": [10, 20], "b": [0.5, 1.5]})
    assert register(store, SECOND, file) == 2
    return store


def test_a_model_is_read_by_stage_alias_and_version(store: alula.Store) -> None:
    keys, request = {"id": [2, 3]}, {"asked": [7.0, 8.0]}
    with pytest.raises(alula.AlulaError, match="production"):
        store.read(model="m", keys=keys, request=request)
    for version in (1, 2):
        store.promote("m", version, "production", reason="test")
        answer = store.read(model="m", keys=keys, request=request)
        assert (answer.model_version, list(answer.columns)) == (version, COLUMNS[version])
        assert answer.to_numpy()[0].tolist() == ([20, 7] if version == 1 else [1.5, 20, 7])
        assert answer.column("asked").tolist() == [7.0, 8.0]
    old = store.read(model="m", version=1, keys=keys, request=request)
    assert (old.model_version, list(old.columns)) == (1, COLUMNS[1])
    store.set_alias("m", "champion", 1)
    by_alias = store.read(model="m", alias="champion", keys=keys, request=request)
    assert by_alias.model_version == 1
    store.set_alias("m", "champion", 2)
    by_alias = store.read(model="m", alias="champion", keys=keys, request=request)
    assert (by_alias.model_version, list(by_alias.columns)) == (2, COLUMNS[2])


def test_what_cannot_be_read_says_why(store: alula.Store) -> None:
    keys, request = {"id": [1]}, {"asked": [1.0]}
    store.promote("m", 2, "production", reason="test")
    for words, said in (
        ({"model": "nothere"}, "nothere"), ({"model": "m", "version": 9}, "9"),
        ({"model": "m", "alias": "none"}, "none"), ({"model": "m", "stage": "staging"}, "staging"),
    ):  # fmt: skip
        with pytest.raises(alula.AlulaError, match=said):
            store.read(keys=keys, request=request, **words)
    with pytest.raises(alula.InvalidArgument, match="asked"):
        store.read(model="m", keys=keys)
    assert store.read(model="m", keys=keys, request=request).model_version == 2


def test_a_promotion_never_mixes_versions(store: alula.Store) -> None:
    store.promote("m", 1, "production", reason="test")
    ended = threading.Event()
    seen: list[int] = []
    failures: list[BaseException] = []

    def reads() -> None:
        try:
            while not ended.is_set():
                answer = store.read(model="m", keys={"id": [1]}, request={"asked": [5.0]})
                assert list(answer.columns) == COLUMNS[answer.model_version]
                row = answer.to_numpy()[0].tolist()
                assert row == ([10, 5] if answer.model_version == 1 else [0.5, 10, 5])
                seen.append(answer.model_version)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=reads) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(20):
        version = 2 - turn % 2
        store.promote("m", version, "production", reason="turn")
        # What is acknowledged is what every later read sees.
        answer = store.read(model="m", keys={"id": [1]}, request={"asked": [5.0]})
        assert answer.model_version == version
    ended.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert set(seen) == {1, 2}
