"""Online reads: the hot path of model servers.

What a read sends but for its keys is the same from call to call, and is made once; so is what its
answer looks like. ``Reader`` holds both and does no I/O: ``Reading`` does, and ``alula.aio``.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Union

from ._batch import encode_batch, split_rows
from ._definitions import Definitions
from ._frames import Bytes, Op
from ._inputs import PIECE_BYTES, Inputs
from ._line import Reply
from ._proto import features_pb2
from ._session import Session
from ._types import to_proto
from .answer import Answer, Plan, rows_of
from .errors import InternalError, InvalidArgument, NotFound, Refused, Unavailable
from .records import Service
from .registry import ModelVersion

PRODUCTION = "production"
_MOST_CONTROLS = 16
_MOST_PLANS = 64
_MOST_FAILURES = 8


@dataclass(frozen=True)
class Wanted:
    """Whose features are asked for: a service, or a model's version by stage, alias or number."""

    service: str = ""
    model: str = ""
    stage: str = ""
    alias: str = ""
    version: int = 0
    #: Whether what is served is to be kept in the prediction log.
    log: bool = False

    def __str__(self) -> str:
        if self.service:
            return f"service {self.service}"
        if self.alias:
            return f"model {self.model} @{self.alias}"
        of_stage = f" in {self.stage}" if self.stage else ""
        return f"model {self.model}{f' {self.version}' if self.version else ''}{of_stage}"


#: The name of a service, which is the commonest, or more.
Key = Union[str, Wanted]
Resolve = Callable[[Wanted], ModelVersion]


def wanted(
    service: str | None,
    model: str | None,
    stage: str | None,
    alias: str | None,
    version: int | None,
    log: bool = False,
) -> Key:
    """What a read asks for; raises InvalidArgument where that is not one thing."""
    if model is None:
        if service is None or stage is not None or alias is not None or version is not None:
            raise InvalidArgument(
                "say whose features: a service, or model= with stage=, alias= or version="
            )
        if log:
            raise InvalidArgument("a logged read is of a model: say model=, not a service")
        return service
    if service is not None:
        raise InvalidArgument("a read is of a service or of a model, not of both")
    if alias is not None and (stage is not None or version is not None):
        raise InvalidArgument("an alias names one version: leave stage= and version= out")
    if version is not None and int(version) < 1:
        raise InvalidArgument(f"version {int(version)}: expected 1 or more")
    number = int(version or 0)
    at = stage or ("" if alias or number else PRODUCTION)
    return Wanted(model=model, stage=at, alias=alias or "", version=number, log=log)


class Reader:
    """Reads of one thing: its inputs, the messages that ask for it, the plan of its last answer."""

    def __init__(self, key: Key, service: Service, plan: Plan | None = None) -> None:
        self.key = key
        self.wanted = Wanted(service=key) if isinstance(key, str) else key
        self.service = service
        asker = str(self.wanted)
        if asker != f"service {service.reference}":
            asker += f" ({service.reference})"
        self.inputs = Inputs(service, asker)
        self.plan = plan
        #: Plans of earlier answers: other threads may still wait for answers by them.
        self._plans: dict[int, Plan] = {} if plan is None else {plan.number: plan}
        self._controls: dict[tuple[int, float | None], bytes] = {}

    def control(self, session: Session, seconds: float | None) -> bytes:
        """The message of a request."""
        plan = self.plan
        key = (0 if plan is None else plan.number, seconds)
        control = self._controls.get(key)
        if control is None:
            asked = self.wanted
            message = features_pb2.ReadRequest(
                service=asked.service, model=asked.model, stage=asked.stage, alias=asked.alias,
                version=asked.version, schema=to_proto(self.inputs.fields), known_plan=key[0],
                log=asked.log,
            )  # fmt: skip
            control = session.prepare(message, False, seconds)
            if len(self._controls) > _MOST_CONTROLS:
                self._controls.clear()
            self._controls[key] = control
        return control

    def plan_of(self, control: Bytes) -> tuple[Plan, int]:
        """The plan that an answer names, learnt where it is new, and the model version."""
        plan = self.plan
        version = None if plan is None else plan.version_of(control)
        if plan is None or version is None:
            response = features_pb2.ReadResponse.FromString(bytes(control))
            if response.HasField("schema"):
                plan = Plan(response)
                if len(self._plans) >= _MOST_PLANS:
                    self._plans = {}
                self._plans[plan.number] = plan
            else:
                plan = self._plans.get(response.plan)
            if plan is None:
                raise InternalError("the server left out the schema of a plan that was not known")
            self.plan = plan
            version = int(response.model_version)
        return plan, version

    def pinned(self, plan: Plan, version: int) -> Reader:
        """For further reads of exactly the version that answered."""
        asked = self.wanted
        if asked.service:
            asked = Wanted(service=plan.service)
        else:
            asked = Wanted(model=asked.model, version=version, log=asked.log)
        return Reader(asked.service or asked, self.service, plan)


