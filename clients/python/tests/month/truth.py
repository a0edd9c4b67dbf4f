"""What must be so, in dictionaries."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

HELD = ("staging", "production", "canary")
PLACES = {"staging": 1, "production": 1, "canary": 2}
#: By so much a version may be worse than the holder of production; exact in binary.
WORSE = 3 / 64
STAGING_MIN = 16 / 64
#: Versions, and whether each answers: one of a stage does, others keep their place.
Held = list[tuple[int, bool]]


@dataclass
class SetTruth:
    """A training set: which keys its spine has, and what deletion has blanked."""

    id: str
    keys: frozenset[int]
    digest: str
    blanked: bool = False
    deleted: bool = False
    #: The service that it was made with, while it can be read.
    service: str = ""


@dataclass
class RunTruth:
    id: str
    set: str
    params: dict[str, str]
    points: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "running"
    deleted: bool = False


@dataclass
class VersionTruth:
    number: int
    run: str
    set: str
    auc: float | None
    digest: str
    tags: dict[str, str]
    author: str
    stage: str = "none"
    deleted: bool = False
    approvals: set[str] = field(default_factory=set)


@dataclass
class ModelTruth:
    """One model; stages as the tests of the server have them, with nothing but lists."""

    name: str
    versions: dict[int, VersionTruth] = field(default_factory=dict)
    #: Who entered first comes first.
    held: dict[str, Held] = field(default_factory=dict)
    #: To whom a rollback returns.
    memory: dict[str, Held] = field(default_factory=dict)
    #: How a stage was held before a version last entered it by a promotion.
    before: dict[tuple[str, int], Held] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    #: The least auc that production asks for; None where it has no gate.
    least: float | None = None
    gate_version: int = 0
    past: list[tuple[datetime, dict[str, list[int]]]] = field(default_factory=list)
    audited: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    #: The last entry of the audit log that was taken into account after a race.
    seen: int = 0

    def living(self) -> list[int]:
        return [number for number, found in self.versions.items() if not found.deleted]

    def may_enter(self, number: int, to: str) -> bool:
        """What completeness and the gate of the stage say."""
        version = self.versions[number]
        if to not in HELD or version.stage == to:
            return True
        if to == "staging":
            return version.auc is not None and version.auc >= STAGING_MIN
        if to == "canary" or self.least is None:
            return True
        if version.stage != "staging" or version.auc is None or version.auc < self.least:
            return False
        if (holder := self.main(to)) is not None:
            auc = self.versions[holder].auc
            if auc is None or version.auc < auc - WORSE:
                return False
        return bool(version.approvals)

    def promote(self, number: int, to: str) -> bool:
        """Whether it passes; what it changes is changed."""
        version = self.versions[number]
        old = self.held.get(to, [])
        if version.stage == to and (to not in HELD or self.main(to) == number):
            return True
        gated = version.stage != to and self._is_gated(to)
        if not self.may_enter(number, to):
            self.audited["promote refused"] += 1
            self.told["gate refused"] += 1
            return False
        self.audited["promote"] += 1
        self.told["promoted"] += 1
        self.told["gate passed"] += gated
        now = list(old)
        if to in HELD:
            while len([one for one, _ in now if one != number]) >= PLACES[to]:
                gone = next(one for one, _ in now if one != number)
                now = [part for part in now if part[0] != gone]
                self.versions[gone].stage = "archived"
                self.told["left"] += 1
        entered = version.stage != to
        if entered:
            self._leave(number, to)
        version.stage = to
        if to in HELD:
            now = [(one, one == number) for one, _ in now]
            if entered:
                now.append((number, True))
                self.before[(to, number)] = old
                if old:
                    self.memory[to] = old
                elif number in [one for one, _ in self.memory.get(to, [])]:
                    del self.memory[to]
            self.held[to] = now
        return True

    def rollback(self, to: str) -> str:
        """``none``: there is nobody to return to; else ``refused`` or ``done``."""
        target = self.memory.get(to)
        if not target:
            return "none"
        names = [one for one, _ in target]
        if any(
            self.versions[one].stage in HELD and self.versions[one].stage != to for one in names
        ):
            self.audited["rollback refused"] += 1
            self.told["gate refused"] += 1
            return "refused"
        self.audited["rollback"] += 1
        self.told["rolled back"] += 1
        self.told["gate passed"] += self._is_gated(to)
        stayed = self.holders(to)
        for gone in stayed:
            if gone not in names:
                self.versions[gone].stage = "archived"
                self.told["left"] += 1
        for one in names:
            self.versions[one].stage = to
        # Who stayed came before who returns.
        self.held[to] = sorted(target, key=lambda part: part[0] not in stayed)
        before = self.before.get((to, names[-1]), [])
        before = self._without(before, [one for one, _ in before if self.versions[one].deleted])
        if before and before != target:
            self.memory[to] = before
        else:
            self.memory.pop(to, None)
        return "done"

    def holders(self, stage: str) -> list[int]:
        """Who entered first comes first."""
        return [one for one, _ in self.held.get(stage, [])]

    def main(self, stage: str) -> int | None:
        """Who answers in a stage."""
        return next((one for one, answers in self.held.get(stage, []) if answers), None)

    def _is_gated(self, stage: str) -> bool:
        return stage == "staging" or (stage == "production" and self.least is not None)

    def holds(self, number: int) -> list[str]:
        """Why a version cannot be deleted."""
        reasons = [stage for stage in HELD if number in self.holders(stage)]
        reasons += [
            f"memory of {stage}"
            for stage, held in self.memory.items()
            if number in [one for one, _ in held]
        ]
        return reasons + [name for name, one in self.aliases.items() if one == number]

    def delete(self, number: int) -> bool:
        if self.holds(number):
            return False
        self.versions[number].deleted = True
        self.audited["delete version"] += 1
        self.told["deleted"] += 1
        return True

    def remember_now(self, now: datetime) -> None:
        """Notes who holds what at a moment at which nobody moves a version."""
        self.past.append((now, {stage: self.holders(stage) for stage in self.held}))

    def _leave(self, number: int, to: str) -> None:
        stage = self.versions[number].stage
        if stage not in HELD:
            return
        old = self.held[stage]
        self.held[stage] = self._without(old, [number])
        self.told["left"] += 1
        if to not in HELD:
            self.memory[stage] = old

    @staticmethod
    def _without(held: Held, gone: list[int]) -> Held:
        """Where nobody is left who answers, the newest does."""
        left = [part for part in held if part[0] not in gone]
        if left and not any(answers for _, answers in left):
            left[-1] = (left[-1][0], True)
        return left


@dataclass
class Truth:
    """All of it."""

    models: dict[str, ModelTruth] = field(default_factory=dict)
    runs: dict[str, RunTruth] = field(default_factory=dict)
    sets: dict[str, SetTruth] = field(default_factory=dict)
    #: Acts in the audit log that are of no model.
    audited: Counter[str] = field(default_factory=Counter)

    def set_holders(self, id: str) -> int:
        """How many runs and versions refer to a training set."""
        runs = sum(run.set == id and not run.deleted for run in self.runs.values())
        versions = sum(
            version.set == id and not version.deleted
            for model in self.models.values()
            for version in model.versions.values()
        )
        return runs + versions

    def run_holders(self, id: str) -> int:
        return sum(
            version.run == id and not version.deleted
            for model in self.models.values()
            for version in model.versions.values()
        )
