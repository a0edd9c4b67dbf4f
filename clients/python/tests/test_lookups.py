"""Look-ups of versions are answered from memory, and are always of now."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from server_process import Server, needs_server

import alula

pytestmark = needs_server

DEFINITIONS = """
project: p
entities: [{name: e, keys: {k: int64}}]
views: [{name: v, entity: e, features: {x: float64}}]
services: [{name: s, features: ["v:*"]}]
stages: [{model: m, name: canary, holders: 2}]
"""


def registered(store: alula.Store, folder: Path, count: int) -> None:
    file = folder / "model.onnx"
    file.write_bytes(b"weights")
    run = store.run("e", heartbeat=0)
    for _ in range(count):
        run.register("m", [file], service="s")


def test_whoever_asks_next_gets_what_was_set_last(own_server: Server, tmp_path: Path) -> None:
    with own_server.connect() as one, own_server.connect() as other:
        one.apply(DEFINITIONS)
        registered(one, tmp_path, 4)
        for turn in range(60):
            number = 1 + turn % 3
            one.set_alias("m", "a", number)
            one.promote("m", number, "production")
            for _ in range(2):
                assert int(other.model("m", alias="a").version) == number
                held = other.model("m", stage="production")
                assert int(held.version) == number
                assert held.version.stage == "production"
                assert other.model("m", version=number).version.stage == "production"
        one.delete_alias("m", "a")
        with pytest.raises(alula.NotFound):
            other.model("m", alias="a")
        assert int(one.rollback("m", "production").version) == 2
        assert int(other.model("m", stage="production").version) == 2
        for _ in range(3):
            assert int(other.model("m", version=4).version) == 4
        one.delete_version("m", 4, dry_run=True)
        assert int(other.model("m", version=4).version) == 4
        one.delete_version("m", 4)
        with pytest.raises(alula.NotFound):
            other.model("m", version=4)
        one.promote("m", 1, "canary")
        assert other.model("m", stage="canary").version.stage == "canary"


def test_what_was_kept_goes_with_the_definitions(own_server: Server, tmp_path: Path) -> None:
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        registered(store, tmp_path, 2)
        store.promote("m", 1, "canary")
        for _ in range(3):
            assert int(store.model("m", stage="canary").version) == 1
        with pytest.raises(alula.Refused) as refused:
            store.apply(drop=["stage:m:canary"])
        assert "version 1 holds it" in refused.value.details[0]
        store.promote("m", 1, "staging")
        assert store.plan(drop=["stage:m:canary"]).changes
        store.apply(drop=["stage:m:canary"])
        with pytest.raises(alula.InvalidArgument):
            store.model("m", stage="canary")
        assert [entry.act for entry in store.audit()][-1] == "drop stage"
        # With a second project a request that names none means nothing any more.
        assert int(store.model("m", version=2).version) == 2
        with own_server.connect() as other:
            other.apply("project: q\n")
            with pytest.raises(alula.AlulaError):
                own_server.connect().model("m", version=2)


def test_readers_never_meet_an_earlier_version_again(own_server: Server, tmp_path: Path) -> None:
    """Aliases only rise: so must what each reader sees, while they are moved."""
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        registered(store, tmp_path, 40)
        store.set_alias("m", "a", 1)
        done, failures = threading.Event(), []

        def read() -> None:
            last = 0
            with own_server.connect() as mine:
                while not done.is_set():
                    found = int(mine.model("m", alias="a").version)
                    if found < last:
                        failures.append((last, found))
                    last = found

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for number in range(2, 41):
            store.set_alias("m", "a", number)
            assert int(store.model("m", alias="a").version) == number
        done.set()
        for reader in readers:
            reader.join()
        assert failures == []
