"""The reports over REST: form 06, attribution, suspensions, the register; exact, as of a day, for whom they are."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest

from services.sla import handlers, repository
from services.sla.schemas.clocks import SuspensionAsk
from shared.auth import Principal, Role
from shared.events import Fact
from shared.events.intake import DossierStopped, DossierWithdrawn
from shared.events.workflow import LegCancelled, LegRefused, LegReturned, RouteCompleted
from shared.service import Service
from shared.timeline import Event
from tests.integration.sla.rows import clock
from tests.integration.sla.story import OFFICE, TAX, UNIT, Story, at, completed, offered, stand, tell
from tests.support import Databases, Holds, Issuer, World, world

GRANTED = RouteCompleted(outcome="granted")
OTHER = "H99.02"


async def get(
    town: World, path: str, *, role: str = "leader", agency: str | None = None, language: str = "vi"
) -> httpx.Response:
    token, headers = town.issuer.token(role, agency=agency), {"Accept-Language": language}
    return await town.call("sla", "GET", f"/v1/reports/{path}", token=token, headers=headers)


async def read(town: World, path: str, **given: Any) -> Any:
    answer = await get(town, path, **given)
    assert answer.status_code == 200, answer.text
    return answer.json()


def columns(row: dict[str, Any]) -> tuple[int, ...]:
    names = ("received", "online", "counter_post", "carried_over", "resolved", "early", "on_time", "late")
    return tuple(row[name] for name in (*names, "pending", "in_time", "overdue"))


async def live(service: Service) -> dict[str, Story]:
    """Let a service live through March: each dossier is due on the 8th working day after its reception."""
    kinds: dict[str, tuple[str, str, list[tuple[str, Fact]]]] = {
        "early": ("2 09:00", "online", [("10 10:00", GRANTED)]),
        "on time": ("2 09:30", "assisted", [("12 16:00", GRANTED)]),
        "late": ("3 09:00", "counter", [("17 10:00", GRANTED)]),
        "withdrawn late": ("3 10:00", "post", [("18 10:00", DossierWithdrawn(reason_code="x"))]),
        "stopped": ("10 09:00", "online", [("19 10:00", DossierStopped(reason_code="x"))]),
        "on a Saturday": ("7 09:00", "counter", [("14 10:00", RouteCompleted(outcome="not_granted"))]),
        "overdue": ("4 09:00", "online", []),
        "pending": ("18 09:00", "post", []),
    }
    stories: dict[str, Story] = {}
    said: list[Event] = []
    for name, (begun, channel, facts) in kinds.items():
        story = stories[name] = Story()
        story.begin(begun, channel=channel, unit=OTHER if name == "on a Saturday" else UNIT)
        for when, fact in facts:
            story.both(when, fact)
        said += story.events
    for day in range(2, 21):
        stand(service, f"{day} 20:00")
        today = [event for event in said if at(f"{day} 00:00") <= event.time < at(f"{day} 20:00")]
        await tell(service, sorted(today, key=lambda event: (event.time, event.seq)))
        async with service.sessions.begin() as session:
            await handlers.fire_timers(session, at(f"{day} 20:00"), lambda _, __: True)
    return stories


MARCH = "06?from=2026-03-01&to=2026-03-31"


async def test_form_06_of_a_month_is_exact_folded_or_not(town: World) -> None:
    service = town.service("sla")
    await live(service)
    fresh = await read(town, MARCH)
    async with service.sessions.begin() as session:
        assert await repository.fold(session) > 0
    report = await read(town, MARCH)
    assert report == fresh
    assert columns(report["total"]) == (8, 4, 4, 0, 6, 3, 1, 2, 2, 1, 1)
    assert {row["code"]: columns(row["figures"]) for row in report["rows"]} == {
        UNIT: (7, 4, 3, 0, 5, 2, 1, 2, 2, 1, 1),
        OTHER: (1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0),
    }
    total = report["total"]
    assert (total["early_percent"], total["online_percent"], total["assisted"]) == (50.0, 50.0, 1)
    assert (total["saturday_received"], total["saturday_resolved"]) == (1, 1)
    assert {row["section"] for row in report["rows"]} == {"Cấp xã"}
    assert report["rows"][0]["label"] == "Trung tâm Phục vụ hành chính công phường Mẫu An"
    assert report["corrections"] == []


async def test_what_is_carried_over_was_pending_the_day_before(town: World) -> None:
    await live(town.service("sla"))
    first = await read(town, "06?from=2026-03-01&to=2026-03-14")
    second = await read(town, "06?from=2026-03-15&to=2026-03-31")
    assert columns(first["total"]) == (7, 4, 3, 0, 3, 2, 1, 0, 4, 2, 2)
    assert second["total"]["carried_over"] == first["total"]["pending"]
    assert second["total"]["received"] - second["total"]["carried_over"] == 1


async def test_by_field_it_is_the_same_in_all(town: World) -> None:
    await live(town.service("sla"))
    by_field = await read(town, f"{MARCH}&by=field")
    assert [(row["code"], row["label"]) for row in by_field["rows"]] == [("dat-dai", "Đất đai")]
    assert by_field["total"] == (await read(town, MARCH))["total"]
    of_unit = await read(town, f"{MARCH}&by=field&agency={OTHER}")
    assert columns(of_unit["total"]) == (1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0)


async def test_what_ended_without_a_grant_may_count_as_on_time(town: World) -> None:
    await live(town.service("sla"))
    report = await read(town, f"{MARCH}&count_unfinished_as_on_time=true")
    assert columns(report["total"])[4:8] == (6, 1, 4, 1)
    assert any("đúng hạn" in note for note in report["notes"])


async def apologise(town: World, story: Story, new_due_on: str) -> None:
    """Let the receiving unit apologise and promise another day."""
    path, token = f"/v1/dossiers/{story.dossier_id}", town.issuer.token("officer", agency=UNIT)
    tag = (await town.call("sla", "GET", f"{path}/clock", token=token)).headers["ETag"]
    headers = {"If-Match": tag, "Idempotency-Key": str(uuid4())}
    body = {"reason": "Thiếu người thẩm định", "new_due_on": new_due_on}
    answer = await town.call("sla", "POST", f"{path}/apologies", token=token, json=body, headers=headers)
    assert answer.status_code == 201, answer.text


async def test_it_judges_by_the_law_or_by_the_day_promised_with_an_apology(town: World) -> None:
    service, story, waiting = town.service("sla"), Story(), Story()
    for one in (story, waiting):
        one.begin("2 09:00")
        await tell(service, one.events)
        stand(service, "9 09:00")
        await apologise(town, one, "2026-03-17")
    for day in ("12", "16"):
        stand(service, f"{day} 20:00")
        async with service.sessions.begin() as session:
            await handlers.fire_timers(session, at(f"{day} 20:00"), lambda _, __: True)
    story.both("16 10:00", GRANTED)
    await tell(service, story.events[-1:])
    by_law, renewed = await read(town, MARCH), await read(town, f"{MARCH}&judged_by=renewed")
    assert columns(by_law["total"])[4:] == (1, 0, 0, 1, 1, 0, 1)
    assert columns(renewed["total"])[4:] == (1, 1, 0, 0, 1, 1, 0)
    stand(service, "17 20:00")
    async with service.sessions.begin() as session:
        await handlers.fire_timers(session, at("17 20:00"), lambda _, __: True)
    assert columns((await read(town, f"{MARCH}&judged_by=renewed"))["total"])[4:] == (1, 1, 0, 0, 1, 0, 1)
    assert (await read(town, "06?from=2026-03-01&to=2026-03-16&judged_by=renewed"))["total"]["overdue"] == 0


async def test_a_print_of_a_past_day_stays_as_it_was_and_shows_what_became_known_since(town: World) -> None:
    service = town.service("sla")
    stories = await live(service)
    path = "06?from=2026-03-01&to=2026-03-15&known_until=2026-03-16"
    printed = await read(town, path)
    assert printed["corrections"] == []
    stand(service, "24 08:00")
    late = stories["overdue"]
    late.both("13 09:00", DossierWithdrawn(reason_code="x"))  # became known on the 24th only
    await tell(service, late.events[-1:])
    again = await read(town, path)
    (correction,) = again.pop("corrections")
    assert again == {name: value for name, value in printed.items() if name != "corrections"}
    now = (await read(town, "06?from=2026-03-01&to=2026-03-15"))["rows"][0]
    assert (correction["code"], correction["as_known_now"]) == (UNIT, now["figures"])
    assert correction["as_printed"] == printed["rows"][0]["figures"]
    assert now["figures"]["resolved"] == correction["as_printed"]["resolved"] + 1


async def test_an_agency_that_has_ended_keeps_its_name_and_level(town: World) -> None:
    story = Story()
    story.begin(unit="H99.71")
    await tell(town.service("sla"), story.events)
    report = await read(town, MARCH)
    assert report["rows"][0]["label"] == "Bộ phận Một cửa UBND huyện Mẫu Đước"
    assert report["rows"][0]["section"] == "Cấp huyện"


async def test_figures_that_do_not_add_up_are_never_printed(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await live(town.service("sla"))
    sums = repository.sums

    async def wrong(session: Any, asked: Any) -> Any:
        return [one._replace(n=5) if one.measure == "overdue" else one for one in await sums(session, asked)]

    monkeypatch.setattr("services.sla.repository.sums", wrong)
    answer = await get(town, MARCH)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


async def test_it_says_how_complete_it_is(town: World) -> None:
    service, story = town.service("sla"), Story()
    story.begin()
    story.say("3 09:00", offered(1, OFFICE))
    await service.inbox.apply([story.events[0], story.events[2]], trusted=True)  # the acceptance is missing
    report = await read(town, "06?from=2026-03-01&to=2027-01-31")
    assert (report["completeness"]["n_held"], report["completeness"]["n_parked"]) == (1, 0)
    assert report["completeness"]["provisional_from"] == "2027-01-01"
    assert len(report["notes"]) == 2


FILES = [("06", "bieu-06", "STT"), ("register", "so-theo-doi", "STT")]


@pytest.mark.parametrize(("report", "name", "head"), FILES)
async def test_a_report_is_also_a_file(town: World, report: str, name: str, head: str) -> None:
    await live(town.service("sla"))
    path = f"{report}?from=2026-03-01&to=2026-03-31"
    table = await get(town, f"{path}&format=csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == f'attachment; filename="{name}_2026-03-01_2026-03-31.csv"'
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert rows[0][0] == head
    sheet = await get(town, f"{path}&format=xlsx")
    assert zipfile.is_zipfile(io.BytesIO(sheet.content))


BEFORE_ITS_FORM = [
    ("register", "2019-01-05", "06/01/2019", "2019-01-06"),
    ("06", "2017-12-14", "15/12/2017", "2017-12-15"),
]


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
@pytest.mark.parametrize(("report", "day", "vi", "en"), BEFORE_ITS_FORM)
async def test_before_a_form_is_in_force_there_is_no_file_in_it_and_since_when_is_said(
    sla_town: World, report: str, day: str, vi: str, en: str, format_: str
) -> None:
    path = f"{report}?from={day}&to={day}"
    assert (await get(sla_town, path)).status_code == 200
    for language, since in (("vi", f"Mẫu có hiệu lực từ ngày {vi}"), ("en", f"The form is in force from {en} on")):
        refused = await get(sla_town, f"{path}&format={format_}", language=language)
        assert (refused.status_code, refused.json()["code"]) == (422, "no_form"), refused.text
        assert refused.json()["detail"].startswith(since)


# Who may ask what

WRONG = [
    ("06?from=2026-03-31&to=2026-03-01", "query/to", "before_from"),
    ("register?from=2026-03-31&to=2026-03-01", "query/to", "before_from"),
    ("register?from=2026-03-01&to=2026-03-31&after=x", "query/after", "cursor"),
    ("register?from=2026-03-01&to=2026-03-31&after=WzEsMl0=", "query/after", "cursor"),
    ("06?from=31/03/2026&to=2026-04-01", "query/from", None),
    ("06?to=2026-04-01", "query/from", None),
    ("06?from=2026-03-01&to=9999-12-31", "query/to", None),
    ("06?from=2026-03-01&to=2026-03-31&by=mood", "query/by", None),
    ("06?from=2026-03-01&to=2026-03-31&format=pdf", "query/format", None),
]


@pytest.mark.parametrize(("path", "pointer", "code"), WRONG)
async def test_a_wrong_question_is_told_what_is_wrong(
    sla_town: World, path: str, pointer: str, code: str | None
) -> None:
    answer = await get(sla_town, path)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert code is None or error["code"] == code


@pytest.fixture(scope="module")
async def sla_town(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    async with world(databases, issuer, services=("sla",), role="api", holds=Holds.ALL) as made:
        yield made


ROLES = [
    ("06", "leader", None, 200), ("06", "ops", None, 200), ("06", "portal", None, 403), ("06", "officer", UNIT, 200),
    ("register", "officer", UNIT, 200), ("attribution", "leader", None, 200), ("attribution", "officer", UNIT, 403),
    ("suspensions", "ops", None, 200), ("suspensions", "officer", UNIT, 403),
]  # fmt: skip


@pytest.mark.parametrize(("report", "role", "agency", "status"), ROLES)
async def test_reports_are_for_leaders_and_ops_and_partly_for_officers(
    sla_town: World, report: str, role: str, agency: str | None, status: int
) -> None:
    answer = await get(sla_town, f"{report}?from=2026-03-01&to=2026-03-31", role=role, agency=agency)
    assert answer.status_code == status


async def test_an_officer_gets_the_own_agencys_figures_only(town: World) -> None:
    await live(town.service("sla"))
    own = await read(town, MARCH, role="officer", agency=OTHER)
    assert [row["code"] for row in own["rows"]] == [OTHER]
    assert own["place_name"].startswith("Trung tâm Phục vụ hành chính công xã Mẫu Bình")
    refused = await get(town, f"{MARCH}&agency={UNIT}", role="officer", agency=OTHER)
    assert refused.status_code == 403
    page = await read(town, "register?from=2026-03-01&to=2026-03-31", role="officer", agency=OTHER)
    assert len(page["items"]) == 1


async def test_an_officer_gets_also_what_an_agency_received_that_the_own_one_succeeded(town: World) -> None:
    stories = [Story(), Story()]
    for story, unit in zip(stories, (UNIT, "H99.71"), strict=True):
        story.begin(unit=unit)
        await tell(town.service("sla"), story.events)
    officer = {"role": "officer", "agency": UNIT}
    own = await read(town, MARCH, **officer)
    assert own["place_name"] == "Trung tâm Phục vụ hành chính công phường Mẫu An"
    assert {row["code"]: row["label"] for row in own["rows"]} == {
        UNIT: "Trung tâm Phục vụ hành chính công phường Mẫu An",
        "H99.71": "Bộ phận Một cửa UBND huyện Mẫu Đước",
    }
    assert (await read(town, f"{MARCH}&by=field", **officer))["total"]["received"] == 2
    old = await read(town, f"{MARCH}&agency=H99.71", **officer)
    assert (old["place_name"], old["total"]["received"]) == ("Bộ phận Một cửa UBND huyện Mẫu Đước", 1)
    for agency, n in (("", 2), ("&agency=H99.71", 1), (f"&agency={UNIT}", 1)):
        page = await read(town, f"register?from=2026-03-01&to=2026-03-31{agency}", **officer)
        assert len(page["items"]) == n
    table = await get(town, "register?from=2026-03-01&to=2026-03-31&format=csv", **officer)
    assert "phường Mẫu An" in table.text
    refused = await get(town, f"{MARCH}&agency=H99.71", role="officer", agency=OTHER)
    assert refused.status_code == 403


async def test_a_register_that_nobody_would_read_is_refused_as_a_file(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(town.service("sla"))
    monkeypatch.setattr("services.sla.handlers.register.MOST_ROWS", 7)
    refused = await get(town, "register?from=2026-03-01&to=2026-03-31&format=csv")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "too_many")
    assert (await get(town, "register?from=2026-03-03&to=2026-03-31&format=csv")).status_code == 200


# Attribution


def chain() -> Story:
    """Return a dossier due on Thu 12 March 17:00 that ends late on Mon 16, in the hands of tax since Thu noon."""
    story = Story()
    story.begin("2 09:00")
    story.both("3 08:00", offered(1, OFFICE, minutes=900))
    story.both("4 15:00", completed(1), offered(2, OFFICE, minutes=450))
    story.both("6 10:00", LegReturned(leg_no=2, to_step_code="step-1", reason_code="x"), offered(3, OFFICE))
    story.both("9 09:00", LegRefused(leg_no=3, reason_code="x"), offered(4, UNIT, minutes=30))
    story.both("12 13:30", completed(4), offered(5, TAX, minutes=4500))
    story.both("16 09:00", completed(5), GRANTED)
    return story


async def test_the_minutes_of_all_holders_are_the_dossiers(town: World) -> None:
    service, story = town.service("sla"), chain()
    await tell(service, story.events)
    report = await read(town, "attribution?from=2026-03-16&to=2026-03-16")
    assert report["minutes"] == (await clock(service, story.dossier_id)).elapsed_minutes
    items = {item["agency_code"]: item for item in report["items"]}
    # after Thu 12 17:00: Fri 13 450 and Mon 16 7:30–9:00 90, all by tax
    assert {code: (item["late_minutes"], item["late_share"]) for code, item in items.items()} == {
        UNIT: (0, 0.0), OFFICE: (0, 0.0), TAX: (540, 100.0),
    }  # fmt: skip
    assert (items[TAX]["completed"], items[TAX]["early"], items[TAX]["n_late"]) == (1, 1, 1)
    assert items[TAX]["name"] == "Thuế cơ sở số 1 tỉnh Mẫu"


async def test_legs_are_judged_by_their_own_deadline(town: World) -> None:
    await tell(town.service("sla"), chain().events)
    items = {i["agency_code"]: i for i in (await read(town, "attribution?from=2026-03-01&to=2026-03-31"))["items"]}
    office = items[OFFICE]
    # 900 minutes from Tue 3 8:00: 420 on Tue, 450 on Wed, 30 on Thu: done on Wed, early
    assert tuple(office[n] for n in ("completed", "early", "on_time", "late", "returned", "refused")) == (
        1,
        1,
        0,
        0,
        1,
        1,
    )
    # Tue 3 8:00 – Wed 4 15:00 750, Wed 4 15:00 – Fri 6 10:00 720
    assert (office["median_minutes"], office["p90_minutes"]) == (735.0, 747.0)
    assert (items[UNIT]["late"], items[UNIT]["completed"]) == (1, 1)
    of_other = await read(town, f"attribution?from=2026-03-01&to=2026-03-31&agency={OTHER}")
    assert of_other["items"] == []


async def test_a_hand_off_that_becomes_known_after_the_end_changes_who_held_it(town: World) -> None:
    service, story = town.service("sla"), Story()
    story.begin("2 09:00")
    story.both("3 08:00", offered(1, OFFICE))
    story.say("5 10:00", completed(1))
    story.say("5 10:00", offered(2, TAX))
    story.say("9 10:00", DossierWithdrawn(reason_code="x"))  # intake has not heard of the hand-off
    story.say("9 11:00", LegCancelled(leg_no=2, reason_code="withdrawn"))
    crossed, withdrawn = [*story.events[3:5], story.events[6]], story.events[5]
    await tell(service, [*story.events[:3], withdrawn])
    before = await read(town, "attribution?from=2026-03-01&to=2026-03-31")
    await tell(service, crossed)
    after = await read(town, "attribution?from=2026-03-01&to=2026-03-31")
    assert before["minutes"] == after["minutes"]
    assert [i["agency_code"] for i in before["items"] if i["minutes"]] == [UNIT, OFFICE]
    assert {i["agency_code"] for i in after["items"] if i["minutes"]} == {UNIT, OFFICE, TAX}


# The inspection of 2022: 1,956 dossiers suspended, in the hands of four agencies

INSPECTION = {"H99.71.TNMT": 839, "H99.71.CNVPDK": 764, "H99.71.CCT": 333, "H99.71.KTHT": 20}
T = TypeVar("T")


def in_portions(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield as many things at a time as a transaction may do."""
    yield from (things[first : first + 100] for first in range(0, len(things), 100))