class Reading:
    """Reads of all services and models of a store."""

    def __init__(self, session: Session, definitions: Definitions, resolve: Resolve) -> None:
        self.session = session
        self._definitions = definitions
        self._resolve = resolve
        self._readers: dict[Key, Reader] = {}
        #: Services of versions that are known: they never change.
        self._services: dict[Wanted, str] = {}

    def pin(self, version: ModelVersion, log: bool = False) -> Key:
        """What reads of exactly this version ask for."""
        if not version.service:
            raise _no_service(version)
        key = Wanted(model=version.model, version=int(version), log=log)
        self._services[key] = version.service
        return key

    def forget(self) -> None:
        """What is known may have changed."""
        self._readers = {}

    def known(self, key: Key) -> Reader | None:
        """The reader of something that was read before."""
        return self._readers.get(key)

    def open(self, key: Key, fresh: bool = False) -> Reader:
        """Asks the server what the inputs are; ``fresh`` whatever is known."""
        if isinstance(key, str):
            reference = key
        else:
            reference, fresh = self._services.get(key, ""), False
            if not reference:
                version = self._resolve(key)
                reference = version.service
                if not reference:
                    raise _no_service(version)
        reader = self._readers[key] = Reader(key, self._definitions.service(reference, fresh))
        return reader

    def learn(self, reader: Reader, plan: Plan) -> None:
        """Notes that another version answered than the reader was made for."""
        if plan.service != reader.service.reference and self._readers.get(reader.key) is reader:
            self._definitions.forget()
            del self._readers[reader.key]

    def read(
        self,
        key: Key,
        keys: Mapping[str, Any],
        request: Mapping[str, Any] | None,
        timeout: float | None,
    ) -> Answer:
        """The vector of what is wanted for each row of the keys."""
        reader = self._readers.get(key)
        if reader is None:
            return self._read(self.open(key), keys, request, timeout)
        try:
            return self._read(reader, keys, request, timeout)
        except (InvalidArgument, NotFound):
            # What is known may be of an older definition: look once, and only then believe it.
            newer = self.open(key, fresh=True)
            if newer.service == reader.service:
                raise
        return self._read(newer, keys, request, timeout)

    def _read(
        self,
        reader: Reader,
        keys: Mapping[str, Any],
        request: Mapping[str, Any] | None,
        timeout: float | None,
    ) -> Answer:
        rows, requests = reader.inputs.encode(keys, request)
        transport = self.session.transport
        seconds = transport.timeout if timeout is None else timeout
        plan, version, pieces, marks = None, 0, [], []
        for data in requests:
            reply = transport.unary(Op.READ, reader.control(self.session, seconds), data, seconds)
            found, version, some = taken(reader, reply)
            if plan is None:
                plan = found
                self.learn(reader, plan)
                if len(requests) > 1:
                    reader = reader.pinned(plan, version)
            pieces += some
            if reader.wanted.log:
                marks += marks_of(reply)
        assert plan is not None
        return Answer(plan, pieces, rows, version, marks)

    def read_batches(
        self,
        key: Key,
        keys: Mapping[str, Any],
        request: Mapping[str, Any] | None,
        timeout: float | None,
    ) -> Iterator[Answer]:
        """Answers for consecutive rows, as they come; all of one version."""
        transport = self.session.transport
        batches = Batches(self.open(key, fresh=True), keys, request)
        while (data := batches.next_request()) is not None:
            try:
                connection = transport.retrying(transport.connection, within=timeout)
                control = batches.reader.control(self.session, timeout)
                with closing(connection.open(Op.READ, control, data, timeout)) as call:
                    while (item := call.next_item()) is not None:
                        yield batches.take(*item)
                    last = call.result()
                    if len(last[1]):
                        yield batches.take(*last)
            except Unavailable as error:
                time.sleep(batches.pause_after(error))


def _no_service(version: ModelVersion) -> Refused:
    return Refused(
        f"model {version.model} {int(version)} names no service",
        "it was registered without a training set: read a service by its name",
    )


class Batches:
    """Where a read of many rows stands: it goes on behind the last answer that came."""

    def __init__(
        self, reader: Reader, keys: Mapping[str, Any], request: Mapping[str, Any] | None
    ) -> None:
        self.reader = reader
        self._batch = reader.inputs.batch(keys, request)
        cuts = split_rows(self._batch, PIECE_BYTES)
        self._stops = deque(cuts[1:] or [0])
        self._at = -1 if not self._batch.rows else 0
        self._failures = 0
        self._is_pinned = False

    def next_request(self) -> bytes | None:
        """The batch that asks for the next rows; None where all have come."""
        while self._stops and self._at >= self._stops[0]:
            self._stops.popleft()
        if not self._stops:
            return None
        piece = self._batch.slice(max(self._at, 0), self._stops[0])
        return encode_batch(piece.columns, piece.rows)

    def take(self, control: Bytes, data: Bytes) -> Answer:
        """An item, as the answer for some rows; further requests ask for the version it is of."""
        plan, version = self.reader.plan_of(control)
        marks = marks_of((control, data, [])) if self.reader.wanted.log else ()
        answer = Answer(plan, [data], rows_of(data), version, marks)
        self._at = max(self._at, 0) + len(answer)
        self._failures = 0
        if not self._is_pinned:
            self.reader, self._is_pinned = self.reader.pinned(plan, version), True
        return answer

    def pause_after(self, error: Unavailable) -> float:
        """Seconds to wait before going on; raises the error where nothing helps."""
        self._failures += 1
        if self._failures >= _MOST_FAILURES:
            raise error
        return random.uniform(0.5, 1.0) * min(0.05 * 2.0**self._failures, 1.0)


def taken(reader: Reader, reply: Reply) -> tuple[Plan, int, list[Bytes]]:
    """Plan, model version and pieces of a reply; a large answer is in items, the first of which
    names the plan.
    """
    control, data, items = reply
    plan, version = reader.plan_of(items[0][0] if items else control)
    return plan, version, [piece for _, piece in items] if items else [data]


def marks_of(reply: Reply) -> list[tuple[int, bytes, int]]:
    """What makes the prediction ids of a reply: for each piece its time, logged bits and rows."""
    control, data, items = reply
    marks = []
    for head, piece in items or [(control, data)]:
        message = features_pb2.ReadResponse.FromString(bytes(head))
        marks.append((message.prediction_time, message.logged, rows_of(piece)))
    return marks
