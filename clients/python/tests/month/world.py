"""The server, the days of the month, and the comparison at its end."""

from __future__ import annotations

import datetime as dt
import os
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from server_process import BINARY, Server

import alula
from alula import _transport
from month.team import DEFINITIONS, KEYS, UTC, Member, Shared, check_reproduced, model_definitions
from month.truth import HELD, ModelTruth, Truth

ROLES = {
    "root": "admin,auditor", "anna": "reader,writer,trainer,definer", "paul": "promoter",
    "otto": "releaser", "vera": "approver", "rita": "approver",
}  # fmt: skip


class Month:
    """Some days of a team with some models."""

    def __init__(
        self,
        directory: Path,
        seed: int,
        models: int,
        people: int,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.seed = seed
        self.say = say
        self.random = random.Random(seed)
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        data = directory / "data"
        self.tokens = {name: self._token(data, name, roles) for name, roles in ROLES.items()}
        self.server = Server(data).start()
        self.truth = Truth({f"m{n}": ModelTruth(f"m{n}") for n in range(models)})
        self.root = self.connect("root")
        self.shared = Shared(
            self.truth, self.connect, directory, threading.Lock(), threading.Lock(), self.entries
        )
        self._begin()
        names = sorted(self.truth.models)
        self.team = [
            Member(number, names[number::people], self.shared, seed) for number in range(people)
        ]
        self.dropped = 0
        self.head = ""

    @staticmethod
    def _token(data: Path, name: str, roles: str) -> str:
        made = subprocess.run(
            [BINARY, "token", "create", name, "--roles", roles, "--data", str(data)],
            capture_output=True, text=True, timeout=60, check=True, env=dict(os.environ),
        )  # fmt: skip
        return made.stdout.strip()

    def connect(self, name: str) -> alula.Store:
        address = f"alula://127.0.0.1:{self.server.port}"
        # Who names no project sees the entries of the audit log that are of none, too.
        project = None if name == "root" else "month"
        while True:
            try:
                return alula.connect(address, project=project, token=self.tokens[name], timeout=60)
            except alula.Unavailable:
                time.sleep(0.05)  # it is being started again

    def entries(self, object: str = "", after: int = 0) -> list[alula.AuditEntry]:
        found: list[alula.AuditEntry] = []
        while page := self.root.audit(object, after=after):
            found += page
            after = page[-1].number
        return found

    def _begin(self) -> None:
        with self.connect("anna") as anna:
            anna.apply(DEFINITIONS)
            now = dt.datetime.now(UTC) - dt.timedelta(days=1)
            for view, columns in (
                ("history", {"due": list(range(KEYS)), "missed": [0] * KEYS}),
                ("place", {"size": [key / 2 for key in range(KEYS)]}),
            ):
                keys = {"id": list(range(KEYS)), "event_time": [now] * KEYS}
                anna.load(view, {**keys, **columns}, progress=False)
        with self.connect("otto") as otto:
            for name, model in self.truth.models.items():
                otto.apply(model_definitions(name))
                model.audited["change gate"] += 1
                model.audited["change stage"] += 1
        self.truth.audited["apply"] += 1 + len(self.truth.models)

    # Days

    def day(self, number: int, acts: int) -> None:
        failures: list[BaseException] = []

        def work(member: Member) -> None:
            try:
                member.work(acts)
            except BaseException as error:
                failures.append(error)

        threads = [
            threading.Thread(target=work, args=(member,), daemon=True) for member in self.team
        ]
        for thread in threads:
            thread.start()
        # While they work, data goes, and the server.
        while any(thread.is_alive() for thread in threads) and not failures:
            for _ in range(20):
                if any(thread.is_alive() for thread in threads):
                    time.sleep(0.05)
            self._event()
        for thread in threads:
            thread.join(300)
            assert not thread.is_alive(), f"seed {self.seed}, day {number}: somebody still waits"
        if failures:
            raise AssertionError(f"seed {self.seed}, day {number}") from failures[0]
        now = dt.datetime.now(UTC)
        for model in self.truth.models.values():
            model.remember_now(now)
        self.head = str(self.root.verify_audit(self.head).head)
        self.say(f"day {number}: {sum(member.counts for member in self.team)} acts")

    def _event(self) -> None:
        kind = self.random.choice(["kill", "restart", "forget", "scratch", "nothing", "nothing"])
        if kind == "kill":
            self.server.kill()
            self.server.start()
        elif kind == "restart":
            assert self.server.stop() == 0
            self.server.start()
        elif kind == "forget":
            self._forget(self.random.randrange(KEYS))
        elif kind == "scratch":
            self._scratch()

    def _forget(self, key: int) -> None:
        with self.shared.data:
            self.root.forget("person", {"id": key}, progress=False)
            for set in self.truth.sets.values():
                if key in set.keys and not set.deleted:
                    set.blanked = True
        with self.shared.books:
            self.truth.audited["forget"] += 1

    def _scratch(self) -> None:
        """A view and a service are tried out and dropped."""
        self.dropped += 1
        name = f"scratch{self.dropped % 3}"
        with self.connect("anna") as anna:
            anna.apply(
                "project: month\nviews:\n"
                f"  - {{name: {name}, entity: person, features: {{{name}: int64}}}}\n"
                f"services:\n  - {{name: {name}, features: ['{name}:*']}}\n"
            )
            anna.push(name, {"id": [1], "event_time": [dt.datetime.now(UTC)], name: [self.dropped]})
            assert anna.read(name, {"id": [1]}).column(name)[0] == self.dropped
            anna.apply(drop=[f"view:{name}", f"service:{name}"])
        with self.shared.books:
            self.truth.audited["apply"] += 2

    # The end

    def end(self) -> None:
        """Everything is compared, after a last kill."""
        self.server.kill()
        self.server.start()
        with self.connect("anna") as store:
            for model in self.truth.models.values():
                self._check_model(store, model)
                self._check_past(store, model)
            self._check_records(store)
            self._check_reproduced(store)
        self._check_audit()
        self._check_events()
        problems = self.root.verify(progress=False)
        assert not problems.problems, problems
        for member in self.team:
            member.close()
        self.root.close()
        assert self.server.stop() == 0

    def _check_model(self, store: alula.Store, model: ModelTruth) -> None:
        if not model.versions:
            return
        found = {version.version: version for version in store.versions(model.name)}
        assert sorted(found) == sorted(model.living()), model.name
        for number, version in found.items():
            true = model.versions[number]
            assert (version.stage, version.run, version.training_set, version.tags) == (
                true.stage, true.run, true.set, true.tags,
            ), f"{model.name} {number}"  # fmt: skip
            assert version.metrics.get("auc@holdout") == true.auc, f"{model.name} {number}"
            assert [artifact.digest for artifact in version.artifacts] == [true.digest]
        (listed,) = [one for one in store.models() if one.name == model.name]
        assert listed.newest_version == len(model.versions)
        assert listed.aliases == model.aliases, model.name
        held = Counter((one.stage, one.version) for one in listed.holders)
        assert held == Counter(
            (stage, number) for stage in HELD for number in model.holders(stage)
        ), model.name
        for one in listed.holders:
            previous = [number for number, answers in model.memory.get(one.stage, []) if answers]
            assert one.previous == (previous or [0])[0], f"{model.name} {one}"
        for number, true in model.versions.items():
            if true.deleted:
                try:
                    store.model(model.name, version=number)
                except alula.NotFound:
                    continue
                raise AssertionError(f"{model.name} {number} was deleted")

    def _check_past(self, store: alula.Store, model: ModelTruth) -> None:
        for moment, holders in model.past:
            found: dict[str, list[int]] = {}
            for tenure in store.stages_at(model.name, moment) if model.versions else []:
                found.setdefault(tenure.stage, []).append(tenure.version)
            expected = {stage: held for stage, held in holders.items() if held}
            assert found == expected, f"{model.name} at {moment}"

    def _check_records(self, store: alula.Store) -> None:
        living = {run.id for run in self.truth.runs.values() if not run.deleted}
        assert {run.id for run in store.runs("month", limit=100_000)} == living
        for run in self.truth.runs.values():
            if run.deleted:
                continue
            found = store.get_run(run.id)
            assert (found.params, found.tags, found.status) == (run.params, run.tags, run.status)
            points: dict[str, list[tuple[int, float]]] = {}
            for point in found.points:
                points.setdefault(point.name, []).append((point.step, point.value))
            assert {name: sorted(series) for name, series in points.items()} == run.points, run.id
        sets = {set.id for set in self.truth.sets.values() if not set.deleted}
        assert {record.id for record in store.training_sets()} == sets

    def _check_reproduced(self, store: alula.Store) -> None:
        count = 0
        for model in self.truth.models.values():
            for number in model.living():
                if model.versions[number].set:
                    check_reproduced(store, self.truth, model, number)
                    count += 1
        self.truth.audited["reproduce"] += count
        self.say(f"{count} versions made again")

    def _check_audit(self) -> None:
        checked = self.root.verify_audit(self.head)
        assert checked, checked
        entries = self.entries()
        assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
        for model in self.truth.models.values():
            own = Counter(e.act for e in entries if e.object == f"model:{model.name}")
            own.pop("reproduce", None)
            assert own == +model.audited, f"{model.name}: {own} {model.audited}"
        acts = Counter(entry.act for entry in entries)
        for act, count in self.truth.audited.items():
            assert acts[act] == count, f"{act}: {acts[act]} in the log, {count} were done"
        self.say(f"{len(entries)} entries of the audit log")

    def _check_events(self) -> None:
        for model in self.truth.models.values():
            expected = +model.told
            found: Counter[str] = Counter()
            with self.connect("anna") as store, store.watch(model.name, after=0) as watch:
                last = 0
                # What never comes ends the watch, and with it the loop.
                giving_up = threading.Timer(60, watch.close)
                giving_up.start()
                while found.total() < expected.total():
                    event = next(watch)
                    assert event.revision > last, f"{found} {expected}"
                    last = event.revision
                    found[event.kind] += 1
                giving_up.cancel()
            assert found == expected, f"{model.name}: {found} {expected}"


def run(
    directory: Path,
    seed: int,
    days: int,
    models: int,
    people: int,
    acts: int,
    say: Callable[[str], None] = lambda text: None,
) -> Month:
    """Plays it; raises where anything is not as it must be, with the seed."""
    # A server that is killed and started again may take longer than a client waits for one.
    attempts, _transport._ATTEMPTS = _transport._ATTEMPTS, 1_000
    month = Month(directory, seed, models, people, say)
    try:
        for number in range(1, days + 1):
            month.day(number, acts)
        month.end()
    except BaseException:
        print(f"seed {seed}, in {directory}")
        raise
    finally:
        _transport._ATTEMPTS = attempts
        process = month.server.process
        if process is not None and process.poll() is None:
            month.server.kill()
    return month
