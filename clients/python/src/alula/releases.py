"""What releases tell: aliases, approvals, gates, who held a stage when, events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .records import moment


@dataclass(frozen=True)
class Alias:
    """A name that points at a version of a model."""

    name: str
    version: int
    protected: bool
    since: datetime
    actor: str

    @staticmethod
    def of(message: Any) -> Alias:
        return Alias(
            message.name, message.version, message.protected, moment(message.since_us),
            message.actor,
        )  # fmt: skip


@dataclass(frozen=True)
class Approval:
    """Someone's word that a version may enter a stage."""

    model: str
    version: int
    stage: str
    actor: str
    roles: list[str]
    time: datetime
    reason: str

    @staticmethod
    def of(message: Any) -> Approval:
        return Approval(
            message.model, message.version, message.stage, message.actor, list(message.roles),
            moment(message.time_us), message.reason,
        )  # fmt: skip


@dataclass(frozen=True)
class Gate:
    """What a version must show before it may enter a stage, in words."""

    model: str
    to: str
    came_from: list[str]
    rules: list[str]
    rollback: list[str]
    version: int

    @staticmethod
    def of(message: Any) -> Gate:
        return Gate(
            message.model, message.to, list(getattr(message, "from")), list(message.rules),
            list(message.rollback), message.version,
        )  # fmt: skip


@dataclass(frozen=True)
class Tenure:
    """When a version held a stage; ``until`` is None where it still does."""

    stage: str
    version: int
    since: datetime
    until: datetime | None
    #: That it had of the stage at the moment asked about: 0.1 is a tenth.
    share: float

    @staticmethod
    def of(message: Any) -> Tenure:
        until = None if message.holds else moment(message.until_us)
        return Tenure(
            message.stage, message.version, moment(message.since_us), until,
            message.share / 10_000,
        )  # fmt: skip


@dataclass(frozen=True)
class Reproduction:
    """What became of making a training set again."""

    training_set: str
    state: str
    recorded_digest: str
    digest: str
    log_entry: int
    time: datetime
    differences: list[str]

    @staticmethod
    def of(message: Any) -> Reproduction:
        return Reproduction(
            message.training_set, message.state, message.recorded_digest, message.digest,
            message.log_entry, moment(message.time_us), list(message.differences),
        )  # fmt: skip

    def __bool__(self) -> bool:
        return self.state == "complete"


@dataclass(frozen=True)
class AuditCheck:
    """What was found when every entry of the audit log was looked at."""

    entries: int
    head: str
    head_kept_online: str
    problems: list[str]
    problem_count: int
    key_outside: bool

    @staticmethod
    def of(message: Any) -> AuditCheck:
        return AuditCheck(
            message.entries, message.head_now, message.head_kept_online, list(message.problems),
            message.problem_count, message.key_outside,
        )  # fmt: skip

    def __bool__(self) -> bool:
        return self.problem_count == 0


@dataclass(frozen=True)
class Event:
    """One change of a model, an import, or an alarm.

    ``kind``: registered, promoted, rolled back, left, alias set, alias deleted, approved, deleted,
    gate passed, gate refused, import published, monitor firing, monitor resolved, shadowed,
    unshadowed, rollout stepped, rollout ended, freshness lost, freshness regained; ``name`` is the
    same for patterns: stage.promoted.
    ``other``: where the version was before; of one that left a stage, where it is now.
    ``view`` and ``subject``: of an import its view and id; it has no model, and version 0. Of a
    monitor ``subject`` is its name; of freshness there is the view. ``detail``: in words, why a
    gate refused, how many rows came, what a monitor found.
    """

    revision: int
    time: datetime
    kind: str
    model: str
    version: int
    stage: str
    other: str
    alias: str
    actor: str
    name: str = ""
    view: str = ""
    subject: str = ""
    detail: str = ""

    @staticmethod
    def of(message: Any) -> Event:
        return Event(
            message.revision, moment(message.time_us), message.kind, message.model,
            message.version, message.stage, message.other, message.alias, message.actor,
            message.name, message.view, message.subject, message.detail,
        )  # fmt: skip
