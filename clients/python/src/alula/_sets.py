"""Making training sets, getting them again, listing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._definitions import Definitions
from ._frames import Bytes, Op
from ._proto import common_pb2, training_pb2
from ._session import Session
from ._spine import Spine, as_of_point
from ._types import to_proto
from .errors import InvalidArgument
from .training import Collector, TrainingSet, TrainingSetRecord


class _Attempts:
    """The collector of the present try."""

    def __init__(self) -> None:
        self.collector = Collector()

    def restart(self) -> Callable[[Bytes, Bytes], None]:
        self.collector = Collector()
        return self.collector.take


class TrainingSets:
    """The training sets of a project."""

    def __init__(self, session: Session, definitions: Definitions) -> None:
        self._session = session
        self._definitions = definitions

    def make(
        self,
        service: str,
        spine: Any,
        event_time: str | None,
        label: str | None,
        as_of: Any,
        as_known: bool,
        unknown: str | None,
        timeout: float | None,
    ) -> TrainingSet:
        if unknown not in (None, "keep"):
            raise InvalidArgument(f'unknown "{unknown}" is not a choice: expected None or "keep"')
        found = self._definitions.service(service, fresh=True)
        rows = Spine(spine, found, event_time)
        if label and label not in rows.table.column_names:
            raise InvalidArgument(f'the spine has no label column "{label}"')
        request = training_pb2.MakeTrainingSetRequest(
            service=found.reference,
            schema=to_proto(rows.schema),
            event_time=rows.event_time,
            label=label or "",
            as_of=common_pb2.AsOf(**as_of_point(as_of)),
            as_known=as_known,
            keep_unknown=unknown == "keep",
            spine_name=rows.name,
        )
        attempts = _Attempts()
        made = self._session.stream(
            Op.MAKE_TRAINING_SET,
            request,
            training_pb2.TrainingSet,
            lambda: (rows.items(), attempts.restart()),
            upload=True,
            write=True,
            timeout=timeout,
        )
        return attempts.collector.finish(made)

    def get(self, id: str, timeout: float | None) -> TrainingSet:
        attempts = _Attempts()
        made = self._session.stream(
            Op.GET_TRAINING_SET,
            training_pb2.TrainingSetRequest(id=id),
            training_pb2.TrainingSet,
            lambda: ((), attempts.restart()),
            timeout=timeout,
        )
        return attempts.collector.finish(made)

    def all(self) -> list[TrainingSetRecord]:
        answer, _ = self._session.call(
            Op.LIST_TRAINING_SETS, common_pb2.HeadOnly(), training_pb2.TrainingSets
        )
        return [TrainingSetRecord(message) for message in answer.sets]
