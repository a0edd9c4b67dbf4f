"""Runs: what went into a training and what came out, logged without holding it up."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._artifacts import put
from ._frames import Op
from ._proto import common_pb2, registry_pb2
from ._sending import Sender
from ._session import Session
from ._spool import PASSING
from .errors import AlulaError, InvalidArgument
from .registry import Artifact, ModelVersion, RunRecord

if TYPE_CHECKING:
    from typing_extensions import Self

#: Seconds between two heartbeats of a run.
HEARTBEAT = 30.0
#: Leaving a run waits so long for a server that is away.
LEAVE_SECONDS = 30.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,127}")


class Run:
    """A run that is being written. As a context manager it ends finished, or failed on an
    exception.

    ``log_metric`` returns at once: points wait in a bounded queue and are sent behind, in order.
    While the server is away they go on waiting, after some seconds in a file; when it is back they
    are sent from there, each exactly once. Leaving the run sends what is left; what cannot be sent
    is said in a warning, stays in the file, and goes with ``store.deliver()``. So a server that
    fails stops no training. Heartbeats tell the server that the run is alive.
    """

    def __init__(self, session: Session, record: RunRecord, heartbeat: float = 0.0) -> None:
        self._session = session
        self.record = record
        self.id = record.id
        self._steps: dict[str, int] = {}
        self._sender = Sender(session, record.id, heartbeat)
        self.ended = False

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
        try:
            number = float(value)
        except (TypeError, ValueError):
            found = type(value).__name__
            raise InvalidArgument(f'metric "{name}": expected a number, found {found}') from None
        series = f"{name}@{data_set}"
        step = self._steps.get(series, -1) + 1 if step is None else int(step)
        self._steps[series] = step
        point = registry_pb2.Metric(
            name=name,
            value=number,
            step=step,
            time_us=time.time_ns() // 1000,
            data_set=data_set,
        )
        self._sender.add(point)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Several metrics of one step; returns at once."""
        for name, value in metrics.items():
            self.log_metric(name, value, step)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Params are written once each: another value for one that is there is refused."""
        self._log(registry_pb2.LogRunRequest(run=self.id, params=key_values(params)))

    def log_batch(
        self,
        metrics: Iterable[tuple[str, float, int]],
        params: Mapping[str, Any] | None = None,
        data_set: str = "",
    ) -> None:
        """Stores points of (name, value, step) and params in one call, all or nothing, before it
        returns.
        """
        now = time.time_ns() // 1000
        self._log(
            registry_pb2.LogRunRequest(
                run=self.id,
                params=key_values(params or {}),
                metrics=[
                    registry_pb2.Metric(
                        name=name, value=value, step=step, time_us=now, data_set=data_set
                    )
                    for name, value, step in metrics
                ],
            )
        )

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Tags may be written again."""
        self._log(registry_pb2.LogRunRequest(run=self.id, tags=key_values(tags)))

    def log_input(self, kind: str, target: str, name: str = "") -> None:
        """Notes what the run read: kind "artifact" by its digest, "training set" by its id,
        "version" as model@number, "view" by its name, or "uri" for anything elsewhere.

        All but a uri must be there. ``name`` is for people.
        """
        item = registry_pb2.RunItem(kind=kind, target=target, name=name)
        self._log(registry_pb2.LogRunRequest(run=self.id, inputs=[item]))

    def log_output(self, kind: str, target: str, name: str = "") -> None:
        """Notes what the run made, as ``log_input``; an artifact is kept as long as the run is."""
        item = registry_pb2.RunItem(kind=kind, target=target, name=name)
        self._log(registry_pb2.LogRunRequest(run=self.id, outputs=[item]))

    def log_artifact(self, path: str | os.PathLike[str], name: str = "") -> str:
        """Uploads a file or a directory as an output of the run; returns its digest."""
        stored = put(self._session, path)
        self.log_output("artifact", stored.digest, name or stored.name)
        return stored.digest

    def flush(self, timeout: float | None = None) -> None:
        """Returns when all that was logged so far is stored; raises what kept it from it."""
        usual = max(self._session.transport.timeout, 30.0)
        self._sender.flush(usual if timeout is None else timeout)

    def register(
        self,
        model: str,
        artifacts: Sequence[str | os.PathLike[str]]
        | Mapping[str, str | os.PathLike[str] | Artifact],
        description: str = "",
        tags: Mapping[str, Any] | None = None,
        service: str = "",
    ) -> ModelVersion:
        """Makes the next version of a model of these files and of all this run knows.

        ``artifacts``: paths of files and directories, downloaded later under their names, or a dict
        of names and paths, or of what ``store.put_artifact`` returned.
        The version's number is what is returned, with what it is made of as attributes.
        """
        self.flush()
        named = _named(artifacts)
        uploaded = [
            registry_pb2.VersionArtifact(name=name, digest=artifact.digest, bytes=artifact.bytes)
            for name, path in named.items()
            for artifact in (path if isinstance(path, Artifact) else put(self._session, path),)
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
        """Sends what is left and ends the run: finished or failed.

        Where the server is away, what could not be sent, the end too, is left in a file, and a
        warning says so.
        """
        failure: AlulaError | None = None
        try:
            self._sender.flush(0.0 if self._sender.is_away else LEAVE_SECONDS)
        except PASSING:
            pass
        except AlulaError as error:
            failure = error
        request = registry_pb2.EndRunRequest(run=self.id, status=status)
        if not self._sender.is_away and not self._sender.is_waiting:
            try:
                answer, _ = self._session.call(
                    Op.END_RUN, request, registry_pb2.Run, write=True, timeout=LEAVE_SECONDS
                )
                self.record = RunRecord.of(answer)
            except PASSING:
                self._sender.add_call(Op.END_RUN, request)
        else:
            self._sender.add_call(Op.END_RUN, request)
        self.ended = True
        if waiting := self._sender.close():
            warnings.warn(
                f"run {self.id}: {waiting} calls could not be delivered and wait in "
                f"{self._sender.path}; send them with store.deliver()",
                stacklevel=2,
            )
        if failure is not None:
            raise failure
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
        """Refusals are raised at once; while the server is away the call waits with the others."""
        if self._sender.is_away:
            self._sender.add_call(Op.LOG_RUN, request)
            return
        seconds = self._session.transport.timeout
        control = self._session.prepare(request, True, seconds)
        try:
            answer, _, _ = self._session.transport.unary(Op.LOG_RUN, control)
            common_pb2.Empty.FromString(bytes(answer))
        except PASSING:
            # With its request id: the server may have done it.
            self._sender.add((Op.LOG_RUN, control))


def key_values(items: Mapping[str, Any]) -> list[registry_pb2.KeyValue]:
    """A mapping as messages; values are written as text."""
    return [registry_pb2.KeyValue(key=str(key), value=str(value)) for key, value in items.items()]


def _named(
    artifacts: Sequence[str | os.PathLike[str]] | Mapping[str, str | os.PathLike[str] | Artifact],
) -> dict[str, Path | Artifact]:
    if isinstance(artifacts, (str, os.PathLike)):
        artifacts = [artifacts]
    named: dict[str, Path | Artifact] = {}
    if isinstance(artifacts, Mapping):
        for name, given in artifacts.items():
            named[name] = given if isinstance(given, Artifact) else Path(given)
    else:
        for path in map(Path, artifacts):
            if path.name in named:
                raise InvalidArgument(
                    f'two artifacts are called "{path.name}"', "give a dict of names and paths"
                )
            named[path.name or path.resolve().name] = path
    if not named:
        raise InvalidArgument("a version needs at least one artifact")
    for found in named.values():
        if isinstance(found, Path) and not found.is_file() and not found.is_dir():
            raise InvalidArgument(f"artifact {found} is neither a file nor a directory")
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


def environment() -> dict[str, str]:
    """Python, the machine, and this client."""
    from . import __version__

    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": platform.node(),
        "alula": __version__,
        "command": " ".join(sys.argv)[:4_096],
    }
