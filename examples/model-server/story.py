"""Two versions with different features, served without a pause while they take turns."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tempfile
import threading
import time
from os import environ
from pathlib import Path

import numpy as np
from model_server import ModelServer

import alula

DEFINITIONS = """
project: demo
entities: [{name: person, keys: {id: int64}}]
views: [{name: v, entity: person, features: {a: float64, b: float64}}]
services: [{name: scores, features: ["v:a"]}]
"""
WIDER = 'services: [{name: scores, features: ["v:a", "v:b"]}]'
KEYS = {"id": [1, 2, 3]}
#: What each version answers for KEYS: 10 a, and a + 100 b.
EXPECTED = {1: [10.0, 20.0, 30.0], 2: [101.0, 202.0, 303.0]}


def version(store: alula.Store, weights: list[float], directory: Path) -> alula.ModelVersion:
    """Trains, in a manner of speaking, on the newest version of the service."""
    spine = {"id": [1, 2, 3], "event_time": [dt.datetime(2024, 2, 1)] * 3}
    file = directory / "weights.json"
    file.write_text(json.dumps(weights))
    train = store.training_set("scores", spine)
    with store.run("demo", training_set=train, code_revision="demo") as run:
        return run.register("m", [file])


def prepare(store: alula.Store) -> None:
    """Data, and two versions: the second reads one feature more."""
    store.apply(DEFINITIONS)
    store.load(
        "v",
        {
            "id": [1, 2, 3],
            "event_time": [dt.datetime(2024, 1, 1)] * 3,
            "a": [1.0, 2.0, 3.0],
            "b": [1.0, 2.0, 3.0],
        },
        progress=False,
    )
    with tempfile.TemporaryDirectory() as directory:
        version(store, [10.0], Path(directory))
        store.apply(WIDER, retire=())
        version(store, [1.0, 100.0], Path(directory))


def take_turns(store: alula.Store, turns: int) -> tuple[list[float], int]:
    """Promotes the two in turn under load; returns seconds from each promotion to the first answer
    of the new version, and how many requests were answered. Raises what went wrong in any."""
    store.promote("m", 1, "production")
    server = ModelServer(store, "m")
    stop = threading.Event()
    wrong: list[BaseException] = []
    answered = [0, 0, 0]

    def ask(number: int) -> None:
        try:
            while not stop.is_set():
                who, answer = server.predict(KEYS)
                np.testing.assert_allclose(answer, EXPECTED[who])
                answered[number] += 1
        except BaseException as error:
            wrong.append(error)

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(len(answered))]
    for asker in askers:
        asker.start()
    seconds = []
    for turn in range(turns):
        to = 2 - turn % 2
        store.promote("m", to, "production")
        begun = time.monotonic()
        while server.version != to:
            if time.monotonic() - begun > 30:
                raise TimeoutError(f"version {to} was not served")
            time.sleep(0.001)
        seconds.append(time.monotonic() - begun)
    stop.set()
    for asker in askers:
        asker.join()
    server.close()
    if wrong:
        raise wrong[0]
    return seconds, sum(answered)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen(
            [environ["ALULA_BINARY"], "serve", "--data", directory, "--listen", "127.0.0.1:0",
             "--http", "none"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            address = next(word for word in process.stdout.readline().split() if "://" in word)
            with alula.connect(address) as store:
                prepare(store)
                seconds, answered = take_turns(store, 20)
        finally:
            process.terminate()
            process.wait()
    print(f"{answered} requests answered, none failed, none mixed versions")
    print(
        f"{len(seconds)} promotions, served after {np.median(seconds) * 1000:.1f} ms "
        f"(median), {max(seconds) * 1000:.1f} ms (slowest)"
    )
    if np.median(seconds) > 0.1:
        sys.exit("a promotion is to be served within 100 ms")


if __name__ == "__main__":
    main()
