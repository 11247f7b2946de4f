"""One call to an outside system, and what is certain of it when no answer can be read."""

import json
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from services.workflow.adapters.port import Answer, Json, Said, Told

Signer = Callable[[bytes], Mapping[str, str]]
"""Returns the headers that sign a body."""
NEVER_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""The request was not sent."""
TURNED_AWAY = frozenset({502, 503})
"""A gateway answered in place of the system, before it; what else it may answer (504) proves nothing."""
TRIES_UNTIL_REFUSED = 5
"""A system that takes what it then does not have may count anew, or lose it, with every repeat."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that is a JSON object; what it means is for the system's own table."""

    status: int
    body: Json


async def ask(
    client: httpx.AsyncClient, method: str, path: str, turned_away: Container[int] = TURNED_AWAY, **more: Any
) -> Answered | Said:
    """Make one call; Said where there is no answer to read: without effect if that is certain, else unknown."""
    try:
        answer = await client.request(method, path, **more)
    except NEVER_REACHED as error:
        return Said(Answer.NO_EFFECT, "no_connection", type(error).__name__)
    except httpx.HTTPError as error:
        return Said(Answer.UNKNOWN, "cut_off", type(error).__name__)
    return judged(answer, turned_away)


async def post(
    client: httpx.AsyncClient,
    path: str,
    body: Json,
    headers: Mapping[str, str] | None = None,
    signer: Signer | None = None,
    turned_away: Container[int] = TURNED_AWAY,
) -> Answered | Said:
    """Send *body* as JSON, signed if there is a signer."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    signed = signer(content) if signer is not None else {}
    every = {"content-type": "application/json", **(headers or {}), **signed}
    return await ask(client, "POST", path, turned_away, content=content, headers=every)


def judged(answer: httpx.Response, turned_away: Container[int]) -> Answered | Said:
    """Return the JSON object that came, or what to make of there being none."""
    if answer.status_code in turned_away:
        return Said(Answer.NO_EFFECT, str(answer.status_code))
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return Said(Answer.UNKNOWN, "unreadable_answer", f"HTTP {answer.status_code}")
    return Answered(answer.status_code, body)


def contradicted(told: Told, seen: str) -> Said:
    """Return what a yes is that a look contradicts: unknown, so it is sent again; at last a person's matter."""
    answer = Answer.REFUSED if told.n_tries >= TRIES_UNTIL_REFUSED else Answer.UNKNOWN
    return Said(answer, "not_there_after_yes", seen)


def not_sent(said: Said) -> Said:
    """Return *said* of a call that had to come first: what was to be told was not sent at all."""
    return Said(Answer.NO_EFFECT, said.reason_code, said.message)


def scrubbed(message: object, *told: object, longest: int = 300) -> str:
    """Return the system's words without any of the values in *told*, in case it repeats what it does not like."""
    text = str(message or "")
    for value in sorted(set(_texts(told)), key=len, reverse=True):
        text = text.replace(value, "…")
    return text[:longest]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) > 2:
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
