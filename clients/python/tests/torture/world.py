"""Writers of every kind against one server, and what must hold of it whenever it stands."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from server_process import Server

import alula
from torture.ledger import Ledger, Upkeep, newest_of

UTC = dt.timezone.utc
START = dt.datetime(2024, 1, 1, tzinfo=UTC)
KEYS = [f"key{number}" for number in range(8)]
IMPORT_ROWS = 600
KEPT_KEYS = [f"kept{number}" for number in range(12)]
KEPT_ROWS = 1_200
MOST_ALIVE = 6
"""Imports of the view that things are taken back from; then one is retracted."""

AWAY = (alula.Unavailable, alula.DeadlineExceeded, alula.ResourceExhausted)
"""What a write may fail with while the server is away or full: it was done, or it was not."""
BROKEN = (*AWAY, alula.Refused, alula.InternalError)
"""Likewise, where its files fail."""

DEFINITIONS = """
project: torture
entities:
  - {name: e, keys: {k: string}}
  - {name: f, keys: {kept_key: string}}
views:
  - {name: pushed, entity: e, features: {id: int64}}
  - {name: imported, entity: e, features: {ref: int64, pad: string}}
  - {name: kept, entity: f, features: {of: int64, text: string}}
services:
  - {name: s, features: ["pushed:*", "imported:ref"]}
  - {name: kept, features: ["kept:of"]}
gates:
  - {model: m, to: staging, require: [{metric: auc, better: higher, min: 0.5}]}
