"""Apologies: in time or late, one re-appointment only, what the clock, the timers and the lists say then."""

from typing import Any

import httpx
import pytest
from pypdfium2 import PdfDocument
from sqlalchemy import delete

from services.sla import handlers
from services.sla.handlers import Complete
from services.sla.models import Timer
from shared.events.intake import DossierReopened, SupplementReceived, SupplementRequested
from shared.events.workflow import RouteCompleted
from tests.integration.sla.rows import clock, names, said
from tests.integration.sla.story import OFFICE, TAX, UNIT, Story, at, completed, offered, on_a_monday, tell, told
from tests.integration.sla.test_api import ask, id_of
from tests.support import Databases, Issuer, World

REASON = "Chờ ý kiến chuyên môn về ranh giới thửa đất"


async def apologise(running: World, path: str, tag: str = '"1"', **given: Any) -> httpx.Response:
    body = {"reason": REASON, **given.pop("body", {"new_due_on": "2026-03-17"})}
    headers = {"If-Match": tag}
    return await ask(running, "POST", f"{path}/apologies", json=body, headers=headers, agency=OFFICE, **given)


async def facts(running: World, path: str) -> list[tuple[str, dict[str, Any]]]:
    return await said(running.service("sla"), id_of(path))


async def fire(running: World, now: str) -> None:
    complete: Complete = lambda _, __: True  # noqa: E731
    async with running.service("sla").sessions.begin() as session:
        await handlers.fire_timers(session, at(now), complete)


async def test_an_apology_in_time_promises_another_day_and_the_law_stays(running: World) -> None:
    path = await told(running)
    answer = await apologise(running, path)
    assert answer.status_code == 201, answer.text
    seen = answer.json()
    assert (seen["deadline_at"], seen["promised_deadline_at"]) == (
        "2026-03-12T17:00:00+07:00",
        "2026-03-17T17:00:00+07:00",
    )
    issued = seen["apologies"][0]
    assert (issued["in_time"], issued["agency_code"], issued["reason"]) == (True, OFFICE, REASON)
    assert answer.headers["ETag"] == '"2"'
    apology, moved = (await facts(running, path))[-2:]
    assert (apology[0], moved[0], moved[1]["reason"]) == ("ApologyIssued", "DeadlineMoved", "re_appointment")
    assert REASON not in str(apology) + str(moved)
    told_by_clerk = (await ask(running, "GET", f"{path}/clock/explanation")).json()["text_vi"]
    assert told_by_clerk[-1] == (
        "Ngày hẹn trả hiện nay: 17:00 ngày 17/03/2026 (hạn theo quy định: 17:00 ngày 12/03/2026)."
    )


async def test_form_04_says_what_was_apologised_for(running: World) -> None:
    path = await told(running, days=2)  # due on Wed 4; today is Mon 9: Thu, Fri and Mon have begun since
    await apologise(running, path)
    answer = await ask(running, "GET", f"{path}/apologies/1/form-04", role="portal")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    said_there = " ".join(
        " ".join(page.get_textpage().get_text_range() for page in PdfDocument(answer.content)).split()
    )
    for words in (REASON, "H99.01-260302-0001", "3 ngày làm việc", "17:00 ngày 17/03/2026"):
        assert words in said_there, said_there
    assert (await ask(running, "GET", f"{path}/apologies/2/form-04")).status_code == 404


async def test_only_one_re_appointment(running: World) -> None:
    path = await told(running)
    await apologise(running, path)
    second = await apologise(running, path, '"2"', body={"new_due_on": "2026-03-20"})
    assert (second.status_code, second.json()["code"]) == (409, "re_appointment_used")
    further = await apologise(running, path, '"2"', body={})
    assert further.status_code == 201
    assert [one["new_deadline_at"] for one in further.json()["apologies"]] == ["2026-03-17T17:00:00+07:00", None]
    again = await apologise(running, path, '"2"', body={})
    assert (again.status_code, again.json()["code"]) == (409, "already_done")
    assert names(await facts(running, path)).count("DeadlineMoved") == 1


WRONG_DAYS = [
    ({"new_due_on": "2026-03-12"}, "not_later"),
    ({"new_due_on": "2026-03-09"}, "not_later"),
    ({"new_due_on": "2026-03-14"}, "not_a_working_day"),
    ({"new_due_on": "2026-04-27"}, "not_a_working_day"),  # Hung Kings
    ({}, "required"),
]


@pytest.mark.parametrize(("body", "code"), WRONG_DAYS)
async def test_a_day_that_can_not_be_promised_is_refused(running: World, body: dict[str, Any], code: str) -> None:
    answer = await apologise(running, await told(running), body=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)


async def test_a_day_beyond_the_calendar_and_words_too_few_are_refused(running: World) -> None:
    path = await told(running)
    beyond = await apologise(running, path, body={"new_due_on": "2031-01-02"})
    assert (beyond.status_code, beyond.json()["code"]) == (422, "calendar_gap")
    short = await apologise(running, path, body={"reason": "chậm", "new_due_on": "2026-03-17"})
    assert short.status_code == 422


