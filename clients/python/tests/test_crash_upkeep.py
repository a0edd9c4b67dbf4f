"""The server is killed, or its disk is full, during loads, compaction, retraction and deletion: every
row is there once, what was taken is gone for good, in the files too, and what is checked is whole."""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from server_process import Server, needs_server
from small_disk import small_disk
from torture.writers import AWAY

import alula

pytestmark = [needs_server, pytest.mark.slow]

SEED = int(os.environ.get("ALULA_CRASH_SEED", "77"))
CYCLES = int(os.environ.get("ALULA_CRASH_CYCLES", "14"))
SECONDS = 75.0  # no new cycle begins later
KEYS = [f"key{number}" for number in range(30)]
ROWS = 9_000

DEFINITIONS = """
project: upkeep
entities:
  - {name: e, keys: {k: string}}
views:
  - {name: v, entity: e, features: {ref: int64, pad: string}}
services:
  - {name: s, features: ["v:ref"]}
"""


class Ledger:
    """What was acknowledged, act by act: which rows must be there."""

    def __init__(self) -> None:
        self.loaded: dict[int, str] = {}
        self.alive: dict[int, set[str]] = {}
        self.gone: list[bytes] = []
        self.sets: list[str] = []

    def load(self, number: int, id: str) -> None:
        self.loaded[number] = id
        self.alive[number] = set(KEYS)

    def retract(self, number: int) -> None:
        self.alive[number] = set()

    def forget(self, key: str) -> None:
        self.gone += [secret(number, key).encode() for number in self.loaded]
        for keys in self.alive.values():
            keys.discard(key)

    def refs(self) -> list[int]:
        return sorted(
            number * ROWS + row
            for number, keys in self.alive.items()
            for row in range(ROWS)
            if KEYS[row % len(KEYS)] in keys
        )


def secret(number: int, key: str) -> str:
    return f"<{key}|of|{number}>"


def rows_of(number: int) -> dict[str, Any]:
    keys = [KEYS[row % len(KEYS)] for row in range(ROWS)]
    return {
        "k": keys,
        "event_time": (np.arange(ROWS) * 1_000_000 + number).astype("M8[us]"),
        "ref": np.arange(ROWS) + number * ROWS,
        "pad": [secret(number, key) * 12 for key in keys],
    }


class World:
    def __init__(self, server: Server) -> None:
        self.server, self.ledger = server, Ledger()
        self.random = random.Random(SEED)
        self.next = 0

    def load(self, store: alula.Store) -> None:
        number = self.next
        loaded = store.load("v", rows_of(number), progress=False)
        assert loaded.rows == ROWS
        self.ledger.load(number, loaded.import_id)
        self.next += 1

    def compact(self, store: alula.Store) -> None:
        (done,) = store.compact(progress=False)
        assert done.segments_after <= 1

    def retract(self, store: alula.Store) -> None:
        alive = [number for number, keys in self.ledger.alive.items() if keys]
        if alive:
            chosen = alive[self.next % len(alive)]
            store.retract(self.ledger.loaded[chosen], progress=False)
            self.ledger.retract(chosen)

    def forget(self, store: alula.Store) -> None:
        key = KEYS[(7 * self.next + len(self.ledger.gone)) % len(KEYS)]
        store.forget("e", {"k": key}, progress=False)
        self.ledger.forget(key)

    def do(self, act: Callable[[alula.Store], None], failures: list[BaseException]) -> None:
        """Until it is acknowledged, whatever happens to the server meanwhile."""
        until = time.monotonic() + 90
        try:
            with self.server.connect("upkeep") as store:
                while True:
                    try:
                        return act(store)
                    except AWAY:
                        if time.monotonic() > until:
                            raise
                        time.sleep(0.1)
        except BaseException as error:
            failures.append(error)

    def check(self) -> None:
        with self.server.connect("upkeep") as store:
            found = sorted(store.export("v").read_all()["ref"].to_pylist())
            assert len(found) == len(set(found)), "rows that are there twice"
            assert found == self.ledger.refs()
            spine = {"k": KEYS, "event_time": np.full(len(KEYS), 2 * ROWS * 10**6).astype("M8[us]")}
            joined = store.training_set("s", spine).to_arrow()["ref"].to_pylist()
            newest: dict[str, int] = {}
            for number, keys in self.ledger.alive.items():
                for key in keys:
                    row = max(r for r in range(ROWS) if KEYS[r % len(KEYS)] == key)
                    newest[key] = max(newest.get(key, -1), number * ROWS + row)
            assert joined == [newest.get(key) for key in KEYS]
            assert store.read("s", {"k": KEYS}).to_arrow()["ref"].to_pylist() == joined
            assert store.verify(progress=False), store.verify(progress=False)
        left = secrets_in(self.server.directory) & set(self.ledger.gone)
        assert not left, f"forgotten, and in the files: {left}"


