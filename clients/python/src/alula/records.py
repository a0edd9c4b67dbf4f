"""What the server tells about itself, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ._types import Schema, from_proto

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(microseconds: int) -> datetime:
    """Microseconds since 1970 as a time in UTC, at most Python's last and first."""
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return (datetime.max if microseconds > 0 else datetime.min).replace(tzinfo=timezone.utc)


def _span(microseconds: int) -> timedelta | None:
    return timedelta(microseconds=microseconds) if microseconds else None


@dataclass(frozen=True)
class View:
    """A feature view: one entity's keys, and features that arrive together."""

    name: str
    entity: str
    keys: Schema
    features: Schema
    lookback: timedelta | None
    max_age: timedelta | None
    event_time_column: str
    created_time_column: str
    owner: str
    description: str
    retired: bool
    retention_age: timedelta | None = None
    retention_rows_per_key: int | None = None

    @staticmethod
    def of(message: Any) -> View:
        return View(
            message.name, message.entity, from_proto(message.keys), from_proto(message.features),
            _span(message.lookback_us), _span(message.max_age_us),
            message.event_time_column or "event_time", message.created_time_column,
            message.owner, message.description, message.retired,
            _span(message.retention_age_us), message.retention_rows_per_key or None,
        )  # fmt: skip


@dataclass(frozen=True)
class Projection:
    """What a service takes from one view, in one role."""

    view: str
    role: str
    key_columns: list[str]
    features: list[str]
    columns: list[str]


@dataclass(frozen=True)
class Service:
    """A published version of a feature service: the vector one model reads."""

    name: str
    version: int
    projections: list[Projection]
    key_columns: Schema
    request_fields: Schema
    description: str
    retired: bool

    @property
    def reference(self) -> str:
        """``credit@2``."""
        return f"{self.name}@{self.version}"

    @staticmethod
    def of(message: Any) -> Service:
        projections = [
            Projection(p.view, p.role, list(p.key_columns), list(p.features), list(p.columns))
            for p in message.projections
        ]
        return Service(
            message.name, message.version, projections, from_proto(message.key_columns),
            from_proto(message.request_fields), message.description, message.retired,
        )  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One difference that applying definitions makes."""

    kind: str
    name: str
    action: str
    lines: list[str]

    def __str__(self) -> str:
        return "\n    ".join([f"{self.action} {self.kind} {self.name}", *self.lines])


@dataclass(frozen=True)
class Changes:
    """What ``apply`` did, or ``plan`` found: ``breaks`` is what apply would refuse."""

    changes: list[Change]
    breaks: list[str]
    revision: int
    #: What cannot be served or made again, because of what is dropped.
    loses: list[str] = field(default_factory=list)

    @staticmethod
    def of(message: Any) -> Changes:
        changes = [Change(c.kind, c.name, c.action, list(c.lines)) for c in message.changes]
        return Changes(changes, list(message.breaks), message.catalog_revision, list(message.loses))

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        if not self.changes and not self.breaks:
            return "nothing changes"
        lines = [*map(str, self.changes), *(f"breaks: {text}" for text in self.breaks)]
        return "\n".join([*lines, *(f"loses: {text}" for text in self.loses)])


@dataclass(frozen=True)
class ViewStatus:
    """How much history a view has."""

    project: str
    name: str
    offline_rows: int
    segments: int
    newest_event: datetime | None


@dataclass(frozen=True)
class CacheStatus:
    """The row cache of the online store; its budget is 0 where it is off."""

    budget_bytes: int
    bytes: int
    entries: int
    absences: int
    hits: int
    absent_hits: int
    misses: int
    evictions: int


@dataclass(frozen=True)
class Status:
    """What runs, how far behind, how full."""

    version: str
    started: datetime
    data_directory: str
    log_last: int
    offline_applied: int
    catalog_revision: int
    registry_revision: int
    projects: list[str]
    views: list[ViewStatus]
    disk_free_bytes: int
    connections: int
    cache: CacheStatus
    not_ready: str = ""
    """Why the server does not take both reads and writes; empty where it does."""

    @staticmethod
    def of(message: Any) -> Status:
        views = [
            ViewStatus(
                v.project, v.name, v.offline_rows, v.segments,
                moment(v.newest_event_us) if v.HasField("newest_event_us") else None,
            )
            for v in message.views
        ]  # fmt: skip
        c = message.cache
        return Status(
            message.version, moment(message.started_us), message.data_directory, message.log_last,
            message.offline_applied, message.catalog_revision, message.registry_revision,
            list(message.projects), views, message.disk_free_bytes, message.connections,
            CacheStatus(
                c.budget_bytes, c.bytes, c.entries, c.absences, c.hits, c.absent_hits, c.misses,
                c.evictions,
            ),
            message.not_ready,
        )  # fmt: skip


@dataclass(frozen=True)
class Import:
    """One import of history."""

    id: str
    view: str
    source: str
    state: str
    rows: int
    log_entry: int
    begun: datetime
    source_digest: str

    @staticmethod
    def of(message: Any) -> Import:
        return Import(
            message.import_id, message.view, message.source_name, message.state, message.rows,
            message.log_entry, moment(message.begun_us), message.source_digest,
        )  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A row that was not taken, and why."""

    row: int
    reason: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.reason}"


@dataclass(frozen=True)
class ViewReport:
    """How one view of a training set was joined, in counts of spine rows."""

    label: str
    view: str
    matched: int
    expired: int
    not_found: int
    null_keys: int
    late: int
    unknown: int
    oldest_event: datetime | None
    newest_event: datetime | None

    @staticmethod
    def of(message: Any) -> ViewReport:
        return ViewReport(
            message.label, message.view, message.matched, message.expired, message.not_found,
            message.null_keys, message.late, message.unknown,
            moment(message.oldest_event_us) if message.HasField("oldest_event_us") else None,
            moment(message.newest_event_us) if message.HasField("newest_event_us") else None,
        )  # fmt: skip

    def __str__(self) -> str:
        counts = {
            "matched": self.matched, "expired": self.expired, "not found": self.not_found,
            "null keys": self.null_keys, "late": self.late, "created time unknown": self.unknown,
        }  # fmt: skip
        said = ", ".join(
            f"{count:,} {what}" for what, count in counts.items() if count or what == "matched"
        )
        return f"{self.label}: {said}"


@dataclass(frozen=True)
class ViewLoss:
    """What deleted or retired history has taken from one view part of a training set."""

    label: str
    #: Rows of the spine that had a row of the view, and have none any more.
    values: int
    #: The deletions and retentions that took rows of the view.
    log_entries: list[int]

    @staticmethod
    def of(message: Any) -> ViewLoss:
        return ViewLoss(message.label, message.values, list(message.log_entries))

    def __str__(self) -> str:
        entries = ", ".join(map(str, self.log_entries))
        return f"{self.label}: {self.values:,} values lost at log entries {entries}"