async def test_only_who_holds_it_or_received_it_apologises(running: World) -> None:
    path = await told(running)
    story_of_tax = await ask(
        running, "POST", f"{path}/apologies", json={"reason": REASON, "new_due_on": "2026-03-17"},
        headers={"If-Match": '"1"'}, agency=TAX,
    )  # fmt: skip
    assert story_of_tax.status_code == 404  # not even for these eyes
    by_unit = await ask(
        running, "POST", f"{path}/apologies", json={"reason": REASON, "new_due_on": "2026-03-17"},
        headers={"If-Match": '"1"'}, agency=UNIT,
    )  # fmt: skip
    assert by_unit.status_code == 201


async def test_a_stale_version_is_refused(running: World) -> None:
    assert (await apologise(running, await told(running), '"7"')).status_code == 412


async def test_after_the_deadline_it_is_owed_and_counts_as_late(running: World) -> None:
    path = await told(running, days=2)  # Wed 4
    assert (await ask(running, "GET", f"{path}/clock")).json()["apology_is_owed"] is True
    seen = (await apologise(running, path)).json()
    assert (seen["apologies"][0]["in_time"], seen["apology_is_owed"]) == (False, False)


async def test_what_ended_in_time_owes_nothing_and_what_ended_late_still_does(running: World) -> None:
    early, late = await told(running, ends="6 10:00"), await told(running, days=2, ends="6 10:00")
    refused = await apologise(running, early, '"2"')
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    accepted = await apologise(running, late, '"2"', body={})
    assert accepted.status_code == 201
    assert accepted.json()["apologies"][0]["new_deadline_at"] is None


async def test_the_law_is_missed_quietly_and_the_promise_loudly(running: World) -> None:
    async with running.service("sla").sessions.begin() as session:
        await session.execute(delete(Timer))
    path = await told(running)
    await apologise(running, path)
    await fire(running, "12 17:01")
    await fire(running, "17 17:01")
    missed = [data for name, data in await facts(running, path) if name == "DeadlineMissed"]
    assert [(one["apology"], one.get("promised_at")) for one in missed] == [
        ("in_time", "2026-03-17T10:00:00Z"),
        ("none", None),
    ]
    assert len((await clock(running.service("sla"), id_of(path))).missed_deadlines) == 2


async def test_a_warning_says_until_when_an_apology_is_in_time(running: World) -> None:
    path = await told(running)
    await fire(running, "11 08:00")
    warned = [data for name, data in await facts(running, path) if name == "DeadlineApproaching"]
    assert [one["apology_by_at"] for one in warned] == ["2026-03-11T10:00:00Z"]


async def test_the_head_of_an_agency_sees_what_is_due_next(running: World) -> None:
    overdue, soon = await told(running, days=2), await told(running)
    listed = (await ask(running, "GET", "/v1/clocks?due_until=2026-03-12&limit=200", agency=OFFICE)).json()["items"]
    places = {item["dossier_id"]: item for item in listed}
    assert places[str(id_of(overdue))]["is_overdue"]
    assert not places[str(id_of(soon))]["is_overdue"]
    assert places[str(id_of(soon))]["apology_by_at"] == "2026-03-11T17:00:00+07:00"
    assert [item["promised_deadline_at"] for item in listed] == sorted(item["promised_deadline_at"] for item in listed)
    until_10 = (await ask(running, "GET", "/v1/clocks?due_until=2026-03-10&limit=200", agency=OFFICE)).json()["items"]
    assert str(id_of(soon)) not in {item["dossier_id"] for item in until_10}
    assert (await ask(running, "GET", "/v1/clocks", agency=TAX)).json()["items"] == []


