"""A decision changes a calendar: tried out first, then brought to every open clock, which says what moved."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.sla import jobs
from services.sla.models import Clock
from shared.reference import store
from shared.service import Service
from tests.integration.sla.rows import clock, names, said, stored
from tests.integration.sla.story import on_a_monday, told
from tests.integration.sla.test_api import ask, id_of
from tests.support import Databases, Issuer, World

DAY_OFF = {"date": "2026-03-11", "kind": "off", "document": "12/QĐ-TTg (giả định)", "name": "Nghỉ đột xuất"}
CHANGE = {"document": "12/QĐ-TTg (giả định)", "overrides": [DAY_OFF]}


@pytest.fixture
async def running(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    """Sla on a database of its own, on the clock of Monday 9 March 2026, 9:00."""
    async with on_a_monday(databases, issuer) as made:
        yield made


async def change(
    running: World, body: dict[str, Any] | None = None, query: str = "", code: str = "VN", language: str = "vi"
) -> httpx.Response:
    path, headers = f"/v1/calendars/{code}/versions{query}", {"Accept-Language": language}
    answer = await ask(running, "POST", path, role="ops", json=body or CHANGE, headers=headers)
    await running.service("sla").references.refresh()  # as the loop of every process does
    return answer


async def work(service: Service) -> None:
    """Let both jobs do all they find."""
    await service.references.refresh()
    while await jobs.try_out_calendars(service) or await jobs.adopt_calendars(service):
        pass


async def progress(running: World, answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(running, "GET", f"/v1/recalculations/{answer.json()['id']}", role="ops")).json()
    return found


async def test_a_dry_run_shows_what_would_move_and_changes_nothing(running: World) -> None:
    service = running.service("sla")
    moved, unmoved = await told(running), await told(running, days=4)
    before = [await stored(service, id_of(path)) for path in (moved, unmoved)]
    asked = await change(running, query="?dry_run=true")
    assert asked.status_code == 202, asked.text
    await work(service)
    done = await progress(running, asked)
    assert (done["n_open"], done["n_moved"], done["finished_at"] is not None) == (2, 1, True)
    page = (await ask(running, "GET", f"/v1/recalculations/{done['id']}/moved", role="ops")).json()
    assert page["items"] == [
        {
            "dossier_id": str(id_of(moved)),
            "from_at": "2026-03-12T17:00:00+07:00",
            "to_at": "2026-03-13T17:00:00+07:00",
        }
    ]
    assert [await stored(service, id_of(path)) for path in (moved, unmoved)] == before
    versions = (await ask(running, "GET", "/v1/calendars/VN")).json()["items"]
    assert [one["version"] for one in versions] == [1]


async def test_open_clocks_follow_and_say_what_moved(running: World) -> None:
    service = running.service("sla")
    moved, unmoved, ended = await told(running), await told(running, days=4), await told(running, ends="6 10:00")
    asked = await change(running)
    await work(service)
    done = await progress(running, asked)
    assert (done["n_open"], done["n_moved"], done["finished_at"] is not None) == (2, 1, True)
    facts = await said(service, id_of(moved))
    assert names(facts)[-2:] == ["ClockRecalculated", "DeadlineMoved"]
    recalculated, move = facts[-2][1], facts[-1][1]
    assert (recalculated["calendar"], recalculated["document"]) == ("VN@2", CHANGE["document"])
    assert (move["reason"], move["citation"], move["calendar"]) == ("calendar", CHANGE["document"], "VN@2")
    assert move["to_at"] == "2026-03-13T10:00:00Z"
    assert names(await said(service, id_of(unmoved)))[-1] == "ClockRecalculated"
    assert "ClockRecalculated" not in names(await said(service, id_of(ended)))
    versions = [(await clock(service, id_of(path))).calendar_version for path in (moved, unmoved, ended)]
    assert versions == [2, 2, 1]


async def test_the_explanation_names_the_decision(running: World) -> None:
    path = await told(running)
    await change(running)
    await work(running.service("sla"))
    explained = (await ask(running, "GET", f"{path}/clock/explanation")).json()
    assert explained["text_vi"][2].endswith("tính theo lịch làm việc phiên bản 2 [12/QĐ-TTg (giả định)].")
    days = {day["date"]: day for day in explained["days"]}
    assert (days["2026-03-11"]["counted"], days["2026-03-11"]["citation"]) == (False, CHANGE["document"])


async def test_a_clock_that_begins_by_an_older_version_follows_too(running: World) -> None:
    service = running.service("sla")
    await change(running)
    await work(service)
    late = await told(running)  # intake quoted VN@1: it had not heard of the new version
    await work(service)
    assert (await clock(service, id_of(late))).calendar_version == 2


async def test_a_day_given_back_moves_the_deadline_back(running: World) -> None:
    service, path = running.service("sla"), await told(running)
    await change(running)
    await work(service)
    again = {"document": "13/QĐ-TTg (giả định)", "remove": ["2026-03-11"]}
    assert (await change(running, again)).status_code == 202
    await work(service)
    assert [data["to_at"] for name, data in await said(service, id_of(path)) if name == "DeadlineMoved"] == [
        "2026-03-13T10:00:00Z",
        "2026-03-12T10:00:00Z",
    ]


async def test_a_version_that_a_worker_has_not_read_yet_is_not_called_done(running: World) -> None:
    service, _ = running.service("sla"), await told(running)
    await change(running)
    await work(service)
    back = {"document": "13/QĐ-TTg (giả định)", "remove": ["2026-03-11"]}
    asked = await ask(running, "POST", "/v1/calendars/VN/versions", role="ops", json=back)
    assert asked.status_code == 202, asked.text
    assert not await jobs.adopt_calendars(service)
    assert (await progress(running, asked))["finished_at"] is None
    await work(service)
    done = await progress(running, asked)
    assert (done["n_open"], done["n_moved"], done["finished_at"] is not None) == (1, 1, True)


async def test_several_workers_bring_each_clock_there_once(running: World) -> None:
    service = running.service("sla")
    paths = [await told(running) for _ in range(5)]
    await change(running)
    await asyncio.gather(*(jobs.adopt_calendars(service) for _ in range(4)))
    await work(service)
    for path in paths:
        assert names(await said(service, id_of(path))).count("ClockRecalculated") == 1


async def test_while_one_version_is_on_its_way_there_is_no_next(running: World) -> None:
    await told(running)
    await change(running)
    second = await change(running, {"document": "14 (giả định)", "remove": ["2026-03-11"]})
    assert (second.status_code, second.json()["code"]) == (409, "still_recalculating")


async def test_a_version_that_is_loaded_meanwhile_overtakes_the_one_on_its_way(
    running: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sla.handlers.calendars.PAGE", 2)
    service = running.service("sla")
    paths = [await told(running) for _ in range(5)]
    asked = await change(running)
    await jobs.adopt_calendars(service)
    third = {**service.references.get("calendar", "VN", 2).data.model_dump(mode="json"), "version": 3}
    async with service.sessions.begin() as session:
        await store(session, ("calendar", "VN", 3), third, owned=True)
    await work(service)
    assert {(await clock(service, id_of(path))).calendar_version for path in paths} == {3}
    assert (await progress(running, asked))["finished_at"] is not None


SATURDAY = {"date": "2026-03-14", "kind": "worked", "document": "x", "name": "Làm bù"}
"""Worked, but without hours: no weekday it is like, and none of its own."""
WRONG = [
    ({"document": "x", "overrides": [DAY_OFF, DAY_OFF]}, ""),
    ({"document": "x", "overrides": [{**DAY_OFF, "date": "2031-01-01"}]}, ""),
    ({"document": "x", "covers_to": "2026-12-31"}, "/covers_to"),
    ({"document": "x", "covers_to": "2100-01-01"}, "/covers_to"),
    ({"document": "x", "covers_to": "9999-12-31"}, "/covers_to"),
    ({"document": "x", "provisional_from": "0001-01-01"}, "/provisional_from"),
    ({"document": "", "overrides": [DAY_OFF]}, "/document"),
    ({"document": "x", "overrides": [SATURDAY]}, "/overrides"),
]


@pytest.mark.parametrize(("body", "pointer"), WRONG)
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
async def test_what_would_be_no_calendar_is_refused(
    running: World, body: dict[str, Any], pointer: str, query: str
) -> None:
    answer = await change(running, body, query)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert [one["version"] for one in (await ask(running, "GET", "/v1/calendars/VN")).json()["items"]] == [1]


TIMES = [
    ({"overrides": [{**SATURDAY, "shifts": [["07:30", "25:00"]]}]}, "/overrides/0/shifts/0/1"),
    ({"overrides": [{**SATURDAY, "shifts": [["7:30", "11:30"]]}]}, "/overrides/0/shifts/0/0"),
    (
        {"hours": [{"valid_from": "2018-01-01", "citation": "x", "week": {"mon": [["07:30", "24:01"]]}}]},
        "/hours/0/week/mon/0/1",
    ),
]


@pytest.mark.parametrize(("body", "pointer"), TIMES)
@pytest.mark.parametrize(
    ("language", "words"),
    [("vi", "Giờ phải có dạng HH:MM, từ 00:00 đến 24:00"), ("en", "A time is HH:MM, from 00:00 to 24:00")],
)
async def test_an_hour_that_no_clock_shows_is_named(
    running: World, body: dict[str, Any], pointer: str, language: str, words: str
) -> None:
    answer = await change(running, {"document": "x", **body}, language=language)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"] == [{"pointer": pointer, "code": "no_such_time", "detail": words}]


async def test_an_unknown_calendar_is_not_found_and_only_ops_change_one(running: World) -> None:
    assert (await change(running, code="XX")).status_code == 404
    answer = await ask(running, "POST", "/v1/calendars/VN/versions", json=CHANGE)
    assert answer.status_code == 403


async def test_a_version_is_never_deleted(running: World) -> None:
    service, path = running.service("sla"), await told(running)
    await change(running)
    await work(service)
    for version in (1, 2, 3):  # one that clocks ran by, the one they run by, none
        answer = await ask(running, "DELETE", f"/v1/calendars/VN/versions/{version}", role="ops")
        assert (answer.status_code, answer.json()["code"]) == (409, "immutable_version")
    assert [one["version"] for one in (await ask(running, "GET", "/v1/calendars/VN")).json()["items"]] == [1, 2]
    assert (await ask(running, "GET", f"{path}/clock")).json()["calendar_version"] == "VN@2"
    for role in ("officer", "leader", "portal"):
        assert (await ask(running, "DELETE", "/v1/calendars/VN/versions/1", role=role)).status_code == 403


async def test_every_open_clock_runs_by_the_newest_version_in_the_end(running: World) -> None:
    service = running.service("sla")
    for days in (1, 2, 8, 20):
        await told(running, days=days)
    await change(running)
    await work(service)
    async with service.sessions() as session:
        assert set(await session.scalars(select(Clock.calendar_version))) == {2}
