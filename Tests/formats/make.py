"""Makes the small data directory of the present format that later versions must open: Tests/formats/N.tar.gz.

Run once when the number in FORMAT changes, with the first server of that number:

    PYTHONPATH=clients/python/src ALULA_BINARY=.build/debug/alula python Tests/formats/make.py
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "clients" / "python" / "tests"))

from server_process import Server  # noqa: E402

import alula  # noqa: E402

DEFINITIONS = """
project: kept
entities:
  - {name: person, keys: {id: int64}}
views:
  - name: score
    entity: person
    features: {x: int64, ratio: float64, note: string, pair: "float32[2]", seen: timestamp}
services:
  - {name: s, features: ["score:*"], request: {amount: float64}}
gates:
  - {model: m, to: staging, require: [{metric: auc, better: higher, min: 0.5}]}
"""
DAY = 86_400_000_000
START = 1_700_000_000_000_000


def rows(ids: list[int], day: int) -> dict[str, Any]:
    return {
        "id": ids, "event_time": np.full(len(ids), START + day * DAY).astype("M8[us]"),
        "x": [i * 10 + day for i in ids], "ratio": [i / 4 for i in ids],
        "note": [f"n{i}-{day}" for i in ids], "pair": [[i, -i] for i in ids],
        "seen": np.full(len(ids), START).astype("M8[us]"),
    }  # fmt: skip


def fill(store: alula.Store, directory: Path) -> dict[str, Any]:
    """Something of all that a directory holds; answers what must be read again."""
    (directory / "definitions.yaml").write_text(DEFINITIONS)
    store.apply(str(directory / "definitions.yaml"))
    store.load("score", rows(list(range(20)), 0), progress=False)
    for day in (1, 2):
        store.push("score", rows(list(range(0, 20, day + 1)), day))
    loaded = store.load("score", rows([1], 3), progress=False)
    store.retract(loaded.import_id)
    spine = {"id": list(range(20)), "amount": [1.0] * 20,
             "event_time": np.full(20, START + 5 * DAY).astype("M8[us]"), "label": [0, 1] * 10}  # fmt: skip
    train = store.training_set("s", spine=spine, event_time="event_time", label="label")
    artifact = directory / "model.bin"
    artifact.write_bytes(b"not a model at all")
    with store.run(experiment="e", training_set=train, params={"c": 1.0}) as run:
        run.log_metric("auc", 0.75)
        version = run.register("m", artifacts=[str(artifact)])
    store.promote("m", version, "staging")
    store.set_alias("m", "best", version)
    store.forget("person", {"id": 13})
    answer = store.read("s", {"id": list(range(20))}, request={"amount": [1.0] * 20}).to_arrow()
    return {
        "x": answer.column("x").to_pylist(), "note": answer.column("note").to_pylist(),
        "training_set": train.id, "digest": train.digest, "audit_head": store.verify_audit().head,
        "history_rows": store.verify().history_rows,
    }  # fmt: skip


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        server = Server(directory / "data").start()
        with server.connect() as store:
            expected = fill(store, directory)
        assert server.stop() == 0
        number = (directory / "data" / "FORMAT").read_text().split()[1]
        with tarfile.open(HERE / f"{number}.tar.gz", "w:gz") as archive:
            archive.add(directory / "data", arcname="data")
        (HERE / f"{number}.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
