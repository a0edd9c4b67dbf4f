"""Search, lineage, comparison: one request, one answer each, but for pages."""

from __future__ import annotations

from ._frames import Op
from ._proto import lineage_pb2, registry_pb2
from ._session import Session
from .errors import InvalidArgument
from .lineage import Lineage, Report, Trace, VersionDiff
from .registry import ModelVersion, RunRecord

_FIELDS = {
    "view": "view", "import": "import_id", "training_set": "training_set", "artifact": "artifact",
    "service": "service", "run": "run",
}  # fmt: skip


class Lineages:
    """What is found in the registry, and how it hangs together."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def search_runs(self, where: str, order: str, experiment: str, limit: int) -> list[RunRecord]:
        request = lineage_pb2.SearchRunsRequest(where=where, order=order, experiment=experiment)
        found: list[RunRecord] = []
        while len(found) < limit:
            request.limit = min(limit - len(found), 1_000)
            answer, _ = self._session.call(Op.SEARCH_RUNS, request, registry_pb2.Runs)
            found += [RunRecord.of(message) for message in answer.runs]
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
        return found

    def search_versions(self, where: str, order: str, model: str, limit: int) -> list[ModelVersion]:
        request = lineage_pb2.SearchVersionsRequest(where=where, order=order, model=model)
        found: list[ModelVersion] = []
        while len(found) < limit:
            request.limit = min(limit - len(found), 1_000)
            answer, _ = self._session.call(Op.SEARCH_VERSIONS, request, registry_pb2.Versions)
            found += [ModelVersion.of(message) for message in answer.versions]
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
        return found

    def lineage(self, model: str, version: int) -> Lineage:
        request = registry_pb2.LineageRequest(model=model, version=int(version))
        answer, _ = self._session.call(Op.LINEAGE, request, registry_pb2.Lineage)
        return Lineage.of(answer)

    def run_lineage(self, run: str) -> Lineage:
        request = registry_pb2.LineageRequest(run=run)
        answer, _ = self._session.call(Op.LINEAGE, request, registry_pb2.Lineage)
        return Lineage.of(answer)

    def trace(self, source: str) -> Trace:
        kind, _, name = source.partition(":")
        request = lineage_pb2.TraceRequest()
        if kind == "feature" and name.count(":") == 1:
            request.view, request.feature = name.split(":")
        elif kind in _FIELDS and name:
            setattr(request, _FIELDS[kind], name)
        else:
            raise InvalidArgument(
                f"{source!r} names nothing: expected view:NAME, feature:VIEW:NAME, service:NAME, "
                "training_set:ID, import:ID, run:ID or artifact:SHA-256"
            )
        answer, _ = self._session.call(Op.TRACE, request, lineage_pb2.Trace)
        return Trace.of(answer)

    def diff(self, model: str, before: int, after: int) -> VersionDiff:
        request = lineage_pb2.DiffVersionsRequest(model=model, before=int(before), after=int(after))
        answer, _ = self._session.call(Op.DIFF_VERSIONS, request, lineage_pb2.VersionDiff)
        return VersionDiff.of(answer)

    def report(self, model: str, candidate: int, stage: str) -> Report:
        request = lineage_pb2.ReportRequest(model=model, candidate=int(candidate), stage=stage)
        answer, _ = self._session.call(Op.REPORT, request, lineage_pb2.Report)
        return Report.of(answer)
