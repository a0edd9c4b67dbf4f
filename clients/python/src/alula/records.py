"""What the server tells about itself, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ._types import Schema, from_proto

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(microseconds: int) -> datetime:
    """Microseconds since 1970 as a time in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _optional(microseconds: int) -> datetime | None:
    return moment(microseconds) if microseconds else None


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

    @staticmethod
    def of(message: Any) -> View:
        return View(
            message.name, message.entity, from_proto(message.keys), from_proto(message.features),
            _span(message.lookback_us), _span(message.max_age_us),
            message.event_time_column or "event_time", message.created_time_column,
            message.owner, message.description, message.retired,
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

    @staticmethod
    def of(message: Any) -> Changes:
        changes = [Change(c.kind, c.name, c.action, list(c.lines)) for c in message.changes]
        return Changes(changes, list(message.breaks), message.catalog_revision)

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        if not self.changes and not self.breaks:
            return "nothing changes"
        return "\n".join([*map(str, self.changes), *(f"breaks: {text}" for text in self.breaks)])


@dataclass(frozen=True)
class ViewStatus:
    """How much history a view has."""

    project: str
    name: str
    offline_rows: int
    segments: int
    newest_event: datetime | None


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

    @staticmethod
    def of(message: Any) -> Status:
        views = [
            ViewStatus(
                v.project, v.name, v.offline_rows, v.segments,
                moment(v.newest_event_us) if v.HasField("newest_event_us") else None,
            )
            for v in message.views
        ]  # fmt: skip
        return Status(
            message.version, moment(message.started_us), message.data_directory, message.log_last,
            message.offline_applied, message.catalog_revision, message.registry_revision,
            list(message.projects), views, message.disk_free_bytes, message.connections,
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
class MetricPoint:
    """One point of a metric's series."""

    name: str
    value: float
    step: int
    time: datetime


def points(metrics: Any) -> list[MetricPoint]:
    """The points of a message."""
    return [MetricPoint(m.name, m.value, m.step, moment(m.time_us)) for m in metrics]


def pairs(items: Any) -> dict[str, str]:
    """Keys and values of a message."""
    return {item.key: item.value for item in items}


@dataclass(frozen=True)
class RunRecord:
    """A run as the registry keeps it; ``metrics`` is the last value of each."""

    id: str
    experiment: str
    name: str
    status: str
    started: datetime
    ended: datetime | None
    params: dict[str, str]
    metrics: dict[str, float]
    points: list[MetricPoint] = field(repr=False)
    tags: dict[str, str]
    training_set: str
    code_revision: str
    actor: str

    @staticmethod
    def of(message: Any) -> RunRecord:
        return RunRecord(
            message.id, message.experiment, message.name, message.status,
            moment(message.started_us), _optional(message.ended_us), pairs(message.params),
            {m.name: m.value for m in message.metrics}, points(message.metrics),
            pairs(message.tags), message.training_set, message.code_revision, message.actor,
        )  # fmt: skip


@dataclass(frozen=True)
class Holder:
    """The version in a stage, and the one before it (0: none)."""

    stage: str
    version: int
    since: datetime
    previous: int


@dataclass(frozen=True)
class RegisteredModel:
    """A model's name, newest version, and who holds its stages."""

    name: str
    revision: int
    newest_version: int
    holders: list[Holder]

    @staticmethod
    def of(message: Any) -> RegisteredModel:
        holders = [Holder(h.stage, h.version, moment(h.since_us), h.previous) for h in message.holders]
        return RegisteredModel(message.name, message.revision, message.newest_version, holders)


@dataclass(frozen=True)
class Artifact:
    """A content-addressed file: its name, hex SHA-256 and size."""

    name: str
    digest: str
    bytes: int


class ModelVersion(int):
    """A version of a model: its number, which it is, and what it was made of."""

    model: str
    stage: str
    run: str
    training_set: str
    training_digest: str
    service: str
    artifacts: list[Artifact]
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    code_revision: str
    description: str
    registered: datetime
    actor: str
    log_entry: int

    @property
    def version(self) -> int:
        """The number."""
        return int(self)

    @staticmethod
    def of(message: Any) -> ModelVersion:
        made = ModelVersion(message.version)
        for name in (
            "model", "stage", "run", "training_set", "training_digest", "service", "code_revision",
            "description", "actor", "log_entry",
        ):  # fmt: skip
            setattr(made, name, getattr(message, name))
        made.artifacts = [Artifact(a.name, a.digest, a.bytes) for a in message.artifacts]
        made.params, made.tags = pairs(message.params), pairs(message.tags)
        made.metrics = {m.name: m.value for m in message.metrics}
        made.registered = moment(message.registered_us)
        return made

    def __repr__(self) -> str:
        return f"ModelVersion({getattr(self, 'model', '?')} {int(self)})"

    def __str__(self) -> str:
        return str(int(self))


@dataclass(frozen=True)
class RuleVerdict:
    """What one rule of a gate said, with its figures."""

    rule: str
    outcome: str
    reason: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.outcome}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class Promotion:
    """What a gate said of a move of a version to a stage, and what it changed."""

    passed: bool
    rules: list[RuleVerdict]
    model: str
    version: int
    stage: str
    came_from: str
    previous: int
    revision: int

    @staticmethod
    def of(message: Any, model: str) -> Promotion:
        rules = [RuleVerdict(r.rule, r.outcome, r.reason) for r in message.rules]
        return Promotion(
            message.passed, rules, model, message.version, message.stage,
            getattr(message, "from"), message.previous, message.revision,
        )  # fmt: skip

    def __bool__(self) -> bool:
        return self.passed


@dataclass(frozen=True)
class LineageNode:
    """One thing that a version was made of, or the version itself."""

    id: str
    kind: str
    title: str
    facts: dict[str, str]


@dataclass(frozen=True)
class Lineage:
    """The chain from a version to its data; ``edges`` go from what was made to what it was made of."""

    nodes: list[LineageNode]
    edges: list[tuple[str, str]]

    @staticmethod
    def of(message: Any) -> Lineage:
        nodes = [LineageNode(n.id, n.kind, n.title, pairs(n.facts)) for n in message.nodes]
        return Lineage(nodes, [(getattr(e, "from"), e.to) for e in message.edges])

    def __str__(self) -> str:
        by_id = {node.id: node for node in self.nodes}
        targets: dict[str, list[str]] = {}
        for source, target in self.edges:
            targets.setdefault(source, []).append(target)
        lines: list[str] = []
        seen: set[str] = set()

        def draw(id: str, depth: int) -> None:
            node = by_id.get(id)
            if node is None:
                return
            again = " (above)" if id in seen and targets.get(id) else ""
            lines.append("  " * depth + f"{node.kind} {node.title}{again}")
            if id not in seen:
                seen.add(id)
                for target in targets.get(id, []):
                    draw(target, depth + 1)

        made = {target for _, target in self.edges}
        for node in self.nodes:
            if node.id not in made:
                draw(node.id, 0)
        return "\n".join(lines)


@dataclass(frozen=True)
class AuditEntry:
    """One act that the registry remembers."""

    number: int
    time: datetime
    actor: str
    verified: bool
    act: str
    object: str
    detail: str
    request_id: str

    @staticmethod
    def of(message: Any) -> AuditEntry:
        return AuditEntry(
            message.number, moment(message.time_us), message.actor, message.verified, message.act,
            message.object, message.detail, message.request_id,
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
        said = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count or what == "matched")
        return f"{self.label}: {said}"


