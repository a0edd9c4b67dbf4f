"""The server is killed at random moments while everything is written; what it acknowledged is there once,
in both stores, and what nobody wrote is not."""

from __future__ import annotations

import datetime as dt
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from server_process import Server, needs_server

import alula

pytestmark = [needs_server, pytest.mark.slow]

SEED = int(os.environ.get("ALULA_CRASH_SEED", "20261"))
CYCLES = int(os.environ.get("ALULA_CRASH_CYCLES", "18"))
SECONDS = 62.0  # no new cycle begins later
UTC = dt.timezone.utc
START = dt.datetime(2024, 1, 1, tzinfo=UTC)
KEYS = [f"key{number}" for number in range(8)]
IMPORT_ROWS = 1_200
EARLIER = (alula.Unavailable, alula.DeadlineExceeded, alula.ResourceExhausted)
"""What a write may fail with while the server is away: it was done, or it was not."""

DEFINITIONS = """
project: crash
entities:
  - {name: e, keys: {k: string}}
views:
  - {name: pushed, entity: e, features: {id: int64}}
  - {name: imported, entity: e, features: {ref: int64, pad: string}}
services:
  - {name: s, features: ["pushed:*", "imported:ref"]}
gates:
  - {model: m, to: staging, require: [{metric: auc, better: higher, min: 0.5}]}
"""


