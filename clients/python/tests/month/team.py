"""One who works on some models: every act is asked of the server and of the truth."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import alula
from month.truth import HELD, ModelTruth, RunTruth, SetTruth, Truth, VersionTruth

UTC = dt.timezone.utc
KEYS = 40
DEFINITIONS = """
project: month
entities: [{name: person, keys: {id: int64}}]
views:
  - {name: history, entity: person, features: {due: int64, missed: int64}}
  - {name: place, entity: person, features: {size: float64}}
services:
  - {name: score, features: ["history:*", "place:size"]}
"""


def model_definitions(model: str) -> str:
    return f"""
project: month
stages: [{{model: {model}, name: canary, holders: 2}}]
gates:
  - model: {model}
    to: staging
    require: [{{metric: auc, on: holdout, better: higher, min: 0.25}}]
"""


def gate(model: str, least: float) -> str:
    return f"""
project: month
gates:
  - model: {model}
    to: production
    from: [staging]
    require:
      - {{metric: auc, on: holdout, better: higher, min: {least}, no_worse_than_holder_by: 0.046875}}
      - {{approvals: 1}}
"""


@dataclass
class Shared:
    """What the members of the team have in common."""

    truth: Truth
    connect: Callable[[str], alula.Store]
    folder: Path
    #: Held while data is taken away, or while what depends on data is looked at.
    data: threading.Lock
    #: Held while the truth's own dictionaries change.
    books: threading.Lock
    entries: Callable[[str, int], list[alula.AuditEntry]]


class Member:
    """Has models of their own, and does one thing after another with them."""

    def __init__(self, number: int, models: list[str], shared: Shared, seed: int) -> None:
        self.shared = shared
        self.truth = shared.truth
        self.random = random.Random(seed * 1_000 + number)
        self.models = models
        self.trainer = shared.connect("anna")
        self.promoter = shared.connect("paul")
        self.releaser = shared.connect("otto")
        self.approvers = {name: shared.connect(name) for name in ("vera", "rita")}
        self.counts = 0
        self.acts: list[tuple[int, Callable[[ModelTruth], None]]] = [
            (10, self.make_version), (14, self.promote), (5, self.rollback), (6, self.approve),
            (4, self.alias), (2, self.change_gate), (3, self.dry_run), (3, self.delete_version),
            (2, self.delete_run), (2, self.delete_set), (3, self.race), (2, self.reproduce),
            (4, self.push), (3, self.failed_run), (2, self.wrong),
        ]  # fmt: skip

    def close(self) -> None:
        for store in (self.trainer, self.promoter, self.releaser, *self.approvers.values()):
            store.close()

    def work(self, acts: int) -> None:
        weights = [weight for weight, _ in self.acts]
        for _ in range(acts):
            model = self.truth.models[self.random.choice(self.models)]
            (_, act) = self.random.choices(self.acts, weights)[0]
            act(model)
            self.counts += 1
            if self.random.random() < 0.2:
                model.remember_now(dt.datetime.now(UTC))

    # Making

    def make_version(self, model: ModelTruth) -> None:
        set = self._training_set()
        auc = None if self.random.random() < 0.1 else self.random.randrange(64) / 64
        run, record = self._run(set.id, auc)
        content = f"{model.name} {self.random.randrange(6)}".encode() * 50
        # Members share folders, but no file names.
        file = self.shared.folder / f"{self.models[0]}.onnx"
        file.write_bytes(content)
        tags = {"team": str(self.random.randrange(3))}
        made = run.register(model.name, {"model.onnx": file}, tags=tags)
        # Before its run is said to be over, which lets others delete it.
        model.versions[made.version] = VersionTruth(
            made.version, run.id, record.set, auc, made.artifacts[0].digest, tags, "anna"
        )
        run.end()
        record.status = "finished"
        assert made.version == len(model.versions), "numbers are given out in turn, and once"
        model.audited["register"] += 1
        model.told["registered"] += 1
        self._note("end run")

    def failed_run(self, model: ModelTruth) -> None:
        run, record = self._run("", self.random.randrange(64) / 64)
        run.end("failed")
        record.status = "failed"
        self._note("end run")
        self.refused(lambda: run.register(model.name, {}), alula.AlulaError)

    def _training_set(self) -> SetTruth:
        with self.shared.data:
            living = [one for one in self.truth.sets.values() if not one.deleted]
            if living and self.random.random() < 0.5:
                return self.random.choice(living)
            keys = sorted(self.random.sample(range(KEYS), 8))
            time = dt.datetime.now(UTC)
            made = self.trainer.training_set(
                "score", {"id": keys, "event_time": [time] * len(keys)}
            )
            found = SetTruth(made.id, frozenset(keys), made.digest, service=made.service)
            with self.shared.books:
                self.truth.sets[made.id] = found
                self.truth.audited["make training set"] += 1
            return found

    def _run(self, set: str, auc: float | None) -> tuple[alula.Run, RunTruth]:
        params = {"depth": str(self.random.randrange(9)), "seed": str(self.random.random())}
        with self.shared.data:
            if set and self.truth.sets[set].deleted:
                set = ""
            run = self.trainer.run(
                "month", training_set=set or None, params=params, heartbeat=0, code_revision="c0de"
            )
            record = RunTruth(run.id, set, params)
            with self.shared.books:
                self.truth.runs[run.id] = record
                self.truth.audited["start run"] += 1
        for step in range(self.random.randrange(1, 30)):
            value = self.random.random()
            run.log_metric("loss", value, step=step)
            record.points.setdefault("loss", []).append((step, value))
        if auc is not None:
            run.log_metric("auc", auc, step=0, data_set="holdout")
            record.points["auc"] = [(0, auc)]
        if self.random.random() < 0.3:
            record.tags["note"] = str(self.random.random())
            run.set_tags(record.tags)
        run.flush()
        return run, record

    def push(self, model: ModelTruth) -> None:
        del model
        key = self.random.randrange(KEYS)
        now = dt.datetime.now(UTC)
        rows = {"id": [key], "event_time": [now], "due": [self.random.randrange(99)], "missed": [0]}
        with self.shared.data:
            assert self.trainer.push("history", rows).statuses[0] in ("accepted", "older")

    # Moving

    def promote(self, model: ModelTruth) -> None:
        if not (living := model.living()):
            return
        number = self.random.choice(living[-6:])
        to = self.random.choice(["staging", "production", "production", "canary", "archived"])
        expected = model.promote(number, to)
        assert self._promoted(self.promoter, model.name, number, to) == expected, (
            f"{model.name} {number} to {to}: expected {expected}"
        )

    @staticmethod
    def _promoted(store: alula.Store, model: str, number: int, to: str) -> bool:
        try:
            return store.promote(model, number, to).passed
        except alula.Refused as refusal:
            if not refusal.details:
                raise
            return False

    def dry_run(self, model: ModelTruth) -> None:
        if not (living := model.living()):
            return
        number, to = self.random.choice(living), self.random.choice(HELD)
        verdict = self.promoter.promote(model.name, number, to, dry_run=True)
        assert verdict.passed == model.may_enter(number, to), f"{model.name} {number}: {verdict}"

    def rollback(self, model: ModelTruth) -> None:
        stage = self.random.choice(HELD)
        if not model.versions:
            return
        expected = model.rollback(stage)
        assert self._rolled_back(self.promoter, model.name, stage) == expected, (
            f"{model.name} {stage}: expected {expected}"
        )

    @staticmethod
    def _rolled_back(store: alula.Store, model: str, stage: str) -> str:
        try:
            return "done" if store.rollback(model, stage).passed else "refused"
        except alula.Refused:
            return "none"

    def approve(self, model: ModelTruth) -> None:
        if not (living := model.living()):
            return
        number = self.random.choice(living[-4:])
        name = self.random.choice(sorted(self.approvers))
        self.approvers[name].approve(model.name, number, "production")
        version = model.versions[number]
        if name not in version.approvals:
            version.approvals.add(name)
            model.audited["approve"] += 1
            model.told["approved"] += 1

    def race(self, model: ModelTruth) -> None:
        """Three move versions of one model at once; the audit log says in which order, and each
        outcome must be what the truth says of it in that order."""
        if len(living := model.living()) < 2:
            return
        numbers = [self.random.choice(living[-4:]) for _ in range(2)]
        stage = self.random.choice(HELD)
        answers: dict[int, object] = {}
        stores = [self.shared.connect("paul") for _ in range(3)]

        def mover(place: int) -> None:
            try:
                if place == 2:
                    answers[place] = self._rolled_back(stores[place], model.name, stage)
                else:
                    answers[place] = self._promoted(
                        stores[place], model.name, numbers[place], stage
                    )
            except BaseException as error:
                answers[place] = error

        before = self._entries(model)
        threads = [threading.Thread(target=mover, args=(place,)) for place in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for store in stores:
            store.close()
        self._settle(model, stage, numbers, answers, self._entries(model)[len(before) :])

    def _entries(self, model: ModelTruth) -> list[alula.AuditEntry]:
        found = self.shared.entries(f"model:{model.name}", model.seen)
        return [one for one in found if one.act.split()[0] in ("promote", "rollback")]

    def _settle(
        self,
        model: ModelTruth,
        stage: str,
        numbers: list[int],
        answers: dict[int, object],
        entries: list[alula.AuditEntry],
    ) -> None:
        expected: list[tuple[str, bool]] = []
        for entry in entries:
            passed = "refused" not in entry.act
            expected.append((entry.act, passed))
            if entry.act.startswith("promote"):
                number = next(n for n in numbers if f'"version":{n}}}' in entry.detail)
                assert model.promote(number, stage) == passed, f"{model.name}: {entry}"
            else:
                done = model.rollback(stage)
                assert done == ("done" if passed else "refused"), f"{model.name}: {entry}"
        promoted = [answer for place, answer in answers.items() if place < 2]
        assert all(isinstance(answer, bool) for answer in promoted), answers
        refused = sum(act == "promote refused" for act, _ in expected)
        assert promoted.count(False) == refused, f"{answers} {expected}"
        undone = [passed for act, passed in expected if act.startswith("rollback")]
        assert answers[2] == ("none" if not undone else "done" if undone[0] else "refused")

    # Pointing, guarding, deleting

    def alias(self, model: ModelTruth) -> None:
        if not (living := model.living()):
            return
        name = self.random.choice(["champion", "shadow"])
        if name in model.aliases and self.random.random() < 0.4:
            self.trainer.delete_alias(model.name, name)
            del model.aliases[name]
            model.audited["delete alias"] += 1
            model.told["alias deleted"] += 1
            return
        number = self.random.choice(living)
        self.trainer.set_alias(model.name, name, number)
        if model.aliases.get(name) != number:
            model.aliases[name] = number
            model.audited["set alias"] += 1
            model.told["alias set"] += 1

    def change_gate(self, model: ModelTruth) -> None:
        if model.least is not None and self.random.random() < 0.3:
            self.releaser.apply(drop=[f"gate:{model.name}:production"])
            model.least = None
            model.audited["remove gate"] += 1
            act = "apply"
        else:
            least = self.random.randrange(16, 48) / 64
            act = "apply" if least != model.least else ""
            self.releaser.apply(gate(model.name, least))
            if act:
                model.audited["change gate"] += 1
            model.least = least
        model.gate_version += bool(act)
        if act:
            self._note("apply")

    def delete_version(self, model: ModelTruth) -> None:
        if not (living := model.living()):
            return
        number = self.random.choice(living)
        with self.shared.books:
            if model.delete(number):
                assert self.trainer.delete_version(model.name, number).done
            else:
                self.refused(lambda: self.trainer.delete_version(model.name, number), alula.Refused)

    def delete_run(self, model: ModelTruth) -> None:
        del model
        with self.shared.books:
            known = [one for one in self.truth.runs.values() if not one.deleted]
            own = [one for one in known if one.status != "running"]
            if not own:
                return
            run = self.random.choice(own)
            run.deleted = self.truth.run_holders(run.id) == 0
            self.truth.audited["delete run"] += run.deleted
            # Nobody registers from a run that has ended, so that what was decided holds.
            if run.deleted:
                assert self.trainer.delete_run(run.id).done
            else:
                self.refused(lambda: self.trainer.delete_run(run.id), alula.Refused)

    def delete_set(self, model: ModelTruth) -> None:
        del model
        with self.shared.data, self.shared.books:
            known = [one for one in self.truth.sets.values() if not one.deleted]
            if not known:
                return
            set = self.random.choice(known)
            if self.truth.set_holders(set.id):
                with_holders = self.trainer.delete_training_set(set.id, dry_run=True)
                assert with_holders.holders and not with_holders.done
            else:
                assert self.trainer.delete_training_set(set.id).done
                set.deleted = True
                self.truth.audited["delete training set"] += 1

    def reproduce(self, model: ModelTruth) -> None:
        with self.shared.data:
            numbers = [n for n in model.living() if model.versions[n].set]
            if not numbers:
                return
            number = self.random.choice(numbers)
            check_reproduced(self.trainer, self.truth, model, number)
        self._note("reproduce")

    def wrong(self, model: ModelTruth) -> None:
        """What must be refused whatever the state is, and leaves nothing."""
        name, none = model.name, 10_000
        rules: list[Callable[[], object]] = [
            lambda: self.promoter.promote(name, none, "staging"),
            lambda: self.promoter.promote(name, 1, "nowhere"),
            lambda: self.trainer.promote(name, 1, "staging"),
            lambda: self.promoter.approve(name, 1, "production"),
            lambda: self.trainer.apply(gate(name, 0.0)),
            lambda: self.trainer.set_alias(name, "champion", none),
            lambda: self.trainer.run("month", training_set="ts-0000000000000000000000000000"),
            lambda: self.releaser.apply(drop=["view:history"]),
            lambda: self.trainer.apply(drop=["view:nothing"]),
        ]
        rule = self.random.choice(rules)
        self.refused(
            rule, alula.NotFound, alula.InvalidArgument, alula.PermissionDenied, alula.Refused
        )

    @staticmethod
    def refused(act: Callable[[], object], *kinds: type[alula.AlulaError]) -> None:
        try:
            answer = act()
        except kinds:
            return
        raise AssertionError(f"it was not refused: {answer}")

    def _note(self, act: str) -> None:
        with self.shared.books:
            self.truth.audited[act] += 1


def check_reproduced(store: alula.Store, truth: Truth, model: ModelTruth, number: int) -> None:
    """Makes the training set of a version again; whoever calls holds the data."""
    set = truth.sets[model.versions[number].set]
    again = store.reproduce(model.name, number)
    expected = "incomplete" if set.blanked else "complete"
    assert again.state == expected, f"{model.name} {number}: {again}"
    assert again.recorded_digest == set.digest
    assert (again.digest == set.digest) == (expected == "complete")
