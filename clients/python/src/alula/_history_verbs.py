"""The verbs of history: seeing it, looking after it, taking from it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, overload

from . import _upkeep, _views_of_history
from ._definitions import Definitions
from ._frames import Op
from ._progress import ProgressOption
from ._proto import features_pb2
from ._session import Session
from .records import Import
from .upkeep import Compaction, Explanation, Forgotten, Garbage, Retraction, Verification

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class HistoryVerbs:
    """What a store does with history."""

    _session: Session
    _definitions: Definitions

    def history(
        self, view: str, key: Mapping[str, Any], at: Any = None, as_of: Any = None
    ) -> pd.DataFrame:
        """Every row of one entity, oldest first: keys, @event_time, @created_time, @recorded_time,
        @log_entry, @log_row, @import, then the features.

        ``at``: a time; ``@verdict`` then says which row a join at it would take, and why not the
        others. ``as_of``: a log entry, a time or a training set: what came later is not seen.
        """
        return _views_of_history.history(
            self._session, self._definitions.view(view), key, at, as_of
        )

    def explain(
        self,
        service: str,
        row: Any,
        event_time: str | None = None,
        as_of: Any = None,
        as_known: bool = False,
    ) -> Explanation:
        """For one row of a spine (a dict): which row of each view it gets, and why not the others.

        ``event_time``: the row's column that holds it. ``as_of``, ``as_known``: as of
        ``training_set``. Printed, it is a table for each view; ``parts`` hold them as DataFrames.
        """
        found = self._definitions.service(service, fresh=True)
        return _views_of_history.explain(self._session, found, row, event_time, as_of, as_known)

    @overload
    def export(
        self, view: str, path: None = None, as_of: Any = None, since: Any = None, until: Any = None
    ) -> pa.RecordBatchReader: ...

    @overload
    def export(
        self,
        view: str,
        path: str | os.PathLike[str],
        as_of: Any = None,
        since: Any = None,
        until: Any = None,
    ) -> int: ...

    def export(
        self,
        view: str,
        path: str | os.PathLike[str] | None = None,
        as_of: Any = None,
        since: Any = None,
        until: Any = None,
    ) -> pa.RecordBatchReader | int:
        """The history of a view by key, then time: as an Arrow reader, or to a file, by its suffix
        Parquet, CSV or NDJSON; then the number of rows is returned.

        Streamed with bounded memory; the columns are those of ``history``, and ``load`` of the same
        view reads the file again. ``since``, ``until``: event times, both inclusive. ``as_of``: a
        log entry, a time or a training set: what came later is not seen.
        """
        found = self._definitions.view(view, fresh=True)
        return _views_of_history.export(self._session, found, path, as_of, since, until)

    def imports(self) -> list[Import]:
        """Every import of history."""
        request = features_pb2.ListImportsRequest(limit=1_000)
        found: list[Import] = []
        while True:
            answer, _ = self._session.call(Op.LIST_IMPORTS, request, features_pb2.ImportsResponse)
            found += [Import.of(message) for message in answer.imports]
            request.page_token = answer.next_page_token
            if not request.page_token:
                return found

    def abandon(self, import_id: str) -> int:
        """Frees what an unfinished import has staged; returns its rows. Raises Refused for one that
        is published (see ``retract``), NotFound for one that is not there.
        """
        answer, _ = self._session.call(
            Op.ABANDON_IMPORT,
            features_pb2.AbandonImportRequest(import_id=import_id),
            features_pb2.AbandonImportResponse,
            write=True,
        )
        return int(answer.rows)

    def retract(
        self,
        import_id: str | None = None,
        entries: tuple[int, int] | None = None,
        view: str | None = None,
        dry_run: bool = False,
        progress: ProgressOption = None,
    ) -> Retraction:
        """Undoes an import, or all rows pushed from one log entry to another, both inclusive.

        The rows are hidden from a new log entry on, and earlier positions (``as_of``) still see
        them; the online rows that they had replaced are restored. ``view``, with ``entries``: only
        its rows. ``dry_run`` counts and changes nothing.
        """
        return _upkeep.retract(self._session, import_id, entries, view, dry_run, progress)

    def forget(
        self,
        entity: str,
        key: Mapping[str, Any],
        dry_run: bool = False,
        progress: ProgressOption = None,
    ) -> Forgotten:
        """Deletes all rows of one entity, everywhere and for good: ``forget("person", {"id": 7})``.

        They are in no answer at any position from the beginning on, and gone from the files when
        this returns. Rows pushed later are kept. ``training_sets`` used them and answer incomplete
        from now on; ``out_of_reach`` says where copies may be. ``dry_run`` counts and changes
        nothing. Raises NotFound for an unknown entity, InvalidArgument for a wrong key.
        """
        return _upkeep.forget(self._session, self._definitions, entity, key, dry_run, progress)

    def compact(
        self,
        views: Sequence[str] | str = (),
        dry_run: bool = False,
        progress: ProgressOption = None,
    ) -> list[Compaction]:
        """Merges the history of views (none: all), after taking what their retention rules say.

        The answers stay the same but for rows that retention takes; ``dry_run`` says how many that
        would be, and changes nothing.
        """
        names = [views] if isinstance(views, str) else list(views)
        return _upkeep.compact(self._session, names, dry_run, progress)

    def gc(
        self,
        dry_run: bool = False,
        older_than: timedelta = timedelta(days=1),
        digest: str = "",
    ) -> Garbage:
        """Removes artifacts that no record refers to, unfinished uploads and chunks of no use.

        ``older_than``: what was touched since stays, so that nothing under way is taken; an hour at
        least. ``digest``: only this artifact, whatever its age; raises Refused with who refers to
        it where somebody does. ``dry_run`` says what would go, and removes nothing.
        """
        return _upkeep.gc(self._session, dry_run, older_than, digest)

    def verify(self, progress: ProgressOption = None) -> Verification:
        """Checks all that the server stores, of all projects: checksums, order, counts, digests.

        False where there is a problem; ``problems`` says which.
        """
        return _upkeep.verify(self._session, progress)