@dataclass
class Ledger:
    """What was tried and what was acknowledged, kept outside the server."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    number: int = 0
    pushes: dict[int, str] = field(default_factory=dict)
    pushed: set[int] = field(default_factory=set)
    imports: list[int] = field(default_factory=list)
    imported: set[int] = field(default_factory=set)
    views: list[str] = field(default_factory=list)
    applied: set[str] = field(default_factory=set)
    sets: dict[str, str] = field(default_factory=dict)
    artifacts: list[str] = field(default_factory=list)
    versions: dict[int, str] = field(default_factory=dict)
    promoted: int = 0
    promotes: set[int] = field(default_factory=set)
    failures: list[BaseException] = field(default_factory=list)

    def next(self, count: int = 1) -> int:
        with self.lock:
            self.number += count
            return self.number - count


class World:
    """Writers of every kind, and what must hold of the server whenever it stands."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server, self.directory, self.ledger = server, directory, Ledger()
        self.stop = threading.Event()
        self.random = random.Random(SEED)

    def write_until_stopped(self) -> list[threading.Thread]:
        self.stop.clear()
        acts: list[Callable[[alula.Store, random.Random], None]] = [
            self.push, self.push, self.load, self.make_set, self.upload, self.define, self.register,
        ]  # fmt: skip

        def work(act: Callable[[alula.Store, random.Random], None], seed: int) -> None:
            try:
                own = random.Random(seed)
                with self.server.connect("crash") as store:
                    while not self.stop.is_set():
                        try:
                            act(store, own)
                        except EARLIER:
                            time.sleep(0.05)
            except BaseException as error:
                self.ledger.failures.append(error)

        threads = [
            threading.Thread(target=work, args=(act, self.random.randrange(2**32)), daemon=True)
            for act in acts
        ]
        for thread in threads:
            thread.start()
        return threads

    def push(self, store: alula.Store, own: random.Random) -> None:
        count = own.choice([1, 5, 40])
        first = self.ledger.next(count)
        ids = range(first, first + count)
        rows: list[dict[str, Any]] = [
            {
                "k": own.choice(KEYS), "event_time": START + dt.timedelta(hours=own.randrange(200)),
                "created_time": own.choice([None, START + dt.timedelta(days=own.randrange(50))]), "id": number,
            }
            for number in ids
        ]  # fmt: skip
        with self.ledger.lock:
            self.ledger.pushes.update({row["id"]: row["k"] for row in rows})
        assert store.push("pushed", rows).accepted == count
        with self.ledger.lock:
            self.ledger.pushed.update(ids)

    def load(self, store: alula.Store, own: random.Random) -> None:
        unfinished = [
            number for number in self.ledger.imports if number not in self.ledger.imported
        ]
        number = unfinished[0] if unfinished else self.ledger.next()
        if not unfinished:
            self.ledger.imports.append(number)
        same = random.Random(number)
        rows = {
            "k": [KEYS[row % len(KEYS)] for row in range(IMPORT_ROWS)],
            "event_time": [
                START + dt.timedelta(hours=same.randrange(200)) for _ in range(IMPORT_ROWS)
            ],
            "ref": [number * IMPORT_ROWS + row for row in range(IMPORT_ROWS)],
            "pad": ["p" * 800] * IMPORT_ROWS,
        }
        loaded = store.load("imported", rows, progress=False)
        assert loaded.rows == IMPORT_ROWS
        self.ledger.imported.add(number)
        self.stop.wait(0.4)

    def make_set(self, store: alula.Store, own: random.Random) -> None:
        count = own.choice([1, 300])
        spine = {
            "k": own.choices([*KEYS, None], k=count),
            "event_time": [START + dt.timedelta(hours=own.randrange(300)) for _ in range(count)],
        }
        made = store.training_set("s", spine)
        assert made.to_arrow().num_rows == count
        self.ledger.sets[made.id] = made.digest

    def upload(self, store: alula.Store, own: random.Random) -> None:
        path = self.directory / "artifact"
        path.write_bytes(own.randbytes(own.choice([0, 10, 3_000_000])))
        self.ledger.artifacts.append(store.put_artifact(path).digest)

    def define(self, store: alula.Store, own: random.Random) -> None:
        name = f"view{self.ledger.next()}"
        self.ledger.views.append(name)
        store.apply(
            f"project: crash\nviews:\n  - {{name: {name}, entity: e, features: {{a: int64}}}}\n"
        )
        self.ledger.applied.add(name)
        self.stop.wait(0.1)

    def register(self, store: alula.Store, own: random.Random) -> None:
        path = self.directory / "model.bin"
        path.write_bytes(b"model")
        made = store.training_set("s", {"k": [KEYS[0]], "event_time": [START]})
        with store.run("crash", training_set=made) as run:
            for step in range(30):
                run.log_metric("loss", 1 / (1 + step))
            run.log_metric("auc", 0.9)
            version = run.register("m", [path])
        self.ledger.versions[version.version] = run.id
        self.ledger.promotes.add(version.version)
        store.promote("m", version.version, "staging")
        self.ledger.promoted = version.version

    def check(self, imports: bool = True) -> None:
        """Nothing writes meanwhile; imports, the slowest to look at, are left out where told."""
        ledger = self.ledger
        assert not ledger.failures, ledger.failures
        with self.server.connect("crash") as store:
            self.check_pushed(store)
            if imports:
                self.check_imported(store)
            self.check_registry(store)
            assert ledger.applied <= {view.name for view in store.views()} <= {
                "pushed", "imported", *ledger.views
            }  # fmt: skip
            known = {record.id: record.digest for record in store.training_sets()}
            assert ledger.sets.items() <= known.items()
            chosen = list(ledger.sets)
            for id in chosen[:1] + chosen[-2:]:
                assert store.get_training_set(id).digest == ledger.sets[id]
            for digest in ledger.artifacts[:1] + ledger.artifacts[-2:]:
                store.get_artifact(digest, self.directory / "got")

    def check_pushed(self, store: alula.Store) -> None:
        found: list[int] = []
        newest = []
        for key in KEYS:
            rows = store.history("pushed", {"k": key})
            assert all(self.ledger.pushes[number] == key for number in rows["id"])
            found += rows["id"].tolist()
            newest.append(newest_of(rows, "id", missing_is_recorded=True))
        assert len(found) == len(set(found)), "rows that are there twice"
        assert self.ledger.pushed <= set(found) <= set(self.ledger.pushes)
        online = store.read("s", {"k": KEYS}).to_arrow()["id"].to_pylist()
        assert online == newest

    def check_imported(self, store: alula.Store) -> None:
        store.materialize(["imported"], progress=False)
        found: list[int] = []
        newest = []
        for key in KEYS:
            rows = store.history("imported", {"k": key})
            found += rows["ref"].tolist()
            newest.append(newest_of(rows, "ref", missing_is_recorded=False))
        assert len(found) == len(set(found)), "rows that are there twice"
        sources = {ref // IMPORT_ROWS for ref in found}
        assert len(found) == IMPORT_ROWS * len(sources), "a part of an import"
        assert self.ledger.imported <= sources <= set(self.ledger.imports)
        assert store.read("s", {"k": KEYS}).to_arrow()["ref"].to_pylist() == newest

    def check_registry(self, store: alula.Store) -> None:
        entries = store.audit(limit=100_000)
        assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
        models = store.models()
        if not models:
            assert not self.ledger.versions
            return
        versions = {version.version: version for version in store.versions("m")}
        assert set(versions) == set(range(1, len(versions) + 1))
        for number, run in self.ledger.versions.items():
            assert versions[number].run == run
        for run in list(self.ledger.versions.values())[-2:]:
            record = store.get_run(run)
            assert [point.step for point in record.points if point.name == "loss"] == list(
                range(30)
            )
            assert record.status == "finished"
        holders = {holder.stage: holder.version for holder in models[0].holders}
        after = [number for number in self.ledger.promotes if number > self.ledger.promoted]
        assert holders.get("staging", 0) in {self.ledger.promoted, *after}


def newest_of(rows: pd.DataFrame, column: str, missing_is_recorded: bool) -> Any:
    """The newest row by event time, created time, position: in plain words, one by one."""
    best, order = None, None
    for row in rows.to_dict("records"):
        created = row["@created_time"]
        if pd.isna(created):
            created = (
                row["@recorded_time"]
                if missing_is_recorded
                else pd.Timestamp.min.tz_localize("UTC")
            )
        mine = (row["@event_time"], created, row["@log_entry"], row["@log_row"])
        if order is None or mine > order:
            best, order = row[column], mine
    return best


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    server = Server(tmp_path / "data").start()
    with server.connect() as store:
        store.apply(DEFINITIONS)
    yield World(server, tmp_path)
    server.kill()


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
            world.check(imports=cycles % 4 == 3)
        except BaseException as error:
            raise AssertionError(f"seed {SEED}, cycle {cycles}") from error
        cycles += 1
    ledger = world.ledger
    with capsys.disabled():
        print(
            f"\n{cycles} kills and stops: {len(ledger.pushed)} rows pushed, {len(ledger.imported)} imports, "
            f"{len(ledger.sets)} training sets, {len(ledger.artifacts)} artifacts, {len(ledger.versions)} versions"
        )
    assert cycles >= 3 and ledger.pushed and ledger.imported and ledger.sets and ledger.versions
    world.check()
    assert world.server.stop() == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", place], capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_is_said_and_loses_nothing(small_disk: Path) -> None:
    server = Server(small_disk / "data").start()
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
            subprocess.run(["mount", "-o", "remount,size=512m", small_disk], check=True)
            now = START + dt.timedelta(days=1)
            assert (
                store.push("imported", [{"k": "more", "event_time": now, "ref": 1}]).accepted == 1
            )
        server.kill()
        server.start()
        with server.connect("crash") as store:
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