async def test_the_suspensions_of_the_inspection_are_refused_and_counted_by_agency(town: World) -> None:
    service, story = town.service("sla"), Story()
    stand(service, "4 08:00")
    story.begin()
    story.both("3 08:00", *(offered(n, agency) for n, agency in enumerate(INSPECTION, start=1)))
    await tell(service, story.events)
    asks = [SuspensionAsk(), SuspensionAsk(ground="surveying"), SuspensionAsk(ground="tam-dung", document_no="1")]
    for agency, n in INSPECTION.items():
        by = Principal("officer", frozenset({Role.OFFICER}), agency)
        for numbers in in_portions(range(n)):
            async with service.sessions.begin() as session:
                for number in numbers:
                    ask = asks[number % len(asks)]
                    with pytest.raises(handlers.UnlawfulSuspension) as refused:
                        await handlers.open_suspension(session, story.dossier_id, ask, 1, by)
                    await handlers.note_refusal(session, story.dossier_id, ask, refused.value, by)
    report = await read(town, "suspensions?from=2026-03-01&to=2026-03-31")
    assert {row["agency_code"]: row["n"] for row in report["refused"]} == INSPECTION
    assert (report["n_refused"], report["n_opened"]) == (1956, 0)
    land = next(row for row in report["refused"] if row["agency_code"] == "H99.71.TNMT")
    assert land["reasons"] == {"no_ground": 280, "no_document": 280, "unknown_ground": 279}


