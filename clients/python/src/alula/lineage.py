"""What versions were made of, what was made of something, and what differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .records import moment
from .registry import RuleVerdict, pairs

_SPECIAL = '"#<>&`;\\%'


def escaped(text: str) -> str:
    """A text for Mermaid to stand in quotes: what it or HTML would take for more, as its code."""
    return "".join(
        f"#{ord(letter)};" if letter in _SPECIAL else " " if ord(letter) < 32 else letter
        for letter in text
    )


@dataclass(frozen=True)
class LineageNode:
    """One thing that a version was made of, or the version itself."""

    id: str
    kind: str
    title: str
    facts: dict[str, str]


@dataclass(frozen=True)
class Lineage:
    """The chain from a version to its data; ``edges`` go from what was made to its makings."""

    nodes: list[LineageNode]
    edges: list[tuple[str, str]]

    @staticmethod
    def of(message: Any) -> Lineage:
        nodes = [LineageNode(n.id, n.kind, n.title, pairs(n.facts)) for n in message.nodes]
        return Lineage(nodes, [(getattr(e, "from"), e.to) for e in message.edges])

    def mermaid(self) -> str:
        """A Mermaid flowchart of it."""
        names = {node.id: f"n{number}" for number, node in enumerate(self.nodes)}
        lines = ["flowchart LR"]
        for node in self.nodes:
            text = f"{escaped(node.kind)}<br/>{escaped(node.title)}"
            lines.append(f'  {names[node.id]}["{text}"]')
        for source, target in self.edges:
            lines.append(f"  {names[source]} --> {names[target]}")
        return "\n".join(lines)

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
class TracedVersion:
    """A version that something went into."""

    model: str
    version: int
    stage: str
    #: The stages that it holds, and those whose rollback returns to it.
    holds: list[str]
    rollback_of: list[str]
    training_set: str
    service: str
    run: str
    registered: datetime

    @property
    def live(self) -> bool:
        """Whether it holds a stage, or a rollback returns to it."""
        return bool(self.holds or self.rollback_of)

    @staticmethod
    def of(message: Any) -> TracedVersion:
        return TracedVersion(
            message.model, message.version, message.stage, list(message.holds),
            list(message.rollback_of), message.training_set, message.service, message.run,
            moment(message.registered_us),
        )  # fmt: skip


@dataclass(frozen=True)
class Trace:
    """The versions that something went into: live ones first, then the newest; at most 1000 of
    ``total``.
    """

    versions: list[TracedVersion]
    total: int
    #: How the first of them hang on it.
    graph: Lineage = field(repr=False)

    @staticmethod
    def of(message: Any) -> Trace:
        versions = [TracedVersion.of(version) for version in message.versions]
        return Trace(versions, message.total, Lineage.of(message.graph))


@dataclass(frozen=True)
class DiffItem:
    """Something that differs: ``before`` is None where it was added, ``after`` where it is gone."""

    key: str
    before: str | None
    after: str | None
    #: Of numbers: such as "+0.012".
    change: str

    @staticmethod
    def of(message: Any) -> DiffItem:
        return DiffItem(
            message.key,
            message.before if message.HasField("before") else None,
            message.after if message.HasField("after") else None,
            message.change,
        )

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.key}: {self.after}"
        if self.after is None:
            return f"- {self.key}: {self.before}"
        change = f" ({self.change})" if self.change else ""
        return f"{self.key}: {self.before} -> {self.after}{change}"


@dataclass(frozen=True)
class VersionDiff:
    """What differs between two versions of a model, by section: params, metrics, features, data,
    artifacts, code, tags. True where something does.
    """

    model: str
    before: int
    after: int
    sections: dict[str, list[DiffItem]]
    #: How many items of each section are the same.
    same: dict[str, int]

    @staticmethod
    def of(message: Any) -> VersionDiff:
        sections = {s.name: [DiffItem.of(item) for item in s.items] for s in message.sections}
        same = {section.name: section.same for section in message.sections}
        return VersionDiff(message.model, message.before, message.after, sections, same)

    def __bool__(self) -> bool:
        return any(self.sections.values())

    def __str__(self) -> str:
        lines = [f"{self.model} version {self.after} against version {self.before}"]
        for name, items in self.sections.items():
            lines.append(name if items else f"{name}: no difference")
            lines += [f"  {item}" for item in items]
        return "\n".join(lines)

    def mermaid(self) -> str:
        """A Mermaid flowchart: the two versions, and between them what differs."""
        model = escaped(self.model)
        lines = [
            "flowchart LR", f'  before["{model} version {self.before}"]',
            f'  after["{model} version {self.after}"]',
        ]  # fmt: skip
        for number, (name, items) in enumerate(self.sections.items()):
            if items:
                text = "<br/>".join([escaped(name), *(escaped(str(item)) for item in items)])
                lines.append(f'  s{number}["{text}"]')
                lines.append(f"  before --- s{number} --> after")
        return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """What speaks for and against a version in a stage; true where its gate would let it in.
    Printed, it is a page of Markdown.
    """

    passed: bool
    markdown: str = field(repr=False)
    model: str
    candidate: int
    stage: str
    #: The version that holds the stage; 0 where none does.
    holder: int
    rules: list[RuleVerdict]
    #: From the holder; None where there is none.
    diff: VersionDiff | None = field(repr=False)
    lineage: Lineage = field(repr=False)

    @staticmethod
    def of(message: Any) -> Report:
        return Report(
            message.passed, message.markdown, message.model, message.candidate, message.stage,
            message.holder, [RuleVerdict(r.rule, r.outcome, r.reason) for r in message.rules],
            VersionDiff.of(message.diff) if message.HasField("diff") else None,
            Lineage.of(message.lineage),
        )  # fmt: skip

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return self.markdown
