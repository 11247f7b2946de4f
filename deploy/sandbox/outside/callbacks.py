"""Callbacks: sent in order per dossier, signed, and sent again with the same body until the receiver accepts them."""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from deploy.sandbox.outside.desk import Answer, Occasion, at_desk
from deploy.sandbox.outside.faults import Faults
from deploy.sandbox.outside.outgoing import trusted
from deploy.sandbox.outside.signing import sign
from deploy.sandbox.outside.storage import Storage

SETTING = "callback"
POLL_SECONDS = 0.05
AT_ONCE = 16
DELIVERABLE = """
SELECT * FROM callback AS c WHERE due_at <= :now AND dossier NOT IN (SELECT value FROM json_each(:busy)) AND no IN (
    SELECT min(no) FROM callback WHERE state = 'waiting' AND held_until IS NULL GROUP BY dossier
    UNION ALL
    SELECT no FROM callback AS h WHERE state = 'waiting' AND held_until IS NOT NULL AND (held_until <= :now
        OR EXISTS (SELECT 1 FROM callback AS l WHERE l.state = 'done' AND l.dossier = h.dossier AND l.no > h.no))
) ORDER BY no LIMIT :limit
"""
"""The first of each dossier; a held one once a later one was accepted, or when its time is up: it blocks nobody."""


class CallbackSettings(BaseModel):
    """Where callbacks go (``POST <url>/<event>``), the shared secret, and the pauses between attempts."""

    model_config = ConfigDict(extra="forbid")
    url: str | None = Field(None, pattern="^https?://")
    secret: str | None = Field(None, min_length=8)
    check_calls: bool = False
    """Refuse calls that are not signed with the secret."""
    first_pause_seconds: float = Field(1, gt=0, le=3_600)
    longest_pause_seconds: float = Field(60, gt=0, le=3_600)
    timeout_seconds: float = Field(10, gt=0, le=120)


@dataclass
class Callbacks:
    """The queue of one system and the task that empties it."""

    storage: Storage
    faults: Faults
    accepted: Callable[[Any], bool]
    """Says whether the receiver's parsed answer means that it took the callback."""
    _busy: set[str] = field(default_factory=set)
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def settings(self) -> CallbackSettings:
        """Return what was set; nothing is sent before there is a URL."""
        return CallbackSettings.model_validate(self.storage.setting(SETTING) or {})

    def start(self) -> None:
        """Begin to send."""
        self._busy.clear()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; what was not accepted is sent again after the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        async with httpx.AsyncClient(verify=trusted(), trust_env=False) as client, asyncio.TaskGroup() as group:
            while True:
                begun, settings = time.monotonic(), self.settings
                for row in self._deliverable() if settings.url and not self.faults.is_down() else []:
                    self._busy.add(row["dossier"])
                    group.create_task(self._send(client, settings, row))
                await asyncio.sleep(max(POLL_SECONDS, 4 * (time.monotonic() - begun)))

    def _deliverable(self) -> list[sqlite3.Row]:
        """Return the next callback of each dossier that has none on its way: a slow one holds up no other."""
        given = {"now": time.time(), "busy": json.dumps(sorted(self._busy)), "limit": AT_ONCE - len(self._busy)}
        rows = self.storage.run(DELIVERABLE, given).fetchall()
        return list({row["dossier"]: row for row in reversed(rows)}.values())

    async def _send(self, client: httpx.AsyncClient, settings: CallbackSettings, row: sqlite3.Row) -> None:
        headers = {"content-type": "application/json"}
        if settings.secret:
            headers |= sign(settings.secret, row["body"], self.faults.clock.error)
        status, text = None, ""
        try:
            answer = await client.post(
                f"{settings.url}/{row['event']}", content=row["body"], headers=headers, timeout=settings.timeout_seconds
            )
            status, text = answer.status_code, answer.text
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            text = type(error).__name__
        self._busy.discard(row["dossier"])
        self._settle(row, settings, status, text)

    def _settle(self, row: sqlite3.Row, settings: CallbackSettings, status: int | None, text: str) -> None:
        is_accepted = status == 200 and self.accepted(_json(text))
        n_attempts = row["n_attempts"] + 1
        pause = min(settings.first_pause_seconds * 2 ** min(n_attempts - 1, 30), settings.longest_pause_seconds)
        is_done = is_accepted and row["n_repeats"] == 0
        values = {
            "no": row["no"],
            "state": "done" if is_done else "waiting",
            "n_attempts": n_attempts,
            "n_repeats": row["n_repeats"] - is_accepted if row["n_repeats"] else 0,
            "due_at": time.time() + (0 if is_accepted else pause),
            "answer": text[:500],
        }
        occasion = Occasion("callback", row["event"], row["dossier"], row["body"])
        with at_desk(self.storage, self.faults, occasion) as desk:
            self.storage.run(
                "UPDATE callback SET state = :state, n_attempts = :n_attempts, n_repeats = :n_repeats,"
                " due_at = :due_at, answer = :answer WHERE no = :no",
                values,
            )
            said = Answer(text[:500], status=status) if status is not None else None
            desk.note(said, took_effect=is_accepted)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