"""

Act = Callable[[alula.Store, random.Random], None]


class World:
    def __init__(self, server: Server, directory: Path, seed: int) -> None:
        self.server, self.directory, self.ledger = server, directory, Ledger()
        self.stop = threading.Event()
        self.random = random.Random(seed)
        self.expected: tuple[type[alula.AlulaError], ...] = AWAY
        self.has_backups = False
        directory.mkdir(parents=True, exist_ok=True)

    def define_all(self) -> None:
        with self.server.connect() as store:
            store.apply(DEFINITIONS)

    # What is done

    def acts(self) -> list[Act]:
        return [
            self.push, self.push, self.load, self.make_set, self.upload, self.define, self.register,
            self.take_back, *([self.back_up] if self.has_backups else []),
        ]  # fmt: skip

    def write_until_stopped(self) -> list[threading.Thread]:
        self.stop.clear()

        def work(act: Act, seed: int) -> None:
            own = random.Random(seed)
            try:
                with self.server.connect("torture") as store:
                    while not self.stop.is_set():
                        try:
                            act(store, own)
                        except self.expected as error:
                            self.ledger.note_refusal(error)
                            self.stop.wait(0.05)
            except self.expected as error:
                self.ledger.note_refusal(error)
            except BaseException as error:
                self.ledger.failures.append(error)

        threads = [
            threading.Thread(target=work, args=(act, self.random.randrange(2**32)), daemon=True)
            for act in self.acts()
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
            "pad": ["p" * 400] * IMPORT_ROWS,
        }
        assert store.load("imported", rows, progress=False).rows == IMPORT_ROWS
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
        self.stop.wait(0.05)

    def upload(self, store: alula.Store, own: random.Random) -> None:
        path = self.directory / "artifact"
        content = own.randbytes(own.choice([0, 10, 300_000, 2_000_000]))
        path.write_bytes(content)
        digest = store.put_artifact(path).digest
        self.ledger.artifacts[digest] = len(content)
        self.stop.wait(0.1)

    def define(self, store: alula.Store, own: random.Random) -> None:
        name = f"view{self.ledger.next()}"
        self.ledger.views.append(name)
        store.apply(
            f"project: torture\nviews:\n  - {{name: {name}, entity: e, features: {{a: int64}}}}\n"
        )
        self.ledger.applied.add(name)
        self.stop.wait(0.3)

    def register(self, store: alula.Store, own: random.Random) -> None:
        path = self.directory / "model.bin"
        path.write_bytes(b"model")
        made = store.training_set("s", {"k": [KEYS[0]], "event_time": [START]})
        with store.run("torture", training_set=made) as run:
            for step in range(30):
                run.log_metric("loss", 1 / (1 + step))
            run.log_metric("auc", 0.9)
            version = run.register("m", [path]).version
        self.ledger.versions[version] = run.id
        self.ledger.aliases.add(version)
        store.set_alias("m", "newest", version)
        self.ledger.alias, self.ledger.aliases = version, set()
        self.ledger.promotes.add(version)
        store.promote("m", version, "staging")
        self.ledger.promoted = version
        self.stop.wait(0.1)

    def take_back(self, store: alula.Store, own: random.Random) -> None:
        """Loads, retracts, forgets, compacts; each until it is acknowledged."""
        ledger = self.ledger
        act = ledger.pending
        if act is None:
            alive = [number for number, keys in ledger.alive.items() if keys]
            kinds = ["load", "compact", "forget", "load", "retract"]
            kind = "load" if len(alive) < 2 else own.choice(kinds)
            if len(alive) > MOST_ALIVE:
                kind = "retract"
            number = len(ledger.alive) if kind == "load" else own.choice(alive or [0])
            act = ledger.pending = Upkeep(kind, number, own.choice(KEPT_KEYS))
        if act.kind == "load":
            loaded = store.load("kept", kept_rows(act.number), progress=False)
            assert loaded.rows == KEPT_ROWS
            ledger.loaded[act.number] = loaded.import_id
            ledger.alive[act.number] = set(KEPT_KEYS)
        elif act.kind == "retract":
            store.retract(ledger.loaded[act.number], progress=False)
            ledger.alive[act.number] = set()
        elif act.kind == "forget":
            store.forget("f", {"kept_key": act.key}, progress=False)
            for keys in ledger.alive.values():
                keys.discard(act.key)
        else:
            store.compact(progress=False)
        ledger.pending = None
        self.stop.wait(0.1)

    def back_up(self, store: alula.Store, own: random.Random) -> None:
        name = f"backup-{self.ledger.next()}"
        pushed = len(self.ledger.pushed)
        assert store.backup(name, progress=False)
        self.ledger.backups[name] = pushed
        self.stop.wait(0.5)

    # What must hold

    def check(self, everything: bool = True) -> None:
        """Nothing writes meanwhile; what takes long to look at is left out where told."""
        ledger = self.ledger
        assert not ledger.failures, ledger.failures
        with self.server.connect("torture") as store:
            self.check_pushed(store)
            self.check_kept(store)
            if everything:
                self.check_imported(store)
            self.check_registry(store)
            known_views = {view.name for view in store.views()}
            assert ledger.applied <= known_views <= {"pushed", "imported", "kept", *ledger.views}
            known = {record.id: record.digest for record in store.training_sets()}
            assert ledger.sets.items() <= known.items()
            chosen = list(ledger.sets)
            for id in chosen[:1] + chosen[-2:]:
                assert store.get_training_set(id).digest == ledger.sets[id]
            self.check_artifacts(store, everything)
            if self.has_backups:
                kept = {backup.name for backup in store.backups() if backup}
                assert set(self.ledger.backups) <= kept, f"{self.ledger.backups} of {kept}"
            verified = store.verify(progress=False)
            assert verified, verified
            chain = store.verify_audit()
            assert chain, chain

    def check_pushed(self, store: alula.Store) -> None:
        found: list[int] = []
        newest = []
        for key in KEYS:
            rows = store.history("pushed", {"k": key})
            assert all(self.ledger.pushes[number] == key for number in rows["id"])
            found += rows["id"].tolist()
            newest.append(newest_of(rows, "id", missing_is_recorded=True))
        assert len(found) == len(set(found)), "rows that are there twice"
        lost = self.ledger.pushed - set(found)
        assert not lost, f"acknowledged and lost: {sorted(lost)[:20]}, {len(lost)} rows"
        assert set(found) <= set(self.ledger.pushes), "rows that nobody wrote"
        online = store.read("s", {"k": KEYS}).to_arrow()["id"].to_pylist()
        assert online == newest, f"online {online}, the newest of history {newest}"

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
        lost = self.ledger.imported - sources
        assert not lost, f"acknowledged and lost: imports {lost}"
        assert sources <= set(self.ledger.imports), "imports that nobody made"
        assert store.read("s", {"k": KEYS}).to_arrow()["ref"].to_pylist() == newest

    def check_kept(self, store: alula.Store) -> None:
        """What was taken back is gone and the rest is there; what was being done is done or not."""
        found = sorted(store.export("kept").read_all()["of"].to_pylist())
        before = {number: set(keys) for number, keys in self.ledger.alive.items()}
        after = {number: set(keys) for number, keys in self.ledger.alive.items()}
        act = self.ledger.pending
        if act is not None and act.kind == "load":
            after[act.number] = set(KEPT_KEYS)
        elif act is not None and act.kind == "retract":
            after[act.number] = set()
        elif act is not None and act.kind == "forget":
            for keys in after.values():
                keys.discard(act.key)
        possible = [kept_ids(before), kept_ids(after)]
        assert found in possible, f"{len(found)} rows, expected {[len(one) for one in possible]}"
        if act is not None and act.kind in ("retract", "load"):
            return  # online rows come back, or come, behind
        newest: dict[str, int] = {}
        for number in found:
            key = KEPT_KEYS[number % KEPT_ROWS % len(KEPT_KEYS)]
            newest[key] = max(newest.get(key, -1), number, key=order_of)
        online = store.read("kept", {"kept_key": KEPT_KEYS}).to_arrow()["of"].to_pylist()
        assert online == [newest.get(key) for key in KEPT_KEYS]

    def check_artifacts(self, store: alula.Store, everything: bool) -> None:
        digests = list(self.ledger.artifacts)
        chosen = digests if everything else digests[:1] + digests[-2:]
        for digest in chosen[-40:]:
            got = self.directory / "got"
            store.get_artifact(digest, got)
            assert got.stat().st_size == self.ledger.artifacts[digest]
            got.unlink()

    def check_registry(self, store: alula.Store) -> None:
        ledger = self.ledger
        entries = store.audit(limit=1_000_000)
        assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
        models = store.models()
        if not models:
            assert not ledger.versions
            return
        versions = {version.version: version for version in store.versions("m")}
        assert set(versions) == set(range(1, len(versions) + 1))
        for number, run in ledger.versions.items():
            assert versions[number].run == run
        for run in list(ledger.versions.values())[-2:]:
            record = store.get_run(run)
            steps = [point.step for point in record.points if point.name == "loss"]
            assert steps == list(range(30)), steps
            assert record.status == "finished"
        holders = {holder.stage: holder.version for holder in models[0].holders}
        after = [number for number in ledger.promotes if number > ledger.promoted]
        assert holders.get("staging", 0) in {ledger.promoted, *after}
        aliases = {alias.name: alias.version for alias in store.aliases("m")}
        assert aliases.get("newest", 0) in {ledger.alias, *ledger.aliases}

    def reads_go_on(self) -> None:
        """Online, history and registry are read, whatever else does not go."""
        with self.server.connect("torture") as store:
            key = KEYS[0]
            try:
                rows = store.history("pushed", {"k": key})
                assert all(self.ledger.pushes[number] == key for number in rows["id"])
            except alula.Refused as error:
                # Where its own file has failed, history says what it lacks.
                assert "does not follow" in str(error)
            store.read("s", {"k": KEYS})
            store.models()
            store.status()

    def wait_until_ready(self, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while self.server.page("/readyz")[0] != 200:
            assert time.monotonic() < until, f"not ready: {self.server.said[-2_000:]}"
            time.sleep(0.05)


def kept_rows(number: int) -> dict[str, Any]:
    keys = [KEPT_KEYS[row % len(KEPT_KEYS)] for row in range(KEPT_ROWS)]
    return {
        "kept_key": keys,
        "event_time": (np.arange(KEPT_ROWS) * 1_000_000 + number).astype("M8[us]"),
        "of": np.arange(KEPT_ROWS) + number * KEPT_ROWS,
        "text": [f"<{key}|of|{number}>" * 4 for key in keys],
    }


def kept_ids(alive: dict[int, set[str]]) -> list[int]:
    return sorted(
        number * KEPT_ROWS + row
        for number, keys in alive.items()
        for row in range(KEPT_ROWS)
        if KEPT_KEYS[row % len(KEPT_KEYS)] in keys
    )


def order_of(id: int) -> tuple[int, int]:
    """The event time of a row of `kept`, by its id."""
    return (-1, -1) if id < 0 else (id % KEPT_ROWS, id // KEPT_ROWS)
