"""Loading history: chunk by chunk into staged segments, then published at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ._ahead import Ahead
from ._batch import Batch, batch_parts, split_rows
from ._definitions import Definitions
from ._frames import Bytes, Data, Op
from ._progress import Progress, ProgressOption
from ._proto import features_pb2
from ._rows import Layout, TimeUnit, encode_rows, layout_of, wanted_types
from ._session import Session
from ._sources import Source, open_source
from ._types import MAX_FRAME_BYTES, to_proto
from ._verifying import Verifier
from .errors import AlulaError, InvalidArgument
from .records import Problem, View

_CHUNK_BYTES = MAX_FRAME_BYTES - 4_096
_MOST_PROBLEMS = 100
_CHUNKS_AHEAD = 8
#: Changes whenever rows are cut in another way: a resumed import must find the same cuts.
_CHUNKING = 1


@dataclass(frozen=True)
class Loaded:
    """What a load did: ``rows`` in history, ``skipped`` left out with the first hundred
    ``problems``.

    ``existed``: the same source was there already, and nothing was sent.
    """

    view: str
    rows: int
    import_id: str
    log_entry: int
    skipped: int = 0
    problems: list[Problem] = field(default_factory=list)
    existed: bool = False
    materialized: int = 0


class _Problems:
    """Rows that were left out: all counted, the first hundred kept."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Problem] = []

    def take(self, problem: Problem) -> None:
        self.count += 1
        if len(self.first) < _MOST_PROBLEMS:
            self.first.append(problem)