async def test_the_same_with_a_listed_ground_in_force_and_its_document_are_accepted(town: World) -> None:
    service = town.service("sla")
    stand(service, "4 08:00")
    for agency, n in INSPECTION.items():
        by = Principal("officer", frozenset({Role.OFFICER}), agency)
        for stories in in_portions([Story() for _ in range(n)]):
            for story in stories:
                story.begin()
                story.both("3 08:00", offered(1, agency))
            await tell(service, [event for story in stories for event in story.events])
            async with service.sessions.begin() as session:
                for story in stories:
                    ask = SuspensionAsk(ground="public_posting", document_no="12/TB-UBND")
                    await handlers.open_suspension(session, story.dossier_id, ask, 1, by)
    report = await read(town, "suspensions?from=2026-03-01&to=2026-03-31")
    assert {row["agency_code"]: row["opened"] for row in report["items"]} == INSPECTION
    assert (report["n_opened"], report["n_open"], report["n_refused"]) == (1956, 1956, 0)


async def test_suspensions_of_legs_and_supplements_are_their_agencies(town: World) -> None:
    service, story = town.service("sla"), Story()
    story.begin("2 09:00")
    story.both("6 10:00", offered(1, TAX, "tax_determination"))
    story.both("10 15:00", completed(1))
    await tell(service, story.events)
    (row,) = (await read(town, "suspensions?from=2026-03-01&to=2026-03-31"))["items"]
    # Fri 6 10:00–17:00 300, Mon 9 450, Tue 10 7:30–15:00 330
    assert (row["agency_code"], row["opened"], row["open"], row["minutes"]) == (TAX, 1, 0, 1080)
    before = await read(town, "suspensions?from=2026-03-07&to=2026-03-08")
    assert [(one["opened"], one["open"]) for one in before["items"]] == [(0, 1)]


