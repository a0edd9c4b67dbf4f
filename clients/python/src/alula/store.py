"""The store: every word of Alula, for all threads to share."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._backup_verbs import BackupVerbs
from ._closing import Closing
from ._definitions import Definitions
from ._deletions import DeletionVerbs
from ._endpoint import Endpoint
from ._frames import Op
from ._history_verbs import HistoryVerbs
from ._inputs import Keys, keys_missing
from ._lineage_verbs import LineageVerbs
from ._lineages import Lineages
from ._loading import Loaded, begin_load
from ._monitoring_verbs import MonitoringVerbs
from ._progress import ProgressOption
from ._proto import common_pb2, server_pb2
from ._pushing import Pushed, push
from ._reading import Key, Reading, wanted
from ._registry import Registry
from ._registry_verbs import RegistryVerbs
from ._release_verbs import ReleaseVerbs
from ._releases import Releases
from ._rows import TimeUnit
from ._served_verbs import ServedVerbs
from ._session import Session
from ._sets import MakeOptions, TrainingSets
from ._streams import materialize
from ._token_verbs import TokenVerbs
from ._transport import CONNECTIONS, Transport
from .answer import Answer
from .errors import InvalidArgument
from .records import Changes, Service, Status, View
from .stream import TrainingSetStream
from .training import TrainingSet, TrainingSetRecord

if TYPE_CHECKING:
    pass


def connect(
    address: str | None = None,
    project: str | None = None,
    token: str | None = None,
    timeout: float = 30,
    connections: int = CONNECTIONS,
    tls_ca: str | os.PathLike[str] | None = None,
    tls_cert: str | os.PathLike[str] | None = None,
    tls_key: str | os.PathLike[str] | None = None,
) -> Store:
    """Connects to a server: ``alula://HOST:PORT``, else ALULA_SERVER, else alula://127.0.0.1:7461.

    ``project``: else ALULA_PROJECT, else the only one. ``timeout``: seconds for each call that is
    not a stream. ``connections``: the most that short calls of all threads together may open; they
    open as they are needed.

    ``token``: else ALULA_TOKEN, or the file that ALULA_TOKEN_FILE names. ``alulas://HOST:PORT`` is
    TLS; ``tls_ca`` (ALULA_TLS_CA): the authorities its certificate may be of, a PEM file, else the
    system's; ``tls_cert`` and ``tls_key`` (ALULA_TLS_CERT, ALULA_TLS_KEY): the client's own. Raises
    Unavailable where no server answers, Unauthenticated where it is not trusted, Refused where a
    token would travel in the clear.
    """
    endpoint = Endpoint.of(address, token, tls_ca, tls_cert, tls_key)
    chosen = project if project is not None else os.environ.get("ALULA_PROJECT", "")
    return Store(Transport(endpoint, timeout, connections), chosen)


class Store(
    Closing,
    DeletionVerbs,
    HistoryVerbs,
    LineageVerbs,
    MonitoringVerbs,
    RegistryVerbs,
    ReleaseVerbs,
    ServedVerbs,
    TokenVerbs,
    BackupVerbs,
):
    """The way to one project of a server, for all threads; a forked child connects anew.

    Short calls take a connection of a bounded pool for themselves, streams share one more. No
    thread runs in the background.
    """

    def __init__(self, transport: Transport, project: str) -> None:
        self._transport = transport
        self._session = Session(transport, project)
        self._definitions = Definitions(self._session)
        self._registry = Registry(self._session)
        self._releases = Releases(self._session)
        self._lineages = Lineages(self._session)
        self._reading = Reading(self._session, self._definitions, self._registry.held)
        self._sets = TrainingSets(self._session, self._definitions)

    def close(self) -> None:
        """Ends every connection; calls in flight fail."""
        self._transport.close()

    def __repr__(self) -> str:
        return f"Store({self._transport.endpoint})"

    # Definitions

    def apply(
        self,
        *definitions: str | os.PathLike[str],
        retire: Sequence[str] = (),
        drop: Sequence[str] = (),
    ) -> Changes:
        """Makes definitions so: YAML files by path, or YAML text. All or nothing; the same again
        changes nothing. Raises InvalidArgument with every mistake, Refused with all that would
        break.

        ``drop`` takes views, services, gates (``gate:model:stage``) and stages of a model's own
        (``stage:model:stage``) away for good, with all that a view holds; ``plan`` says before
        what is lost by it.
        """
        changes = self._registry.apply(Op.APPLY, definitions, retire, drop)
        self._definitions.forget()
        self._reading.forget()
        return changes

    def plan(
        self,
        *definitions: str | os.PathLike[str],
        retire: Sequence[str] = (),
        drop: Sequence[str] = (),
    ) -> Changes:
        """What apply would change, in ``breaks`` what it would refuse, and in ``loses`` what cannot
        be served or made again after a drop. Changes nothing.
        """
        return self._registry.apply(Op.PLAN, definitions, retire, drop)

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
        time_unit: TimeUnit | None = None,
        progress: ProgressOption = None,
    ) -> Loaded:
        """Loads history: a .parquet, .csv or .arrow file, a DataFrame, an Arrow table or a dict of
        columns.

        Read piece by piece, whatever its size; other columns than the view's are passed over. The
        same source again resumes, or says that it is there (``existed``), unless ``again``.
        ``on_error``: "stop" at the first row that cannot be taken, naming column and row, or "skip"
        such rows. ``time_unit``: "s", "ms", "us" or "ns", for sources whose times are integers
        since 1970. Published at once at the end; then the newest rows go online, unless
        ``materialize=False``.
        """
        load = begin_load(
            self._session, self._definitions, view, source, on_error, allow_future, time_unit
        )
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

    # Reading

    def read(
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
        """The service's vector for each entity: ``read("credit", {"driver_id": [1001, 1002]})``.

        ``service``: "credit" (the newest version) or "credit@2". Instead of it ``model``: the
        features its version was trained on, in its order; the holder of ``stage`` (production where
        nothing is said), what ``alias`` points at, or ``version``, found anew in every call; the
        answer's ``model_version`` says which it was. Where rows met several holders of a stage, the
        answer is taken apart with ``by_version()``. ``request``: values only the
        caller knows, by request field. Values are lists, arrays or Series of one length; single
        values stand for every row; ``keys`` may be a DataFrame, an Arrow table or a list of dicts.
        ``log``, of a read by model: the server keeps what it serves, and the answer has
        ``prediction_ids``. ``shadow``, of a stage: the answer's ``shadow`` is what its shadow would
        have been answered. Raises InvalidArgument for what is missing, unknown, null or of a wrong
        type.
        """
        if service is not None and (model or stage or alias or version) is None:
            is_plain = not (log or shadow)
            key: Key = service if is_plain else wanted(service, None, None, None, None, log, shadow)
        else:
            key = wanted(service, model, stage, alias, version, log, shadow)
        if keys is None:
            raise keys_missing()
        return self._reading.read(key, keys, request, timeout)

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
    ) -> Iterator[Answer]:
        """As ``read`` for any number of entities: answers for consecutive rows, in order, as they
        come, all of one version unless the stage has several holders. Some megabytes are in memory
        at a time.

        After a lost connection it goes on where it was. ``timeout``: seconds for every request,
        None for as long as it takes.
        """
        key = wanted(service, model, stage, alias, version, log, shadow)
        if keys is None:
            raise keys_missing()
        return self._reading.read_batches(key, keys, request, timeout)

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

        ``spine``: a DataFrame, an Arrow table, a dict of columns, the path of a Parquet, Arrow or
        CSV file, or a reader or an iterator of Arrow record batches, with the service's keys and
        request fields; every row comes back, in order, whatever is null in it. ``event_time``: its
        column of event times. ``label``: the column that becomes ``y``. ``as_of``: a log entry, a
        time or an earlier training set: what came later is not seen. ``as_known``: only what was
        created by each row's event time; ``unknown="keep"`` with rows of which that is not known.
        ``timeout``: seconds, None for as long as it takes. Raises InvalidArgument for a wrong
        spine, DataLoss where the digest of what arrived is not the server's.
        """
        options = MakeOptions(event_time, label, as_of, as_known, unknown)
        return self._sets.make(service, spine, options, timeout)

    def stream_training_set(
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
    ) -> TrainingSetStream:
        """As ``training_set``, larger than memory: an iterator of Arrow record batches.

        ``source`` is a service, with a spine, or the id of an earlier training set, without one. A
        spine from a Parquet or Arrow file, a reader or an iterator is read piece by piece. Returns
        when the spine is sent; then ``for batch in stream``, or ``stream.write_parquet(path)``;
        ``stream.record`` at the end. Leaving the loop cancels the call. Raises DataLoss at the end
        where the digest of what arrived is not the server's, Unavailable where the connection is
        lost under it.
        """
        options = MakeOptions(event_time, label, as_of, as_known, unknown)
        if spine is not None:
            return self._sets.stream(source, spine, options, timeout)
        if options != MakeOptions() or not source.startswith("ts-"):
            raise InvalidArgument(
                "a training set is streamed from a service and a spine, or again by its id alone"
            )
        return self._sets.stream_again(source, incomplete, timeout)

    def get_training_set(
        self, id: str, incomplete: bool = False, timeout: float | None = None
    ) -> TrainingSet:
        """Makes an earlier training set again and proves it the same by its digest.

        Raises Incomplete, with ``losses``, where history behind it was deleted or retired since;
        with ``incomplete=True`` what is left is returned, with ``losses`` and ``blanked_rows``.
        """
        return self._sets.get(id, incomplete, timeout)

    def training_sets(self) -> list[TrainingSetRecord]:
        """Every training set made so far, without its rows."""
        return self._sets.all()
