"""The registry beside an MLflow server of the same machine, in one run: each line with its bound, met or not.

    ALULA_BINARY=.build/release/alula python Benchmarks/beside_mlflow.py --mlflow VENV/bin/mlflow [--only flight,artifacts]

Each measurement is made of both in turn, `--reps` times, and medians are compared. It ends by itself, with an error,
after `--minutes`.
"""
from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../clients/python/src"))

import mlflow_server
from server import Server, table

import alula

Act = Callable[[int], Any]
PARTS = ["writes", "flight", "lookups", "search", "history", "artifacts"]


class Beside:
    """Both servers with a client each, and what was found."""

    def __init__(self, ours: str, theirs: int, directory: str, reps: int, seconds: float, sizes: list[int]) -> None:
        self.address, self.port = ours, theirs
        self.store = alula.connect(ours, project="bench", timeout=60)
        self.client = mlflow_server.Client(theirs)
        self.directory, self.reps, self.seconds, self.sizes = directory, reps, seconds, sizes
        self.rows: list[dict[str, Any]] = []
        self._number = 0

    def compare(self, name: str, ours: Act, theirs: Act, bound: float, calls: int, p99: float = 0) -> None:
        """Calls one after the other; `bound` is of the rate, `p99` of MLflow's 99th percentile over ours."""
        found: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
        for which, act in (("ours", ours), ("theirs", theirs)):
            for _ in range(3):
                act(self._take())
        for _ in range(self.reps):
            for which, act in (("ours", ours), ("theirs", theirs)):
                found[which].append(self._calls(act, calls))
        rate = {which: statistics.median(rate for rate, _ in all) for which, all in found.items()}
        slow = {which: statistics.median(late for _, late in all) for which, all in found.items()}
        self.note(f"{name}, calls/s", rate["ours"], rate["theirs"], rate["ours"] / rate["theirs"], bound)
        if p99:
            self.note(f"{name}, p99 ms", slow["ours"], slow["theirs"], slow["theirs"] / slow["ours"], p99)

    def _take(self) -> int:
        self._number += 1
        return self._number

    def _calls(self, act: Act, calls: int) -> tuple[float, float]:
        times = []
        give_up = time.perf_counter() + self.seconds
        while len(times) < calls and (len(times) < 20 or time.perf_counter() < give_up):
            number = self._take()
            begun = time.perf_counter()
            act(number)
            times.append(time.perf_counter() - begun)
        return len(times) / sum(times), sorted(times)[len(times) * 99 // 100] * 1e3

    def note(self, name: str, ours: float, theirs: float, ratio: float, bound: float) -> None:
        met = "yes" if ratio >= bound else "NO"
        self.rows.append({"work": name, "alula": ours, "other": theirs, "ratio": ratio, "bound": bound, "met": met})
        print(f"{name}: {ours:,.4g} beside {theirs:,.4g}: {ratio:.3g}, at least {bound:g}: {met}", flush=True)


def sync_milliseconds(directory: str, count: int = 100) -> float:
    """The median of one fdatasync behind a write of 4 KiB."""
    times = []
    with open(os.path.join(directory, "sync"), "wb", buffering=0) as file:
        for _ in range(count):
            file.write(bytes(4096))
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e3


def start(store: alula.Store) -> alula.Run:
    return store.run("bench", heartbeat=0, code_revision="", environment={})


def thousand(number: int) -> list[tuple[str, float, int]]:
    return [(f"m{name}", 0.5, number * 100 + step) for name in range(10) for step in range(100)]


def writes(it: Beside) -> None:
    """Each waits for its own sync of the disk."""
    store, client = it.store, it.client
    run, theirs = start(store), client.create_run()
    path = os.path.join(it.directory, "model")
    with open(path, "wb") as file:
        file.write(b"model")
    artifact = store.put_artifact(path)
    client.create_model("ops")
    it.compare("create a run", lambda _: start(store), lambda _: client.create_run(), 4, 100)
    it.compare(
        "register a version", lambda _: run.register("ops", {"model": artifact}), lambda _: client.create_version("ops"), 4, 100
    )
    it.compare(
        "move a stage", lambda n: store.promote("ops", 1 + n % 5, ("staging", "production")[n % 2]),
        lambda n: client.move("ops", 1 + n % 5, ("Staging", "Production")[n % 2]), 4, 100,
    )  # fmt: skip
    it.compare(
        "set an alias", lambda n: store.set_alias("ops", "champion", 1 + n % 5),
        lambda n: client.set_alias("ops", "champion", 1 + n % 5), 4, 100,
    )  # fmt: skip
    it.compare(
        "log 1,000 metrics", lambda n: run.log_batch(thousand(n)), lambda n: client.log(theirs, thousand(n)), 20, 20
    )
    sync = sync_milliseconds(it.directory)
    print(f"one fdatasync of 4 KiB: {sync:.3f} ms; in syncs:", flush=True)
    for row in it.rows[-5:]:
        print(f"  {row['work']}: {1e3 / row['alula'] / sync:.2f}", flush=True)


def log_many(which: str, place: Any, seconds: float, deep: int, barrier: Any) -> float:
    """One client's calls a second: of ours, `deep` at once."""
    counts = [0] * deep
    if which == "ours":
        store = alula.connect(place, project="bench", timeout=60)
        runs = [start(store) for _ in range(deep)]

        def log(worker: int, number: int) -> None:
            runs[worker].log_batch([("loss", 0.5, number)])
    else:
        clients = [mlflow_server.Client(place) for _ in range(deep)]
        ids = [client.create_run() for client in clients]

        def log(worker: int, number: int) -> None:
            clients[worker].log(ids[worker], [("loss", 0.5, number)])

    def work(worker: int) -> None:
        while time.perf_counter() < end:
            log(worker, counts[worker])
            counts[worker] += 1

    barrier.wait(60)
    begun = time.perf_counter()
    end = begun + seconds
    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in range(deep)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 60)
    return sum(counts) / (time.perf_counter() - begun)


