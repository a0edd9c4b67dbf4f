"""The verbs of finding and comparing: search, lineage, diff, report."""

from __future__ import annotations

from ._lineages import Lineages
from .lineage import Lineage, Report, Trace, VersionDiff
from .registry import ModelVersion, RunRecord


class LineageVerbs:
    """What a store does for those who look for something."""

    _lineages: Lineages

    def search_runs(
        self, where: str = "", order: str = "", experiment: str = "", limit: int = 100
    ) -> list[RunRecord]:
        """Runs for which an expression is true, newest first or by ``order``:
        ``store.search_runs("metric.auc > 0.9 and tag.team = risk", order="metric.auc desc")``.

        docs/SEARCH.md describes the language. A mistake raises InvalidArgument with its place.
        """
        return self._lineages.search_runs(where, order, experiment, limit)

    def search_versions(
        self, where: str = "", order: str = "", model: str = "", limit: int = 100
    ) -> list[ModelVersion]:
        """Likewise, versions of a model or of all:
        ``store.search_versions("stage = production and uses view:credit_history")``.
        """
        return self._lineages.search_versions(where, order, model, limit)

    def lineage(self, model: str, version: int) -> Lineage:
        """What a version was made of, down to imports, pushes and artifacts; printed, it is a tree,
        and ``mermaid()`` draws it.
        """
        return self._lineages.lineage(model, version)

    def run_lineage(self, run: str) -> Lineage:
        """What a run read and made, and the versions that were registered from it."""
        return self._lineages.run_lineage(run)

    def trace(self, source: str) -> Trace:
        """The versions that something went into, live ones first: ``store.trace("view:history")``.

        Sources are view:NAME, feature:VIEW:NAME, service:NAME, service:NAME@VERSION,
        training_set:ID, import:ID, run:ID and artifact:SHA-256.
        """
        return self._lineages.trace(source)

    def diff(self, model: str, before: int, after: int) -> VersionDiff:
        """What differs between two versions: params, metrics, features, data, what the runs read
        and made, artifacts, code.
        """
        return self._lineages.diff(model, before, after)

    def report(self, model: str, candidate: int, stage: str = "") -> Report:
        """What the gate of a stage, else of the next one, would say of a version, and how it
        differs from who holds the stage; ``print(report)`` is Markdown for a build to show.
        """
        return self._lineages.report(model, candidate, stage)
