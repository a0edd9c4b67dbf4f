"""A run with ``await``."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from ..runs import Run
from ._offload import Threads, offload

if TYPE_CHECKING:
    from typing_extensions import Self


class AsyncRun:
    """A run that is being written; see ``alula.Run``."""

    def __init__(self, run: Run, threads: Threads) -> None:
        self._sync, self._threads = run, threads
        self.id = run.id

    async def log_metric(
        self, name: str, value: float, step: int | None = None, data_set: str = ""
    ) -> None:
        """As ``Run.log_metric``: the point waits to be sent, this does not."""
        self._sync.log_metric(name, value, step, data_set)

    async def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """As ``Run.log_metrics``."""
        self._sync.log_metrics(metrics, step)

    log_params = offload(Run.log_params)
    log_batch = offload(Run.log_batch)
    log_input = offload(Run.log_input)
    log_output = offload(Run.log_output)
    log_artifact = offload(Run.log_artifact)
    set_tags = offload(Run.set_tags)
    flush = offload(Run.flush)
    register = offload(Run.register)
    end = offload(Run.end)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._threads.run(self._sync.__exit__, kind, error, trace)

    def __repr__(self) -> str:
        return f"Async{self._sync!r}"
