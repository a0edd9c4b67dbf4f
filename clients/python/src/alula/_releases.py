"""Aliases, approvals, gates, stages in time, the audit chain: one request, one answer each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone

from ._frames import Bytes, Op
from ._proto import registry_pb2, releases_pb2, rollouts_pb2
from ._session import Item, Session, ignore
from .errors import Refused
from .registry import AuditEntry
from .releases import Alias, Approval, AuditCheck, Gate, Reproduction, Tenure
from .rollouts import Rollout, RolloutPlan, gate_of
from .watching import Watch


class Releases:
    """What decides about versions of models, and what was decided."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def set_alias(
        self, model: str, alias: str, version: int, protect: bool | None, expected: int
    ) -> Alias:
        protection = releases_pb2.PROTECTION_AS_IT_IS
        if protect is not None:
            protection = releases_pb2.PROTECTION_ON if protect else releases_pb2.PROTECTION_OFF
        request = releases_pb2.SetAliasRequest(
            model=model, alias=alias, version=int(version), protection=protection,
            expected_revision=expected,
        )  # fmt: skip
        answer, _ = self._session.call(Op.SET_ALIAS, request, registry_pb2.ModelAlias, write=True)
        return Alias.of(answer)

    def delete_alias(self, model: str, alias: str) -> Alias:
        request = releases_pb2.DeleteAliasRequest(model=model, alias=alias)
        answer, _ = self._session.call(
            Op.DELETE_ALIAS, request, registry_pb2.ModelAlias, write=True
        )
        return Alias.of(answer)

    def aliases(self, model: str) -> list[Alias]:
        request = releases_pb2.ListAliasesRequest(model=model)
        answer, _ = self._session.call(Op.LIST_ALIASES, request, releases_pb2.ModelAliases)
        return [Alias.of(alias) for alias in answer.aliases]

    def approve(self, model: str, version: int, stage: str, reason: str) -> Approval:
        request = releases_pb2.ApproveRequest(
            model=model, version=int(version), stage=stage, reason=reason
        )
        answer, _ = self._session.call(Op.APPROVE, request, releases_pb2.Approval, write=True)
        return Approval.of(answer)

    def approvals(self, model: str, version: int) -> list[Approval]:
        request = releases_pb2.ListApprovalsRequest(model=model, version=int(version))
        answer, _ = self._session.call(Op.LIST_APPROVALS, request, releases_pb2.Approvals)
        return [Approval.of(approval) for approval in answer.approvals]

    def gates(self, model: str, history: bool) -> list[Gate]:
        request = releases_pb2.ListGatesRequest(model=model, history=history)
        answer, _ = self._session.call(Op.LIST_GATES, request, releases_pb2.Gates)
        return [Gate.of(gate) for gate in answer.gates]

    def stages_at(self, model: str, at: datetime, stage: str) -> list[Tenure]:
        request = releases_pb2.StagesAtRequest(model=model, time_us=_microseconds(at), stage=stage)
        answer, _ = self._session.call(Op.STAGES_AT, request, releases_pb2.StageTenures)
        return [Tenure.of(tenure) for tenure in answer.tenures]

    def reproduce(self, model: str, version: int) -> Reproduction:
        request = releases_pb2.ReproduceRequest(model=model, version=int(version))
        answer = self._session.stream(
            Op.REPRODUCE, request, releases_pb2.ReproduceResponse, _nothing, write=True
        )
        return Reproduction.of(answer)

    def verify_audit(self, head: str) -> AuditCheck:
        request = releases_pb2.VerifyAuditRequest(head_kept=head)
        answer = self._session.stream(
            Op.VERIFY_AUDIT, request, releases_pb2.VerifyAuditResponse, _nothing
        )
        return AuditCheck.of(answer)

    def audit(
        self,
        object: str,
        actor: str,
        act: str,
        since: datetime | None,
        until: datetime | None,
        after: int,
        limit: int,
    ) -> list[AuditEntry]:
        entries: list[AuditEntry] = []
        while len(entries) < limit:
            request = registry_pb2.ListAuditRequest(
                after=after, limit=min(limit - len(entries), 1_000), object=object, actor=actor,
                act=act, since_us=0 if since is None else _microseconds(since),
                until_us=0 if until is None else _microseconds(until),
            )  # fmt: skip
            answer, _ = self._session.call(Op.LIST_AUDIT, request, registry_pb2.AuditEntries)
            entries += [AuditEntry.of(message) for message in answer.entries]
            after = answer.next
            if after == 0:
                break
        return entries

    def start_rollout(self, model: str, version: int, plan: str | None, reason: str) -> Rollout:
        request = rollouts_pb2.StartRolloutRequest(
            model=model, version=int(version), plan=plan or "", reason=reason
        )
        answer, _ = self._session.call(Op.START_ROLLOUT, request, rollouts_pb2.Rollout, write=True)
        if answer.state == "refused":
            reasons = [str(rule) for rule in gate_of(answer) if rule.outcome != "passed"]
            stage = answer.plan.stage
            raise Refused(f"{model} {int(version)} may not enter {stage}", "", reasons)
        return Rollout.of(answer)

    def rollouts(self, model: str | None, limit: int) -> list[Rollout]:
        request = rollouts_pb2.ListRolloutsRequest(model=model or "", limit=limit)
        answer, _ = self._session.call(Op.LIST_ROLLOUTS, request, rollouts_pb2.Rollouts)
        return [Rollout.of(rollout) for rollout in answer.rollouts]

    def rollout_plans(self, model: str | None) -> list[RolloutPlan]:
        request = rollouts_pb2.ListRolloutsRequest(model=model or "", limit=1)
        answer, _ = self._session.call(Op.LIST_ROLLOUTS, request, rollouts_pb2.Rollouts)
        return [RolloutPlan.of(plan) for plan in answer.plans]

    def cancel_rollout(self, model: str, reason: str, back: bool) -> Rollout:
        request = rollouts_pb2.CancelRolloutRequest(model=model, reason=reason, back=back)
        answer, _ = self._session.call(Op.CANCEL_ROLLOUT, request, rollouts_pb2.Rollout, write=True)
        return Rollout.of(answer)

    def watch(self, model: str, after: int | None) -> Watch:
        return Watch(self._session, model, after)


def _nothing() -> tuple[Iterable[Item], Callable[[Bytes, Bytes], None]]:
    """Nothing to send, and nothing is wanted of what comes but the answer."""
    return (), ignore


def _microseconds(moment: datetime) -> int:
    """Since 1970; a moment without a zone is in UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
