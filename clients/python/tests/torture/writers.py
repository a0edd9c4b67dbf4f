"""Writers of every kind against one server."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from server_process import Server

import alula
from torture.ledger import Ledger, Upkeep

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


class Writers:
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


def kept_rows(number: int) -> dict[str, Any]:
    keys = [KEPT_KEYS[row % len(KEPT_KEYS)] for row in range(KEPT_ROWS)]
    return {
        "kept_key": keys,
        "event_time": (np.arange(KEPT_ROWS) * 1_000_000 + number).astype("M8[us]"),
        "of": np.arange(KEPT_ROWS) + number * KEPT_ROWS,
        "text": [f"<{key}|of|{number}>" * 4 for key in keys],
    }
