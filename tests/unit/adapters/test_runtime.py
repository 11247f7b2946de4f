"""The parts of the runtime that decide: breaker, classification of lines, signatures, what may leave in words."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.workflow.adapters import line, posting
from services.workflow.adapters.bhxh.translator import Bhxh
from services.workflow.adapters.breaker import Breaker, Circuit
from services.workflow.adapters.config import Own, read
from services.workflow.adapters.ledger import Leased, Ledger, as_code, as_text
from services.workflow.adapters.observer import Observer
from services.workflow.adapters.ours import Ours
from services.workflow.adapters.people import People, version_of
from services.workflow.adapters.port import Answer, Said, Seen, Told
from services.workflow.adapters.runtime import Runtime, _without_particulars
from services.workflow.adapters.signing import is_signed, sign
from shared.tokens import TokenSource
from tests.unit.adapters.pieces import PEOPLE

TAKEN, REFUSED, UNKNOWN, NO_EFFECT = Answer.TAKEN, Answer.REFUSED, Answer.UNKNOWN, Answer.NO_EFFECT


def test_the_breaker_pauses_after_failures_in_a_row_and_tries_one_at_a_time_until_one_is_taken() -> None:
    now = 0.0
    breaker = Breaker(3, 1, 60, clock=lambda: now)
    for answer in (NO_EFFECT, UNKNOWN, REFUSED, UNKNOWN, NO_EFFECT):
        breaker.note(answer)
    assert (breaker.state, breaker.room(8, 2)) == (Circuit.CLOSED, 8)
    breaker.note(UNKNOWN)
    pauses = []
    for _ in range(9):
        assert (breaker.state, breaker.room(8, 0)) == (Circuit.OPEN, 0)
        breaker.note(NO_EFFECT)  # was on its way
        began = now
        while breaker.state is Circuit.OPEN:
            now += 0.5
        pauses.append(now - began)
        assert (breaker.room(8, 0), breaker.room(8, 1)) == (1, 0)
        breaker.note(REFUSED)
        assert breaker.state is Circuit.TRYING
        breaker.note(UNKNOWN)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    breaker.note(TAKEN)
    assert (breaker.state, breaker.room(8, 5)) == (Circuit.CLOSED, 8)


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        *[(status, "", NO_EFFECT) for status in (401, 403, 404, 429, 502, 503)],
        *[(status, "{}", UNKNOWN) for status in (201, 204, 302, 400, 409, 500, 504)],
        (200, "Thành công", UNKNOWN),
        (200, "[1]", UNKNOWN),
        (200, "[" * 100_000, UNKNOWN),
    ],
)
def test_only_what_certainly_came_to_nothing_had_no_effect(status: int, text: str, expected: Answer) -> None:
    found = line.read(posting.judged(httpx.Response(status, text=text), line.NOT_LET_IN))
    assert isinstance(found, Said)
    assert found.answer is expected
    good = posting.judged(httpx.Response(200, text='{"a": 1}'), line.NOT_LET_IN)
    assert line.read(good) == {"a": 1}


def test_a_signature_is_of_this_body_with_this_secret_and_recent(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = sign("bi-mat-thu", b"{}")
    assert is_signed("bi-mat-thu", headers, b"{}")
    assert not is_signed("bi-mat-thu", headers, b"{ }")
    assert not is_signed("khac-thu", headers, b"{}")
    assert not is_signed("", sign("", b"{}"), b"{}")
    assert not is_signed("", headers, b"{}")
    real = time.time()
    for error, expected in ((-599, True), (599, True), (-602, False), (602, False)):
        monkeypatch.setattr(time, "time", lambda error=error: real + error)
        assert is_signed("bi-mat-thu", headers, b"{}") is expected, error


def test_what_is_answered_fits_the_api() -> None:
    assert as_code("Lỗi 5\n") == "L_i_5_"
    assert len(as_code("x" * 100)) == 64
    assert as_text("a\x00b\nc") == "a b c"
    assert len(as_text("x" * 1000)) == 500


PAYLOAD = {"applicant": {"full_name": {"$applicant": "full_name", "version": 2}}}
WORDS = "Số 000000000000 của NGUYỄN VĂN THỬ sai; citizen"


@contextlib.asynccontextmanager
async def the_people(*, is_away: bool = False) -> AsyncIterator[People]:
    """Yield the people of a delivery, whom intake gives unless it is away."""

    def intake(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "x"})
        return httpx.Response(503) if is_away else httpx.Response(200, json=PEOPLE)

    leased = Leased("id", "dossier", 1, "LegOffered", PAYLOAD, "waiting", True, 1, 1)
    async with httpx.AsyncClient(transport=httpx.MockTransport(intake)) as http:
        yield People("http://x", Ours(TokenSource(http, "http://x/token", "bhxh", ""), http), leased, "test")


async def test_words_of_a_system_never_carry_particulars_on() -> None:
    assert version_of(PAYLOAD) == 2
    async with the_people() as people:
        assert await people() == PEOPLE
        assert people.blot(WORDS) == "Số … của … sai; citizen"


@pytest.mark.parametrize(
    ("answer", "code", "is_away", "shown", "is_asked"),
    [
        (REFUSED, "-1", False, "Số … của … sai; citizen", True),
        (REFUSED, "-1", True, "", False),
        (UNKNOWN, "-1", False, "", False),
        (REFUSED, "no_call", False, WORDS, False),
        (REFUSED, "closed_there:finished", False, WORDS, False),
    ],
)
async def test_words_that_answer_a_call_without_people_are_cleared_of_them_or_let_go(
    answer: Answer, code: str, *, is_away: bool, shown: str, is_asked: bool
) -> None:
    async with the_people(is_away=is_away) as people:
        said = await _without_particulars(Said(answer, code, WORDS), people)
        assert (said, people.were_asked) == (Said(answer, code, shown), is_asked)


async def test_a_look_that_our_api_can_not_take_holds_up_no_other() -> None:
    answered, three = list[str](), asyncio.Event()
    given = {"no": 1, "fact": "LegOffered", "payload": {"at": "2026-11-20", "data": {}, "dossier": {}}}
    given |= {"is_first": True, "fence": 1}
    looks = [{"id": name, "dossier_id": name, **given} for name in ("poison", "good")]

    def ours(request: httpx.Request) -> httpx.Response:
        path, body = request.url.path, json.loads(request.content) if request.url.path != "/token" else {}
        if path == "/token":
            return httpx.Response(200, json={"access_token": "x"})
        if path.endswith("/lease"):
            return httpx.Response(200, json={"items": looks})
        if body.get("dossier_id") == "poison":
            return httpx.Response(500)
        answered.append(body["dossier_id"])
        if len(answered) == 3:
            three.set()
        return httpx.Response(200, json={"verdict": "in_step"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(ours)) as http:
        ledger = Ledger("http://x", "bhxh", Ours(TokenSource(http, "http://x/token", "bhxh", ""), http))
        observer = Observer(All(), ledger, Own(look_poll_seconds=0.01), Breaker(3, 1, 60), lambda: datetime.now(UTC))
        task = asyncio.create_task(observer.run())
        async with asyncio.timeout(10):
            await three.wait()
        task.cancel()
    assert set(answered) == {"good"}


class All(Bhxh):
    """A translator that sees everything as it should be."""

    def __init__(self) -> None:
        super().__init__(line.Outside("http://127.0.0.1:9"))

    async def look(self, told: Told) -> Seen | Said:
        return Seen()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIENTHONG_MODE", "local")
    monkeypatch.setenv("LIENTHONG_SANDBOX_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("LIENTHONG_BHXH_CALLBACK_SECRET", "bi-mat-thu")
    found = read("bhxh")
    assert (found.port, found.system_url, found.own.callback_secret) == (8013, "http://127.0.0.1:1/bhxh", "bi-mat-thu")
    monkeypatch.setenv("LIENTHONG_BHXH_SYSTEM_URL", "https://bhxh.example/api/")
    assert read("bhxh").system_url == "https://bhxh.example/api"
    monkeypatch.setenv("LIENTHONG_MODE", "production")
    with pytest.raises(ValueError, match="LIENTHONG_VBDLIS_SYSTEM_URL"):
        _ = read("vbdlis").system_url


@pytest.mark.parametrize(("seen", "answer"), [(Said(NO_EFFECT), NO_EFFECT), (None, UNKNOWN)])
async def test_a_delivery_that_may_have_been_told_before_is_told_as_such_also_after_a_look(
    seen: Said | None, answer: Answer
) -> None:
    """After a restore a line may stand there under another number: only who knows of a repeat looks for it."""
    told, answers, is_answered = list[Told](), list[Any](), asyncio.Event()
    payload = {"at": "2026-11-20", "data": {}, "dossier": {}}

    class Telling(All):
        async def observe(self, told: Told) -> Said | None:
            return seen

        async def deliver(self, told_now: Told) -> Said:
            told.append(told_now)
            return Said(NO_EFFECT)

    def ours(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "x"})
        if request.url.path.endswith("/lease"):
            item = {"id": "d", "dossier_id": "d", "no": 2, "fact": "LegOffered", "payload": payload, "state": "unknown"}
            return httpx.Response(200, json={"items": [{**item, "is_first": False, "fence": 1, "n_tries": 1}]})
        answers.append(json.loads(request.content)["answer"])
        is_answered.set()
        return httpx.Response(200, json={"state": "waiting"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(ours)) as http, the_people() as people:
        ledger = Ledger("http://x", "bhxh", Ours(TokenSource(http, "http://x/token", "bhxh", ""), http))
        runtime = Runtime(Telling(), ledger, lambda _: people, Own(poll_seconds=0.01), Breaker(1, 60, 60))
        task = asyncio.create_task(runtime.run())
        async with asyncio.timeout(10):
            await is_answered.wait()
        task.cancel()
    assert (answers[0], told[0].is_repeat) == (answer, True)
