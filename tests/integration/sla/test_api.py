"""The REST surface of sla: clocks, explanations, suspensions from the closed list only, the calculator."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select

from services.sla.models import RefusedSuspension
from tests.integration.sla.rows import names, said, stored
from tests.integration.sla.story import OFFICE, TAX, UNIT, Story, completed, offered, tell, told
from tests.support import World


def id_of(path: str) -> UUID:
    return UUID(path.rsplit("/", maxsplit=1)[-1])


async def ask(running: World, method: str, path: str, *, role: str = "officer", **given: Any) -> httpx.Response:
    agency = given.pop("agency", UNIT)
    headers = {"Idempotency-Key": str(uuid4()), **given.pop("headers", {})}
    token = running.issuer.token(
        role, agency=agency if role == "officer" else None, subject="vbdlis" if role == "system" else None
    )
    return await running.call("sla", method, path, token=token, headers=headers, **given)


LAWFUL = {"ground": "public_posting", "document_no": "12/TB-UBND"}


async def suspend(running: World, path: str, body: dict[str, Any], tag: str = '"1"', **given: Any) -> httpx.Response:
    return await ask(running, "POST", f"{path}/suspensions", json=body, headers={"If-Match": tag}, **given)


async def test_a_clock_says_what_is_left_and_who_holds_it(running: World) -> None:
    path = await told(running)
    answer = await ask(running, "GET", f"{path}/clock")
    assert answer.status_code == 200, answer.text
    clock = answer.json()
    assert answer.headers["ETag"] == '"1"'
    assert (clock["status"], clock["deadline_at"]) == ("running", "2026-03-12T17:00:00+07:00")
    assert clock["holder_agency_code"] == OFFICE
    # Mon 2 from 9:00 360, Tue–Fri 1,800, Mon 9 7:30–9:00 90; left: Mon 9 360 and three days.
    assert (clock["elapsed_minutes"], clock["remaining_minutes"]) == (2250, 1710)
    assert (clock["rule_version"], clock["calendar_version"]) == ("DD.01@3", "VN@1")
    assert [(h["agency_code"], h["minutes"]) for h in clock["holdings"]] == [(UNIT, 390), (OFFICE, 1860)]


SEES = [("officer", UNIT, 200), ("officer", OFFICE, 200), ("officer", TAX, 404), ("portal", None, 200),
        ("applicant", None, 200), ("leader", None, 200), ("ops", None, 200), ("system", None, 200)]  # fmt: skip


@pytest.mark.parametrize(("role", "agency", "status"), SEES)
async def test_an_officer_sees_the_clocks_of_the_own_agency(
    running: World, role: str, agency: str | None, status: int
) -> None:
    path = await told(running)
    for view in ("clock", "clock/explanation"):
        assert (await ask(running, "GET", f"{path}/{view}", role=role, agency=agency)).status_code == status


async def test_without_a_token_nothing_is_said(running: World) -> None:
    assert (await running.call("sla", "GET", f"/v1/dossiers/{uuid4()}/clock")).status_code == 401


async def test_an_unknown_dossier_is_not_found(running: World) -> None:
    assert (await ask(running, "GET", f"/v1/dossiers/{uuid4()}/clock")).json()["code"] == "dossier_unknown"


async def test_the_explanation_reads_like_a_clerk(running: World) -> None:
    story = Story()
    story.begin("2 09:00")
    story.both("4 10:00", offered(1, TAX, "tax_determination"))
    story.both("5 14:00", completed(1))
    await tell(running.service("sla"), story.events)
    answer = (await ask(running, "GET", f"/v1/dossiers/{story.dossier_id}/clock/explanation")).json()
    assert answer["text_vi"] == [
        "Thời hạn giải quyết: 8 ngày làm việc.",
        "Tiếp nhận lúc 09:00 ngày 02/03/2026; hạn trả ban đầu: 17:00 ngày 12/03/2026.",
        "Từ 10:00 ngày 04/03/2026 đến 14:00 ngày 05/03/2026: Cơ quan thuế xác định nghĩa vụ tài chính, "
        "không tính vào thời hạn [căn cứ chờ xác nhận].",
        "Hạn trả chuyển từ 17:00 ngày 12/03/2026 sang 17:00 ngày 16/03/2026 [căn cứ chờ xác nhận].",
        "Hạn trả hiện nay: 17:00 ngày 16/03/2026.",
    ]
    # Wed 4 300 and Thu 5 450 (the first day after) do not count: 750 past Thu 12 17:00 is Mon 16, 14:30.
    days = {day["date"]: day for day in answer["days"]}
    assert days["2026-03-02"]["reason"] == "reception_day"
    assert (days["2026-03-04"]["reason"], days["2026-03-04"]["minutes"]) == ("partly_excluded", 150)
    assert days["2026-03-05"]["counted"] is False
    assert days["2026-03-07"]["reason"] == "weekend"
    assert sum(day["minutes"] for day in answer["days"]) == 8 * 450
    assert "tính 300 phút" in days["2026-03-16"]["text_vi"]


async def test_the_explanation_of_a_suspended_clock_promises_nothing(running: World) -> None:
    story = Story()
    story.begin("2 09:00")
    story.both("4 10:00", offered(1, TAX, "tax_determination"))
    await tell(running.service("sla"), story.events)
    answer = (await ask(running, "GET", f"/v1/dossiers/{story.dossier_id}/clock/explanation")).json()
    assert answer["deadline_at"] is None
    assert "chưa có hạn trả" in answer["text_vi"][-1]
    assert not any("Hạn trả:" in day["text_vi"] for day in answer["days"])


async def test_a_lawful_suspension_stops_the_clock_until_it_is_ended(running: World) -> None:
    path = await told(running)
    opened = await suspend(running, path, LAWFUL)
    assert opened.status_code == 201, opened.text
    clock = opened.json()
    assert (clock["status"], clock["deadline_at"], opened.headers["ETag"]) == ("suspended", None, '"2"')
    (span,) = clock["suspensions"]
    assert (span["no"], span["ground"], span["document_no"]) == (1, "public_posting", "12/TB-UBND")
    assert (span["opened_by"], span["to_at"]) == ("officer", None)
    ended = await ask(running, "POST", f"{path}/suspensions/1/end", json={}, headers={"If-Match": '"2"'})
    assert ended.status_code == 200, ended.text
    # less than a minute passed: no span, nothing moves
    assert (ended.json()["status"], ended.json()["deadline_at"]) == ("running", "2026-03-12T17:00:00+07:00")
    facts = await said(running.service("sla"), id_of(path))
    assert names(facts) == ["ClockStarted", "ClockSuspended", "ClockResumed"]
    assert facts[1][1]["agency_code"] == UNIT
    again = await ask(running, "POST", f"{path}/suspensions/1/end", json={}, headers={"If-Match": '"3"'})
    assert (again.status_code, again.json()["code"]) == (409, "already_done")


UNLAWFUL = [
    ({}, "no_ground"),
    ({"ground": "waiting_for_the_boss", "document_no": "1"}, "unknown_ground"),
    ({"ground": "surveying"}, "no_document"),
    ({"ground": "supplement", "document_no": "1"}, "not_for_officers"),
    ({"ground": "'; DROP TABLE clock", "document_no": "1"}, "unknown_ground"),
]


@pytest.mark.parametrize(("body", "reason"), UNLAWFUL)
async def test_an_unlawful_suspension_is_refused_with_the_list_and_counted(
    running: World, body: dict[str, Any], reason: str
) -> None:
    path = await told(running)
    before = await stored(running.service("sla"), id_of(path))
    refused = await suspend(running, path, body, agency=OFFICE)
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["reason"]) == (422, "unlawful_suspension", reason)
    assert refused.headers["content-type"] == "application/problem+json"
    assert {"public_posting", "tax_determination", "applicant_request"} <= {g["code"] for g in problem["grounds"]}
    assert all(ground["citation"] for ground in problem["grounds"])
    assert await stored(running.service("sla"), id_of(path)) == before
    counted = select(func.count()).where(
        RefusedSuspension.dossier_id == id_of(path), RefusedSuspension.agency_code == OFFICE
    )
    async with running.service("sla").sessions() as session:
        assert await session.scalar(counted) == 1


async def test_a_refusal_is_told_in_english_too(running: World) -> None:
    path = await told(running)
    headers = {"If-Match": '"1"', "Accept-Language": "en"}
    refused = await ask(running, "POST", f"{path}/suspensions", json={}, headers=headers)
    assert refused.json()["title"] == "No lawful ground for a suspension"


async def test_commands_check_state_then_version(running: World) -> None:
    path = await told(running)
    assert (await ask(running, "POST", f"{path}/suspensions", json=LAWFUL)).status_code == 428
    assert (await suspend(running, path, LAWFUL, '"7"')).status_code == 412
    assert (await suspend(running, path, LAWFUL)).status_code == 201
    assert (await suspend(running, path, LAWFUL, '"7"')).json()["code"] == "already_done"
    assert (await suspend(running, path, LAWFUL, agency=TAX)).status_code == 404
    assert (await suspend(running, path, LAWFUL, role="portal")).status_code == 403


async def test_the_same_key_answers_the_same_suspension(running: World) -> None:
    path = await told(running)
    headers = {"If-Match": '"1"', "Idempotency-Key": str(uuid4())}
    first, second = [await ask(running, "POST", f"{path}/suspensions", json=LAWFUL, headers=headers) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert (second.content, second.headers["Idempotency-Replayed"]) == (first.content, "true")


async def test_what_a_leg_opened_ends_with_the_leg(running: World) -> None:
    story = Story()
    story.begin("2 09:00")
    story.both("4 10:00", offered(1, TAX, "tax_determination"))
    await tell(running.service("sla"), story.events)
    path = f"/v1/dossiers/{story.dossier_id}/suspensions"
    ended = await ask(running, "POST", f"{path}/20001/end", json={}, headers={"If-Match": '"2"'})
    assert (ended.status_code, ended.json()["opened_by"]) == (409, "leg")
    assert (await ask(running, "POST", f"{path}/5/end", json={}, headers={"If-Match": '"2"'})).status_code == 404


# The calculator

DEADLINES = [
    # received, limit, unit, deadline
    ("2026-03-02T09:00:00+07:00", 8, "working_days", "2026-03-12T17:00:00+07:00"),
    ("2026-03-02T02:00:00Z", 8, "working_days", "2026-03-12T17:00:00+07:00"),  # any offset
    ("2026-02-13T16:59:00+07:00", 1, "working_days", "2026-02-23T17:00:00+07:00"),  # over Tết, 16–20 February
    ("2026-01-08T09:00:00+07:00", 2, "working_days", "2026-01-10T17:00:00+07:00"),  # a worked Saturday
    ("2026-03-02T09:00:00+07:00", 0.5, "working_days", "2026-03-03T11:15:00+07:00"),  # 225 of Tue 3
    ("2026-03-02T10:30:00+07:00", 2, "working_hours", "2026-03-02T14:30:00+07:00"),  # over lunch: 60 + 60
    ("2026-03-02T10:30:00+07:00", 24, "hours", "2026-03-03T10:30:00+07:00"),
    ("2026-03-02T10:30:00+07:00", 5, "calendar_days", "2026-03-09T17:00:00+07:00"),  # Sat 7 rolls to Mon 9
    ("2026-03-02T14:59:00+07:00", 0, "working_days", "2026-03-02T17:00:00+07:00"),
    ("2026-03-02T15:01:00+07:00", 0, "working_days", "2026-03-03T17:00:00+07:00"),
    ("2026-03-02T23:59:59+07:00", 1, "working_days", "2026-03-03T17:00:00+07:00"),
    ("2026-03-03T00:00:00+07:00", 1, "working_days", "2026-03-04T17:00:00+07:00"),
]


@pytest.mark.parametrize(("received_at", "limit", "unit", "deadline"), DEADLINES)
async def test_a_deadline_is_worked_out(
    running: World, received_at: str, limit: float, unit: str, deadline: str
) -> None:
    body = {"received_at": received_at, "limit": limit, "unit": unit}
    answer = await ask(running, "POST", "/v1/deadlines", json=body, role="portal")
    assert answer.status_code == 200, answer.text
    assert answer.json()["deadline_at"] == deadline
    assert answer.json()["explanation"][-1]["text_vi"].endswith(f"Hạn trả: {deadline[11:16]}.")


async def test_a_deadline_by_another_calendar_is_explained(running: World) -> None:
    body = {"received_at": "2026-03-06T09:00:00+07:00", "limit": 1, "unit": "working_days", "calendar_code": "VN-T7"}
    answer = (await ask(running, "POST", "/v1/deadlines", json=body, role="applicant")).json()
    assert (answer["deadline_at"], answer["calendar_version"]) == ("2026-03-09T17:00:00+07:00", "VN-T7@1")
    assert [day["reason"] for day in answer["explanation"]] == ["reception_day", "reception_only", "weekend", "working"]


GOOD = {"received_at": "2026-03-02T09:00:00+07:00", "limit": 8, "unit": "working_days"}
BAD = [
    ({"received_at": "2026-03-02T09:00:00"}, "/received_at", "malformed"),  # naive
    ({"received_at": "2026-03-02T25:00:00+07:00"}, "/received_at", "malformed"),
    ({"received_at": 5}, "/received_at", "malformed"),
    ({"received_at": "2000-01-01T00:00:00+07:00"}, "/received_at", "calendar_gap"),
    ({"received_at": "2099-12-31T23:59:59+07:00"}, "/received_at", "calendar_gap"),
    ({"received_at": "1999-12-31T23:59:59+07:00"}, "/received_at", "malformed"),
    ({"received_at": "0001-01-01T00:00:00+07:00"}, "/received_at", "malformed"),  # before year 1 in UTC
    ({"received_at": "9999-12-31T20:00:00Z"}, "/received_at", "malformed"),  # after year 9999 in +07:00
    ({"received_at": "2027-12-30T09:00:00+07:00"}, "/received_at", "calendar_gap"),  # beyond what is decided
    ({"unit": "fortnights"}, "/unit", "malformed"),
    ({"limit": -1}, "/limit", "malformed"),
    ({"limit": "8"}, "/limit", "malformed"),
    ({"limit": True}, "/limit", "malformed"),
    ({"limit": 1e9}, "/limit", "malformed"),
    ({"limit": 0, "unit": "hours"}, "/limit", "malformed"),
    ({"calendar_code": "MARS"}, "/calendar_code", "malformed"),
    ({"speed": 9}, "/speed", "malformed"),
]


@pytest.mark.parametrize(("change", "pointer", "code"), BAD)
async def test_a_wrong_question_is_told_what_is_wrong(
    running: World, change: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await ask(running, "POST", "/v1/deadlines", json={**GOOD, **change}, role="portal")
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("change", "vi", "en"),
    [
        ({"calendar_code": "MARS"}, "Không có lịch làm việc này", "There is no such calendar"),
        ({"limit": 0, "unit": "hours"}, "Thời hạn tính theo giờ phải lớn hơn 0", "A limit in hours is more than 0"),
    ],
)
async def test_a_wrong_question_is_told_in_the_callers_language(
    running: World, change: dict[str, Any], vi: str, en: str
) -> None:
    for language, words in (("vi", vi), ("en-GB,vi;q=0.5", en)):
        headers = {"Accept-Language": language}
        answer = await ask(running, "POST", "/v1/deadlines", json={**GOOD, **change}, role="portal", headers=headers)
        assert [error["detail"] for error in answer.json()["errors"]] == [words]


@pytest.mark.parametrize(
    ("day", "vi", "en"),
    [
        ("0001-01-01", "Phải từ 2000-01-01 trở lên", "Input should be greater than or equal to 2000-01-01"),
        ("9999-12-31", "Không được quá 2099-12-31", "Input should be less than or equal to 2099-12-31"),
    ],
)
async def test_a_day_that_no_calendar_may_cover_is_refused_in_both_languages(
    running: World, day: str, vi: str, en: str
) -> None:
    for language, words in (("vi", vi), ("en", en)):
        answer = await ask(running, "GET", f"/v1/clocks?due_until={day}", headers={"Accept-Language": language})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["detail"]) == ("query/due_until", words)


async def test_every_wrong_field_is_listed_at_once(running: World) -> None:
    answer = await ask(running, "POST", "/v1/deadlines", json={"limit": -1, "unit": "x"}, role="portal")
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/received_at", "/limit", "/unit"}


# The catalogue


async def test_calendars_and_grounds_are_there_to_be_read(running: World) -> None:
    page = (await ask(running, "GET", "/v1/calendars?limit=1")).json()
    assert ([item["code"] for item in page["items"]], page["next"]) == (["VN"], "VN")
    rest = (await ask(running, "GET", "/v1/calendars?after=VN")).json()
    assert ([item["code"] for item in rest["items"]], rest["next"]) == (["VN-T7"], None)
    (vn,) = (await ask(running, "GET", "/v1/calendars/VN")).json()["items"]
    assert (vn["covers_from"], vn["provisional_from"]) == ("2018-01-01", "2027-01-01")
    assert (await ask(running, "GET", "/v1/calendars/MARS")).status_code == 404
    grounds = (await ask(running, "GET", "/v1/grounds")).json()["items"]
    assert all(ground["citation"] and ground["name"] and ground["mark"] for ground in grounds)
    assert [g["code"] for g in grounds if g["restarts"]] == ["supplement", "supplement"]
