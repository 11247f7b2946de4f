"""The desk: everything one call, clerk or machine does to a system's storage, inside one transaction."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.sandbox.outside.clock import iso
from deploy.sandbox.outside.faults import Faults, Kind
from deploy.sandbox.outside.storage import Dossier, Storage


@dataclass(frozen=True)
class Answer:
    """What a caller is told, and whether anything was stored."""

    body: Any
    took_effect: bool = False
    status: int = 200


class Refusal(Exception):
    """A call or a clerk asked for what is not possible; *status* is for systems that answer in HTTP statuses."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Occasion:
    """Who does what: *direction* is ``call``, ``clerk``, ``autopilot`` or ``callback``."""

    direction: str
    call: str
    dossier: str = ""
    body: bytes = b""


@dataclass
class Desk:
    """Storage, the hour this system believes in, and the switches, during one occasion."""

    storage: Storage
    faults: Faults
    occasion: Occasion
    now: datetime
    struck: list[str] = field(default_factory=list)
    """The faults that acted."""

    def strikes(self, kind: Kind, name: str = "") -> bool:
        """Say whether a fault acts on this call, and note it."""
        struck = self.faults.strikes(kind, name or self.occasion.call) is not None
        if struck:
            self.struck.append(kind)
        return struck

    def find(self, code: str) -> Dossier | None:
        """Return a dossier, if there is one."""
        return self.storage.find(code)

    def save(self, dossier: Dossier) -> None:
        """Keep a dossier."""
        self.storage.save(dossier)

    def call_back(self, event: str, code: str, body: dict[str, Any]) -> None:
        """Queue a callback; the switches decide whether it is lost, late, doubled or overtaken."""
        names = {kind: self.faults.strikes(kind, event, is_callback=True) for kind in _CALLBACK_KINDS}
        late, held = names.get(Kind.DELAY), names.get(Kind.OUT_OF_ORDER)
        now = time.time()
        self.struck += [kind for kind, switch in names.items() if switch]
        row = [
            event,
            code,
            json.dumps(body, ensure_ascii=False).encode(),
            "lost" if names.get(Kind.SILENT_LOSS) else "waiting",
            now + (late.seconds or 0) if late else now,
            now + (held.seconds or 0) if held else None,
            1 if names.get(Kind.DUPLICATE) else 0,
        ]
        self.storage.run(
            "INSERT INTO callback (event, dossier, body, state, due_at, held_until, n_repeats)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def note(self, answer: Answer | None, *, took_effect: bool) -> None:
        """Write the occasion into the log; no *answer* means that none was given."""
        text = None if answer is None else json.dumps(answer.body, ensure_ascii=False)
        row = [
            iso(self.faults.clock.true()),
            self.occasion.direction,
            self.occasion.call,
            self.occasion.dossier,
            hashlib.sha256(self.occasion.body).hexdigest(),
            None if answer is None else answer.status,
            text,
            took_effect,
            ",".join(self.struck),
        ]
        self.storage.run(
            "INSERT INTO call (at, direction, call, dossier, body_sha256, status, answer, took_effect, faults)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def attempt(self, act: Callable[["Desk"], Answer], *, keep: bool) -> Answer:
        """Return what *act* answers; what it did is undone if it refuses or if it shall not be kept."""
        self.storage.run("SAVEPOINT attempt")
        try:
            answer = act(self)
        except Refusal:
            self.storage.run("ROLLBACK TO attempt")
            raise
        if not keep:
            self.storage.run("ROLLBACK TO attempt")
        return answer


_CALLBACK_KINDS = (Kind.SILENT_LOSS, Kind.DELAY, Kind.DUPLICATE, Kind.OUT_OF_ORDER)


@contextmanager
def at_desk(storage: Storage, faults: Faults, occasion: Occasion) -> Iterator[Desk]:
    """Open a transaction for *occasion*; an exception undoes all of it."""
    with storage.transaction():
        yield Desk(storage, faults, occasion, faults.clock.now())
