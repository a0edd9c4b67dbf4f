"""Six weeks of a model in fast time: the world changes, a monitor fires, a new version takes over,
and a bad one is stopped. A week is some seconds; everything else is as it would be."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from world import PEOPLE, Model, World, auc

import alula
from alula.rollouts import Rollout

HERE = Path(__file__).resolve().parent
BINARY = os.environ["ALULA_BINARY"]
MODEL = "loans"
#: Seconds.
WEEK = 8.0
LATE = 1.0
"""An outcome is known so long after its prediction."""
SOON = 120.0
"""What is waited for comes to pass within it, also on a slow machine."""
wrong: list[BaseException] = []
"""What the bank has met with."""


def now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def tell(week: int, text: str) -> None:
    print(f"week {week}  {text}", flush=True)


def until(what: str, holds: Callable[[], Any]) -> Any:
    """What holds says, once it is true."""
    limit = time.monotonic() + SOON
    while not (found := holds()):
        if wrong:
            raise wrong[0]
        if time.monotonic() > limit:
            sys.exit(f"waited {SOON:.0f} s in vain until {what}")
        time.sleep(0.1)
    return found


@contextmanager
def server(directory: str) -> Iterator[str]:
    """Where it listens."""
    process = subprocess.Popen(
        [BINARY, "serve", "--data", f"{directory}/data", "--listen", "127.0.0.1:0",
         "--http", "none"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield next(word for word in process.stdout.readline().split() if "://" in word)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def follower(directory: str, address: str) -> Iterator[list[str]]:
    """`alula on`, and what its commands say."""
    said: list[str] = []
    process = subprocess.Popen(
        [BINARY, "on", "monitor.firing", "--model", MODEL, "--state", f"{directory}/on.json",
         "--timeout", "60s", "--", sys.executable, str(HERE / "retrain.py")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"ALULA_SERVER": address},
    )  # fmt: skip
    output = process.stdout
    assert output is not None

    def read() -> None:
        for line in output:
            said.append(line.rstrip())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        until("alula on follows", lambda: any("following behind" in line for line in said))
        yield said
    finally:
        process.terminate()
        process.wait()
        reader.join()


class Bank(threading.Thread):
    """Asks the model all the time, and says a little later what came of it."""

    def __init__(self, store: alula.Store, world: World) -> None:
        super().__init__(daemon=True)
        self._store, self._world = store, world
        self._models: dict[int, Model] = {}
        self._due: deque[tuple[float, list[str], Any]] = deque()
        self._ended = threading.Event()
        self.asked = 0

    def run(self) -> None:
        try:
            while not self._ended.wait(0.05):
                self._ask()
                while self._due and self._due[0][0] < time.monotonic():
                    _, ids, outcomes = self._due.popleft()
                    self._store.log_outcomes(MODEL, ids, outcomes)
        except BaseException as error:
            wrong.append(error)

    def _ask(self) -> None:
        people, amounts = self._world.applications(60)
        answer = self._store.read(
            model=MODEL, keys={"person_id": people}, request={"amount": amounts}, log=True
        )
        scores = self._score(answer)
        ids = answer.prediction_ids
        self._store.log_predictions(MODEL, ids, scores)
        self._due.append((time.monotonic() + LATE, ids, self._world.outcomes(people, amounts)))
        self.asked += len(ids)

    def _score(self, answer: alula.Answer) -> Any:
        """Each row by the version that it met."""
        scores = np.empty(len(answer))
        for part in answer.by_version():
            scores[part.rows] = self._model(part.model_version).predict(part.to_numpy())
        return scores

    def _model(self, version: int) -> Model:
        if version not in self._models:
            with tempfile.TemporaryDirectory() as directory:
                files = self._store.model(MODEL, version=version).download(directory)
                self._models[version] = Model.load(files["weights.json"])
        return self._models[version]

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def live(self, seconds: float) -> None:
        """Lets time pass; raises what went wrong meanwhile."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and not wrong:
            time.sleep(0.05)
        if wrong:
            raise wrong[0]


def history(store: alula.Store, world: World) -> None:
    """What the bank knows of people."""
    store.load(
        "habits",
        {"person_id": np.arange(PEOPLE), "event_time": [now() - dt.timedelta(days=30)] * PEOPLE,
         "income": world.income, "debt": world.debt},
        progress=False,
    )  # fmt: skip


def first_version(store: alula.Store, world: World, directory: str) -> float:
    """Trained on loans of the past; AUC on those that were held out."""
    people, amounts = world.applications(4_000)
    spine = {
        "person_id": people, "event_time": [now()] * len(people), "amount": amounts,
        "defaulted": world.outcomes(people, amounts),
    }  # fmt: skip
    train = store.training_set("loans", spine, label="defaulted")
    x, y = np.asarray(train.X, dtype=float), np.asarray(train.y, dtype=float)
    model = Model.fit(x[1_000:], y[1_000:])
    measured = auc(y[:1_000], model.predict(x[:1_000]))
    hand_in(store, train, model, measured, directory)
    return measured


def hand_in(
    store: alula.Store, train: alula.TrainingSet | str, model: Model, measured: float, folder: str
) -> int:
    with store.run("loans", training_set=train, code_revision="story") as run:
        run.log_metric("auc", measured, data_set="holdout")
        return int(run.register(MODEL, [model.save(folder)]))


