"""The server is killed at random moments while everything is written; what it acknowledged is there once,
in both stores, and what nobody wrote is not."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server_process import Server, needs_server
from small_disk import enlarge, small_disk
from torture.world import World
from torture.writers import DEFINITIONS, START

import alula

pytestmark = [needs_server, pytest.mark.slow]

SEED = int(os.environ.get("ALULA_CRASH_SEED", "20261"))
CYCLES = int(os.environ.get("ALULA_CRASH_CYCLES", "18"))
SECONDS = 62.0  # no new cycle begins later


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(Server(tmp_path / "data").start(), tmp_path / "outside", SEED)
    made.define_all()
    yield made
    made.server.kill()


def test_what_was_acknowledged_survives_kills_and_stops(world: World, capsys: Any) -> None:
    until = time.monotonic() + SECONDS
    cycles = 0
    while cycles < CYCLES and time.monotonic() < until:
        threads = world.write_until_stopped()
        time.sleep(world.random.uniform(0.2, 2.0))
        if cycles % 6 == 5:
            asked = time.monotonic()
            assert world.server.stop() == 0
            assert time.monotonic() - asked < 25
        else:
            world.server.kill()
        world.server.start()
        world.stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), f"a writer hangs, seed {SEED}, cycle {cycles}"
        try:
            world.wait_until_ready()
            world.check(everything=cycles % 4 == 3)
        except BaseException as error:
            raise AssertionError(f"seed {SEED}, cycle {cycles}") from error
        cycles += 1
    ledger = world.ledger
    with capsys.disabled():
        print(f"\n{cycles} kills and stops: {ledger.counts()}")
    assert cycles >= 3 and ledger.pushed and ledger.imported and ledger.sets and ledger.versions
    world.check()
    assert world.server.stop() == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 160) as place:
        yield place


def test_a_full_disk_is_said_and_loses_nothing(disk: Path) -> None:
    server = Server(disk / "data").start()
    ids: list[int] = []
    try:
        with server.connect() as store:
            store.apply(DEFINITIONS)
            pad = os.urandom(150_000).hex()[:250_000]
            with pytest.raises(alula.AlulaError) as caught:
                for number in range(2_000):
                    event = START + dt.timedelta(seconds=number)
                    store.push(
                        "imported",
                        [{"k": f"k{number}", "event_time": event, "ref": number, "pad": pad}],
                    )
                    ids.append(number)
            assert isinstance(caught.value, alula.ResourceExhausted) and "disk" in str(caught.value)
            assert store.status().log_last == len(ids) > 10
            found = (
                store.read("s", {"k": [f"k{number}" for number in ids]})
                .to_arrow()["ref"]
                .to_pylist()
            )
            assert found == ids
            enlarge(disk, 512)
            now = START + dt.timedelta(days=1)
            assert (
                store.push("imported", [{"k": "more", "event_time": now, "ref": 1}]).accepted == 1
            )
        server.kill()
        server.start()
        with server.connect("torture") as store:
            found = (
                store.read("s", {"k": [f"k{number}" for number in ids]})
                .to_arrow()["ref"]
                .to_pylist()
            )
            assert found == ids
            assert all(
                len(store.history("imported", {"k": f"k{number}"})) == 1 for number in ids[::40]
            )
            assert len(store.history("imported", {"k": "more"})) == 1
        assert server.stop() == 0
    finally:
        server.kill()


def test_every_stop_ends_well(tmp_path: Path) -> None:
    """Stops used to abort in about one of ten: the globals of a library went before its threads."""
    server = Server(tmp_path / "data")
    for cycle in range(25):
        server.start()
        with server.connect() as store:
            if cycle == 0:
                store.apply(DEFINITIONS)
            row = {"k": f"k{cycle}", "event_time": START, "ref": cycle, "pad": "x" * 50_000}
            assert store.push("imported", [row]).accepted == 1
            assert len(store.history("imported", {"k": "k0"})) == 1
        assert server.stop() == 0, f"cycle {cycle}"
