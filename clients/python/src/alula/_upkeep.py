"""Compact, verify, retract, forget: long calls that tell how far they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ._batch import encode_batch
from ._definitions import Definitions
from ._frames import Bytes, Op
from ._keys import key_columns
from ._progress import Progress, ProgressOption
from ._proto import common_pb2, features_pb2, uploads_pb2
from ._session import Session, ignore
from ._types import to_proto
from .errors import InvalidArgument
from .upkeep import Compaction, Forgotten, Garbage, Retraction, Verification

Take = Callable[[Bytes, Bytes], None]


def compact(
    session: Session, views: Sequence[str], dry_run: bool, progress: ProgressOption
) -> list[Compaction]:
    """What was done to each view."""
    bar = Progress("compact", "rows", None, progress)

    def take(control: Bytes, _: Bytes) -> None:
        step = features_pb2.CompactProgress.FromString(bytes(control))
        bar.begin(f"compact {step.view}", step.rows_total or None)
        bar.update(step.rows_done)

    done = session.stream(
        Op.COMPACT,
        features_pb2.CompactRequest(views=views, dry_run=dry_run),
        features_pb2.CompactResponse,
        lambda: ((), take),
        write=True,
    )
    compacted = [Compaction.of(view) for view in done.views]
    bar.finish(f"{sum(view.rows for view in compacted):,} rows in {len(compacted)} views")
    return compacted


def gc(session: Session, dry_run: bool, older_than: timedelta, digest: str) -> Garbage:
    """What went, or would go."""
    seconds = int(older_than.total_seconds())
    if seconds <= 0:
        raise InvalidArgument("older_than: expected an hour or more")
    request = uploads_pb2.CollectGarbageRequest(
        dry_run=dry_run, older_seconds=seconds, digest=digest
    )
    done = session.stream(
        Op.COLLECT_GARBAGE, request, uploads_pb2.Garbage, lambda: ((), ignore), write=True
    )
    return Garbage.of(done)


def verify(session: Session, progress: ProgressOption) -> Verification:
    """What was found."""
    bar = Progress("verify", "checked", None, progress)

    def take(control: Bytes, _: Bytes) -> None:
        step = features_pb2.VerifyProgress.FromString(bytes(control))
        bar.begin(f"verify {step.part}", step.total or None)
        bar.update(step.done)

    done = session.stream(
        Op.VERIFY, common_pb2.HeadOnly(), features_pb2.VerifyResponse, lambda: ((), take)
    )
    bar.finish(f"{done.problem_count:,} problems" if done.problem_count else "nothing wrong")
    return Verification.of(done)


def retract(
    session: Session,
    import_id: str | None,
    entries: tuple[int, int] | None,
    view: str | None,
    dry_run: bool,
    progress: ProgressOption,
) -> Retraction:
    """What was hidden and restored."""
    if (import_id is None) == (entries is None):
        raise InvalidArgument("say what to retract: an import's id, or entries=(first, last)")
    if view is not None and entries is None:
        raise InvalidArgument("view= goes with entries=: an import is of one view anyway")
    first, last = (0, 0) if entries is None else entries
    if entries is not None and not 1 <= first <= last < 2**64:
        raise InvalidArgument(f"entries are counted from 1, first to last: found {first} to {last}")
    bar = Progress("retract", "keys", None, progress)

    def take(control: Bytes, _: Bytes) -> None:
        step = features_pb2.RetractProgress.FromString(bytes(control))
        bar.begin(f"restore {step.view}", None)
        bar.update(step.keys_done)

    done = session.stream(
        Op.RETRACT,
        features_pb2.RetractRequest(
            import_id=import_id or "",
            first_entry=first,
            last_entry=last,
            view=view or "",
            dry_run=dry_run,
        ),
        features_pb2.RetractResponse,
        lambda: ((), take),
        write=True,
    )
    would = "would be " if dry_run else ""
    bar.finish(f"{done.rows:,} rows {would}hidden, {done.rows_restored:,} restored online")
    return Retraction.of(done)


def forget(
    session: Session,
    definitions: Definitions,
    entity: str,
    key: Mapping[str, Any],
    dry_run: bool,
    progress: ProgressOption,
) -> Forgotten:
    """What was deleted."""
    fields = definitions.entity(entity)
    columns = key_columns(f"entity {entity}", fields, key)
    bar = Progress(f"forget {entity}", "done", None, progress)

    def take(control: Bytes, _: Bytes) -> None:
        step = features_pb2.ForgetProgress.FromString(bytes(control))
        bar.begin(f"forget {entity}: {step.step}", step.total or None)
        bar.update(step.done)

    done = session.stream(
        Op.FORGET,
        features_pb2.ForgetRequest(entity=entity, schema=to_proto(fields), dry_run=dry_run),
        features_pb2.ForgetResponse,
        lambda: ((), take),
        data=encode_batch(columns, 1),
        write=True,
    )
    forgotten = Forgotten.of(done)
    rows = sum(view.history_rows for view in forgotten.views)
    bar.finish(f"{rows:,} rows of history {'would go' if dry_run else 'are gone'}")
    return forgotten
