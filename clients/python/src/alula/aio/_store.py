"""The store with ``await``: reads on the event loop, every other word in a thread."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from .. import store as _blocking
from .._closing import AsyncClosing
from .._inputs import Keys, keys_missing
from .._reading import wanted
from ..answer import Answer
from ..runs import HEARTBEAT
from ..store import Store
from ..training import TrainingSetRecord
from ._models import AsyncModel
from ._offload import Threads, offload
from ._reading import AsyncReading
from ._runs import AsyncRun
from ._stream import AsyncTrainingSetStream
from ._transport import AsyncTransport
from ._watching import AsyncWatch

if TYPE_CHECKING:
    import pyarrow as pa

Words = ParamSpec("Words")
Result = TypeVar("Result")


def _awaiting(
    connect: Callable[Words, Store],
) -> Callable[Words, Coroutine[Any, Any, AsyncStore]]:
    async def connected(*args: Words.args, **kwargs: Words.kwargs) -> AsyncStore:
        threads = Threads()
        try:
            return AsyncStore(await threads.run(connect, *args, **kwargs), threads)
        except BaseException:
            await threads.close()
            raise

    functools.update_wrapper(connected, connect)
    return connected


#: As ``alula.connect``.
connect = _awaiting(_blocking.connect)


class AsyncStore(AsyncClosing):
    """The way to one project of a server, for the tasks of event loops; see ``alula.Store``."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._sync, self._threads = store, threads
        blocking = store._transport
        self._transport = AsyncTransport(blocking.endpoint, blocking.timeout)
        self._reading = AsyncReading(store._reading, self._transport, threads)

    async def close(self) -> None:
        """Ends every connection and thread; calls in flight fail."""
        await self._transport.close()
        self._sync.close()
        await self._threads.close()

    def __repr__(self) -> str:
        return f"Async{self._sync!r}"

    # Definitions, writing, history

    apply = offload(Store.apply)
    plan = offload(Store.plan)
    views = offload(Store.views)
    services = offload(Store.services)
    status = offload(Store.status)
    push = offload(Store.push)
    load = offload(Store.load)
    materialize = offload(Store.materialize)
    history = offload(Store.history)
    explain = offload(Store.explain)
    imports = offload(Store.imports)
    abandon = offload(Store.abandon)
    retract = offload(Store.retract)
    forget = offload(Store.forget)
    compact = offload(Store.compact)
    verify = offload(Store.verify)
    backup = offload(Store.backup)
    backups = offload(Store.backups)
    gc = offload(Store.gc)

    async def export(
        self,
        view: str,
        path: str | os.PathLike[str] | None = None,
        as_of: Any = None,
        since: Any = None,
        until: Any = None,
    ) -> pa.RecordBatchReader | int:
        """As ``Store.export``. The Arrow reader that comes where there is no path blocks."""
        return await self._threads.run(self._sync.export, view, path, as_of, since, until)

    # Reading

    async def read(
        self,
        service: str | None = None,
        keys: Keys | None = None,
        request: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        model: str | None = None,
        stage: str | None = None,
        alias: str | None = None,
        version: int | None = None,
        log: bool = False,
        shadow: bool = False,
    ) -> Answer:
        """As ``Store.read``, on the event loop."""
        key = wanted(service, model, stage, alias, version, log, shadow)
        if keys is None:
            raise keys_missing()
        return await self._reading.read(key, keys, request, timeout)

    def read_batches(
        self,
        service: str | None = None,
        keys: Keys | None = None,
        request: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        model: str | None = None,
        stage: str | None = None,
        alias: str | None = None,
        version: int | None = None,
        log: bool = False,
        shadow: bool = False,
    ) -> AsyncIterator[Answer]:
        """As ``Store.read_batches``: ``async for answer in store.read_batches(...)``."""
        key = wanted(service, model, stage, alias, version, log, shadow)
        if keys is None:
            raise keys_missing()
        return self._reading.read_batches(key, keys, request, timeout)

    # Training sets

    training_set = offload(Store.training_set)
    get_training_set = offload(Store.get_training_set)
    training_sets = offload(Store.training_sets)
    profile = offload(Store.profile)
    profile_view = offload(Store.profile_view)
    profile_model = offload(Store.profile_model)
    drift = offload(Store.drift)
    performance = offload(Store.performance)
    monitors = offload(Store.monitors)
    try_monitor = offload(Store.try_monitor)

    async def stream_training_set(
        self,
        source: str,
        spine: Any = None,
        event_time: str | None = None,
        label: str | None = None,
        as_of: Any = None,
        as_known: bool = False,
        unknown: str | None = None,
        timeout: float | None = None,
        incomplete: bool = False,
    ) -> AsyncTrainingSetStream:
        """As ``Store.stream_training_set``: ``async for batch in stream``."""
        stream = await self._threads.run(
            self._sync.stream_training_set, source, spine, event_time, label, as_of, as_known,
            unknown, timeout, incomplete,
        )  # fmt: skip
        return AsyncTrainingSetStream(stream, self._threads)

    async def prediction_batches(
        self,
        model: str,
        since: Any = None,
        until: Any = None,
        versions: Sequence[int] = (),
        columns: Sequence[str] = (),
        statuses: bool = False,
        as_known: Any = None,
        service: str = "",
    ) -> AsyncIterator[pa.RecordBatch]:
        """As ``Store.prediction_batches``: ``async for batch in store.prediction_batches("m")``."""
        batches = self._sync.prediction_batches(
            model, since, until, versions, columns, statuses, as_known, service
        )
        while (batch := await self._threads.run(next, batches, None)) is not None:
            yield batch

    # Registry

    get_run = offload(Store.get_run)
    deliver = offload(Store.deliver)
    runs = offload(Store.runs)
    models = offload(Store.models)
    start_rollout = offload(Store.start_rollout)
    rollouts = offload(Store.rollouts)
    rollout_plans = offload(Store.rollout_plans)
    cancel_rollout = offload(Store.cancel_rollout)
    versions = offload(Store.versions)
    promote = offload(Store.promote)
    rollback = offload(Store.rollback)
    search_runs = offload(Store.search_runs)
    search_versions = offload(Store.search_versions)
    lineage = offload(Store.lineage)
    run_lineage = offload(Store.run_lineage)
    trace = offload(Store.trace)
    delete_run = offload(Store.delete_run)
    delete_training_set = offload(Store.delete_training_set)
    delete_version = offload(Store.delete_version)
    diff = offload(Store.diff)
    report = offload(Store.report)
    set_alias = offload(Store.set_alias)
    delete_alias = offload(Store.delete_alias)
    aliases = offload(Store.aliases)
    approve = offload(Store.approve)
    approvals = offload(Store.approvals)
    gates = offload(Store.gates)
    stages_at = offload(Store.stages_at)
    reproduce = offload(Store.reproduce)
    audit = offload(Store.audit)
    verify_audit = offload(Store.verify_audit)
    put_artifact = offload(Store.put_artifact)
    get_artifact = offload(Store.get_artifact)
    get_artifact_directory = offload(Store.get_artifact_directory)

    log_predictions = offload(Store.log_predictions)
    log_failures = offload(Store.log_failures)
    log_outcomes = offload(Store.log_outcomes)
    predictions = offload(Store.predictions)
    prediction_log = offload(Store.prediction_log)
    prediction_logs = offload(Store.prediction_logs)
    set_prediction_log = offload(Store.set_prediction_log)
    skew = offload(Store.skew)
    training_set_from_log = offload(Store.training_set_from_log)

    create_token = offload(Store.create_token)
    tokens = offload(Store.tokens)
    revoke_token = offload(Store.revoke_token)

    async def run(
        self,
        experiment: str,
        training_set: TrainingSetRecord | str | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        name: str = "",
        code_revision: str | None = None,
        environment: Mapping[str, Any] | None = None,
        heartbeat: float = HEARTBEAT,
    ) -> AsyncRun:
        """As ``Store.run``: ``async with await store.run("credit") as run``."""
        run = await self._threads.run(
            self._sync.run, experiment, training_set, params, tags, name, code_revision,
            environment, heartbeat,
        )  # fmt: skip
        return AsyncRun(run, self._threads)

    async def open_run(self, id: str) -> AsyncRun:
        """As ``Store.open_run``."""
        return AsyncRun(await self._threads.run(self._sync.open_run, id), self._threads)

    async def watch(self, model: str = "", after: int | None = None) -> AsyncWatch:
        """As ``Store.watch``: ``async for event in await store.watch("credit")``."""
        return await AsyncWatch.begin(self._sync._session, self._transport, model, after)

    async def model(
        self,
        name: str,
        stage: str | None = None,
        version: int | None = None,
        alias: str | None = None,
    ) -> AsyncModel:
        """As ``Store.model``."""
        model = await self._threads.run(self._sync.model, name, stage, version, alias)
        return AsyncModel(model, self._threads, self._reading)