def secrets_in(directory: Path) -> set[bytes]:
    """All secrets that any file holds."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {
        found for path in files for found in re.findall(rb"<key\d+\|of\|\d+>", path.read_bytes())
    }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    server = Server(tmp_path / "data").start()
    with server.connect() as store:
        store.apply(DEFINITIONS)
    yield World(server)
    server.kill()


def test_kills_during_upkeep_lose_and_repeat_nothing(world: World, capsys: Any) -> None:
    until = time.monotonic() + SECONDS
    done: dict[str, int] = {}
    cycle = 0
    world.do(world.load, [])
    while cycle < CYCLES and time.monotonic() < until:
        act = [world.load, world.compact, world.forget, world.load, world.retract][cycle % 5]
        failures: list[BaseException] = []
        worker = threading.Thread(target=world.do, args=(act, failures), daemon=True)
        worker.start()
        for _ in range(world.random.choice([1, 1, 2, 3])):
            worker.join(world.random.uniform(0.0, 0.5))
            world.server.kill()
            world.server.start()
        worker.join(100)
        assert not worker.is_alive() and not failures, (SEED, cycle, failures)
        try:
            world.check()
        except BaseException as error:
            raise AssertionError(f"seed {SEED}, cycle {cycle}, {act.__name__}") from error
        done[act.__name__] = done.get(act.__name__, 0) + 1
        cycle += 1
    with capsys.disabled():
        print(f"\n{cycle} cycles with kills: {done}, {len(world.ledger.refs()):,} rows")
    assert len(done) == 4
    assert world.server.stop() == 0
    world.server.start()
    world.check()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 220) as place:
        yield place


def fill(disk: Path, leave: int) -> Path:
    """A file that takes all but so many bytes of the disk."""
    ballast = disk / "ballast"
    room = os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, room.f_bavail * room.f_frsize - leave))
    return ballast


@pytest.mark.parametrize("act", ["load", "compact", "forget", "retract"])
def test_a_full_disk_stops_the_act_and_nothing_else(disk: Path, act: str) -> None:
    server = Server(disk / "data").start()
    try:
        with server.connect() as store:
            store.apply(DEFINITIONS)
            world = World(server)
            for _ in range(4):
                world.load(store)
            ballast = fill(disk, 300_000)
            before = list(world.ledger.refs())
            try:
                getattr(world, act)(store)
            except alula.AlulaError as error:
                assert isinstance(error, (alula.ResourceExhausted, alula.Unavailable)), error
                assert "disk" in str(error)
                found = sorted(store.export("v").read_all()["ref"].to_pylist())
                assert act == "forget" or found == before
            assert store.history("v", {"k": KEYS[1]}).shape[0] > 0
            ballast.unlink()
        server.kill()
        server.start()
        failures: list[BaseException] = []
        world.do(getattr(world, act), failures)
        assert not failures, failures
        world.check()
        assert server.stop() == 0
    finally:
        server.kill()
