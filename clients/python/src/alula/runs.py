"""Runs: what went into a training and what came out, logged without holding it up."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._artifacts import put_file
from ._frames import Op
from ._proto import common_pb2, registry_pb2
from ._session import Session
from .errors import AlulaError, DeadlineExceeded, InvalidArgument, ResourceExhausted, Unavailable
from .registry import ModelVersion, RunRecord

if TYPE_CHECKING:
    from typing_extensions import Self

_MOST_WAITING = 100_000
_MOST_AT_ONCE = 1_000
_IDLE_SECONDS = 0.5
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,127}")
_PASSING = (Unavailable, DeadlineExceeded, ResourceExhausted)


class Run:
    """A run that is being written. As a context manager it ends finished, or failed on an
    exception.

    ``log_metric`` returns at once: points wait in a bounded queue and are sent behind, in order.
    While the server cannot be reached they go on waiting; leaving the run sends what is left. The
    thread that sends them ends when nothing waits. A forked child may log too; what waited in the
    parent is the parent's to send.
    """

    def __init__(self, session: Session, record: RunRecord) -> None:
        self._session = session
        self.record = record
        self.id = record.id
        self._steps: dict[str, int] = {}
        self._begin_queue()
        self._dropped = 0
        self.ended = False

    def _begin_queue(self) -> None:
        self._pid = os.getpid()
        self._queue: queue.Queue[registry_pb2.Metric] = queue.Queue(_MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._error: AlulaError | None = None

    def log_metric(
        self, name: str, value: float, step: int | None = None, data_set: str = ""
    ) -> None:
        """Adds a point to a metric's series; returns at once. Without a step it is the next one.

        ``data_set``: what it was measured on, such as "holdout"; another one is another series.
        """
        if not _NAME.fullmatch(name):
            raise InvalidArgument(
                f'metric name "{name[:64]}" is not valid: letters, digits, _ - and .'
            )
        series = f"{name}@{data_set}"
        step = self._steps.get(series, -1) + 1 if step is None else int(step)
        self._steps[series] = step
        point = registry_pb2.Metric(
            name=name,
            value=float(value),
            step=step,
            time_us=time.time_ns() // 1000,
            data_set=data_set,
        )
        if self._pid != os.getpid():
            self._begin_queue()
        try:
            self._queue.put_nowait(point)
        except queue.Full:
            if self._dropped == 0:
                warnings.warn(
                    f"run {self.id}: {_MOST_WAITING:,} metrics wait; further ones are lost",
                    stacklevel=2,
                )
            self._dropped += 1
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._drain, name="alula-metrics", daemon=True
                )
                self._thread.start()

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Several metrics of one step; returns at once."""
        for name, value in metrics.items():
            self.log_metric(name, value, step)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Params are written once each: another value for one that is there is refused."""
        self._log(registry_pb2.LogRunRequest(run=self.id, params=key_values(params)))

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Tags may be written again."""
        self._log(registry_pb2.LogRunRequest(run=self.id, tags=key_values(tags)))

    def flush(self, timeout: float | None = None) -> None:
        """Returns when every metric logged so far is stored; raises what kept one from it."""
        if self._pid != os.getpid():
            self._begin_queue()
        seconds = max(self._session.transport.timeout, 30.0) if timeout is None else timeout
        give_up = time.monotonic() + seconds
        with self._queue.all_tasks_done:
            while self._queue.unfinished_tasks and self._error is None:
                remaining = give_up - time.monotonic()
                if remaining <= 0:
                    raise DeadlineExceeded(
                        f"run {self.id}: {self._queue.unfinished_tasks} metrics are not stored yet"
                    )
                self._queue.all_tasks_done.wait(min(remaining, 0.5))
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def register(
        self,
        model: str,
        artifacts: Sequence[str | os.PathLike[str]] | Mapping[str, str | os.PathLike[str]],
        description: str = "",
        tags: Mapping[str, Any] | None = None,
        service: str = "",
    ) -> ModelVersion:
        """Makes the next version of a model of these files and of all this run knows.

        ``artifacts``: paths, downloaded later under their file names, or a dict of names and paths.
        The version's number is what is returned, with what it is made of as attributes.
        """
        self.flush()
        named = _named(artifacts)
        uploaded = [
            registry_pb2.VersionArtifact(name=name, digest=artifact.digest, bytes=artifact.bytes)
            for name, path in named.items()
            for artifact in (put_file(self._session, path),)
        ]
        answer, _ = self._session.call(
            Op.REGISTER_VERSION,
            registry_pb2.RegisterVersionRequest(
                model=model, run=self.id, artifacts=uploaded, service=service,
                description=description, tags=key_values(tags or {}),
            ),
            registry_pb2.ModelVersion,
            write=True,
        )  # fmt: skip
        return ModelVersion.of(answer)

    def end(self, status: str = "finished") -> RunRecord:
        """Sends what is left and ends the run: finished or failed."""
        try:
            self.flush()
        finally:
            self._stop.set()
            thread = self._thread
            if thread is not None:
                thread.join(1)
            answer, _ = self._session.call(
                Op.END_RUN,
                registry_pb2.EndRunRequest(run=self.id, status=status),
                registry_pb2.Run,
                write=True,
            )
            self.ended = True
            self.record = RunRecord.of(answer)
        return self.record

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.ended:
            return
        if error is None:
            self.end()
            return
        try:
            self.end("failed")
        except AlulaError as second:  # the exception under way says more than this one
            warnings.warn(f"run {self.id} could not be ended: {second.message}", stacklevel=2)

    def __repr__(self) -> str:
        return f"Run({self.id})"

    def _log(self, request: registry_pb2.LogRunRequest) -> None:
        self._session.call(Op.LOG_RUN, request, common_pb2.Empty, write=True)

    def _drain(self) -> None:
        """Sends waiting points, many at a time, until none has come for a while."""
        while True:
            try:
                points = [self._queue.get(timeout=0.01 if self._stop.is_set() else _IDLE_SECONDS)]
            except queue.Empty:
                with self._lock:
                    # A point put before is seen; one put later finds no thread, and starts one.
                    if self._queue.empty():
                        self._thread = None
                        return
                continue
            while len(points) < _MOST_AT_ONCE:
                try:
                    points.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            self._send(points)
            for _ in points:
                self._queue.task_done()

    def _send(self, points: list[registry_pb2.Metric]) -> None:
        request = registry_pb2.LogRunRequest(run=self.id, metrics=points)
        control = self._session.prepare(request, True, self._session.transport.timeout)
        pause = 0.1
        while True:
            try:
                self._session.transport.unary(Op.LOG_RUN, control)
                return
            except _PASSING as error:
                if self._stop.is_set():
                    self._error = error
                    return
                self._stop.wait(pause)
                pause = min(2 * pause, 5.0)
            except AlulaError as error:
                self._error = error
                return


def key_values(items: Mapping[str, Any]) -> list[registry_pb2.KeyValue]:
    """A mapping as messages; values are written as text."""
    return [registry_pb2.KeyValue(key=str(key), value=str(value)) for key, value in items.items()]


def _named(
    artifacts: Sequence[str | os.PathLike[str]] | Mapping[str, str | os.PathLike[str]],
) -> dict[str, Path]:
    if isinstance(artifacts, (str, os.PathLike)):
        artifacts = [artifacts]
    if isinstance(artifacts, Mapping):
        named = {name: Path(path) for name, path in artifacts.items()}
    else:
        named = {}
        for path in map(Path, artifacts):
            if path.name in named:
                raise InvalidArgument(
                    f'two artifacts are called "{path.name}"', "give a dict of names and paths"
                )
            named[path.name] = path
    if not named:
        raise InvalidArgument("a version needs at least one artifact")
    for path in named.values():
        if not path.is_file():
            raise InvalidArgument(f"artifact {path} is not a file")
    return named


def code_revision() -> str:
    """ALULA_CODE_REVISION, else what git says of the working directory, else nothing."""
    if revision := os.environ.get("ALULA_CODE_REVISION"):
        return revision
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True, text=True, timeout=5, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
