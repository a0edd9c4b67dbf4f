"""Online reads: the hot path of model servers.

What a read sends but for its keys is the same from call to call, and is made once; so is what its
answer looks like. ``Reader`` holds both and does no I/O: ``Reading`` does, and ``alula.aio``.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Union

from ._batch import encode_batch, split_rows
from ._definitions import Definitions
from ._frames import Bytes, Op
from ._inputs import PIECE_BYTES, Inputs, Keys, names_of
from ._pieces import Plan, rows_of
from ._proto import features_pb2
from ._session import Session
from ._taking import Taking, marks_of, whole
from ._types import to_proto
from .answer import Answer
from .errors import InternalError, InvalidArgument, NotFound, Refused, Unavailable
from .records import Service
from .registry import Held, ModelVersion

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
    #: Of a stage: only these of its holders, the one with the greatest share first.
    among: tuple[int, ...] = ()
    #: Of a stage: the vectors of its shadow, too.
    shadow: bool = False

    def __str__(self) -> str:
        if self.service:
            return f"service {self.service}"
        if self.alias:
            return f"model {self.model} @{self.alias}"
        of_stage = f" in {self.stage}" if self.stage else ""
        return f"model {self.model}{f' {self.version}' if self.version else ''}{of_stage}"


#: The name of a service, which is the commonest, or more.
Key = Union[str, Wanted]
Resolve = Callable[[Wanted], Held]


def wanted(
    service: str | None,
    model: str | None,
    stage: str | None,
    alias: str | None,
    version: int | None,
    log: bool = False,
    shadow: bool = False,
) -> Key:
    """What a read asks for; raises InvalidArgument where that is not one thing."""
    if model is None:
        if service is None or stage is not None or alias is not None or version is not None:
            raise InvalidArgument(
                "say whose features: a service, or model= with stage=, alias= or version="
            )
        if log or shadow:
            what = "a logged read" if log else "a shadow"
            raise InvalidArgument(f"{what} is of a model: say model=, not a service")
        return service
    if service is not None:
        raise InvalidArgument("a read is of a service or of a model, not of both")
    if alias is not None and (stage is not None or version is not None):
        raise InvalidArgument("an alias names one version: leave stage= and version= out")
    if version is not None and int(version) < 1:
        raise InvalidArgument(f"version {int(version)}: expected 1 or more")
    number = int(version or 0)
    at = stage or ("" if alias or number else PRODUCTION)
    if shadow and (alias is not None or number):
        raise InvalidArgument("a shadow is of a stage: leave alias= and version= out")
    return Wanted(model=model, stage=at, alias=alias or "", version=number, log=log, shadow=shadow)


class Reader:
    """Reads of one thing: its inputs, the messages that ask for it, the plan of its last answer."""

    def __init__(
        self,
        key: Key,
        services: Sequence[Service],
        plan: Plan | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.key = key
        self.wanted = Wanted(service=key) if isinstance(key, str) else key
        #: Those of every version that may answer.
        self.services = services
        self.references = [service.reference for service in services]
        asker = str(self.wanted)
        if asker != f"service {self.references[0]}":
            asker += f" ({', '.join(self.references)})"
        self.inputs = Inputs(services, asker, without)
        self._without = without
        self._narrower: dict[frozenset[str], Reader] = {}
        self.plan = plan
        #: Plans of earlier answers: other threads may still wait for answers by them.
        self._plans: dict[int, Plan] = {} if plan is None else {plan.number: plan}
        self._controls: dict[tuple[int, float | None], bytes] = {}

    def fitting(self, keys: Keys, request: Mapping[str, Any] | None) -> Reader:
        """Itself; where something is not given that only some of the versions take, one that does
        not send it: the server refuses rows that meet one of those, and answers the others.
        """
        optional = self.inputs.optional
        if not optional:
            return self
        given = names_of(keys)
        if given is None:
            return self  # to encode it says what is wrong with it
        missing = optional - given - set(request or ())
        if not missing or len(missing) == len(self.inputs.fields):
            return self
        narrower = self._narrower.get(missing)
        if narrower is None:
            narrower = Reader(self.key, self.services, None, missing)
            self._narrower[missing] = narrower
        return narrower

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
                log=asked.log, among=asked.among, shadow=asked.shadow,
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
            plan = self.plan = self.plan_named(response)
            version = int(response.model_version)
        return plan, version

    def plan_named(self, response: Any) -> Plan:
        """The plan of one of several versions that answer."""
        plan: Plan | None
        if response.HasField("schema"):
            plan = Plan(response)
            if len(self._plans) >= _MOST_PLANS:
                self._plans = {}
            self._plans[plan.number] = plan
        else:
            plan = self._plans.get(response.plan)
        if plan is None:
            raise InternalError("the server left out the schema of a plan that was not known")
        return plan

    def pinned(self, plan: Plan, version: int) -> Reader:
        """For further reads of exactly the version that answered."""
        asked = self.wanted
        if asked.service:
            asked = Wanted(service=plan.service)
        else:
            asked = Wanted(model=asked.model, version=version, log=asked.log)
        return Reader(asked.service or asked, self.services, plan, self._without)


class Reading:
    """Reads of all services and models of a store."""

    def __init__(self, session: Session, definitions: Definitions, resolve: Resolve) -> None:
        self.session = session
        self._definitions = definitions
        self._resolve = resolve
        self._readers: dict[Key, Reader] = {}
        #: Services of versions that are known: they never change.
        self._services: dict[Wanted, list[str]] = {}

    def pin(self, versions: Sequence[ModelVersion], stage: str, log: bool, shadow: bool) -> Key:
        """What reads of exactly these versions ask for: of one by its number, of several, or with
        a shadow, by the stage that they hold. The shadow comes last.
        """
        for version in versions:
            if not version.service:
                raise _no_service(version)
        numbers = [int(version) for version in versions]
        if len(numbers) == 1:
            key = Wanted(model=versions[0].model, version=numbers[0], log=log)
        else:
            among = tuple(numbers[:-1] if shadow else numbers)
            key = Wanted(model=versions[0].model, stage=stage, log=log, among=among, shadow=shadow)
        self._services[key] = list(dict.fromkeys(version.service for version in versions))
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
            references = [key]
        else:
            references, fresh = self._services.get(key, []), False
            if not references:
                held = self._resolve(key)
                versions = [holder.version for holder in held.holders]
                if key.shadow and held.shadow is not None:
                    versions.append(held.shadow)
                for version in versions:
                    if not version.service:
                        raise _no_service(version)
                references = list(dict.fromkeys(version.service for version in versions))
        services = [self._definitions.service(reference, fresh) for reference in references]
        reader = self._readers[key] = Reader(key, services)
        return reader

    def learn(self, reader: Reader, plan: Plan) -> None:
        """Notes that another version answered than the reader was made for."""
        if plan.service not in reader.references and self._readers.get(reader.key) is reader:
            self._definitions.forget()
            del self._readers[reader.key]

    def read(
        self,
        key: Key,
        keys: Keys,
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
            if newer.services == reader.services:
                raise
        return self._read(newer, keys, request, timeout)

    def _read(
        self,
        reader: Reader,
        keys: Keys,
        request: Mapping[str, Any] | None,
        timeout: float | None,
    ) -> Answer:
        fitting = reader.fitting(keys, request)
        rows, requests = fitting.inputs.encode(keys, request)
        transport = self.session.transport
        seconds = transport.timeout if timeout is None else timeout
        taking = Taking(fitting, len(requests) > 1)
        for data in requests:
            control = taking.reader.control(self.session, seconds)
            reply = transport.unary(Op.READ, control, data, seconds)
            if len(requests) == 1 and (found := whole(fitting, reply, rows)) is not None:
                self.learn(reader, found[1])
                return found[0]
            taking.take(reply)
            self.learn(reader, taking.plan)
        return taking.answer(rows)

    def read_batches(
        self,
        key: Key,
        keys: Keys,
        request: Mapping[str, Any] | None,
        timeout: float | None,
    ) -> Iterator[Answer]:
        """Answers for consecutive rows, as they come: all of one version, or, where a stage has
        several holders, each with what the versions say that its rows met.
        """
        transport = self.session.transport
        batches = Batches(self.open(key, fresh=True), keys, request)
        while (data := batches.next_request()) is not None:
            try:
                connection = transport.retrying(transport.connection, within=timeout)
                control = batches.reader.control(self.session, timeout)
                with closing(connection.open(Op.READ, control, data, timeout)) as call:
                    while (item := call.next_item()) is not None:
                        if (answer := batches.take(*item)) is not None:
                            yield answer
                    last = call.result()
                    if (answer := batches.finish(*last)) is not None:
                        yield answer
            except Unavailable as error:
                time.sleep(batches.pause_after(error))


def _no_service(version: ModelVersion) -> Refused:
    return Refused(
        f"model {version.model} {int(version)} names no service",
        "it was registered without a training set: read a service by its name",
    )


class Batches:
    """Where a read of many rows stands: it goes on behind the last answer that came."""

    def __init__(self, reader: Reader, keys: Keys, request: Mapping[str, Any] | None) -> None:
        self.reader = reader = reader.fitting(keys, request)
        self._batch = reader.inputs.batch(keys, request)
        cuts = split_rows(self._batch, PIECE_BYTES)
        self._stops = deque(cuts[1:] or [0])
        self._at = -1 if not self._batch.rows else 0
        self._failures = 0
        self._is_pinned = False
        self._taking = Taking(reader)

    def next_request(self) -> bytes | None:
        """The batch that asks for the next rows; None where all have come."""
        while self._stops and self._at >= self._stops[0]:
            self._stops.popleft()
        if not self._stops:
            return None
        piece = self._batch.slice(max(self._at, 0), self._stops[0])
        return encode_batch(piece.columns, piece.rows)

    def take(self, control: Bytes, data: Bytes) -> Answer | None:
        """An item, as the answer for some rows; further requests ask for the version it is of.

        None for an item of several versions' answers, which ``finish`` gives together.
        """
        is_shared = False
        if self.reader.wanted.stage:
            message = features_pb2.ReadResponse.FromString(bytes(control))
            is_shared = message.shared
            if message.row_numbers:
                self._taking.add(message, data)
                return None
        plan, version = self.reader.plan_of(control)
        marks = marks_of((control, data, [])) if self.reader.wanted.log else ()
        answer = Answer(plan, [data], rows_of(data), version, marks)
        self._at = max(self._at, 0) + len(answer)
        self._failures = 0
        if not self._is_pinned and not is_shared:
            self.reader, self._is_pinned = self.reader.pinned(plan, version), True
            self._taking = Taking(self.reader)
        return answer

    def finish(self, control: Bytes, data: Bytes) -> Answer | None:
        """The response: the answer for the last rows, or that of several versions."""
        if len(data):
            return self.take(control, data)
        taking, self._taking = self._taking, Taking(self.reader)
        if taking.is_empty:
            return None
        answer = taking.answer(self._stops[0] - max(self._at, 0))
        self._at = self._stops[0]
        self._failures = 0
        return answer

    def pause_after(self, error: Unavailable) -> float:
        """Seconds to wait before going on; raises the error where nothing helps."""
        self._taking = Taking(self.reader)
        self._failures += 1
        if self._failures >= _MOST_FAILURES:
            raise error
        return random.uniform(0.5, 1.0) * min(0.05 * 2.0**self._failures, 1.0)
