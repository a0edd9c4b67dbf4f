"""Materialize: a call that tells how far it is."""

from __future__ import annotations

from collections.abc import Sequence

from ._frames import Bytes, Op
from ._progress import Progress, ProgressOption
from ._proto import features_pb2
from ._session import Session


def materialize(session: Session, views: Sequence[str], progress: ProgressOption) -> int:
    """Rows written online."""
    title = ", ".join(views) if views else "materialize"
    bar = Progress(title, "keys", None, progress)

    def take(control: Bytes, _: Bytes) -> None:
        step = features_pb2.MaterializeProgress.FromString(bytes(control))
        bar.begin(step.view or title, step.keys_total or None)
        bar.update(step.keys_done)

    done = session.stream(
        Op.MATERIALIZE,
        features_pb2.MaterializeRequest(views=views),
        features_pb2.MaterializeProgress,
        lambda: ((), take),
        write=True,
    )
    bar.finish(f"{done.rows_written:,} rows online")
    return int(done.rows_written)
