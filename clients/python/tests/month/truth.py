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
    holders: dict[str, list[int]] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    displaced: dict[tuple[str, int], int | None] = field(default_factory=dict)
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
        if holder := self.holders.get(to):
            auc = self.versions[holder[-1]].auc
            if auc is None or version.auc < auc - WORSE:
                return False
        return bool(version.approvals)

    def promote(self, number: int, to: str) -> bool:
        """Whether it passes; what it changes is changed."""
        version = self.versions[number]
        if version.stage == to:
            return True
        gated = to == "staging" or (to == "production" and self.least is not None)
        if not self.may_enter(number, to):
            self.audited["promote refused"] += 1
            self.told["gate refused"] += 1
            return False
        self.audited["promote"] += 1
        self.told["promoted"] += 1
        if gated:
            self.told["gate passed"] += 1
        gone: int | None = None
        if to in HELD:
            while len(self.holders.setdefault(to, [])) >= PLACES[to]:
                gone = self.holders[to].pop(0)
                self.versions[gone].stage = "archived"
                self.told["left"] += 1
        self._leave(number, to)
        version.stage = to
        if to in HELD:
            self.holders[to].append(number)
            self.displaced[(to, number)] = gone
            self._remember(gone if gone is not None else self.memory.get(to), to, number)
        return True

    def rollback(self, to: str) -> str:
        """``none``: there is nobody to return to; else ``refused`` or ``done``."""
        number = self.memory.get(to)
        if number is None:
            return "none"
        version = self.versions[number]
        gated = to == "staging" or (to == "production" and self.least is not None)
        if version.stage in HELD:
            self.audited["rollback refused"] += 1
            self.told["gate refused"] += 1
            return "refused"
        self.audited["rollback"] += 1
        self.told["rolled back"] += 1
        if gated:
            self.told["gate passed"] += 1
        while len(self.holders.setdefault(to, [])) >= PLACES[to]:
            gone = self.holders[to].pop()
            self.versions[gone].stage = "archived"
            self.told["left"] += 1
        version.stage = to
        self.holders[to].append(number)
        before = self.displaced.get((to, number))
        if before is not None and self.versions[before].deleted:
            before = None
        self._remember(before, to, number)
        return "done"

    def holds(self, number: int) -> list[str]:
        """Why a version cannot be deleted."""
        reasons = [stage for stage in HELD if number in self.holders.get(stage, [])]
        reasons += [f"memory of {stage}" for stage, one in self.memory.items() if one == number]
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
        self.past.append((now, {stage: list(held) for stage, held in self.holders.items()}))

    def _leave(self, number: int, to: str) -> None:
        old = self.versions[number].stage
        if old not in HELD:
            return
        self.holders[old].remove(number)
        self.told["left"] += 1
        if to not in HELD:
            self.memory[old] = number

    def _remember(self, number: int | None, stage: str, other: int) -> None:
        if number is None or number == other:
            self.memory.pop(stage, None)
        else:
            self.memory[stage] = number


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
