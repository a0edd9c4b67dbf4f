"""Drift of what was served against the training set, beside Evidently on the same rows.

python Benchmarks/drift.py --rows 1000000 --evidently /path/to/venv/bin/python [--json FILE]

Rows are logged by reads of the model, as in production. Alula answers from its log; Evidently gets both tables as
DataFrames in memory, and only its report is timed. Verdicts must agree.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from server import Clock, Server, table

import alula

KEYS = 100_000
CITIES = np.array([f"city-{number:02}" for number in range(20)])


def definitions(numbers: int, texts: int) -> str:
    listed = [f"n{place}: float64" for place in range(numbers)] + [f"t{place}: string" for place in range(texts)]
    return f"""
project: drift
entities: [{{name: user, keys: {{user_id: int64}}}}]
views: [{{name: v, entity: user, features: {{{", ".join(listed)}}}}}]
services: [{{name: s, features: ["v:*"]}}]
"""


def rows(numbers: int, texts: int, day: int, moved: float, own: np.random.Generator) -> dict[str, Any]:
    """A row of every key; every third number and every other text has moved by so much."""
    columns: dict[str, Any] = {
        "user_id": np.arange(KEYS), "event_time": np.full(KEYS, np.datetime64("2024-01-01", "us") + np.timedelta64(day, "D")),
    }  # fmt: skip
    for place in range(numbers):
        values = own.normal(size=KEYS) if place % 2 else own.lognormal(size=KEYS)
        columns[f"n{place}"] = values + (moved if place % 3 == 0 else 0)
    for place in range(texts):
        weights = np.arange(1, len(CITIES) + 1, dtype=float) ** (moved if place % 2 == 0 else 0)
        columns[f"t{place}"] = CITIES[own.choice(len(CITIES), KEYS, p=weights / weights.sum())]
    return columns


def log(store: alula.Store, count: int, own: np.random.Generator) -> float:
    """Reads so many rows, logged; the seconds until all are durable."""
    with Clock() as clock:
        done = 0
        while done < count:
            keys = own.integers(0, KEYS, min(50_000, count - done))
            answer = store.read(model="m", keys={"user_id": keys}, log=True)
            assert answer.logged.all(), "rows were shed"
            done += len(keys)
            while store.prediction_log("m").vectors < done:
                time.sleep(0.05)
    return clock.seconds


#: What runs in Evidently's environment: its report of two files, timed; scores and verdicts as JSON.
EVIDENTLY = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import evidently
import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
seconds = []
for _ in range(int(sys.argv[3])):
    begun = time.perf_counter()
    snapshot = Report([DataDriftPreset()]).run(current, reference)
    found = snapshot.dict()
    seconds.append(time.perf_counter() - begun)
scores = {}
for metric in found["metrics"]:
    config = metric.get("config") or {}
    if config.get("column"):
        value = float(metric["value"])
        method, threshold = config["method"], float(config["threshold"])
        scores[config["column"]] = [method, value, value < threshold if "p_value" in method else value >= threshold]
print(json.dumps({"version": evidently.__version__, "seconds": seconds, "scores": scores}))
"""


def evidently(python: str, repeats: int, *frames: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        paths = [os.path.join(directory, name) for name in ("reference", "current")]
        for frame, path in zip(frames, paths):
            frame.to_parquet(path)
        command = [python, "-c", EVIDENTLY, *paths, str(repeats)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, env=environment)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--reference", type=int, default=100_000)
    parser.add_argument("--numbers", type=int, default=45)
    parser.add_argument("--texts", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--evidently", required=True, help="a Python that has Evidently")
    parser.add_argument("--json")
    args = parser.parse_args()
    own = np.random.default_rng(5)
    with Server() as server, alula.connect(server.address, timeout=3_600) as store:
        store.apply(definitions(args.numbers, args.texts))
        store.load("v", rows(args.numbers, args.texts, 0, 0, own), progress=False)
        spine = {"user_id": own.integers(0, KEYS, args.reference),
                 "event_time": np.full(args.reference, np.datetime64("2024-01-02", "us"))}  # fmt: skip
        train = store.training_set("s", spine)
        with tempfile.NamedTemporaryFile() as file, store.run("drift", training_set=train) as run:
            run.register("m", {"model": file.name})
        store.promote("m", 1, "production")
        store.load("v", rows(args.numbers, args.texts, 5, 0.5, own), progress=False)
        logged = log(store, args.rows, own)
        print(f"{args.rows:,} rows logged in {logged:.1f} s", file=sys.stderr)
        seconds = []
        for _ in range(args.repeats + 2):
            with Clock() as clock:
                drift = store.drift("m")
            seconds.append(clock.seconds)
        assert drift.current_rows == args.rows
        features = list(drift)
        frames = [train.to_pandas()[features], store.predictions("m")[features]]
    other = evidently(args.evidently, args.repeats, *frames)
    differ = [name for name in features if drift[name].is_drift != other["scores"][name][2]]
    apart = max(abs((drift[name].score or 0) - other["scores"][name][1]) for name in features)
    ours, theirs = statistics.median(seconds), statistics.median(other["seconds"])
    lines = [
        {"system": "Alula, of its log", "seconds": round(ours, 3), "all": [round(one, 3) for one in seconds]},
        {"system": f"Evidently {other['version']}, of DataFrames", "seconds": round(theirs, 3),
         "all": [round(one, 3) for one in other["seconds"]]},
    ]  # fmt: skip
    print(table(lines))
    print(f"{theirs / ours:.1f} times as fast; {drift.drifted} of {drift.compared} features moved; verdicts differ "
          f"for {differ or 'none'}; scores are at most {apart:.4f} apart")  # fmt: skip
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"rows": args.rows, "ratio": theirs / ours, "alula": seconds, "evidently": other["seconds"],
                       "apart": apart, "differ": differ}, file, indent=1)  # fmt: skip


if __name__ == "__main__":
    main()
