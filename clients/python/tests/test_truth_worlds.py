"""What is served now equals the training set of now, for every key of random worlds: random definitions, then
pushes, loads, retractions, deletions, compaction and restarts."""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import Any

import pytest
from odd_world import ALL, NAMES, World, same
from server_process import Server, needs_server

import alula

pytestmark = needs_server

SEED = int(os.environ.get("ALULA_TRUTH_SEED", "4713"))
SECONDS = float(os.environ.get("ALULA_TRUTH_SECONDS", "14"))
UTC = dt.timezone.utc
KEY_TYPES = {"int64": [0, 1, -(2**63), 2**63 - 1, 7], "string": NAMES, "bytes": [b"", b"\0", b"a"]}


class Place:
    """One random world: its definitions, its keys, and what may be done to it."""

    def __init__(self, server: Server, number: int) -> None:
        self.server = server
        self.project = f"world{number}"
        self.world = World(SEED + number)
        self.random = self.world.random
        one = self.world.one
        kinds = [one(list(KEY_TYPES)) for _ in range(one([1, 1, 2, 3]))]
        self.key_types = {f"key{place}": kind for place, kind in enumerate(kinds)}
        count = one([3, 12])
        self.keys = [
            {name: one(KEY_TYPES[kind]) for name, kind in self.key_types.items()}
            for _ in range(count)
        ]
        self.views: dict[str, dict[str, str]] = {}
        lines = [f"project: {self.project}", "entities:", f"  - {{name: e, keys: {self.yaml(self.key_types)}}}", "views:"]  # fmt: skip
        for place in range(one([1, 2, 3])):
            view = f"v{place}"
            chosen = [one(list(ALL)) for _ in range(one([1, 4, 9]))]
            self.views[view] = {f"f{place}_{name}": ALL[name] for name in chosen}
            ttl = one(["", "", "ttl: 2d,"])
            lines.append(
                f"  - {{name: {view}, entity: e, {ttl} features: {self.yaml(self.views[view])}}}"
            )
        parts = ", ".join(f'"{view}:*"' for view in self.views)
        lines += ["services:", f"  - {{name: s, features: [{parts}]}}"]
        self.store = server.connect(self.project)
        self.store.apply("\n".join(lines))
        self.imports: list[str] = []
        self.entries: list[int] = []
        # A view whose max age and look-back are two days: no event is near that edge.
        self.origin = dt.datetime.now(UTC) - dt.timedelta(days=4)

    @staticmethod
    def yaml(types: dict[str, str]) -> str:
        return "{" + ", ".join(f'"{name}": "{type}"' for name, type in types.items()) + "}"

    def rows(self, view: str) -> list[dict[str, Any]]:
        made = []
        for _ in range(self.world.one([1, 5, 60])):
            hours = self.world.one([0, 1, 5, 40, 60, 80, 90, 95.9])
            event = self.origin + dt.timedelta(hours=hours)
            created = self.world.one([None, event, event + dt.timedelta(hours=1)])
            values = {name: self.world.value(name, type) for name, type in self.views[view].items()}
            key = self.world.one(self.keys)
            made.append({**key, "event_time": event, "created_time": created, **values})
        return made

    def act(self) -> str:
        store, view = self.store, self.world.one(list(self.views))
        what = self.world.one(["push"] * 5 + ["load"] * 4 + ["retract", "retract", "forget", "compact", "restart"])  # fmt: skip
        if what == "push":
            pushed = store.push(view, self.table(self.rows(view)))
            assert pushed.refused == 0, pushed.problems
            self.entries.append(pushed.log_entry)
        elif what == "load":
            loaded = store.load(view, self.table(self.rows(view)), again=True, progress=False)
            self.imports.append(loaded.import_id)
        elif what == "retract" and self.imports and self.random.random() < 0.5:
            place = int(self.random.integers(len(self.imports)))
            store.retract(self.imports.pop(place), progress=False)
        elif what == "retract" and self.entries:
            first = self.world.one(self.entries)
            last = min(max(self.entries), first + self.world.one([0, 0, 3]))
            store.retract(entries=(first, last), progress=False)
            self.entries = [entry for entry in self.entries if not first <= entry <= last]
        elif what == "forget":
            store.forget("e", self.world.one(self.keys), progress=False)
        elif what == "compact":
            store.compact(progress=False)
        elif what == "restart" and self.random.random() < 0.3:
            if self.random.random() < 0.5:
                self.server.kill()
            else:
                assert self.server.stop() == 0
            self.server.start()
            self.store.close()
            self.store = self.server.connect(self.project)
        return f"{what} {view}"

    @staticmethod
    def table(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
        return {name: [row[name] for row in rows] for name in rows[0]}

    def check(self) -> int:
        inputs = {name: [key[name] for key in self.keys] for name in self.key_types}
        online = self.store.read("s", inputs)
        now = [dt.datetime.now(UTC)] * len(self.keys)
        offline = self.store.training_set("s", {**inputs, "event_time": now})
        assert online.columns == offline.feature_columns
        left, right = online.to_arrow(), offline.to_arrow()
        there = 0
        for name in online.columns:
            assert left[name].type == right[name].type, name
            pairs = zip(left[name].to_pylist(), right[name].to_pylist())
            for row, (served, joined) in enumerate(pairs):
                assert same(served, joined), f"{name} of {self.keys[row]}: {served}, {joined}"
                there += served is not None
            status = online.statuses(name).tolist()
            for row, (value, said) in enumerate(zip(left[name].to_pylist(), status)):
                assert (value is None) == (said != "present"), (name, row, value, said)
        return there


def test_online_equals_offline_for_every_key_of_random_worlds(
    own_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    until, number, acts, there = time.monotonic() + SECONDS, 0, 0, 0
    while number < 2 or time.monotonic() < until:
        place = Place(own_server, number)
        done: list[str] = []
        try:
            for _ in range(14):
                done.append(place.act())
                acts += 1
                if place.random.random() < 0.4:
                    there += place.check()
            there += place.check()
        except (AssertionError, alula.AlulaError) as error:
            raise AssertionError(f"seed {SEED}, world {number}, after {done}: {error}") from error
        finally:
            place.store.close()
        number += 1
    with capsys.disabled():
        print(f"\n{number} worlds, {acts} acts, {there} values equal")
    assert there > 0
