"""Alula in the harness that measures it beside Redis, Feast, DuckDB, Polars and MLflow on the same work.

ALULA_BINARY=.build/release/alula PEERS_SYSTEMS=Benchmarks/peers.py python -m peers run W3 --systems duckdb,polars,alula

W1 has two of them: `alula` is the Python client, decoded to NumPy; `alula-bench` is `alula bench`, a compiled client.
ALULA_W3=loaded measures training sets on history as it was loaded; else it is compacted first.
The harness loads this file; it needs the Python client (``pip install clients/python``) in its environment.
"""
from __future__ import annotations

import atexit
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from peers import gen
from peers.systems import System

import alula
from alula._frames import Op
from alula._proto import lineage_pb2, registry_pb2
from alula.registry import ModelVersion

W3 = os.environ.get("ALULA_W3", "compacted")
TYPES = {"f8": "float64", "i8": "int64", "str": "string", "emb64": '"float32[64]"'}


def definitions(views: dict[str, list[tuple[str, str]]], services: dict[str, list[str]], lookback: str = "") -> str:
    lines = ["project: peers", "entities:", "  - {name: user, keys: {user_id: int64}}", "views:"]
    for view, features in views.items():
        listed = ", ".join(f"{name}: {TYPES[kind]}" for name, kind in features)
        lines.append(
            f"  - {{name: {view}, entity: user, {lookback} features: {{{listed}}}, "
            "columns: {event_time: event_ts, created_time: created_ts}}"
        )
    lines.append("services:")
    for service, parts in services.items():
        lines.append(f"  - {{name: {service}, features: [{', '.join(part + ':*' for part in parts)}]}}")
    return "\n".join(lines)


@functools.cache
def columns_of(*views: str) -> list[tuple[str, str]]:
    return [(view, name) for view in views for name, _ in gen.ONLINE[view]]


class Server:
    """A release server on a directory of its own, which is gone at the end."""

    def __init__(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="alula-peers-")
        atexit.register(shutil.rmtree, self.directory, ignore_errors=True)
        self.process = subprocess.Popen(
            [os.environ["ALULA_BINARY"], "serve", "--data", self.directory, "--listen", "127.0.0.1:0", "--http", "none"],
            stdout=subprocess.PIPE, text=True,
        )
        self.address = self.process.stdout.readline().split()[-1]

    def stop(self, keep: bool = False) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)