async def test_the_list_goes_on_page_by_page(running: World) -> None:
    for _ in range(3):
        await told(running)
    seen, after = [], ""
    while True:
        page = (await ask(running, "GET", f"/v1/clocks?limit=2{after}", agency=OFFICE)).json()
        seen += [item["dossier_id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    whole = (await ask(running, "GET", "/v1/clocks?limit=200", agency=OFFICE)).json()["items"]
    assert seen == [item["dossier_id"] for item in whole]
    assert (await ask(running, "GET", "/v1/clocks?after=@@", agency=OFFICE)).status_code == 422


async def test_apologies_are_counted_by_agency_and_what_is_owed(databases: Databases, issuer: Issuer) -> None:
    async with on_a_monday(databases, issuer) as town:
        in_time, late, _owing = await told(town), await told(town, days=2), await told(town, days=3)
        await fire(town, "9 08:00")
        for path in (in_time, late):
            await apologise(town, path)
        answer = await ask(town, "GET", "/v1/reports/apologies?from=2026-03-01&to=2026-03-31", role="leader")
        assert answer.status_code == 200, answer.text
        (row,) = answer.json()["items"]
        counted = (row["agency_code"], row["in_time"], row["late"], row["re_appointed"], row["owed"])
        assert counted == (OFFICE, 1, 1, 2, 1)
        assert (row["name"], row["compliance_percent"]) == ("Văn phòng Đăng ký đất đai tỉnh Mẫu", 33.33)
        other = "/v1/reports/apologies?from=2026-03-01&to=2026-03-31&agency=H99.02"
        assert (await ask(town, "GET", other, role="leader")).json()["items"] == []


async def suspended(running: World, story: Story, *spans: tuple[str, str]) -> str:
    """Let the applicant be waited for, and tell sla; return the path of the dossier."""
    for no, (begin, end) in enumerate(spans, start=2):
        story.both(begin, offered(no, None, "financial_obligation"))
        story.both(end, completed(no))
    told_before = len(story.events) - 2 * len(spans)
    await tell(running.service("sla"), story.events[told_before:])
    return f"/v1/dossiers/{story.dossier_id}"


async def promised(running: World, on: str = "2026-03-17") -> tuple[Story, str]:
    """Return a dossier that is due on Thu 12, with an apology that promises another day."""
    story = Story()
    story.begin()
    story.both("3 08:00", offered(1, OFFICE))
    await tell(running.service("sla"), story.events)
    path = f"/v1/dossiers/{story.dossier_id}"
    assert (await apologise(running, path, body={"new_due_on": on})).status_code == 201
    return story, path


async def test_a_promise_moves_by_what_the_applicant_took_after_the_laws_deadline(running: World) -> None:
    story, path = await promised(running)
    await fire(running, "12 17:01")
    await suspended(running, story, ("16 10:00", "18 10:00"))  # 750 minutes before Tue 17 is over: Thu, Fri
    seen = (await ask(running, "GET", f"{path}/clock")).json()
    assert (seen["deadline_at"][:10], seen["promised_deadline_at"][:10]) == ("2026-03-12", "2026-03-20")
    moved = [data for name, data in await facts(running, path) if name == "DeadlineMoved"]
    assert (moved[-1]["reason"], moved[-1]["to_at"]) == ("financial_obligation", "2026-03-20T10:00:00Z")
    await fire(running, "20 16:59")
    assert names(await facts(running, path)).count("DeadlineMissed") == 1
    await fire(running, "20 17:01")
    missed = [data["deadline_at"] for name, data in await facts(running, path) if name == "DeadlineMissed"]
    assert missed == ["2026-03-12T10:00:00Z", "2026-03-20T10:00:00Z"]
    assert "DeadlineMissWithdrawn" not in names(await facts(running, path))


async def test_an_apology_covers_the_deadline_to_which_the_law_moves_before_the_promised_day(running: World) -> None:
    story, path = await promised(running)
    await suspended(running, story, ("12 10:00", "13 10:00"))  # counted again from Mon 16 on: 300 minutes
    await fire(running, "16 17:01")
    missed = [data for name, data in await facts(running, path) if name == "DeadlineMissed"]
    assert [(one["deadline_at"], one["apology"]) for one in missed] == [("2026-03-16T10:00:00Z", "in_time")]
    report = await ask(running, "GET", "/v1/reports/apologies?from=2026-03-16&to=2026-03-16", role="leader")
    assert report.json()["items"] == []
    assert (await ask(running, "GET", f"{path}/clock")).json()["apology_is_owed"] is False


async def test_what_was_missed_before_the_law_moved_the_day_is_still_apologised_for_and_promises_nothing(
    running: World,
) -> None:
    story = Story()
    story.begin(days=2)  # Wed 4
    story.both("3 08:00", offered(1, OFFICE))
    await tell(running.service("sla"), story.events)
    path = f"/v1/dossiers/{story.dossier_id}"
    await fire(running, "4 17:01")
    story.both(
        "5 09:00", SupplementRequested(request_no=1, stage="processing", ground="supplement", component_codes=["c"])
    )
    story.both("6 09:00", SupplementReceived(request_no=1))  # a new limit: Tue 10
    await tell(running.service("sla"), story.events[-2:])
    seen = await ask(running, "GET", f"{path}/clock")
    assert (seen.json()["promised_deadline_at"][:10], seen.json()["apology_is_owed"]) == ("2026-03-10", True)
    refused = await apologise(running, path, seen.headers["ETag"])
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "moved_by_law")
    made = await apologise(running, path, seen.headers["ETag"], body={})
    assert made.status_code == 201, made.text
    (apology,) = made.json()["apologies"]
    assert (apology["deadline_at"][:10], apology["in_time"], apology["new_deadline_at"]) == ("2026-03-04", False, None)
    assert made.json()["apology_is_owed"] is False


async def test_nothing_is_owed_for_a_deadline_that_passed_while_the_result_was_out(running: World) -> None:
    story = Story()
    story.begin(days=2)  # Wed 4
    story.both("3 08:00", offered(1, OFFICE))
    story.both("4 09:00", completed(1), RouteCompleted(outcome="granted"))
    story.both("6 10:00", DossierReopened(reason_code="wrong"))
    await tell(running.service("sla"), story.events)
    path = f"/v1/dossiers/{story.dossier_id}"
    assert (await ask(running, "GET", f"{path}/clock")).json()["apology_is_owed"] is False
    assert (await clock(running.service("sla"), story.dossier_id)).overdue == [["2026-03-06", None]]
