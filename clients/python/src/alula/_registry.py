"""Definitions, runs, models and stages: one request, one answer each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ._frames import Op
from ._proto import catalog_pb2, common_pb2, registry_pb2, rollouts_pb2
from ._reading import Wanted
from ._session import Session
from .errors import InvalidArgument, NotFound, Refused
from .records import Changes
from .registry import Held, HeldVersion, ModelVersion, Promotion, RegisteredModel, RunRecord
from .runs import HEARTBEAT, Run, code_revision, environment, key_values
from .training import TrainingSetRecord


class Registry:
    """The registry of a project."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def apply(
        self,
        operation: Op,
        definitions: Sequence[str | os.PathLike[str]],
        retire: Sequence[str],
        drop: Sequence[str],
    ) -> Changes:
        if not definitions and not retire and not drop:
            raise InvalidArgument("there is nothing to apply: give a YAML file's path or YAML text")
        files = [_definition_file(number, text) for number, text in enumerate(definitions, 1)]
        answer, _ = self._session.call(
            operation,
            catalog_pb2.ApplyRequest(files=files, retire=retire, drop=drop),
            catalog_pb2.ApplyResponse,
            write=operation == Op.APPLY,
        )
        return Changes.of(answer)

    def start_run(
        self,
        experiment: str,
        training_set: TrainingSetRecord | str | None,
        params: Mapping[str, Any] | None,
        tags: Mapping[str, Any] | None,
        name: str,
        revision: str | None,
        facts: Mapping[str, Any] | None = None,
        heartbeat: float = HEARTBEAT,
    ) -> Run:
        id = training_set.id if isinstance(training_set, TrainingSetRecord) else training_set or ""
        answer, _ = self._session.call(
            Op.START_RUN,
            registry_pb2.StartRunRequest(
                experiment=experiment, name=name, params=key_values(params or {}),
                tags=key_values(tags or {}), training_set=id,
                code_revision=code_revision() if revision is None else revision,
                heartbeat_seconds=max(1, round(heartbeat)) if heartbeat > 0 else 0,
                environment=key_values(environment() if facts is None else facts),
            ),
            registry_pb2.Run,
            write=True,
        )  # fmt: skip
        return Run(self._session, RunRecord.of(answer), heartbeat)

    def open_run(self, id: str) -> Run:
        return Run(self._session, self._get_run(id, history=False))

    def get_run(self, id: str) -> RunRecord:
        return self._get_run(id, history=True)

    def _get_run(self, id: str, history: bool) -> RunRecord:
        answer, _ = self._session.call(
            Op.GET_RUN, registry_pb2.GetRunRequest(run=id, history=history), registry_pb2.Run
        )
        return RunRecord.of(answer)

    def runs(self, experiment: str, limit: int) -> list[RunRecord]:
        request = registry_pb2.ListRunsRequest(experiment=experiment)
        records: list[RunRecord] = []
        while len(records) < limit:
            request.limit = min(limit - len(records), 1_000)
            answer, _ = self._session.call(Op.LIST_RUNS, request, registry_pb2.Runs)
            records += [RunRecord.of(message) for message in answer.runs]
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
        return records

    def models(self) -> list[RegisteredModel]:
        answer, _ = self._session.call(Op.LIST_MODELS, common_pb2.HeadOnly(), registry_pb2.Models)
        return [RegisteredModel.of(message) for message in answer.models]

    def versions(self, model: str) -> list[ModelVersion]:
        request = registry_pb2.ListVersionsRequest(model=model, limit=1_000)
        found: list[ModelVersion] = []
        while True:
            answer, _ = self._session.call(Op.LIST_VERSIONS, request, registry_pb2.Versions)
            found += [ModelVersion.of(message) for message in answer.versions]
            request.page_token = answer.next_page_token
            if not request.page_token:
                return found

    def resolve(self, asked: Wanted) -> ModelVersion:
        request = registry_pb2.ResolveVersionRequest(
            model=asked.model, version=asked.version, stage=asked.stage
        )
        if asked.alias:
            request.alias = asked.alias
        answer, _ = self._session.call(Op.RESOLVE_VERSION, request, registry_pb2.ModelVersion)
        return ModelVersion.of(answer)

    def held(self, asked: Wanted) -> Held:
        """Who answers for what is asked for: the holders of a stage, or the one version."""
        if not asked.stage or asked.version:
            return Held([HeldVersion(self.resolve(asked), 1.0)])
        request = rollouts_pb2.StageHoldersRequest(model=asked.model, stage=asked.stage)
        answer, _ = self._session.call(Op.STAGE_HOLDERS, request, rollouts_pb2.StageHolders)
        return Held.of(answer)

    def promote(
        self, model: str, version: int, stage: str, reason: str, dry_run: bool, expected: int,
        share: str | float | None, shadow: bool | None,
    ) -> Promotion:  # fmt: skip
        request = registry_pb2.PromoteRequest(
            model=model, version=int(version), stage=stage, reason=reason, dry_run=dry_run,
            expected_revision=expected,
        )  # fmt: skip
        if share is not None:
            request.share = hundredths(share)
        if shadow is not None:
            request.shadow = registry_pb2.SHADOW_ON if shadow else registry_pb2.SHADOW_OFF
        answer, _ = self._session.call(
            Op.PROMOTE, request, registry_pb2.PromoteResponse, write=True
        )
        promotion = Promotion.of(answer, model)
        if not promotion.passed and not dry_run:
            reasons = [str(rule) for rule in promotion.rules if rule.outcome != "passed"]
            what = f"be the shadow of {stage}" if shadow else f"enter {stage}"
            raise Refused(f"{model} {int(version)} may not {what}", "", reasons)
        return promotion

    def rollback(self, model: str, stage: str, reason: str) -> Promotion:
        answer, _ = self._session.call(
            Op.ROLLBACK,
            registry_pb2.RollbackRequest(model=model, stage=stage, reason=reason),
            registry_pb2.PromoteResponse,
            write=True,
        )
        return Promotion.of(answer, model)


def hundredths(share: str | float) -> int:
    """A share in hundredths of a percent: "10%", or 0.1."""
    number = -1.0
    try:
        if isinstance(share, str):
            if share.endswith("%"):
                number = float(share[:-1]) * 100
        elif not isinstance(share, bool):
            number = float(share) * 10_000
    except ValueError:
        pass
    exact = round(number) if 0 <= number <= 10_000 else 0  # NaN is neither
    if exact < 1:
        raise InvalidArgument(
            f"share {share!r}: expected a percentage such as '10%', or a number above 0 and at "
            "most 1, such as 0.1"
        )
    if abs(number - exact) > 1e-6:
        raise InvalidArgument(f"share {share!r} is finer than a hundredth of a percent")
    return exact


def _definition_file(number: int, source: str | os.PathLike[str]) -> catalog_pb2.DefinitionFile:
    """YAML text (it has a line break or a colon and a blank), or the path of a file."""
    text = source if isinstance(source, str) else ""
    if "\n" in text or ": " in text:
        return catalog_pb2.DefinitionFile(name=f"definitions {number}", yaml=text)
    path = Path(source)
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    try:
        return catalog_pb2.DefinitionFile(name=str(source), yaml=path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise InvalidArgument(f"{path} is not UTF-8 text") from None
