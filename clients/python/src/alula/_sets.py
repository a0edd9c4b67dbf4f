"""Making training sets, getting them again, listing them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ._definitions import Definitions, near
from ._frames import Bytes, Op
from ._proto import common_pb2, monitoring_pb2, training_pb2
from ._session import Session
from ._spine import Spine, as_of_point
from ._types import to_proto
from .errors import DataLoss, InvalidArgument
from .monitoring import Profile
from .stream import TrainingSetStream
from .training import Collector, TrainingSet, TrainingSetRecord, incomplete_of

Record = TypeVar("Record", bound=TrainingSetRecord)


@dataclass(frozen=True)
class MakeOptions:
    """How a training set is to be made; the words are those of ``Store.training_set``."""

    event_time: str | None = None
    label: str | None = None
    as_of: Any = None
    as_known: bool = False
    unknown: str | None = None


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
        self, service: str, spine: Any, options: MakeOptions, timeout: float | None
    ) -> TrainingSet:
        rows, request = self._request(service, spine, options)
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
        return self._known(attempts.collector.finish(made))

    def from_log(self, request: Any, timeout: float | None) -> TrainingSet:
        attempts = _Attempts()
        made = self._session.stream(
            Op.TRAINING_SET_FROM_LOG,
            request,
            training_pb2.TrainingSet,
            lambda: ((), attempts.restart()),
            write=True,
            timeout=timeout,
        )
        return attempts.collector.finish(made)

    def get(self, id: str, incomplete: bool, timeout: float | None) -> TrainingSet:
        attempts = _Attempts()
        try:
            made = self._session.stream(
                Op.GET_TRAINING_SET,
                training_pb2.TrainingSetRequest(id=id, incomplete=incomplete),
                training_pb2.TrainingSet,
                lambda: ((), attempts.restart()),
                timeout=timeout,
            )
            return self._known(attempts.collector.finish(made))
        except DataLoss as error:
            raise incomplete_of(error) from None

    def stream(
        self, service: str, spine: Any, options: MakeOptions, timeout: float | None
    ) -> TrainingSetStream:
        rows, request = self._request(service, spine, options)
        call, early = self._session.begin(
            Op.MAKE_TRAINING_SET, request, rows.items, write=True, timeout=timeout
        )
        return TrainingSetStream(call, early)

    def stream_again(self, id: str, incomplete: bool, timeout: float | None) -> TrainingSetStream:
        request = training_pb2.TrainingSetRequest(id=id, incomplete=incomplete)
        call, early = self._session.begin(Op.GET_TRAINING_SET, request, timeout=timeout)
        return TrainingSetStream(call, early)

    def _request(
        self, service: str, spine: Any, options: MakeOptions
    ) -> tuple[Spine, training_pb2.MakeTrainingSetRequest]:
        if options.unknown not in (None, "keep"):
            raise InvalidArgument(
                f'unknown "{options.unknown}" is not a choice: expected None or "keep"'
            )
        found = self._definitions.service(service, fresh=True)
        rows = Spine(spine, found, options.event_time)
        names = [field.name for field in rows.schema]
        if options.label and options.label not in names:
            raise InvalidArgument(
                f'the spine has no label column "{options.label}"{near(options.label, names)}'
            )
        request = training_pb2.MakeTrainingSetRequest(
            service=found.reference,
            schema=to_proto(rows.schema),
            event_time=rows.event_time,
            label=options.label or "",
            as_of=common_pb2.AsOf(**as_of_point(options.as_of)),
            as_known=options.as_known,
            keep_unknown=options.unknown == "keep",
            spine_name=rows.name,
        )
        return rows, request

    def profile(self, id: str) -> Profile:
        """How the columns of a set are distributed."""
        request = monitoring_pb2.ProfileRequest(training_set=id)
        answer, _ = self._session.call(Op.PROFILE, request, monitoring_pb2.Profile)
        return Profile(answer)

    def _known(self, record: Record) -> Record:
        """The record, which can be asked for its profile."""
        record._profiles = self.profile
        return record

    def all(self) -> list[TrainingSetRecord]:
        request = training_pb2.ListTrainingSetsRequest(limit=1_000)
        records: list[TrainingSetRecord] = []
        while True:
            answer, _ = self._session.call(
                Op.LIST_TRAINING_SETS, request, training_pb2.TrainingSets
            )
            records += [self._known(TrainingSetRecord(message)) for message in answer.sets]
            request.page_token = answer.next_page_token
            if not request.page_token:
                return records
