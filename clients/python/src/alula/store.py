"""The store: every word of Alula, on one connection that all threads may share."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._artifacts import get_file, put_file
from ._definitions import Definitions
from ._frames import Op
from ._loading import Loaded, begin_load
from ._progress import ProgressOption
from ._proto import common_pb2, features_pb2, server_pb2
from ._pushing import Pushed, push
from ._reading import Reading
from ._registry import Registry
from ._session import Session
from ._sets import TrainingSets
from ._streams import history, materialize
from ._transport import DEFAULT_ADDRESS, Transport
from .answer import Answer
from .errors import InvalidArgument
from .models import Model
from .records import Changes, Import, Service, Status, View
from .registry import (
    Artifact,
    AuditEntry,
    Lineage,
    ModelVersion,
    Promotion,
    RegisteredModel,
    RunRecord,
)
from .runs import Run
from .training import TrainingSet, TrainingSetRecord

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Self


def connect(
    address: str | None = None,
    project: str | None = None,
    token: str | None = None,
    timeout: float = 30,
) -> Store:
    """Connects to a server: ``alula://HOST:PORT``, else ALULA_SERVER, else alula://127.0.0.1:7461.

    ``project``: else ALULA_PROJECT, else the only one. ``timeout``: seconds for each call that is
    not a stream. Raises Unavailable where no server answers.
    """
    if token is not None:
        raise InvalidArgument("this version of the protocol has no tokens", "leave token= out")
    where = address or os.environ.get("ALULA_SERVER") or DEFAULT_ADDRESS
    chosen = project if project is not None else os.environ.get("ALULA_PROJECT", "")
    return Store(Transport(where, timeout), chosen)


class Store:
    """A connection to one project of a server. Safe to share between threads; survives a fork."""

    def __init__(self, transport: Transport, project: str) -> None:
        self._transport = transport
        self._session = Session(transport, project)
        self._definitions = Definitions(self._session)
        self._reading = Reading(self._session, self._definitions)
        self._sets = TrainingSets(self._session, self._definitions)
        self._registry = Registry(self._session)

    def close(self) -> None:
        """Ends the connection; calls in flight fail."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store(alula://{self._transport.host}:{self._transport.port})"

    # Definitions

    def apply(self, *definitions: str | os.PathLike[str], retire: Sequence[str] = ()) -> Changes:
        """Makes definitions so: YAML files by path, or YAML text. All or nothing; the same again
        changes nothing. Raises InvalidArgument with every mistake, Refused with all that would
        break.
        """
        changes = self._registry.apply(Op.APPLY, definitions, retire)
        self._definitions.forget()
        self._reading.forget()
        return changes

    def plan(self, *definitions: str | os.PathLike[str], retire: Sequence[str] = ()) -> Changes:
        """What apply would change, and in ``breaks`` what it would refuse. Changes nothing."""
        return self._registry.apply(Op.PLAN, definitions, retire)

    def views(self) -> list[View]:
        """All feature views."""
        return self._definitions.views()

    def services(self) -> list[Service]:
        """Every published version of every feature service."""
        return self._definitions.services()

    def status(self) -> Status:
        """What runs, how far behind, how full."""
        answer, _ = self._session.call(Op.STATUS, common_pb2.HeadOnly(), server_pb2.StatusResponse)
        return Status.of(answer)

    # Writing

    def push(self, view: str, rows: Any, timeout: float | None = None) -> Pushed:
        """Writes rows: durable and served when it returns, with a status for every row.

        ``rows``: a DataFrame, an Arrow table, a dict of columns, a list of dicts, or one dict.
        Columns are the view's keys, its event time column, its created time column if known, and
        features; a feature left out is null. Rows that are refused do not hold up the others: see
        ``statuses`` and ``problems``, or call ``raise_for_problems()``. Raises InvalidArgument
        where a whole column is wrong.
        """
        return push(self._session, self._definitions, view, rows, timeout)

    def load(
        self,
        view: str,
        source: Any,
        on_error: str = "stop",
        again: bool = False,
        allow_future: bool = False,
        materialize: bool = True,
        progress: ProgressOption = None,
    ) -> Loaded:
        """Loads history: a .parquet, .csv or .arrow file, a DataFrame, an Arrow table or a dict of
        columns.

        Read piece by piece, whatever its size; other columns than the view's are passed over. The
        same source again resumes, or says that it is there (``existed``), unless ``again``.
        ``on_error``: "stop" at the first row that cannot be taken, naming column and row, or "skip"
        such rows. Published at once at the end; then the newest rows go online, unless
        ``materialize=False``.
        """
        load = begin_load(self._session, self._definitions, view, source, on_error, allow_future)
        loaded = load.run(again, progress)
        if materialize:
            written = self.materialize([view], progress)
            loaded = Loaded(**{**loaded.__dict__, "materialized": written})
        return loaded

    def materialize(self, views: Sequence[str] | str = (), progress: ProgressOption = None) -> int:
        """Carries the newest published rows of views (none: all) online; returns how many were
        written.
        """
        return materialize(self._session, [views] if isinstance(views, str) else views, progress)

    def imports(self) -> list[Import]:
        """Every import of history."""
        answer, _ = self._session.call(
            Op.LIST_IMPORTS, common_pb2.HeadOnly(), features_pb2.ImportsResponse
        )
        return [Import.of(message) for message in answer.imports]

    # Reading

    def read(
        self,
        service: str,
        keys: Mapping[str, Any],
        request: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """The service's vector for each entity: ``{"driver_id": [1001, 1002]}``.

        ``service``: "credit" (the newest version) or "credit@2". ``request``: values only the
        caller knows, by request field. Values are lists, arrays or Series of one length; single
        values stand for every row. Raises InvalidArgument for a missing, unknown or null key.
        """
        return self._reading.read(service, keys, request, timeout)

    def history(self, view: str, key: Mapping[str, Any]) -> pd.DataFrame:
        """Every row of one entity, oldest first: keys, @event_time, @created_time, @recorded_time,
        @log_entry, @log_row, @import, then the features."""
        return history(self._session, self._definitions.view(view), key)

    # Training sets

    def training_set(
        self,
        service: str,
        spine: Any,
        event_time: str | None = None,
        label: str | None = None,
        as_of: Any = None,
        as_known: bool = False,
        unknown: str | None = None,
        timeout: float | None = None,
    ) -> TrainingSet:
        """Joins a spine point in time with a service: each row gets what was so at its event time.

        ``spine``: a DataFrame, an Arrow table, a dict of columns, or the path of a Parquet, Arrow
        or CSV file, with the service's keys and request fields; every row comes back, in order,
        whatever is null in it. ``event_time``: its column of event times. ``label``: the column
        that becomes ``y``. ``as_of``: a log entry, a time or an earlier training set: what came
        later is not seen. ``as_known``: only what was created by each row's event time;
        ``unknown="keep"`` with rows of which that is not known. Raises DataLoss where the digest of
        what arrived is not the server's.
        """
        return self._sets.make(service, spine, event_time, label, as_of, as_known, unknown, timeout)

    def get_training_set(self, id: str, timeout: float | None = None) -> TrainingSet:
        """Makes an earlier training set again and proves it the same by its digest."""
        return self._sets.get(id, timeout)

    def training_sets(self) -> list[TrainingSetRecord]:
        """Every training set made so far, without its rows."""
        return self._sets.all()

    # The registry

    def run(
        self,
        experiment: str,
        training_set: TrainingSetRecord | str | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        name: str = "",
        code_revision: str | None = None,
    ) -> Run:
        """Starts a run; as a context manager it ends finished, or failed on an exception."""
        return self._registry.start_run(experiment, training_set, params, tags, name, code_revision)

    def get_run(self, id: str) -> RunRecord:
        """A run with every point of every metric."""
        return self._registry.get_run(id)

    def runs(self, experiment: str = "", limit: int = 100) -> list[RunRecord]:
        """Runs, newest first; of one experiment or of all."""
        return self._registry.runs(experiment, limit)

    def models(self) -> list[RegisteredModel]:
        """Models and who holds their stages."""
        return self._registry.models()

    def versions(self, model: str) -> list[ModelVersion]:
        """The versions of a model, newest first."""
        return self._registry.versions(model)

    def model(self, name: str, stage: str | None = None, version: int | None = None) -> Model:
        """A version to serve from: by number, or the one that holds a stage now. It stays the same
        version when another is promoted. Raises NotFound where nothing holds the stage."""
        if (stage is None) == (version is None):
            raise InvalidArgument("say which version: stage=STAGE or version=NUMBER")
        found = self._registry.resolve(name, stage, version)
        return Model(self._session, self._reading.read, found)

    def promote(
        self,
        model: str,
        version: int,
        stage: str,
        reason: str = "",
        dry_run: bool = False,
        expected_revision: int = 0,
    ) -> Promotion:
        """Moves a version to a stage through its gate. Raises Refused with every reason; with
        ``dry_run`` nothing changes and the verdict is returned either way.
        """
        return self._registry.promote(model, version, stage, reason, dry_run, expected_revision)

    def rollback(self, model: str, stage: str, reason: str = "") -> Promotion:
        """Puts the previous holder of a stage back."""
        return self._registry.rollback(model, stage, reason)

    def lineage(self, model: str, version: int) -> Lineage:
        """The chain from a version to its data; printed, it is a tree."""
        return self._registry.lineage(model, version)

    def audit(self, object: str = "", after: int = 0, limit: int = 1_000) -> list[AuditEntry]:
        """What was done, by whom, oldest first; ``object`` such as "model:credit" filters."""
        return self._registry.audit(object, after, limit)

    # Artifacts

    def put_artifact(self, path: str | os.PathLike[str]) -> Artifact:
        """Uploads a file unless it is there; returns its name, digest and size."""
        return put_file(self._session, path)

    def get_artifact(self, digest: str, path: str | os.PathLike[str]) -> Path:
        """Downloads an artifact to a path, verified by its SHA-256."""
        return get_file(self._session, digest, path)
