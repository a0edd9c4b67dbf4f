"""Aliases, approvals, gates, stages in time, the audit chain: one request, one answer each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone

from ._connection import Call
from ._frames import Bytes, Op
from ._proto import registry_pb2, releases_pb2
from ._session import Item, Session, ignore
from .errors import Lagged, Unavailable
from .registry import AuditEntry
from .releases import Alias, Approval, AuditCheck, Event, Gate, Reproduction, Tenure

#: Seconds for which a watch looks for a server again.
_PATIENCE = 60.0


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

    def watch(self, model: str, after: int | None) -> Watch:
        return Watch(self._session, model, after)


class Watch:
    """Events in their order, for a ``for`` loop; it blocks until there is one.

    Where the connection is lost it goes on behind the last event, without a gap or a repeat, for as
    long as a server answers within a minute. Raises Lagged where events were not sent because this
    client was too slow: read the present state, then go on with the same watch.
    """

    def __init__(self, session: Session, model: str, after: int | None) -> None:
        self._session, self._model = session, model
        #: Every event up to this revision was told; None before a watch from now has begun.
        self.revision = after
        self._call: Call | None = None
        self._waiting: list[Event] = []
        self._lost: float | None = None
        self._missed = 0
        self._stopped = False
        if after is None:
            self._begin()

    def _begin(self) -> None:
        """Asks for what comes; from now on it is kept for this watch by its revision."""
        request = releases_pb2.WatchRequest(
            model=self._model, after=self.revision or 0, from_now=self.revision is None
        )
        self._call, _ = self._session.begin(Op.WATCH, request)
        while self.revision is None:  # The first item says where now is.
            self._take()

    def _take(self) -> None:
        assert self._call is not None
        item = self._call.next_item()
        if item is None:
            self._call.result()
            raise Unavailable("the server ended the watch", "it is asked again")
        self._lost = None
        told = releases_pb2.RegistryEvents.FromString(bytes(item[0]))
        known = self.revision
        for message in told.events:
            if known is None or message.revision > known:
                self._waiting.append(Event.of(message))
        if known is None and self._waiting:
            self.revision = self._waiting[0].revision - 1
        elif not self._waiting:
            self.revision = told.revision
        self._missed += told.missed

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        while not self._waiting:
            if self._stopped:
                self._drop()
                raise StopIteration
            if self._missed:
                missed, self._missed = self._missed, 0
                raise Lagged(
                    f"{missed} events up to revision {self.revision} were not told: this watch "
                    "lagged",
                    "read the present state, then go on with the same watch",
                )
            try:
                if self._call is None:
                    self._begin()
                self._take()
            except Unavailable as error:
                self._again(error)
        event = self._waiting.pop(0)
        self.revision = event.revision
        return event

    def _again(self, error: Unavailable) -> None:
        self._drop()
        now = time.monotonic()
        self._lost = self._lost or now
        if now - self._lost > _PATIENCE:
            raise error
        time.sleep(0.1)

    def _drop(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.close()

    def close(self) -> None:
        """Ends it; another one goes on behind its ``revision``."""
        self._stopped = True
        self._drop()

    def end_soon(self) -> None:
        """Ends it while another thread waits for an event: within seconds it gets none."""
        self._stopped = True

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def _nothing() -> tuple[Iterable[Item], Callable[[Bytes, Bytes], None]]:
    """Nothing to send, and nothing is wanted of what comes but the answer."""
    return (), ignore


def _microseconds(moment: datetime) -> int:
    """Since 1970; a moment without a zone is in UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