class Load:
    """One load of one source into one view."""

    def __init__(
        self, session: Session, view: View, source: Source, layout: Layout, skips: bool
    ) -> None:
        self._session, self._view = session, view
        self._source, self._layout, self._skips = source, layout, skips
        self._problems = _Problems()
        self._has_sent = False

    def run(self, again: bool, progress: ProgressOption) -> Loaded:
        """Stages what is not yet staged, and publishes."""
        if self._source.rows == 0:
            raise InvalidArgument(f"{self._source.name} has no rows")
        begun = self._begin(again)
        if begun.state == "published":
            return Loaded(self._view.name, begun.staged_rows, begun.import_id, 0, existed=True)
        if self._skips:
            # The rows left out are the same ones when it is resumed: chunks are cut behind them.
            self._layout = self._layout.at(begun.begun_us)
        bar = Progress(self._view.name, "rows", self._source.rows, progress)
        try:
            rows = self._stage(begun, bar)
        except InvalidArgument:
            if not (self._has_sent or begun.staged_rows):
                self._give_up(begun.import_id)
            raise
        if rows == 0:
            details = [str(problem) for problem in self._problems.first]
            raise InvalidArgument(f"{self._source.name} has no rows that can be taken", "", details)
        published, _ = self._session.call(
            Op.PUBLISH_IMPORT,
            features_pb2.PublishImportRequest(import_id=begun.import_id),
            features_pb2.PublishImportResponse,
            write=True,
        )
        skipped = f", {self._problems.count:,} skipped" if self._problems.count else ""
        bar.finish(f"{published.rows:,} rows loaded{skipped}")
        return Loaded(
            self._view.name, published.rows, begun.import_id, published.log_entry,
            self._problems.count, self._problems.first,
        )  # fmt: skip

    def _give_up(self, import_id: str) -> None:
        """A source that is bad in its first rows leaves no import behind that stages nothing."""
        request = features_pb2.AbandonImportRequest(import_id=import_id)
        with suppress(AlulaError):  # what is wrong with the source is told
            self._session.call(
                Op.ABANDON_IMPORT, request, features_pb2.AbandonImportResponse, write=True
            )

    def _begin(self, again: bool) -> features_pb2.BeginImportResponse:
        columns = ",".join(
            f"{f.name}={s}" for f, s in zip(self._layout.schema, self._layout.sources)
        )
        options = (
            f"client=python;chunking={_CHUNKING};on_error={'skip' if self._skips else 'stop'};"
            f"allow_future={self._layout.allow_future};columns={columns}"
        )
        if self._layout.time_unit is not None:
            options += f";time_unit={self._layout.time_unit}"
        request = features_pb2.BeginImportRequest(
            view=self._view.name,
            source_name=self._source.name,
            source_digest=self._source.digest or self._digest(),
            options=options,
            again=again,
            allow_future=self._layout.allow_future,
        )
        answer, _ = self._session.call(
            Op.BEGIN_IMPORT, request, features_pb2.BeginImportResponse, write=True
        )
        return answer

    def _digest(self) -> bytes:
        """Of the canonical columns, for data that has no bytes of its own; whatever the clock says,
        with the rows that lie in the future where others are left out.
        """
        digest = Verifier(self._layout.schema)
        layout = replace(self._layout, allow_future=self._skips or self._layout.allow_future)
        try:
            for _, batch in self._batches(lambda _: None, layout):
                digest.add(batch, batch.nbytes)
            return bytes.fromhex(digest.hexdigest())
        finally:
            digest.close()

    def _stage(self, begun: features_pb2.BeginImportResponse, bar: Progress) -> int:
        """Sends the chunks that are not yet durable; after a lost connection it goes on from the
        last chunk that the server says is.
        """
        state = features_pb2.StageProgress(
            next_chunk=begun.next_chunk, staged_rows=begun.staged_rows
        )
        bar.start_from(begun.staged_rows)

        def take(control: Bytes, _: Bytes) -> None:
            state.ParseFromString(bytes(control))

        request = features_pb2.StageRowsRequest(
            import_id=begun.import_id, schema=to_proto(self._layout.schema)
        )
        done = self._session.stream(
            Op.STAGE_ROWS,
            request,
            features_pb2.StageProgress,
            lambda: (self._send(state.next_chunk, bar), take),
            upload=True,
            write=True,
        )
        return int(done.staged_rows)

    def _send(self, next_chunk: int, bar: Progress) -> Iterator[tuple[bytes, Data]]:
        """Chunks are read and encoded on a thread of their own while others are sent."""
        self._problems = _Problems()
        for control, data, rows in Ahead(self._chunks(next_chunk, self._problems), _CHUNKS_AHEAD):
            if data:
                self._has_sent = True
                yield control, data
            bar.update(rows)

    def _chunks(self, next_chunk: int, problems: _Problems) -> Iterator[tuple[bytes, Data, int]]:
        """Control, data and rows so far; no data for chunks before ``next_chunk``."""
        number = 0
        for first_row, batch in self._batches(problems.take):
            cuts = split_rows(batch, _CHUNK_BYTES, first_row)
            for start, stop in zip(cuts, cuts[1:]):
                control: bytes = b""
                data: Data = b""
                if number >= next_chunk:
                    piece = batch.slice(start, stop)
                    chunk = features_pb2.StageChunk(chunk=number, first_row=first_row + start)
                    control = chunk.SerializeToString()
                    data = batch_parts(piece.columns, piece.rows)
                yield control, data, first_row + stop
                number += 1

    def _batches(
        self, on_problem: Callable[[Problem], None], layout: Layout | None = None
    ) -> Iterator[tuple[int, Batch]]:
        layout = layout or self._layout
        take = on_problem if self._skips else None
        source = self._source
        for piece in source.pieces(sorted(set(layout.sources)), take):
            batch, _ = encode_rows(piece.table, layout, source.is_text, piece.first_row, take)
            yield piece.first_row, batch


def begin_load(
    session: Session,
    definitions: Definitions,
    view_name: str,
    source: Any,
    on_error: str,
    allow_future: bool,
    time_unit: TimeUnit | None,
) -> Load:
    """Opens the source and finds the view's columns in it; nothing is sent yet."""
    if on_error not in ("stop", "skip"):
        raise InvalidArgument(f'on_error "{on_error}" is unknown: expected "stop" or "skip"')
    if time_unit not in (None, "s", "ms", "us", "ns"):
        raise InvalidArgument(f'time_unit "{time_unit}" is unknown: expected s, ms, us or ns')
    view = definitions.view(view_name, fresh=True)
    opened = open_source(source, wanted_types(view))
    layout = layout_of(view, opened.columns, True, allow_future, time_unit)
    return Load(session, view, opened, layout, on_error == "skip")