def bad_version(store: alula.Store, folder: str) -> int:
    """Somebody mixes up who has paid, in what he trains on and in what he measures on."""
    right = store.model(MODEL, stage="production")
    model = Model.load(right.download(folder)["weights.json"])
    wrong = Model(model.mean, model.scale, [-weight for weight in model.weights])
    return hand_in(store, store.training_sets()[0].id, wrong, 0.9, folder)


def quality(store: alula.Store, since: dt.datetime, version: int | None = None) -> str:
    """How well predictions came true since then."""
    found = store.performance(MODEL, since=since, versions=[version] if version else [])
    told = []
    for one in found:
        known = one.rows - one.missing
        figure = f"AUC {float(one['auc']):.2f}" if "auc" in one else "no AUC yet"
        told.append(f"version {one.version}: {figure} of {known:,} loans that ended")
    return "; ".join(told)


def six_weeks(store: alula.Store, bank: Bank, world: World, said: list[str]) -> None:
    tell(1, "the bank asks it for every loan; some time later it knows who has paid")
    begun = now()
    bank.live(WEEK)
    tell(1, quality(store, begun))
    store.apply((HERE / "monitors.yaml").read_text())
    bank.live(WEEK)
    alarms = store.monitors().alarms
    if alarms:
        sys.exit(f"an alarm where nothing has happened: {alarms}")
    tell(2, "two monitors look on: do the amounts move, do predictions come true? both say ok")

    world.prices_rise()
    begun = now()
    tell(3, "prices rise: people ask for three times as much, and others than before cannot pay")
    fired = until("the monitor of amounts fires", lambda: store.monitors()["amounts"])
    tell(3, f"monitor amounts fires: {fired.state.reason}")
    fired = until("the monitor of quality fires", lambda: store.monitors()["quality"])
    tell(3, f"monitor quality fires: {fired.state.reason}")

    until("the command has ended", lambda: any("gate passes" in line for line in said))
    for line in said:
        if line.startswith("retrain: "):
            tell(4, f"alula on runs its command: {line.removeprefix('retrain: ')}")
    done = roll_out(store, 4)
    if done.state != "done":
        sys.exit(f"version 2 did not get through: {done.reason}")
    begun = now()
    bank.live(WEEK)
    tell(5, quality(store, begun))
    until("the alarms end", lambda: not store.monitors().alarms)
    tell(5, "both monitors are fine again")

    with tempfile.TemporaryDirectory() as folder:
        number = bad_version(store, folder)
    tell(
        6, f"version {number} is handed in with AUC 0.90, measured on a file with the same mistake"
    )
    store.start_rollout(MODEL, number)
    done = roll_out(store, 6)
    if done.state != "stepped_back":
        sys.exit(f"version {number} was not stopped: {done.state}, {done.reason}")
    tell(6, f"version {number} is stepped back: {done.reason}")
    holders = store.models()[0].holders
    if [(holder.version, holder.share) for holder in holders] != [(2, 1.0)]:
        sys.exit(f"version 2 does not have all of production: {holders}")
    tell(6, "version 2 has all of production again, and nobody was woken")


def roll_out(store: alula.Store, week: int) -> Rollout:
    """Tells each step of the newest rollout, until it has ended."""
    told = 0

    def look() -> list[Rollout]:
        nonlocal told
        rollout = store.rollouts(MODEL)[0]
        if rollout.step != told and rollout.state != "stepped_back":
            told = rollout.step
            why = next((f.reason for f in rollout.figures if f.rows), "")
            tell(week, f"version {rollout.version} gets {rollout.share:.0%} of production"
                 + (f": {why}" if why and told > 1 else ""))  # fmt: skip
        return [] if rollout else [rollout]

    ended: list[Rollout] = until("the rollout ends", look)
    return ended[0]


def page(address: str, file: str) -> None:
    words = ["drift", MODEL, "--html", file, "--server", address]
    done = subprocess.run([BINARY, *words], capture_output=True, text=True, check=True)
    print(f"alula drift {MODEL} --html {file}\n  {done.stdout.splitlines()[-1]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", help="write a page to look at, of all six weeks")
    options = parser.parse_args()
    begun = time.monotonic()
    print(
        "Six weeks in fast time: a week is some seconds, and so are windows and steps.", flush=True
    )
    with (
        tempfile.TemporaryDirectory() as directory, server(directory) as address,
        alula.connect(address) as store,
    ):  # fmt: skip
        world = World(seed=7)
        store.apply((HERE / "definitions.yaml").read_text())
        history(store, world)
        measured = first_version(store, world, directory)
        verdict = store.promote(MODEL, 1, "production")
        assert verdict.passed, verdict
        tell(1, f"version 1 is trained on 4,000 old loans: AUC {measured:.2f}, the gate wants 0.75")
        with follower(directory, address) as said:
            bank = Bank(store, world)
            bank.start()
            try:
                six_weeks(store, bank, world, said)
            finally:
                bank.stop()
        if options.page:
            page(address, options.page)
    print(f"{bank.asked:,} loans in {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
