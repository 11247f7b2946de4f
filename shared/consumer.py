"""What a service does with each fact of the others: a handler, or ignored on purpose; nothing by ignorance."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from shared.events import FACTS, Fact
from shared.session import Session
from shared.tables import HeadRow
from shared.timeline import Event

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Received(Generic[F]):
    """A fact together with the event that carried it and the locked head it was applied to."""

    fact: F
    event: Event
    head: HeadRow

    @property
    def dossier_id(self) -> UUID:
        """The dossier the fact is about."""
        return self.event.dossier_id


Handler = Callable[[Session, Received[Any]], Awaitable[None]]
Preload = Callable[[Session, Collection[UUID]], Awaitable[object]]
Witness = Callable[[Session, list[Event]], Awaitable[None]]


class UnknownType(LookupError):
    """A type this service neither handles nor ignores: the dossier parks until it is upgraded."""


class Consumer:
    """The declarations of one service; ``shared.inbox`` applies them."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.handlers: dict[str, Handler | None] = {}
        self.preload: Preload | None = None
        """Reads the state of all dossiers of a batch in one query, so that handlers find it in the session.

        What it returns is kept until the batch ends: a session remembers its objects only weakly.
        """
        self.witness: Witness | None = None
        """Is shown all applied events of a batch, ignored ones too."""

    def on(self, fact: type[F]) -> Callable[[Callable[[Session, Received[F]], Awaitable[None]]], Handler]:
        """Declare the handler of *fact*."""

        def declare(handler: Callable[[Session, Received[F]], Awaitable[None]]) -> Handler:
            self._declare(fact, handler)
            return handler

        return declare

    def ignore(self, *facts: type[Fact]) -> None:
        """Declare facts that change nothing here; they still step the head."""
        for fact in facts:
            self._declare(fact, None)

    def _declare(self, fact: type[Fact], handler: Handler | None) -> None:
        name = fact.type_name()
        if name in self.handlers or fact.source == self.service:
            msg = f"{self.service}: {name} is declared twice or is its own"
            raise ValueError(msg)
        self.handlers[name] = handler

    def undeclared(self) -> set[str]:
        """Return the types of other services that are neither handled nor ignored; empty in a right service."""
        others = {name for name, fact in FACTS.items() if fact.source != self.service}
        return others - self.handlers.keys()

    def handler(self, type_name: str) -> Handler | None:
        """Return the handler, None for ignored; UnknownType if neither was declared."""
        if type_name not in self.handlers:
            raise UnknownType(type_name)
        return self.handlers[type_name]
