"""The REST surface: who may do and see what, in which state, with which version; what malformed requests get."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.workflow.domain.legs import OPEN
from services.workflow.repository import journeys
from shared.events import Fact, intake
from shared.statements import DIALECT
from tests.integration.workflow.support import World
from tests.support import statements

LAND, TAX, ONE_STOP = "H99.VPDK", "H99.THUE.01", "H99.01"


async def taken(world: World, dossier: Any, code: str = "appraisal") -> dict[str, Any]:
    answer = await world.act(dossier, (await world.open_legs(dossier))[code], "acknowledge")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_command_answers_the_leg_with_its_next_version_and_what_may_be_done(world: World) -> None:
    dossier = await world.accept()
    leg = (await world.open_legs(dossier))["appraisal"]
    assert leg["allowed"] == ["acknowledge", "refuse", "assign"]
    answer = await world.act(dossier, leg, "acknowledge")
    body = answer.json()
    assert (answer.headers["ETag"], body["version"], body["status"]) == ('"2"', 2, "in_progress")
    assert body["officer"] == f"officer-{LAND}"
    assert body["allowed"] == ["assign", "complete", "return", "supplement-proposals"]
    assert {outcome["code"] for outcome in body["outcomes"]} == {"slip_sent", "tax_exempt", "not_eligible"}
    assert body["acknowledged_at"].endswith("+07:00")
    assigned = await world.act(dossier, body, "assign", officer="cv.dat-dai-02")
    assert (assigned.json()["officer"], assigned.json()["version"]) == ("cv.dat-dai-02", 3)


async def test_the_state_is_told_before_the_stale_version(world: World) -> None:
    dossier = await world.accept()
    leg = await taken(world, dossier)
    stale = await world.act(dossier, leg, "complete", seen=1, outcome="slip_sent")
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    again = await world.act(dossier, leg, "acknowledge", seen=1)
    assert (again.status_code, again.json()["code"]) == (409, "already_done")
    assert again.json()["allowed"] == leg["allowed"]
    done = await world.act(dossier, leg, "complete", outcome="slip_sent")
    assert done.status_code == 200
    late = await world.act(dossier, leg, "complete", outcome="slip_sent")
    assert (late.status_code, late.json()["code"], late.json()["allowed"]) == (409, "already_done", [])


async def test_a_command_without_if_match_is_refused(world: World) -> None:
    dossier = await world.accept()
    answer = await world.call("POST", f"/v1/dossiers/{dossier}/legs/2/acknowledge", "officer", LAND)
    assert (answer.status_code, answer.json()["code"]) == (428, "version_required")


async def test_two_officers_completing_one_leg_get_one_200_and_one_409(world: World) -> None:
    for _ in range(5):
        dossier = await world.accept()
        leg = await taken(world, dossier)
        answers = await asyncio.gather(*(world.act(dossier, leg, "complete", outcome="slip_sent") for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        assert (await world.names(dossier)).count("LegCompleted") == 2


async def test_two_branches_completed_at_once_offer_the_join_once(world: World) -> None:
    wants = {"wants_residence": True, "wants_health_card": True}
    for _ in range(8):
        dossier = await world.accept("LT.01@1", attributes=wants)
        await world.work(dossier, "civil-status", "registered")
        legs = [await taken(world, dossier, code) for code in ("residence", "health-card")]
        done = [("registered", legs[0]), ("issued", legs[1])]
        answers = await asyncio.gather(*(world.act(dossier, leg, "complete", outcome=code) for code, leg in done))
        assert [answer.status_code for answer in answers] == [200, 200]
        assert list(await world.open_legs(dossier)) == ["collection"]


async def test_a_branch_that_waited_for_the_lock_sees_the_leg_the_other_one_added(world: World) -> None:
    """One branch goes back (which adds a leg and cancels the other) while the other is being completed."""
    wants = {"wants_residence": True, "wants_health_card": True}
    for _ in range(8):
        dossier = await world.accept("LT.01@1", attributes=wants)
        await world.work(dossier, "civil-status", "registered")
        legs = [await taken(world, dossier, code) for code in ("residence", "health-card")]
        back, done = await asyncio.gather(
            world.act(dossier, legs[0], "return", reason_code="name_differs"),
            world.act(dossier, legs[1], "complete", outcome="issued"),
        )
        assert back.status_code == 200
        assert done.status_code in {200, 409}
        assert list(await world.open_legs(dossier)) == ["civil-status"]


@pytest.mark.parametrize("verb", ["acknowledge", "refuse", "assign", "complete", "return", "supplement-proposals"])
async def test_another_agency_can_not_touch_a_leg_nor_see_that_it_is_there(world: World, verb: str) -> None:
    dossier = await world.accept()
    leg = (await world.open_legs(dossier))["appraisal"]
    bodies: dict[str, dict[str, Any]] = {
        "refuse": {"reason_code": "x"}, "assign": {"officer": "x"}, "complete": {"outcome": "slip_sent"},
        "return": {"reason_code": "x"}, "supplement-proposals": {"ground": "x", "component_codes": ["x"]},
    }  # fmt: skip
    body = bodies.get(verb, {})
    for agency in (TAX, ONE_STOP, "NOBODY", None):
        answer = await world.act(dossier, leg, verb, agency=agency, **body)
        assert (answer.status_code, answer.json()["code"]) == (404, "leg_unknown")
    before = await world.names(dossier)
    for role in ("ops", "leader", "portal", "applicant", "system"):
        path = f"/v1/dossiers/{dossier}/legs/2/{verb}"
        answer = await world.call("POST", path, role, LAND, headers={"If-Match": '"1"'}, json=body)
        assert answer.status_code == 403
    assert await world.names(dossier) == before


async def test_an_agency_sees_its_own_legs_and_the_receiving_unit_all_of_them(world: World) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    for agency, expected in ((LAND, [2]), (TAX, [3]), (ONE_STOP, [1, 2, 3])):
        assert [leg["leg_no"] for leg in (await world.see(dossier, "officer", agency))["legs"]] == expected
    strangers = (("officer", "H99.CA.01", 404), ("officer", None, 404), ("applicant", None, 403))
    for role, stranger, status in strangers:
        assert (await world.call("GET", f"/v1/dossiers/{dossier}", role, stranger)).status_code == status
        assert (await world.call("GET", f"/v1/dossiers/{dossier}/diagram", role, stranger)).status_code == status
    assert (await world.http.get(f"/v1/dossiers/{dossier}")).status_code == 401
    picture = await world.call("GET", f"/v1/dossiers/{dossier}/diagram", "officer", TAX)
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert "chờ tiếp nhận" in picture.text


async def test_the_inbox_shows_open_legs_near_breach_first_page_by_page(world: World) -> None:
    dossiers = [await world.accept() for _ in range(5)]
    exempt = await world.accept()
    await world.work(exempt, "appraisal", "tax_exempt")
    await taken(world, dossiers[3])
    await world.tell(
        dossiers[0], intake.SupplementRequested(request_no=1, stage="processing", ground="g", component_codes=["c"])
    )
    items: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        query = {"limit": 2, **({"after": after} if after else {})}
        page = (await world.call("GET", f"/v1/agencies/{LAND}/inbox", "officer", LAND, params=query)).json()
        items += page["items"]
        after = page["next"]
        if after is None:
            break
    assert len(items) == 6
    assert [item["due_at"] for item in items] == sorted(item["due_at"] for item in items)
    waiting = {item["dossier_id"]: item["is_waiting_for_supplement"] for item in items}
    assert [key for key, value in waiting.items() if value] == [str(dossiers[0])]
    for status, n in (("in_progress", 1), ("offered", 5), ("completed", 1), ("refused", 0)):
        page = (await world.call("GET", f"/v1/agencies/{LAND}/inbox?status={status}", "ops")).json()
        assert len(page["items"]) == n, status


@pytest.mark.parametrize(
    ("query", "status"),
    [("status=lost", 422), ("limit=0", 422), ("limit=201", 422), ("after=xyz", 422), ("after=W10", 422)],
)
async def test_a_malformed_look_at_the_inbox_is_refused(world: World, query: str, status: int) -> None:
    answer = await world.call("GET", f"/v1/agencies/{LAND}/inbox?{query}", "officer", LAND)
    assert answer.status_code == status


async def test_an_inbox_is_its_agencys_own(world: World) -> None:
    assert (await world.call("GET", f"/v1/agencies/{LAND}/inbox", "officer", TAX)).status_code == 403
    assert (await world.call("GET", f"/v1/agencies/{LAND}/inbox", "officer")).status_code == 403
    assert (await world.call("GET", f"/v1/agencies/{LAND}/inbox", "leader")).status_code == 200


async def test_a_successor_takes_over_the_open_legs_of_an_agency_that_ended(world: World) -> None:
    dossier = await world.accept()
    async with world.service.sessions.begin() as session:
        await session.execute(text("UPDATE leg SET agency_code = 'H99.STNMT' WHERE leg_no = 2"))
    inbox = (await world.call("GET", f"/v1/agencies/{LAND}/inbox", "officer", LAND)).json()
    assert [item["dossier_id"] for item in inbox["items"]] == [str(dossier)]
    leg = (await world.open_legs(dossier))["appraisal"]
    answer = await world.act(dossier, leg, "acknowledge", agency=LAND)
    assert (answer.status_code, answer.json()["agency_code"]) == (200, "H99.STNMT")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/outcome"),
        ({"outcome": "signed"}, "/outcome"),
        ({"outcome": "Nguyễn Văn A"}, "/outcome"),
        ({"outcome": "notice_issued"}, "/data/notices"),
        ({"outcome": "no_tax_due", "data": {"notices": [{"notice_no": "T", "amount": 1}]}}, "/data/notices"),
        (
            {"outcome": "notice_issued", "data": {"notices": [{"notice_no": "T", "amount": 0}]}},
            "/data/notices/0/amount",
        ),
        ({"outcome": "notice_issued", "data": {"notices": [{"notice_no": "T", "amount": 1}] * 2}}, "/data/notices"),
        (
            {
                "outcome": "notice_issued",
                "data": {"notices": [{"notice_no": "T", "amount": 1, "due_on": "1900-01-01"}]},
            },
            "/data/notices/0/due_on",
        ),
        ({"outcome": "no_tax_due", "unknown": 1}, "/unknown"),
        ({"outcome": "no_tax_due", "data": {"name": "x"}}, "/data/name"),
        ({"outcome": "no_tax_due", "note": "x" * 2001}, "/note"),
    ],
)
async def test_a_malformed_completion_changes_nothing_and_names_the_field(
    world: World, body: dict[str, Any], pointer: str
) -> None:
    dossier = await world.accept()
    await world.work(dossier, "appraisal", "slip_sent")
    leg = await taken(world, dossier, "tax")
    before = await world.names(dossier)
    path = f"/v1/dossiers/{dossier}/legs/3/complete"
    answer = await world.call("POST", path, "officer", TAX, headers={"If-Match": '"2"'}, json=body)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert await world.names(dossier) == before
    assert (await world.open_legs(dossier))["tax"]["version"] == leg["version"]


async def test_a_proposed_supplement_is_published_without_its_words(world: World) -> None:
    dossier = await world.accept()
    leg = await taken(world, dossier)
    answer = await world.act(
        dossier,
        leg,
        "supplement-proposals",
        ground="missing_paper",
        component_codes=["GCN"],
        note="Thiếu trang bổ sung",
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "in_progress")
    assert (await world.names(dossier))[-1] == "SupplementProposed"
    [proposal] = (await world.see(dossier, "officer", ONE_STOP))["supplement_proposals"]
    assert (proposal["note"], proposal["component_codes"]) == ("Thiếu trang bổ sung", ["GCN"])
    assert "Thiếu" not in str(await world.facts(dossier))


async def test_the_catalogue_is_shown_with_versions_and_pictures(world: World) -> None:
    present = (await world.call("GET", "/v1/agencies", "portal")).json()["items"]
    assert "H99.VPDK" in {agency["code"] for agency in present}
    assert "H99.71" not in {agency["code"] for agency in present}
    [old] = (await world.call("GET", "/v1/agencies/H99.71", "portal")).json()["items"]
    assert old["successor_code"] == "H99.01"
    routes = (await world.call("GET", "/v1/routes?limit=2", "portal")).json()
    assert ([route["code"] for route in routes["items"]], routes["next"]) == (
        ["birth-linked", "land-transfer"], "land-transfer",
    )  # fmt: skip
    versions = (await world.call("GET", "/v1/routes/land-transfer", "portal")).json()["items"]
    assert [(route["version"], route["valid_to"]) for route in versions] == [(1, "2026-06-30"), (2, None)]
    for path, status in (("land-transfer/diagram", 200), ("land-transfer/diagram?version=9", 404), ("nothing", 404)):
        assert (await world.call("GET", f"/v1/routes/{path}", "portal")).status_code == status


async def test_an_unknown_dossier_is_404(world: World) -> None:
    assert (await world.call("GET", f"/v1/dossiers/{uuid4()}", "ops")).status_code == 404
    path = f"/v1/dossiers/{uuid4()}/legs/1/acknowledge"
    assert (await world.call("POST", path, "officer", LAND, headers={"If-Match": '"1"'})).status_code == 404


async def test_a_repeat_with_its_key_is_answered_again(world: World) -> None:
    dossier = await world.accept()
    path = f"/v1/dossiers/{dossier}/legs/2/acknowledge"
    headers = {"If-Match": '"1"', "Idempotency-Key": "k"}
    answers = [await world.call("POST", path, "officer", LAND, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert (await world.names(dossier)).count("LegAcknowledged") == 1


NOTICE = {"notice_no": "TB-1", "amount": 1}


@pytest.mark.parametrize(
    ("code", "verb", "body"),
    [
        ("appraisal", "acknowledge", {}),
        ("appraisal", "refuse", {"reason_code": "x"}),
        ("tax", "assign", {"officer": "x"}),
        ("tax", "complete", {"outcome": "notice_issued", "data": {"notices": [NOTICE]}}),
        ("tax", "return", {"reason_code": "x"}),
        ("tax", "supplement-proposals", {"ground": "x", "component_codes": ["x"]}),
    ],
)
async def test_a_command_is_one_locking_read_and_one_write(
    world: World, code: str, verb: str, body: dict[str, Any]
) -> None:
    dossier = await world.accept()
    leg = (await world.open_legs(dossier))["appraisal"]
    if code == "tax":
        await world.work(dossier, "appraisal", "slip_sent")
        leg = await taken(world, dossier, "tax")
    with statements(world.service) as sent:
        assert (await world.act(dossier, leg, verb, **body)).status_code == 200
    assert [statement.split()[0] for statement in sent] == ["SELECT", "WITH"]


async def test_a_batch_is_read_and_written_by_as_many_statements_however_many_dossiers_are_in_it(world: World) -> None:
    texts = []
    for n_dossiers in (2, 20):
        dossiers = [world.submit() for _ in range(n_dossiers)]
        facts = [world.say(dossier, fact) for dossier in dossiers for fact in begun()]
        with statements(world.service) as sent:
            assert await world.apply(*facts) == len(facts)
        assert len([one for one in sent if "FROM exchange" in one]) == 1
        assert [one for one in sent if not one.startswith("SELECT")][1:] == [sent[-1]]
        assert sent[-1].count('INSERT INTO "leg"') == 1
        texts.append(sent[-1])
    assert texts[0] == texts[1]


async def test_a_batch_of_facts_that_are_ignored_reads_no_journey(world: World) -> None:
    dossier = await world.accept()
    await world.catch_up(dossier)
    ignored = world.say(dossier, intake.ApplicantChanged(applicant_version=2))
    with statements(world.service) as sent:
        assert await world.apply(ignored) == 1
    assert [one for one in sent if "FROM dossier" in one or "FROM leg" in one] == []


def begun() -> list[Fact]:
    common: dict[str, Any] = {
        "procedure": "DD.01@3", "field_code": "dat-dai", "channel": "online", "receiving_unit_code": ONE_STOP,
        "applicant_kind": "citizen", "result_delivery": "counter",
    }  # fmt: skip
    accepted = {"code": "H99.01-X", "calendar": "VN@1", "limit": {"amount": 8, "unit": "working_days"}}
    return [
        intake.DossierSubmitted(applicant_version=1, **common),
        intake.DossierAccepted(appointment_at=datetime(2026, 10, 20, tzinfo=UTC), **accepted, **common),
    ]


async def test_the_inbox_uses_its_index(world: World) -> None:
    async with world.service.sessions.begin() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        await session.execute(text("SET LOCAL enable_bitmapscan = off"))
        given = {"agency_codes": [LAND, TAX], "statuses": sorted(OPEN), **journeys._beyond(None, 50)}
        sql = str(journeys._INBOX.params(given).compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(row[0] for row in await session.execute(text("EXPLAIN " + sql)))
    assert "Index Only Scan using leg_open" in plan
    assert plan.count("Sort Key") == 1, "only the few rows of the pages are sorted"
