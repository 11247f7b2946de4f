"""Dossiers paid online: counted from the payments that were recorded, as of any day, once; the clock hears nothing."""

import csv
import io
from datetime import date
from typing import Any

from sqlalchemy import text

from services.sla import handlers, repository
from shared.events.intake import PaymentRecorded
from shared.events.workflow import RouteCompleted
from shared.replay import _derive_in
from shared.service import Service
from tests.integration.sla.rows import clock, counted, said, stored
from tests.integration.sla.story import OFFICE, UNIT, Story, at, completed, offered, tell
from tests.integration.sla.test_history import linear_extensions
from tests.integration.sla.test_reports import OTHER
from tests.integration.sla.test_scorecards import enter, get, part, read
from tests.simulation.memory import MemoryHead
from tests.support import World

MARCH = "from=2026-03-01&to=2026-03-31"


def paid(method: str, notice_no: str = "TB-1") -> PaymentRecorded:
    return PaymentRecorded(notice_no=notice_no, amount=1_500_000, paid_at=at("3 08:00"), method=method)


def story_of(*payments: tuple[str, str], unit: str = UNIT) -> Story:
    """Return a dossier received on Mon 2 March with payments: when each was recorded, and how it was made."""
    story = Story()
    story.begin(unit=unit)
    for no, (when, method) in enumerate(payments, 1):
        story.both(when, paid(method, f"TB-{no}"))
    return story


async def paid_online(town: World, period: str, code: str | None = None) -> dict[str, Any]:
    """Return part 5.1 of a unit, or of all."""
    report = await read(town, f"reports/index-766?{period}")
    scores = next((one for one in report["items"] if one["agency_code"] == code), report["total"])
    return part(scores, "5.1")


async def fold(service: Service) -> int:
    async with service.sessions.begin() as session:
        return await repository.fold(session)


FORMS = (
    *(f"{name}?{MARCH}{rest}" for name in ("06", "online", "saturday", "register") for rest in ("", f"&agency={UNIT}")),
    f"06?{MARCH}&by=field",
    "06?from=2026-03-10&to=2026-03-31",
    "06?from=2026-04-01&to=2026-04-30",
)
"""What payments must not be in."""


async def forms(town: World) -> list[Any]:
    return [await read(town, f"reports/{path}") for path in FORMS]


async def test_a_dossier_counts_once_for_the_unit_that_received_it(town: World) -> None:
    service = town.service("sla")
    stories = [
        story_of(("4 09:00", "portal"), ("7 09:00", "portal")),
        story_of(("5 09:00", "bank")),
        story_of(("6 09:00", "bank"), ("6 10:00", "portal")),
        story_of(("9 09:00", "counter"), unit=OTHER),
        story_of(),
    ]
    await tell(service, [event for story in stories for event in story.events[:2]])
    before = await forms(town)
    await tell(service, [event for story in stories for event in story.events[2:]])
    for _ in range(2):
        # 2 of 3: 10 × 66.67/80 = 8.33
        of_unit = {"code": "5.1", "counts": {"portal": 2, "bank": 1}, "average": 200 / 3, "points": 8.33}
        assert await paid_online(town, MARCH, UNIT) == of_unit
        assert (await paid_online(town, MARCH, OTHER))["points"] == 0.0
        assert (await paid_online(town, MARCH))["counts"] == {"portal": 2, "bank": 1, "counter": 1}
        assert (await paid_online(town, "from=2026-03-05&to=2026-03-05"))["counts"] == {"bank": 1}
        assert (await paid_online(town, "from=2026-03-10&to=2026-05-31"))["counts"] == {}
        assert await forms(town) == before
        await fold(service)


async def test_a_later_payment_changes_no_print_of_before(town: World) -> None:
    service = town.service("sla")
    story = story_of(("10 09:00", "bank"), ("12 09:00", "portal"))
    await tell(service, story.events)
    for _ in range(2):
        assert (await paid_online(town, f"{MARCH}&known_until=2026-03-09"))["counts"] == {}
        assert (await paid_online(town, f"{MARCH}&known_until=2026-03-11"))["counts"] == {"bank": 1}
        assert (await paid_online(town, f"{MARCH}&known_until=2026-03-12"))["counts"] == {"portal": 1}
        assert (await paid_online(town, "from=2026-03-12&to=2026-03-12"))["counts"] == {}
        await fold(service)


async def test_what_is_counted_is_not_entered_but_before_2026_it_was(town: World) -> None:
    refused = await enter(town, part_code="5.1", counts={"portal": 1})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "counted")
    before: dict[str, Any] = {"from": "2025-03-01", "to": "2025-03-31", "counts": {"yes": 1, "no": 3}}
    assert (await enter(town, part_code="5.1", **before)).status_code == 201
    assert (await paid_online(town, "from=2025-03-01&to=2025-03-31"))["counts"] == {"yes": 1, "no": 3}


