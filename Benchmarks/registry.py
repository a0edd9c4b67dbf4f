"""The registry beside the disk: one call after another, many in flight, and from a thousand versions to a million.

    python registry.py writes | flight | size [--scale 1000000] [--keep] | artifacts | all

`size` makes a registry of a thousand versions and one of `--scale`, with ten times as many points of metrics, checks both
with `alula verify`, and looks up the same in both; `server us` is what the server's threads took of the processors for one
call, which other work on the machine moves little. `--keep` leaves the directories, and says where; `--in` looks into those.
"""
from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../clients/python/src"))

from server import BINARY, Server, table

import alula

DEFINITIONS = "project: bench\n"


def sync_seconds(directory: str, count: int = 200) -> float:
    """The median of one fdatasync behind a write of 4 KiB."""
    path = os.path.join(directory, "sync")
    times = []
    with open(path, "wb", buffering=0) as file:
        for _ in range(count):
            file.write(bytes(4096))
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begun)
    os.remove(path)
    return sorted(times)[count // 2]


def timed(act: Callable[[int], object], count: int) -> dict[str, float]:
    times = []
    for number in range(count):
        begun = time.perf_counter()
        act(number)
        times.append(time.perf_counter() - begun)
    times.sort()
    return {"p50 ms": times[count // 2] * 1e3, "p99 ms": times[count * 99 // 100] * 1e3, "calls/s": count / sum(times)}


def version(store: alula.Store, model: str) -> Callable[[int], object]:
    run = store.run("bench", heartbeat=0, code_revision="", environment={})
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"model")
        file.flush()
        artifact = store.put_artifact(file.name)
    return lambda _: run.register(model, {"model": artifact})


def writes(store: alula.Store, directory: str) -> None:
    """Each waits for its own sync."""
    sync = sync_seconds(directory) * 1e3
    run = store.run("bench", heartbeat=0, code_revision="", environment={})
    register = version(store, "m")
    register(0), register(1)
    acts: dict[str, Callable[[int], object]] = {
        "start a run": lambda _: store.run("bench", heartbeat=0, code_revision="", environment={}),
        "register": register,
        "promote": lambda n: store.promote("m", 1 + n % 2, "staging"),
        "set alias": lambda n: store.set_alias("m", "a", 1 + n % 2),
        "1000 metrics": lambda n: run.log_batch([(f"m{k}", 0.5, n * 100 + j) for k in range(10) for j in range(100)]),
    }
    rows = []
    for name, act in acts.items():
        found = timed(act, 50 if "1000" in name else 300)
        rows.append({"write": name, **found, "syncs": found["p50 ms"] / sync})
    print(f"one fdatasync: {sync:.3f} ms\n" + table(rows))


def flight(address: str, clients: int = 8, deep: int = 16, seconds: float = 5) -> None:
    """Clients that log metrics, each with so many calls in flight: threads of one client share connections."""
    counts = [0] * (clients * deep)
    end = [0.0]

    def work(place: int, run: alula.Run) -> None:
        while time.perf_counter() < end[0]:
            run.log_batch([("loss", 0.5, counts[place])])
            counts[place] += 1

    stores = [alula.connect(address, project="bench") for _ in range(clients)]
    runs = [store.run("bench", heartbeat=0, code_revision="", environment={}) for store in stores for _ in range(deep)]
    threads = [threading.Thread(target=work, args=(place, run)) for place, run in enumerate(runs)]
    begun = time.perf_counter()
    end[0] = begun + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - begun
    print(f"{clients} clients x {deep} in flight: {sum(counts) / taken:,.0f} calls/s")


def grow(directory: str, versions: int, points: int) -> None:
    """Rows as the server would have written them, straight into its stopped file, for there are many."""
    base = sqlite3.connect(os.path.join(directory, "catalog.sqlite"))
    base.execute("PRAGMA synchronous = OFF")
    model, first = base.execute("SELECT model, max(number) FROM model_version").fetchone()
    columns = [row[1] for row in base.execute("PRAGMA table_info(model_version)")]
    rest = ", ".join(name for name in columns if name != "number")
    for table_, own in (("model_version", rest), ("version_artifact", "position, name, digest, bytes, directory")):
        number = "number" if table_ == "model_version" else "version"
        model_column = "" if table_ == "model_version" else "model, "
        base.execute(
            f"WITH RECURSIVE n(i) AS (SELECT ? + 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            f"INSERT INTO {table_} ({number}, {model_column}{own}) "
            f"SELECT i, {model_column}{own} FROM n, {table_} t WHERE t.model = ? AND t.{number} = 1",
            (first, versions, model),
        )
    base.execute(
        "WITH RECURSIVE n(i) AS (SELECT ? + 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
        "INSERT INTO version_tag SELECT ?, i, 'slot', i % 100 FROM n",
        (first, versions, model),
    )
    (series,) = base.execute("SELECT min(id) FROM run_series").fetchone()
    base.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
        "INSERT OR IGNORE INTO metric_point (series, step, time, bits, number) "
        "SELECT ? + i % 1000, 1000 + i / 1000, i, 4602678819172646912, 1000 + i FROM n",
        (points, series),
    )
    base.execute(
        "UPDATE run_series SET points = (SELECT count(*) FROM metric_point WHERE series = run_series.id), "
        "(step, time, bits, number) = (SELECT step, time, bits, number FROM metric_point WHERE series = run_series.id "
        "ORDER BY step DESC, time DESC, number DESC LIMIT 1)"
    )
    base.commit()
    base.close()


def seed(directory: str, versions: int) -> None:
    """A registry of so many versions of one model, and ten times as many points in a thousand runs."""
    server = Server(directory=directory)
    with alula.connect(server.address) as store:
        store.apply(DEFINITIONS)
    with alula.connect(server.address, project="bench") as store:
        register = version(store, "m")
        register(0), register(1)
        for _ in range(1_000):
            run = store.run("series", heartbeat=0, code_revision="", environment={})
            run.log_batch([("loss", 0.5, 0)])
    server.stop(keep=True)
    begun = time.perf_counter()
    grow(directory, versions, 10 * versions)
    print(f"{versions:,} versions and {10 * versions:,} points: {time.perf_counter() - begun:.0f} s", flush=True)


def look(directory: str, versions: int) -> list[dict[str, object]]:
    """What a registry of this size takes for each look-up."""
    begun = time.perf_counter()
    with Server(directory=directory, keep=True) as server:
        print(f"started in {time.perf_counter() - begun:.2f} s", flush=True)
        with alula.connect(server.address, project="bench", timeout=600) as store:
            store.set_alias("m", "a", versions // 2)
            store.promote("m", versions // 2, "production")
            run = store.runs("series", limit=1)[0]
            acts: dict[str, tuple[Callable[[int], object], int]] = {
                "by alias": (lambda _: store.model("m", alias="a"), 500),
                "by stage": (lambda _: store.model("m", stage="production"), 500),
                "by number": (lambda n: store.model("m", version=1 + n * 7919 % versions), 500),
                "models": (lambda _: store.models(), 50),
                "first 100 versions": (lambda _: store.search_versions(model="m", limit=100), 50),
                "first 100 of all models": (lambda _: store.search_versions(limit=100), 50),
                "first 100 runs": (lambda _: store.search_runs(experiment="series", limit=100), 50),
                "first 100 of all runs": (lambda _: store.search_runs(limit=100), 50),
                "first 100 audit entries": (lambda _: store.audit(limit=100), 50),
                "100 of a tag, 1 in 100": (lambda _: store.search_versions("tag.slot = '7'", model="m", limit=100), 5),
                "all of a tag of none": (lambda _: store.search_versions("tag.slot = 'x'", model="m", limit=100), 2),
                "a run, last points": (lambda _: store.open_run(run.id), 50),
                "lineage": (lambda _: store.lineage("m", versions // 2), 50),
                "register": (version(store, "m"), 100),
                "set alias": (lambda n: store.set_alias("m", "a", versions // 2 - n % 2), 100),
                "promote": (lambda n: store.promote("m", versions // 2 - n % 2, "production"), 100),
                "1000 metrics": (lambda n: store.open_run(run.id).log_batch(
                    [("loss", 0.5, 10**7 + n * 1000 + step) for step in range(1000)]), 20),
            }  # fmt: skip
            rows = []
            for name, (act, times) in acts.items():
                act(0)
                before = server.processor_seconds()
                found = timed(act, times)
                taken = (server.processor_seconds() - before) / times * 1e6
                rows.append({"versions": versions, "look-up": name, **found, "server us": taken})
        begun = time.perf_counter()
        command = [BINARY, "verify", "--server", server.address]
        told = subprocess.run(command, capture_output=True, text=True, timeout=3_600)
        print(f"verify, {time.perf_counter() - begun:.0f} s: {told.stdout.strip()[-200:]}{told.stderr[-200:]}", flush=True)
        if told.returncode:
            raise SystemExit("what was made is not what a server would have written")
    return rows


def size(scale: int, keep: bool, given: list[str]) -> None:
    """The same look-ups over few and over many."""
    rows: list[dict[str, object]] = []
    for versions, directory in zip((1_000, scale), given or ("", "")):
        is_made, keep = bool(directory), keep or bool(directory)
        directory = directory or tempfile.mkdtemp(prefix="alula-bench-")
        try:
            if not is_made:
                seed(directory, versions)
            rows += look(directory, versions)
        finally:
            if keep:
                print(directory)
            else:
                shutil.rmtree(directory, ignore_errors=True)
    few, many = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    for one, other in zip(few, many):
        other["p50 of few"] = other["p50 ms"] / one["p50 ms"]  # type: ignore[operator]
        other["server of few"] = other["server us"] / one["server us"]  # type: ignore[operator]
    print(table(few) + "\n\n" + table(many))


def artifacts(store: alula.Store, directory: str) -> None:
    """Beside dd of the same bytes."""
    source = os.path.join(directory, "source")
    rows = []
    for name, mebibytes in (("1 KiB", 1 / 1024), ("256 MiB", 256)):
        copies = 50 if mebibytes < 1 else 3
        up, down, dd = [], [], []
        for _ in range(copies):
            with open(source, "wb") as file:
                file.write(os.urandom(int(mebibytes * 2**20)))
            begun = time.perf_counter()
            command = ["dd", f"if={source}", f"of={source}.dd", "bs=1M", "conv=fsync", "status=none"]
            subprocess.run(command, check=True)
            dd.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            stored = store.put_artifact(source)
            up.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            store.get_artifact(stored.digest, source + ".down")
            down.append(time.perf_counter() - begun)
            os.remove(source + ".down")
        middle = [sorted(times)[copies // 2] for times in (up, down, dd)]
        rows.append({
            "artifact": name, "up ms": middle[0] * 1e3, "down ms": middle[1] * 1e3, "dd fsync ms": middle[2] * 1e3,
            "up MiB/s": mebibytes / middle[0], "down MiB/s": mebibytes / middle[1], "up/dd": middle[2] / middle[0],
        })
    print(table(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["writes", "flight", "size", "artifacts", "all"])
    parser.add_argument("--scale", type=int, default=1_000_000)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--in", dest="given", nargs=2, default=[], metavar="DIRECTORY")
    given = parser.parse_args()
    if given.what in ("writes", "flight", "artifacts", "all"):
        with Server() as server, tempfile.TemporaryDirectory() as directory:
            with alula.connect(server.address) as store:
                store.apply(DEFINITIONS)
            with alula.connect(server.address, project="bench") as store:
                if given.what in ("writes", "all"):
                    writes(store, directory)
                if given.what in ("flight", "all"):
                    flight(server.address)
                if given.what in ("artifacts", "all"):
                    artifacts(store, directory)
    if given.what in ("size", "all"):
        size(given.scale, given.keep, given.given)


if __name__ == "__main__":
    main()
