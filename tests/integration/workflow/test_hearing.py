"""Messages of outside systems: applied once, whatever repeats; never a yes for what was not understood."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.events import sla
from tests.integration.workflow.support import NOW, World
from tests.integration.workflow.test_exchange import answer, as_system, lease
from tests.integration.workflow.test_observing import code_of, incidents

NUMBER, AMOUNT = "TB-9", 1_500_000
NOTICES = [{"notice_no": NUMBER, "amount": AMOUNT}]


async def message(
    world: World, system: str, dossier: UUID | None, kind: str, message_id: str = "m-1", **data: Any
) -> httpx.Response:
    body = {
        "message_id": message_id, "kind": kind, "at": NOW, "data": data,
        "dossier_code": await code_of(world, dossier) if dossier else "H99.01-000000-0000",
    }  # fmt: skip
    return await as_system(world, system, "POST", "/messages", body)


async def said(world: World, *given: Any, **data: Any) -> tuple[str, str]:
    found = await message(world, *given, **data)
    assert found.status_code == 200, found.text
    return found.json()["status"], found.json()["detail"]


async def test_a_system_does_the_work_of_its_agency_without_a_second_keying_in(world: World) -> None:
    dossier = await world.accept()
    assert await said(world, "vbdlis", dossier, "leg_acknowledged", "a") == ("applied", "")
    assert await said(world, "vbdlis", dossier, "leg_completed", "b", outcome="slip_sent") == ("applied", "")
    assert await said(world, "tax", dossier, "leg_completed", "c", outcome="notice_issued", notices=NOTICES) == (
        "applied", "",
    )  # fmt: skip
    names = await world.names(dossier)
    assert names.count("LegAcknowledged") == 2
    assert names.count("TaxNoticeIssued") == 1
    legs = (await world.see(dossier))["legs"]
    assert [leg["officer"] for leg in legs[1:3]] == ["system:vbdlis", "system:tax"]
    assert list(await world.open_legs(dossier)) == ["payment"]


async def test_a_system_sends_back_what_its_agency_was_offered(world: World) -> None:
    dossier = await world.accept()
    assert await said(world, "vbdlis", dossier, "leg_returned", reason_code="wrong_procedure") == ("applied", "")
    assert (await world.names(dossier))[-3:] == ["LegAcknowledged", "LegReturned", "LegOffered"]
    assert list(await world.open_legs(dossier)) == ["reception"]
    assert await said(world, "vbdlis", dossier, "leg_returned", reason_code="wrong_procedure") == ("applied", "")


async def test_a_repeat_is_answered_again_and_moves_nothing(world: World) -> None:
    dossier = await world.accept()
    for _ in range(3):
        assert await said(world, "vbdlis", dossier, "leg_completed", "same", outcome="slip_sent") == ("applied", "")
    assert await said(world, "vbdlis", dossier, "leg_completed", "new-id", outcome="slip_sent") == (
        "moot", "completed_before",
    )  # fmt: skip
    assert (await world.names(dossier)).count("LegCompleted") == 2  # with the automatic one of the one-stop unit
    other = await message(world, "vbdlis", dossier, "leg_completed", "same", outcome="not_eligible")
    assert (other.status_code, other.json()["code"]) == (409, "message_reused")


async def test_the_same_message_twice_at_the_same_time_is_applied_once(world: World) -> None:
    dossier = await world.accept()
    found = await asyncio.gather(
        *(message(world, "vbdlis", dossier, "leg_completed", "twin", outcome="slip_sent") for _ in range(5))
    )
    assert {(one.status_code, one.json()["status"]) for one in found} == {(200, "applied")}
    assert (await world.names(dossier)).count("LegCompleted") == 2


@pytest.mark.parametrize(
    ("system", "kind", "data", "expected"),
    [
        ("vbdlis", "leg_completed", {"outcome": "nobody-knows-it"}, ("parked", "unmapped_outcome")),
        ("tax", "leg_completed", {"outcome": "notice_issued", "notices": NOTICES}, ("parked", "not_concerned")),
        ("vbdlis", "leg_returned", {"reason_code": "x", "to_step_code": "nowhere"}, ("parked", "nowhere_to_return")),
        ("dvcqg", "leg_acknowledged", {}, ("parked", "no_open_leg")),
    ],
)
async def test_what_is_not_understood_is_parked_and_seen(
    world: World, system: str, kind: str, data: dict[str, Any], expected: tuple[str, str]
) -> None:
    dossier = await world.accept()
    before = await world.names(dossier)
    assert await said(world, system, dossier, kind, **data) == expected
    assert await world.names(dossier) == before
    path = f"/v1/systems/{system}/messages"
    (shown,) = (await world.call("GET", path, "ops", params={"status": "parked"})).json()["items"]
    assert (shown["message_id"], shown["detail"]) == ("m-1", expected[1])


async def test_an_unknown_dossier_is_parked_and_taken_when_it_comes_again_and_is_known(world: World) -> None:
    unknown = (await message(world, "vbdlis", None, "leg_completed", outcome="slip_sent")).json()
    assert (unknown["status"], unknown["detail"]) == ("parked", "unknown_dossier")
    at, dossier = unknown["at"], await world.accept()
    await world.rows("UPDATE exchange SET code = 'H99.01-000000-0000' WHERE dossier_id = :id", id=dossier)
    body = {
        "message_id": "m-1", "kind": "leg_completed", "at": at, "data": {"outcome": "slip_sent"},
        "dossier_code": "H99.01-000000-0000",
    }  # fmt: skip
    assert (await as_system(world, "vbdlis", "POST", "/messages", body)).json()["status"] == "applied"


async def test_what_was_parked_is_applied_in_the_words_of_a_mended_table_and_then_never_in_others(world: World) -> None:
    dossier = await world.accept()
    assert await said(world, "vbdlis", dossier, "leg_completed", outcome="unlisted-07") == (
        "parked", "unmapped_outcome",
    )  # fmt: skip
    assert await said(world, "vbdlis", dossier, "leg_completed", outcome="slip_sent") == ("applied", "")
    other = await message(world, "vbdlis", dossier, "leg_completed", outcome="unlisted-07")
    assert (other.status_code, other.json()["code"]) == (409, "message_reused")
    shown = (await world.call("GET", "/v1/systems/vbdlis/messages", "ops")).json()["items"]
    assert [(one["status"], one["data"]) for one in shown] == [("applied", {"outcome": "slip_sent"})]


async def test_a_leg_that_ended_in_another_way_is_a_conflict_with_both_sides(world: World) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    assert await said(world, "vbdlis", dossier, "leg_completed", outcome="not_eligible") == ("conflict", "leg_over")
    (incident,) = await incidents(world)
    assert (incident["kind"], incident["theirs"]) == ("message", {"outcome": "not_eligible"})


async def test_another_determination_of_a_leg_that_is_over_is_a_conflict_and_the_same_is_moot(world: World) -> None:
    dossier = await world.accept()
    await said(world, "vbdlis", dossier, "leg_completed", "a", outcome="slip_sent")
    determined = {"outcome": "notice_issued", "notices": NOTICES}
    assert await said(world, "tax", dossier, "leg_completed", "b", **determined) == ("applied", "")
    assert await said(world, "tax", dossier, "leg_completed", "c", **determined) == ("moot", "completed_before")
    other = [{"notice_no": NUMBER, "amount": AMOUNT + 1}]
    for _ in range(2):
        assert await said(world, "tax", dossier, "leg_completed", "d", outcome="notice_issued", notices=other) == (
            "conflict", "leg_over",
        )  # fmt: skip
    (incident,) = await incidents(world)
    assert (incident["kind"], incident["allowed"]) == ("notices", ["dismiss", "take_over"])
    assert (incident["ours"], incident["theirs"]) == ({"notices": NOTICES}, {"notices": other})
    assert (await world.names(dossier)).count("TaxNoticeIssued") == 1


async def test_another_date_is_an_incident_and_never_just_taken_or_logged(world: World) -> None:
    dossier = await world.accept()
    path = f"/v1/systems/vbdlis/dossiers/{dossier}"
    ours = (await world.call("GET", path, "ops")).json()["picture"]["appointment_at"]
    assert await said(world, "vbdlis", dossier, "date_proposed", "d-1", due_at=ours) == ("moot", "in_step")
    (first,) = await lease(world, "vbdlis")
    assert (await answer(world, "vbdlis", first, "taken")).status_code == 200
    moved_to = world.service.clock.now() + timedelta(days=20)
    moved = sla.DeadlineMoved(from_at=moved_to, to_at=moved_to, reason="supplement", citation="x")
    await world.tell_as("sla", dossier, moved)
    assert await said(world, "vbdlis", dossier, "date_proposed", "d-1b", due_at=ours) == ("moot", "as_told")
    later = (world.service.clock.now() + timedelta(days=40)).isoformat()
    assert await said(world, "vbdlis", dossier, "date_proposed", "d-2", due_at=later) == ("conflict", "another_date")
    (incident,) = await incidents(world)
    present = (await world.call("GET", path, "ops")).json()["picture"]["appointment_at"]
    assert (incident["kind"], incident["ours"]) == ("date", {"appointment_at": present})
    assert datetime.fromisoformat(present) == moved_to


async def test_a_request_for_a_supplement_is_a_proposal_and_stops_no_clock(world: World) -> None:
    dossier = await world.accept()
    assert await said(world, "vbdlis", dossier, "supplement_proposed", note="thiếu bản vẽ") == ("applied", "")
    assert (await world.names(dossier))[-1] == "SupplementProposed"
    assert (await world.see(dossier))["is_waiting_for_supplement"] is False


async def test_a_time_in_the_future_and_a_huge_or_malformed_message_are_refused(world: World) -> None:
    dossier = await world.accept()
    body = {
        "message_id": "m", "kind": "progressed", "dossier_code": await code_of(world, dossier),
        "at": (world.service.clock.now() + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    future = await as_system(world, "vbdlis", "POST", "/messages", body)
    assert (future.status_code, future.json()["errors"][0]["pointer"]) == (422, "/at")
    body["at"] = world.service.clock.now().isoformat()
    assert (await as_system(world, "vbdlis", "POST", "/messages", body)).json()["status"] == "applied"
    huge = await as_system(world, "vbdlis", "POST", "/messages", {**body, "data": {"text": "x" * 10_000_000}})
    assert huge.status_code == 413
    for wrong in ({"kind": "no-such"}, {"message_id": ""}, {"at": "2026-01-01T00:00:00"}, {"data": {"x": 1}}):
        assert (await as_system(world, "vbdlis", "POST", "/messages", {**body, **wrong})).status_code == 422
