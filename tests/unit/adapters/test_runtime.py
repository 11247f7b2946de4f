"""The parts of the runtime that decide: breaker, classification of lines, signatures, what may leave in words."""

import time

import httpx
import pytest

from services.workflow.adapters import line, posting
from services.workflow.adapters.breaker import Breaker, Circuit
from services.workflow.adapters.config import read
from services.workflow.adapters.ledger import Leased, as_code, as_text
from services.workflow.adapters.ours import Ours
from services.workflow.adapters.people import People, version_of
from services.workflow.adapters.port import Answer, Said
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


async def test_words_of_a_system_never_carry_particulars_on() -> None:
    payload = {"applicant": {"full_name": {"$applicant": "full_name", "version": 2}}}
    leased = Leased("id", "dossier", 1, "LegOffered", payload, "waiting", 1, 1)
    assert version_of(payload) == 2

    def intake(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"access_token": "x"} if request.url.path == "/token" else PEOPLE)

    async with httpx.AsyncClient(transport=httpx.MockTransport(intake)) as http:
        people = People("http://x", Ours(TokenSource(http, "http://x/token", "bhxh", ""), http), leased, "test")
        assert await people() == PEOPLE
    assert people.blot("Số 000000000000 của NGUYỄN VĂN THỬ sai; citizen") == "Số … của … sai; citizen"


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
