"""The HTTP edge: one transaction around every request, committed before the answer leaves."""

import re
import unicodedata
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from typing import Annotated, Any

from asyncpg import PostgresError
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    model_validator,
)

from shared import session as sessions
from shared.auth import Principal, bearer_token
from shared.db import is_conflict
from shared.errors import KeyRequired, Malformed, StaleVersion, Text, VersionRequired
from shared.idempotency import HEADER, Claim
from shared.worktime import LOCAL

_SURROGATE = re.compile("[\ud800-\udfff]")
WRITES = {"POST", "PUT", "PATCH", "DELETE"}
CONFLICT_TRIES = 3

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class AlwaysRoute(APIRoute):
    """Runs the endpoint, its serialization and the idempotency key in one transaction, and commits before answering.

    Deadlocks and serialization failures are tried again: the whole transaction was undone.
    """

    def may_run(self, request: Request) -> None:
        """Raise if the endpoint may not run now; these always may: they are how services put each other right."""

    def get_route_handler(self) -> Answer:
        """Return the endpoint inside its transaction."""
        endpoint = super().get_route_handler()

        async def answer(request: Request) -> Response:
            self.may_run(request)
            body = await request.body()
            if not _is_utf8(body):
                raise Malformed(Text("Nội dung phải là UTF-8", "The body has to be UTF-8"))
            for n_tries in range(1, CONFLICT_TRIES + 1):
                try:
                    return await _in_transaction(endpoint, request, body)
                except PostgresError as error:
                    if n_tries == CONFLICT_TRIES or not is_conflict(error):
                        raise
            raise AssertionError

        return answer


class TransactionalRoute(AlwaysRoute):
    """The same, but nothing is written while the service may not go on (``shared.standing``)."""

    def may_run(self, request: Request) -> None:
        """Raise Starting or RestoredFromBackup for what writes."""
        if request.method in WRITES:
            request.app.state.service.watch.require()


async def _in_transaction(endpoint: Answer, request: Request, body: bytes) -> Response:
    service = request.app.state.service
    async with service.sessions.begin() if request.method in WRITES else service.sessions() as session:
        request.state.session = session
        claim = await _claim(request, body)
        if claim is not None and (replayed := await claim.replay(session)) is not None:
            return replayed
        response = await endpoint(request)
        if claim is not None and response.status_code < 300:
            claim.remember(session, response)
    return response


async def _claim(request: Request, body: bytes) -> Claim | None:
    token = bearer_token(request)
    if request.method not in WRITES or HEADER not in request.headers or token is None:
        return None
    principal: Principal = await request.app.state.verifier.verify(token)
    return Claim(request, body, principal)


async def _session(request: Request) -> sessions.Session:
    session: sessions.Session = request.state.session
    return session


Session = Annotated[sessions.Session, Depends(_session)]


def router(**options: Any) -> APIRouter:
    """Return a router whose routes are transactional."""
    return APIRouter(route_class=TransactionalRoute, **options)


async def _key(key: Annotated[str | None, Header(alias=HEADER, max_length=255)] = None) -> str:
    if key is None:
        raise KeyRequired
    return key


Creates = Depends(_key)
"""Dependency of a POST that creates: Idempotency-Key is required."""


async def _if_match(tag: Annotated[str | None, Header(alias="If-Match")] = None) -> int:
    if tag is None:
        raise VersionRequired
    if not re.fullmatch(r'"\d{1,9}"', tag):
        raise StaleVersion
    return int(tag.strip('"'))


IfMatch = Annotated[int, Depends(_if_match)]
"""The version of the resource that the caller has seen."""


def tag(response: Response, version: int) -> None:
    """Give the answer its strong ETag."""
    response.headers["ETag"] = f'"{version}"'


def require_version(seen: int, present: int) -> None:
    """Refuse a command on a version that is no longer the present one; to be called after the state was checked."""
    if seen != present:
        raise StaleVersion


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _is_date(value: Any) -> Any:
    """Refuse what pydantic would read as seconds since 1970: numbers, also in quotes."""
    if isinstance(value, date) or (isinstance(value, str) and _DATE.match(value)):
        return value
    msg = "a date or an instant is an RFC 3339 text"
    raise ValueError(msg)


RFC_3339 = BeforeValidator(_is_date)
"""To stand last, behind bounds: those that follow a validator are told as Python writes them."""
Instant = Annotated[AwareDatetime, RFC_3339]
"""An instant in a request: RFC 3339 with an offset."""
Day = Annotated[date, RFC_3339]
"""A date in a request."""

CODE_PATTERN = r"^[0-9A-Za-zĐđ][0-9A-Za-zĐđ._/@-]{0,63}$"
CodeText = Annotated[str, StringConstraints(pattern=CODE_PATTERN)]
"""A code without blanks: it is published, so it must not hold a name or a sentence."""


def _local(instant: datetime) -> datetime:
    return instant.astimezone(LOCAL)


LocalInstant = Annotated[AwareDatetime, AfterValidator(_local)]
"""An instant in an answer: in +07:00."""


class Read(BaseModel):
    """A response body; its instants are ``LocalInstant``."""

    model_config = ConfigDict(from_attributes=True, use_attribute_docstrings=True)


class Body(BaseModel):
    """A request body: unknown fields are refused, text is stored in NFC."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _compose(cls, data: Any) -> Any:
        return nfc(data)


def _is_utf8(body: bytes) -> bool:
    try:
        return "\0" not in body.decode()
    except UnicodeDecodeError:
        return False


def nfc(data: Any) -> Any:
    """Return JSON-like *data* with every text in Unicode normalization form C; ValueError for what is no text."""
    if isinstance(data, str):
        if "\0" in data or _SURROGATE.search(data):
            msg = "characters that are no text"
            raise ValueError(msg)
        return data if unicodedata.is_normalized("NFC", data) else unicodedata.normalize("NFC", data)
    if isinstance(data, dict):
        return {nfc(key): nfc(value) for key, value in data.items()}
    if isinstance(data, list):
        return [nfc(item) for item in data]
    return data


Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str | None, Query(max_length=200)]