async def test_suspensions_are_told_of_the_dossiers_that_one_unit_received(town: World) -> None:
    service, stories = town.service("sla"), [Story(), Story()]
    by = Principal("officer", frozenset({Role.OFFICER}), OFFICE)
    stand(service, "9 08:00")
    for story, unit in zip(stories, (UNIT, OTHER), strict=True):
        story.begin("2 09:00", unit=unit)
        story.both("6 10:00", offered(1, TAX, "tax_determination"), offered(2, OFFICE))
        await tell(service, story.events)
        async with service.sessions.begin() as session:
            with pytest.raises(handlers.UnlawfulSuspension) as refused:
                await handlers.open_suspension(session, story.dossier_id, SuspensionAsk(), 2, by)
            await handlers.note_refusal(session, story.dossier_id, SuspensionAsk(), refused.value, by)
    for agency, n in (("", 2), (f"&agency={UNIT}", 1), (f"&agency={OTHER}", 1), ("&agency=H99.71", 0)):
        report = await read(town, f"suspensions?from=2026-03-01&to=2026-03-31{agency}")
        assert (report["n_opened"], report["n_open"], report["n_refused"]) == (n, n, n)


# The register


async def test_the_register_comes_in_pages_and_names_nobody(town: World) -> None:
    stories = await live(town.service("sla"))
    path, after, seen = "register?from=2026-03-01&to=2026-03-31&limit=3", "", []
    while after is not None:
        page = await read(town, f"{path}&after={after}" if after else path)
        seen += page["items"]
        after = page["next"]
    assert [len(seen), len({row["dossier_id"] for row in seen})] == [8, 8]
    assert [row["received_at"] for row in seen] == sorted(row["received_at"] for row in seen)
    first = seen[0]
    assert first["dossier_id"] == str(stories["early"].dossier_id)
    assert (first["status"], first["verdict"], first["dossier_code"]) == ("finished", "early", "H99.01-260302-0001")
    assert first["procedure_name"].startswith("Đăng ký biến động")
