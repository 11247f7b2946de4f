"""What a service serves, route by route, with the roles that may use it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from shared.auth import Role


@dataclass(frozen=True)
class Served:
    """One method of one path; no *roles*: open to everybody."""

    method: str
    path: str
    roles: frozenset[Role]


def served(app: FastAPI) -> list[Served]:
    """Return every published route of *app*; those of included routers too."""
    return [
        Served(method, str(route.path), frozenset(_roles(route.dependant)))
        for route in iter_route_contexts(app.routes)
        if getattr(route, "include_in_schema", False)
        for method in sorted(route.methods or ())
    ]


def _roles(dependant: Any) -> Iterator[Role]:
    for guard in dependant.dependencies:
        yield from getattr(guard.call, "roles", ())
        yield from _roles(guard)