class Alula(System):
    server: Server | None = None

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Server] = []
        self.used: list[Server] = []

    def start(self) -> None:
        self.close()
        self.server = Server()
        self.address = self.server.address
        self.store = alula.connect(self.address, timeout=600)

    def close(self) -> None:
        if self.server is not None:
            self.store.close()
            self.server.stop()
            self.server = None
        # The last directory stays: its size is taken when all servers are gone.
        for server in self.waiting + self.used[:-1]:
            server.stop()
        for server in self.used[-1:]:
            server.stop(keep=True)
        self.waiting, self.used = [], []

    def load(self, work, n=None, **_):
        if work == "W1":
            self.start()
            self.store.apply(definitions(gen.ONLINE, {".".join(v): v for _, v in gen.SHAPES.values()}))
            for view in gen.ONLINE:
                table = pq.read_table(gen.p("w1", view + ".parquet"))
                if view == "emb":
                    vectors = pa.FixedSizeListArray.from_arrays(table["vec"].combine_chunks().flatten(), 64)
                    table = table.set_column(table.schema.get_field_index("vec"), "vec", vectors)
                self.store.load(view, table)
        elif work == "W3":
            self.start()
            self.store.apply(definitions(gen.PIT, {"all": list(gen.PIT)}, "lookback: 7d,"))
            for view in gen.PIT:
                self.store.load(view, gen.p("w3", n, view + ".parquet"), materialize=False, progress=False)
            if W3 == "compacted":
                self.store.compact(progress=False)
        elif work == "W4":
            self.waiting = [Server() for _ in range(6)]

    # W1
    def client(self):
        other = type(self)()
        other.name, other.store = self.name, alula.connect(self.address)
        return other

    def read_online(self, views, keys):
        arrays = self.store.read(".".join(views), {"user_id": keys}).arrays()
        return dict(zip(columns_of(*views), arrays.values()))

    def read_raw(self, views, keys):
        return self.store.read(".".join(views), {"user_id": keys})

    # W2
    def write_reset(self, table):
        self.start()
        self.store.apply(definitions({"stats": gen.ONLINE["stats"]}, {"stats": ["stats"]}))

    def write_online(self, batch):
        self.store.push("stats", batch)

    def stored_ts(self, user):
        answer = self.store.read("stats", {"user_id": [user]})
        return int(answer.event_times(answer.columns[0])[0].astype("datetime64[us]").astype(np.int64))

    # W3
    def pit_join(self, spine):
        return self.store.training_set("all", spine=spine, event_time="ts").to_arrow()

    # W4: a new directory each time, so that its size is that of one load; servers are started beforehand, as the
    # others have nothing to start
    def ingest(self, path, fmt):
        server = self.waiting.pop() if self.waiting else Server()
        self.used.append(server)
        with alula.connect(server.address, timeout=600) as store:
            store.apply(definitions({"a": gen.PIT["a"]}, {"all": ["a"]}))
            store.load("a", path, time_unit="us", materialize=False, progress=False)
        return server.directory


    # W5: what MLflow keeps of a version, a source, is an artifact here, which must be there
    def registry_start(self):
        self.start()
        self.store.apply("project: peers\n")

    @functools.cached_property
    def mine(self):
        """A run of this client's own, and an artifact that all its versions have."""
        run = self.store.run("mine", code_revision="", environment={}, heartbeat=0)
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"model")
            file.flush()
            return run, self.store.put_artifact(file.name)

    def registry_create_run(self):
        return self.store.run("peers", name="r", code_revision="", environment={}, heartbeat=0).id

    def registry_log_batch(self, run, metrics, params):
        runs = self.__dict__.setdefault("runs", {})
        if run not in runs:
            runs[run] = self.store.open_run(run)
        runs[run].log_batch(metrics, dict(params))

    def registry_create_model(self, name):
        pass  # its first version makes it

    def registry_create_version(self, name, source, tags=()):
        run, artifact = self.mine
        return int(run.register(name, {"model": artifact}, tags=dict(tags)))

    def registry_transition(self, name, version, stage):
        self.store.promote(name, int(version), stage.lower())

    def registry_set_alias(self, name, alias, version):
        self.store.set_alias(name, alias, int(version))

    def registry_get_by_alias(self, name, alias):
        return int(self.store.model(name, alias=alias).version)

    def registry_search(self, filt, limit, token=None):
        name, tag = re.fullmatch(r"name='(\w+)'(?: and tags\.slot = '(\d+)')?", filt).groups()
        return search_versions(self.store, name, tag, limit, token or "")

    def artifact_put(self, run, name, path):
        self.__dict__.setdefault("stored", {})[run, name] = self.store.put_artifact(path)

    def artifact_get(self, run, name, dest):
        stored = self.stored[run, name]
        return os.path.getsize(self.store.get_artifact(stored.digest, os.path.join(dest, name)))

    def disk(self):
        return sum(
            os.lstat(os.path.join(place, name)).st_size
            for place, _, names in os.walk(self.server.directory) for name in names
        )


def search_versions(store, model, slot, limit, token):
    """One page, and the token of the next."""
    if slot is None:
        request = registry_pb2.ListVersionsRequest(model=model, limit=limit, page_token=token)
        answer, _ = store._session.call(Op.LIST_VERSIONS, request, registry_pb2.Versions)
    else:
        request = lineage_pb2.SearchVersionsRequest(
            model=model, where=f'tag.slot = "{slot}"', limit=limit, page_token=token
        )
        answer, _ = store._session.call(Op.SEARCH_VERSIONS, request, registry_pb2.Versions)
    return [ModelVersion.of(version) for version in answer.versions], answer.next_page_token or None


class AlulaBench(Alula):
    """`alula bench`: a compiled client of the same requests, uniform keys, answers framed and one in a thousand
    decoded; the partner of redis-benchmark and redis-load."""

    def bench(self, shape, connections, seconds):
        count, views = gen.SHAPES[shape]
        told = subprocess.run(
            [os.environ["ALULA_BINARY"], "bench", "load", ".".join(views), "--server", self.address,
             "--project", "peers", "--entities", str(count), "--ids", str(gen.USERS), "--connections", str(connections),
             "--warm-up", "0.3", "--duration", str(seconds), "--json"],
            check=True, capture_output=True, text=True,
        )
        load = json.loads(told.stdout)["loads"][0]
        assert load["failed"] == 0 and set(load["statuses"]) == {"present"}, load
        return load["requests_per_second"], load["latency_us"]["p50"], load["latency_us"]["p99"]


SYSTEMS = {"alula": (Alula, ["W1", "W2", "W3", "W4", "W5"]), "alula-bench": (AlulaBench, ["W1"])}