async def test_it_is_a_column_of_the_file(town: World) -> None:
    await tell(town.service("sla"), story_of(("4 09:00", "portal")).events)
    table = await get(town, f"reports/index-766?{MARCH}&format=csv")
    heads, row, *_ = csv.reader(io.StringIO(table.content.decode("utf-8-sig")))
    assert [value for head, value in zip(heads, row, strict=True) if head.startswith("5.1")] == ["10.00"]


async def test_the_clock_hears_nothing_of_a_payment(sla: Service) -> None:
    story = story_of()
    story.both("3 08:00", offered(1, OFFICE))
    await tell(sla, story.events)
    facts, rows = await said(sla, story.dossier_id), await stored(sla, story.dossier_id)
    story.both("4 09:00", paid("portal"))
    await tell(sla, story.events[-1:])
    after = await stored(sla, story.dossier_id)
    assert [row["kind"] for row in after.pop("fact") if row not in rows["fact"]] == ["paid"]
    assert after == {name: found for name, found in rows.items() if name != "fact"}
    assert await said(sla, story.dossier_id) == facts
    story.both("5 09:00", completed(1), RouteCompleted(outcome="granted"))
    story.both("6 09:00", paid("portal", "TB-2"))  # after the end it is none the less paid
    await tell(sla, story.events[-3:])
    assert (await clock(sla, story.dossier_id)).version == 2
    assert [row[:3] for row in await counted(sla, story.dossier_id) if row[1] == "paid"] == [
        (date(2026, 3, 4), "paid", "portal")
    ]


async def entries_of(service: Service, story: Story) -> list[tuple[Any, ...]]:
    query = text("""
        SELECT counts_on, known_on, measure, verdict, sum(n) FROM entry WHERE dossier_id = :id AND measure = 'paid'
        GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0 ORDER BY 1, 2, 3, 4
    """)
    async with service.sessions() as session:
        return [tuple(row) for row in await session.execute(query, {"id": story.dossier_id})]


def crossing() -> Story:
    """Return a history in which intake and workflow do not hear of each other, with a payment said twice."""
    story = Story()
    story.begin()
    story.both("3 08:00", offered(1, None, "financial_obligation"))
    story.say("4 09:00", paid("bank"))
    story.say("4 15:00", completed(1))
    story.say("5 09:00", paid("portal", "TB-2"))
    story.say("9 09:00", offered(2, OFFICE))
    story.say("10 09:00", paid("bank"))
    return story


async def test_in_any_order_and_any_number_of_times_it_is_the_same(sla: Service) -> None:
    found, model = [], crossing()
    for order in linear_extensions(model.events, MemoryHead(model.dossier_id)):
        story = crossing()
        twins = {(event.source, event.seq): event for event in story.events}
        for event in order:
            await tell(sla, [twins[event.source, event.seq]])
            assert await sla.inbox.apply([twins[event.source, event.seq]], trusted=True) == 0
        found.append(await entries_of(sla, story))
    assert len(found) == 10
    assert all(one == found[0] for one in found)
    assert [(row[0].day, row[1].day, *row[2:]) for row in found[0]] == [
        (4, 4, "paid", "bank", 1), (4, 5, "paid", "bank", -1), (4, 5, "paid", "bank portal", 1),
    ]  # fmt: skip


async def forget(service: Service, story: Story) -> None:
    async with service.sessions.begin() as session:
        await handlers.forget(session, story.dossier_id)


async def derive(service: Service, story: Story) -> None:
    facts = {(event.source, event.seq): event for event in story.events}
    async with service.sessions.begin() as session:
        await _derive_in(session, service, story.dossier_id, facts)


async def test_a_rebuild_counts_it_anew_of_the_same_days(sla: Service) -> None:
    """Also what came after later facts of the other source, and what was ignored by a version of before."""
    story = crossing()
    payments = [event for event in story.events if event.type == PaymentRecorded.type_name()]
    for event in [*(event for event in story.events if event not in payments), *payments]:
        await tell(sla, [event])
    entries, facts = await entries_of(sla, story), (await stored(sla, story.dossier_id))["fact"]
    assert len(entries) == 3
    await forget(sla, story)
    assert await entries_of(sla, story) == []
    await derive(sla, story)
    assert (await entries_of(sla, story), (await stored(sla, story.dossier_id))["fact"]) == (entries, facts)
    async with sla.sessions.begin() as session:
        await session.execute(text("DELETE FROM fact WHERE kind = 'paid'"))
        await session.execute(text("DELETE FROM entry WHERE measure = 'paid'"))
    await forget(sla, story)
    await derive(sla, story)
    assert (await entries_of(sla, story), (await stored(sla, story.dossier_id))["fact"]) == (entries, facts)
