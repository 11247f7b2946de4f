"""Index 766, the scoring of agencies and officers, and what people enter for them, over REST."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.sla import repository
from shared.events.intake import SupplementReceived, SupplementRequested
from shared.events.workflow import LegAcknowledged, LegAssigned, RouteCompleted
from tests.integration.sla.story import OFFICE, TAX, UNIT, Story, completed, offered, stand, tell
from tests.integration.sla.test_reports import OTHER, live
from tests.support import Databases, Holds, Issuer, World, world

MARCH = "from=2026-03-01&to=2026-03-31"
GRANTED = RouteCompleted(outcome="granted")


@pytest.fixture(scope="module")
async def sla_town(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    async with world(databases, issuer, services=("sla",), role="api", holds=Holds.ALL) as made:
        yield made


async def get(town: World, path: str, *, role: str = "leader", agency: str | None = None) -> httpx.Response:
    return await town.call("sla", "GET", f"/v1/{path}", token=town.issuer.token(role, agency=agency))


async def read(town: World, path: str, **given: Any) -> Any:
    answer = await get(town, path, **given)
    assert answer.status_code == 200, answer.text
    return answer.json()


COUNT = {
    "scorecard_code": "index-766", "part_code": "1.4", "agency_code": UNIT, "from": "2026-03-01", "to": "2026-03-31",
    "counts": {"yes": 3, "no": 1}, "document_no": "12/BC-TTPVHCC",
}  # fmt: skip


async def enter(town: World, *, role: str = "ops", **given: Any) -> httpx.Response:
    headers = {"Idempotency-Key": str(uuid4())}
    token = town.issuer.token(role, agency=UNIT if role == "officer" else None)
    return await town.call("sla", "POST", "/v1/entered-counts", token=token, json={**COUNT, **given}, headers=headers)


def part(scores: dict[str, Any], code: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in scores["parts"] if one["code"] == code)
    return found


async def test_the_index_counts_what_sla_knows_and_takes_the_rest_from_people(town: World) -> None:
    await live(town.service("sla"))
    answer = await enter(town)
    assert answer.status_code == 201, answer.text
    report = await read(town, f"reports/index-766?{MARCH}")
    unit, other = report["items"]
    assert (unit["agency_code"], other["agency_code"]) == (UNIT, OTHER)
    assert part(unit, "2.1")["counts"] == {"early": 2, "on_time": 1, "late": 2}
    assert part(unit, "2.1")["points"] == 15.0  # 20 × 60/80
    # online 4 of 7, the target is 50 %: all of 12, times the 75 % that are on the portal
    assert part(unit, "3.1") == {"code": "3.1", "counts": {"online": 3, "assisted": 1, "counter": 1, "post": 2},
                                 "average": pytest.approx(57.14, abs=0.01), "points": 9.0}  # fmt: skip
    assert part(unit, "1.4")["points"] == 5.63  # 6 × 75/80 = 5.625, half up
    assert (unit["points"], unit["known_max"], unit["grade"], unit["rank"]) == (29.63, 38.0, None, 1)
    assert part(other, "3.1")["points"] is None
    assert part(report["total"], "2.1")["counts"] == {"early": 3, "on_time": 1, "late": 2}
    assert report["scorecard"]["max_points"] == 100
    assert any("766/QĐ-TTg" in note for note in report["notes"])
    assert any("Chưa đủ số liệu" in note for note in report["notes"])


async def test_a_dossier_with_two_supplement_requests_is_late_in_the_index_only(town: World) -> None:
    service, story = town.service("sla"), Story()
    story.begin("2 09:00")
    for no, day in ((1, 3), (2, 5)):
        story.both(
            f"{day} 09:00", SupplementRequested(request_no=no, stage="processing", ground="x", component_codes=["GCN"])
        )
        story.both(f"{day} 10:00", SupplementReceived(request_no=no))
    story.both("6 10:00", GRANTED)
    await tell(service, story.events)
    report = await read(town, f"reports/index-766?{MARCH}")
    assert part(report["total"], "2.1")["counts"] == {"late": 1}
    form = await read(town, f"reports/06?{MARCH}")
    assert (form["total"]["early"], form["total"]["late"]) == (1, 0)
    async with service.sessions.begin() as session:
        assert await repository.fold(session) > 0
    assert part((await read(town, f"reports/index-766?{MARCH}"))["total"], "2.1")["counts"] == {"late": 1}
    assert (await read(town, f"reports/06?{MARCH}"))["total"] == form["total"]


async def test_a_correction_counts_from_the_day_it_was_entered(town: World) -> None:
    service = town.service("sla")
    stand(service, "10 09:00")
    assert (await enter(town)).status_code == 201
    stand(service, "12 09:00")
    assert (await enter(town, counts={"yes": 1, "no": 3})).status_code == 201
    now = await read(town, f"reports/index-766?{MARCH}")
    then = await read(town, f"reports/index-766?{MARCH}&known_until=2026-03-11")
    assert part(now["items"][0], "1.4")["counts"] == {"yes": 1, "no": 3}
    assert part(then["items"][0], "1.4")["counts"] == {"yes": 3, "no": 1}
    page = await read(town, "entered-counts?scorecard_code=index-766&limit=1")
    assert page["items"][0]["counts"] == {"yes": 3, "no": 1}
    rest = await read(town, f"entered-counts?scorecard_code=index-766&limit=1&after={page['next']}")
    assert (rest["items"][0]["counts"], rest["next"]) == ({"yes": 1, "no": 3}, None)


async def test_counts_of_months_add_up_to_those_of_a_quarter_and_never_overlap(town: World) -> None:
    assert (await enter(town)).status_code == 201
    february: dict[str, Any] = {"from": "2026-02-01", "to": "2026-02-28", "counts": {"yes": 1, "no": 1}}
    assert (await enter(town, **february)).status_code == 201
    quarter = await read(town, "reports/index-766?from=2026-01-01&to=2026-03-31")
    assert part(quarter["items"][0], "1.4")["counts"] == {"yes": 4, "no": 2}
    refused = await enter(town, **{"from": "2026-03-15", "to": "2026-04-14"})
    assert (refused.status_code, refused.json()["code"]) == (409, "overlapping_count")
    assert (refused.json()["from"], refused.json()["to"]) == ("2026-03-01", "2026-03-31")
    assert (await enter(town, part_code="1.1", **{"from": "2026-03-15", "to": "2026-04-14"})).status_code == 201


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"scorecard_code": "none"}, "/scorecard_code"),
    ({"from": "2019-01-01", "to": "2019-01-31"}, "/scorecard_code"),  # not in force then
    ({"part_code": "9.9"}, "/part_code"),
    ({"part_code": "2.1", "counts": {"late": 0, "early": 1}}, "/part_code"),  # that one is counted here
    ({"part_code": "5.1", "counts": {"portal": 1}}, "/part_code"),
    ({"agency_code": "H00"}, "/agency_code"),
    ({"officer": "cb-01"}, "/officer"),
    ({"counts": {"maybe": 1}}, "/counts"),
    ({"counts": {"yes": 0}}, "/counts"),
    ({"counts": {"yes": -1}}, "/counts/yes"),
    ({"counts": {"yes": 1.5}}, "/counts/yes"),
    ({"counts": {}}, "/counts"),
    ({"from": "2026-04-01"}, "/to"),
    ({"document_no": " "}, "/document_no"),
]


@pytest.mark.parametrize(("given", "pointer"), WRONG)
async def test_a_wrong_count_is_told_what_is_wrong(sla_town: World, given: dict[str, Any], pointer: str) -> None:
    answer = await enter(sla_town, **given)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


ROLES = [
    ("reports/index-766", "officer", UNIT, 200), ("reports/index-766", "portal", None, 403),
    ("reports/scoring", "leader", None, 200), ("reports/scoring", "officer", UNIT, 403),
    ("reports/online", "officer", UNIT, 200), ("reports/saturday", "leader", None, 200),
]  # fmt: skip


@pytest.mark.parametrize(("path", "role", "agency", "status"), ROLES)
async def test_who_may_see_what(sla_town: World, path: str, role: str, agency: str | None, status: int) -> None:
    assert (await get(sla_town, f"{path}?{MARCH}", role=role, agency=agency)).status_code == status


async def test_only_leaders_and_ops_enter_counts(sla_town: World) -> None:
    assert (await enter(sla_town, role="officer")).status_code == 403


async def test_before_there_was_a_scorecard_there_are_no_points(sla_town: World) -> None:
    answer = await get(sla_town, "reports/index-766?from=2021-01-01&to=2021-12-31")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "no_scorecard")
    cards = (await read(sla_town, "scorecards"))["items"]
    assert [(card["code"], card["version"]) for card in cards] == [
        ("index-766", 1), ("index-766", 2), ("scoring-agency", 1), ("scoring-officer", 1),
    ]  # fmt: skip
    assert [card["parts"][13]["counts"] for card in cards[:2]] == [None, "payment_method"]
    assert cards[0]["parts"][4]["outcomes"] == ["early", "on_time", "late"]


# Agencies and officers


def worked() -> Story:
    """Return a dossier due on Thu 12 March that ends late on Mon 16: the land officer in time, tax too late."""
    story = Story()
    story.begin("2 09:00")
    story.both("3 08:00", SupplementRequested(request_no=1, stage="processing", ground="x", component_codes=["GCN"]))
    story.both("3 08:00", SupplementReceived(request_no=1))
    story.both("3 08:00", offered(1, OFFICE, minutes=900))
    story.both("3 09:00", LegAcknowledged(leg_no=1, officer="cb-dat-01"), LegAssigned(leg_no=1, officer="cb-dat-02"))
    story.both("3 15:00", completed(1), offered(2, TAX, minutes=450))
    story.both("4 08:00", LegAcknowledged(leg_no=2, officer="cb-thue-01"))
    story.both("16 09:00", completed(2), GRANTED)
    return story


async def test_agencies_and_officers_are_marked_for_what_they_had_in_hand(town: World) -> None:
    await tell(town.service("sla"), worked().events)
    agencies = {row["agency_code"]: row for row in (await read(town, f"reports/scoring?{MARCH}"))["items"]}
    assert set(agencies) == {UNIT, OFFICE, TAX}
    points = {code: [one["points"] for one in row["parts"][:3]] for code, row in agencies.items()}
    assert points[OFFICE] == [0.0, 2.0, 1.0]  # the dossier was late, its leg early; one request
    assert points[TAX] == [0.0, 0.0, 1.0]
    assert points[UNIT] == [0.0, None, 1.0]
    assert (agencies[OFFICE]["rank"], agencies[OFFICE]["grade"]) == (1, None)
    officers = (await read(town, f"reports/scoring?{MARCH}&of=officer"))["items"]
    marked = {(row["officer"], row["agency_code"], row["points"], row["rank"]) for row in officers}
    assert marked == {("cb-dat-02", OFFICE, 3.0, 1), ("cb-thue-01", TAX, 1.0, 2)}


async def test_an_officer_with_all_marks_is_graded(town: World) -> None:
    await tell(town.service("sla"), worked().events)
    given = {"scorecard_code": "scoring-officer", "agency_code": OFFICE, "officer": "cb-dat-02"}
    for code, counts in (("4", {"2": 3}), ("7", {"2": 1, "1": 1})):
        assert (await enter(town, part_code=code, counts=counts, **given)).status_code == 201
    rows = await read(town, f"reports/scoring?{MARCH}&of=officer&agency={OFFICE}")
    (row,) = rows["items"]
    assert (row["points"], row["grade"]) == (6.5, "Hoàn thành 100% nhiệm vụ")  # 0 + 2 + 1 + 2 + 1.5


async def test_online_and_saturday_are_the_figures_of_form_06_from_another_side(town: World) -> None:
    await live(town.service("sla"))
    online = await read(town, f"reports/online?{MARCH}")
    assert online["total"] == {
        "received": 8, "online": 4, "self_filed": 3, "assisted": 1, "counter_post": 4, "online_percent": 50.0,
        "self_filed_percent": 37.5,
    }  # fmt: skip
    by_field = await read(town, f"reports/online?{MARCH}&by=field&known_until=2026-03-03")
    assert [(row["code"], row["figures"]["received"]) for row in by_field["rows"]] == [("dat-dai", 4)]
    assert by_field["corrected"] == ["dat-dai"]
    saturday = await read(town, f"reports/saturday?{MARCH}")
    assert saturday["total"] == {
        "received": 8, "received_on_saturday": 1, "resolved": 6, "resolved_on_saturday": 1, "received_percent": 12.5,
        "resolved_percent": 16.67,
    }  # fmt: skip


FILES = [
    ("online", "truc-tuyen"), ("saturday", "thu-bay"), ("index-766", "bo-chi-so-766"),
    ("scoring", "cham-diem-agency"), ("scoring", "cham-diem-officer"),
]  # fmt: skip


@pytest.mark.parametrize(("report", "name"), FILES)
async def test_each_is_also_a_file(town: World, report: str, name: str) -> None:
    await live(town.service("sla"))
    path = f"reports/{report}?{MARCH}" + ("&of=officer" if name.endswith("officer") else "")
    table = await get(town, f"{path}&format=csv")
    assert table.headers["content-disposition"] == f'attachment; filename="{name}_2026-03-01_2026-03-31.csv"'
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert rows[0][0] == "STT"
    assert len({len(row) for row in rows}) == 1
    sheet = await get(town, f"{path}&format=xlsx")
    assert zipfile.is_zipfile(io.BytesIO(sheet.content))
