"""What the registry tells: runs, models, versions, verdicts, audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple

from ._proto import registry_pb2
from .records import moment


class MetricPoint(NamedTuple):
    """One point of a metric's series."""

    name: str
    value: float
    step: int
    #: Microseconds since 1970, UTC.
    time_us: int
    #: What it was measured on; empty where that was not said.
    data_set: str = ""

    @property
    def time(self) -> datetime:
        """When it was logged."""
        return moment(self.time_us)


def points(metrics: Any) -> list[MetricPoint]:
    """The points of a message."""
    return [MetricPoint(m.name, m.value, m.step, m.time_us, m.data_set) for m in metrics]


class OfMessage:
    """Takes its attributes out of a message when they are asked for, each once: whoever lists a
    thousand records mostly wants a few things of each.
    """

    _readers: ClassVar[dict[str, Callable[[Any], Any]]]

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        reader = type(self)._readers.get(name)
        if reader is None or "_message" not in own:
            raise AttributeError(f"{type(self).__name__} has no {name}", name=name, obj=self)
        value = own[name] = reader(own["_message"])
        return value

    def __reduce__(self) -> Any:
        message = self.__dict__.get("_message")
        if message is None:
            return super().__reduce__()
        return _again, (type(self), type(message).__name__, message.SerializeToString())


def _again(kind: Any, message: str, raw: bytes) -> Any:
    """What was pickled: messages themselves are of modules that are not found by their names."""
    return kind.of(getattr(registry_pb2, message).FromString(raw))


def last_values(metrics: Any) -> dict[str, float]:
    """The last value of each metric, by its name; by ``name@data_set`` where it has one."""
    return {f"{m.name}@{m.data_set}" if m.data_set else m.name: m.value for m in metrics}


def pairs(items: Any) -> dict[str, str]:
    """Keys and values of a message."""
    return {item.key: item.value for item in items}


@dataclass(frozen=True)
class RunItem:
    """Something that a run read or made: an artifact, training set, version, view or uri."""

    kind: str
    target: str
    name: str
    bytes: int


def run_items(items: Any) -> list[RunItem]:
    """What a message says that a run read or made."""
    return [RunItem(item.kind, item.target, item.name, item.bytes) for item in items]


@dataclass(frozen=True, init=False)
class RunRecord(OfMessage):
    """A run as the registry keeps it; ``metrics`` is the last value of each.

    Made of what the server answered, by ``of``; ``dataclasses.replace`` makes changed ones.
    """

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
    environment: dict[str, str] = field(repr=False)
    inputs: list[RunItem]
    outputs: list[RunItem]

    _readers = {
        **{
            name: attrgetter(name)
            for name in (
                "id", "experiment", "name", "status", "training_set", "code_revision", "actor",
            )
        },
        "started": lambda m: moment(m.started_us),
        "ended": lambda m: moment(m.ended_us) if m.ended_us else None,
        "params": lambda m: pairs(m.params),
        "metrics": lambda m: last_values(m.metrics),
        "points": lambda m: points(m.metrics),
        "tags": lambda m: pairs(m.tags),
        "environment": lambda m: pairs(m.environment),
        "inputs": lambda m: run_items(m.inputs),
        "outputs": lambda m: run_items(m.outputs),
    }  # fmt: skip

    def __init__(self, **given: Any) -> None:
        self.__dict__.update(given)

    @staticmethod
    def of(message: Any) -> RunRecord:
        made = RunRecord()
        made.__dict__["_message"] = message
        return made


@dataclass(frozen=True)
class Holder:
    """The version in a stage, and the one before it (0: none)."""

    stage: str
    version: int
    since: datetime
    previous: int
    #: Of the stage: 0.1 is a tenth; those of all its holders add up to 1.
    share: float


@dataclass(frozen=True)
class RegisteredModel:
    """A model's name, newest version, and who holds its stages."""

    name: str
    revision: int
    newest_version: int
    holders: list[Holder]
    #: The versions that aliases point at.
    aliases: dict[str, int]
    #: Read and logged beside holders, never an answer.
    shadows: list[Holder]

    @staticmethod
    def of(message: Any) -> RegisteredModel:
        holders, shadows = (
            [
                Holder(h.stage, h.version, moment(h.since_us), h.previous, h.share / 10_000)
                for h in found
            ]
            for found in (message.holders, message.shadows)
        )
        aliases = {alias.name: alias.version for alias in message.aliases}
        return RegisteredModel(
            message.name, message.revision, message.newest_version, holders, aliases, shadows
        )


@dataclass(frozen=True)
class Artifact:
    """A content-addressed file: its name, hex SHA-256 and size."""

    name: str
    digest: str
    bytes: int
    #: Whether it is a directory: then the digest is that of its manifest.
    directory: bool = False


def files(artifacts: Any) -> list[Artifact]:
    """The artifacts of a message."""
    return [Artifact(a.name, a.digest, a.bytes, a.directory) for a in artifacts]


class ModelVersion(int, OfMessage):
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

    _readers = {
        **{
            name: attrgetter(name)
            for name in (
                "model", "stage", "run", "training_set", "training_digest", "service",
                "code_revision", "description", "actor", "log_entry",
            )
        },
        "artifacts": lambda m: files(m.artifacts),
        "params": lambda m: pairs(m.params),
        "metrics": lambda m: last_values(m.metrics),
        "tags": lambda m: pairs(m.tags),
        "registered": lambda m: moment(m.registered_us),
    }  # fmt: skip

    @staticmethod
    def of(message: Any) -> ModelVersion:
        made = ModelVersion(message.version)
        made.__dict__["_message"] = message
        return made

    def __repr__(self) -> str:
        return f"ModelVersion({getattr(self, 'model', '?')} {int(self)})"

    def __str__(self) -> str:
        return str(int(self))


@dataclass(frozen=True)
class HeldVersion:
    """A version that answers for a stage, with its share of it: 0.1 is a tenth."""

    version: ModelVersion
    share: float


@dataclass(frozen=True)
class Held:
    """Who answers, the greatest share first, and the shadow of the stage."""

    holders: list[HeldVersion]
    shadow: ModelVersion | None = None

    @staticmethod
    def of(message: Any) -> Held:
        holders = [
            HeldVersion(ModelVersion.of(held.version), held.share / 10_000)
            for held in message.holders
        ]
        shadow = ModelVersion.of(message.shadow) if message.HasField("shadow") else None
        return Held(holders, shadow)


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
    #: Of the holders of the stage, after it: 0.1 is a tenth. They add up to 1.
    shares: dict[int, float]
    #: Of the stage, after it; 0: none.
    shadow: int

    @staticmethod
    def of(message: Any, model: str) -> Promotion:
        rules = [RuleVerdict(r.rule, r.outcome, r.reason) for r in message.rules]
        return Promotion(
            message.passed, rules, model, message.version, message.stage,
            getattr(message, "from"), message.previous, message.revision,
            {part.version: part.share / 10_000 for part in message.shares}, message.shadow,
        )  # fmt: skip

    def __bool__(self) -> bool:
        return self.passed


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
    project: str
    #: JSON, or empty: what was there before and after, and what the rules of a gate said.
    before: str
    after: str
    verdict: str
    #: Hex; over the entry and the one before it.
    hash: str

    @staticmethod
    def of(message: Any) -> AuditEntry:
        return AuditEntry(
            message.number, moment(message.time_us), message.actor, message.verified, message.act,
            message.object, message.detail, message.request_id, message.project, message.before,
            message.after, message.verdict, message.hash,
        )  # fmt: skip