def many(which: str, place: Any, deep: int, seconds: float, clients: int = 8) -> float:
    """All clients' calls a second, each a process."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager:
        barrier = manager.Barrier(clients)
        with spawn.Pool(clients) as pool:
            jobs = pool.starmap_async(log_many, [(which, place, seconds, deep, barrier)] * clients)
            return float(sum(jobs.get(seconds + 180)))


def flight(it: Beside) -> None:
    ours, theirs = [], []
    for _ in range(max(1, it.reps // 2 + 1)):
        ours.append(many("ours", it.address, 16, 5))
        theirs.append(many("theirs", it.port, 1, 5))
    middle = statistics.median(ours), statistics.median(theirs)
    it.note("8 clients x 16 in flight log a metric, calls/s", *middle, middle[0] / middle[1], 40)


def fill(acts: Iterable[Callable[[], Any]], threads: int = 8) -> None:
    """All of them, by several threads; a thread has no client of its own but what its act makes."""
    todo, lock, failures = iter(list(acts)), threading.Lock(), []

    def work() -> None:
        while not failures:
            with lock:
                act = next(todo, None)
            if act is None:
                return
            for attempt in range(10):
                try:
                    act()
                    break
                except OSError as error:  # SQLite behind MLflow is busy now and then
                    if attempt == 9:
                        failures.append(error)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(900)
    if failures:
        raise failures[0]


def mine(it: Beside, local: threading.local = threading.local()) -> mlflow_server.Client:
    """A client of MLflow for this thread."""
    if not hasattr(local, "client"):
        local.client = mlflow_server.Client(it.port)
    return local.client


def versions_of(it: Beside, model: str, count: int) -> None:
    path = os.path.join(it.directory, "model")
    with open(path, "wb") as file:
        file.write(b"model")
    artifact, run = it.store.put_artifact(path), start(it.store)
    it.client.create_model(model)
    fill(
        (lambda n=n: run.register(model, {"model": artifact}, tags={"slot": str(n % 100)})) for n in range(count)
    )
    fill((lambda n=n: mine(it).create_version(model, slot=str(n % 100))) for n in range(count))


def lookups(it: Beside) -> None:
    store, client = it.store, it.client
    versions_of(it, "held", it.sizes[0])
    store.set_alias("held", "a", 50)
    store.promote("held", 50, "production")
    client.set_alias("held", "a", 50)
    client.move("held", 50, "Production")
    by_alias = lambda _: store.model("held", alias="a")  # noqa: E731
    by_stage = lambda _: store.model("held", stage="production")  # noqa: E731
    it.compare("look up by alias", by_alias, lambda _: client.by_alias("held", "a"), 20, 500, 20)
    it.compare("look up by stage", by_stage, lambda _: client.by_stage("held", "Production"), 20, 500, 20)


def search(it: Beside) -> None:
    store, client = it.store, it.client
    for count in it.sizes:
        model = f"big{count}"
        versions_of(it, model, count)
        it.compare(
            f"first 100 of {count:,} versions", lambda _: store.search_versions(model=model, limit=100),
            lambda _: client.search_versions(f"name='{model}'"), 20, 200, 20,
        )  # fmt: skip
        it.compare(
            f"a tag of 1 in 100 of {count:,} versions",
            lambda _: store.search_versions("tag.slot = '7'", model=model, limit=100),
            lambda _: client.search_versions(f"name='{model}' and tags.slot = '7'"), 20, 200, 20,
        )  # fmt: skip
    there = 0
    for count in it.sizes:
        fill((lambda n=n: start(store).log_batch([("auc", n % 100 / 100, 0)])) for n in range(there, count))

        def run(n: int) -> None:
            mine(it).log(mine(it).create_run(), [("auc", n % 100 / 100, 0)])

        fill((lambda n=n: run(n)) for n in range(there, count))
        there = count
        it.compare(
            f"first 100 of {count:,} runs", lambda _: store.search_runs(experiment="bench", limit=100),
            lambda _: client.search_runs(""), 20, 200, 20,
        )  # fmt: skip
        it.compare(
            f"a metric of 1 in 100 of {count:,} runs",
            lambda _: store.search_runs("metric.auc > 0.985", experiment="bench", limit=100),
            lambda _: client.search_runs("metrics.auc > 0.985"), 20, 200, 20,
        )  # fmt: skip


def history(it: Beside) -> None:
    store, client = it.store, it.client
    for count in it.sizes:
        run, theirs = start(store), client.create_run()
        for begin in range(0, count, 1_000):
            points = [("loss", 1 / (1 + step), step) for step in range(begin, min(begin + 1_000, count))]
            run.log_batch(points)
            client.log(theirs, points)

        def ours(_: int) -> None:
            assert len(store.get_run(run.id).points) == count

        def other(_: int) -> None:
            assert client.history(theirs, "loss") == count

        it.compare(f"history of a metric, {count:,} points", ours, other, 20, 200, 20)


def artifacts(it: Beside) -> None:
    """Other bytes each time, so that nothing is there already."""
    store, client, run = it.store, it.client, it.client.create_run()
    source, target = os.path.join(it.directory, "source"), os.path.join(it.directory, "target")
    for name, size, copies in (("1 KiB", 1 << 10, 40), ("256 MiB", 256 << 20, it.reps)):
        times: dict[str, list[float]] = {key: [] for key in ("put", "get", "their put", "their get", "dd")}

        def timed(key: str, act: Callable[[], Any]) -> Any:
            begun = time.perf_counter()
            found = act()
            times[key].append(time.perf_counter() - begun)
            return found

        for copy in range(copies):
            with open(source, "wb") as file:
                file.write(os.urandom(size))
            os.sync()
            dd = ["dd", f"if={source}", f"of={target}", "bs=1M", "conv=fsync", "status=none"]
            if size > 1 << 20:
                timed("dd", lambda: subprocess.run(dd, check=True, timeout=120))
                os.unlink(target)
            stored = timed("put", lambda: store.put_artifact(source))
            timed("their put", lambda: client.put(run, f"f{copy}", source))
            timed("get", lambda: store.get_artifact(stored.digest, target))
            os.unlink(target)
            timed("their get", lambda: client.fetch(run, f"f{copy}", target))
            os.unlink(target)
        rate = {key: size / 2**20 / statistics.median(all) for key, all in times.items() if all}
        if size > 1 << 20:
            it.note(f"upload {name} beside dd conv=fsync, MiB/s", rate["put"], rate["dd"], rate["put"] / rate["dd"], 0.8)
            it.note(f"download {name}, MiB/s", rate["get"], rate["their get"], rate["get"] / rate["their get"], 3)
        else:
            for key, word in (("put", "upload"), ("get", "download")):
                it.note(
                    f"{word} {name}, calls/s", rate[key] * 1024, rate[f"their {key}"] * 1024,
                    rate[key] / rate[f"their {key}"], 4,
                )  # fmt: skip


def measure(given: argparse.Namespace) -> list[dict[str, Any]]:
    theirs = mlflow_server.Server(given.mlflow)
    try:
        with Server() as ours, tempfile.TemporaryDirectory(prefix="bench-") as directory:
            with alula.connect(ours.address, timeout=60) as store:
                store.apply("project: bench\n")
            it = Beside(ours.address, theirs.port, directory, given.reps, given.seconds, given.sizes)
            for part in given.only.split(","):
                globals()[part](it)
            it.store.close()
            return it.rows
    finally:
        theirs.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlflow", required=True)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8, help="of one measurement, at most, where it is slow")
    parser.add_argument("--sizes", type=int, nargs=2, default=[1_000, 10_000], help="of what is searched")
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--json", default="")
    given = parser.parse_args()
    for part in given.only.split(","):
        if part not in PARTS:
            parser.error(f"--only takes {', '.join(PARTS)}: found {part}")

    def too_late(*_: Any) -> None:
        raise SystemExit(f"it took longer than {given.minutes:g} minutes")

    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(int(given.minutes * 60))
    rows = measure(given)
    print("\n" + table(rows))
    if given.json:
        with open(given.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
