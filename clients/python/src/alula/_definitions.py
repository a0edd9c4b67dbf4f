"""The definitions of a project: cached, and read again when in doubt."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ._frames import Op
from ._proto import catalog_pb2, common_pb2
from ._session import Session
from ._types import Schema, from_proto
from .errors import InvalidArgument, NotFound
from .records import Service, View


class Definitions:
    """Views and services by name."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._views: dict[str, View] = {}
        self._services: dict[str, list[Service]] = {}
        self._entities: dict[str, Schema] = {}

    def refresh(self) -> None:
        """Reads all definitions of the project."""
        answer, _ = self._session.call(
            Op.DESCRIBE_CATALOG, common_pb2.HeadOnly(), catalog_pb2.CatalogResponse
        )
        views = {view.name: View.of(view) for view in answer.views}
        services: dict[str, list[Service]] = {}
        for message in answer.services:
            services.setdefault(message.name, []).append(Service.of(message))
        for versions in services.values():
            versions.sort(key=lambda service: service.version)
        self._entities = {e.name: from_proto(e.keys) for e in answer.entities}
        self._views, self._services = views, services

    def forget(self) -> None:
        """What is known may have changed."""
        self._views, self._services = {}, {}

    def views(self) -> list[View]:
        """All views, read now."""
        self.refresh()
        return list(self._views.values())

    def services(self) -> list[Service]:
        """Every published version, read now."""
        self.refresh()
        return [service for versions in self._services.values() for service in versions]

    def view(self, name: str, fresh: bool = False) -> View:
        """The view of this name; raises NotFound with a near name."""
        if fresh or name not in self._views:
            self.refresh()
        found = self._views.get(name)
        if found is None:
            raise NotFound(f'there is no view "{name}"{near(name, self._views)}')
        return found

    def entity(self, name: str) -> Schema:
        """The keys of an entity, read now; raises NotFound with a near name."""
        self.refresh()
        found = self._entities.get(name)
        if found is None:
            raise NotFound(f'there is no entity "{name}"{near(name, self._entities)}')
        return found

    def service(self, reference: str, fresh: bool = False) -> Service:
        """``credit`` (the newest version) or ``credit@2``; raises NotFound with a near name."""
        name, _, number = reference.partition("@")
        if number and not number.isdigit():
            raise InvalidArgument(f'"{reference}" is not a service: expected credit or credit@2')
        found = None if fresh else self._find(name, number)
        if found is None:
            self.refresh()
            found = self._find(name, number)
        if found is not None:
            return found
        if name not in self._services:
            raise NotFound(f'there is no service "{name}"{near(name, self._services)}')
        newest = self._services[name][-1].version
        raise NotFound(f"service {name} has no version {number}: the newest is {newest}")

    def _find(self, name: str, number: str) -> Service | None:
        versions = self._services.get(name)
        if not versions:
            return None
        if not number:
            return versions[-1]
        return next((s for s in versions if s.version == int(number)), None)


def near(name: str, known: Iterable[str]) -> str:
    """``: did you mean "x"?`` where a known name is close."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f': did you mean "{close[0]}"?' if close else ""
