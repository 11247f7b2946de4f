"""Entries on PostgreSQL: what a history counts for, folded or not, corrected, taken out and put in again."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.sla import handlers, repository
from services.sla.domain.figures import Judging, figures
from services.sla.models import JournalEntry
from services.sla.repository import Asked
from shared.events.intake import DossierReopened, DossierWithdrawn
from shared.events.workflow import RouteCompleted
from shared.replay import _derive_in
from shared.service import Service
from tests.integration.sla.rows import counted, stored
from tests.integration.sla.story import OFFICE, TAX, Story, at, completed, offered, sla_on, stand, tell
from tests.support import Databases

GRANTED = RouteCompleted(outcome="granted")


def march(day: int) -> date:
    return date(2026, 3, day)


@pytest.fixture
async def empty(databases: Databases) -> AsyncIterator[Service]:
    """Sla on a database of its own: its sums are those of the test."""
    async with sla_on(databases) as service:
        yield service


async def fold_all(service: Service) -> int:
    n = 0
    while True:
        async with service.sessions.begin() as session:
            taken = await repository.fold(session)
        if not taken:
            return n
        n += taken


async def fire(service: Service, now: str) -> None:
    async with service.sessions.begin() as session:
        await handlers.fire_timers(session, at(now), lambda _, __: True)


async def summed(service: Service, asked: Asked) -> dict[str, tuple[int, ...]]:
    """Return by code: online, counter and post, carried over, early, on time, late, in time, overdue."""
    async with service.sessions() as session:
        found = figures(await repository.sums(session, asked), Judging())
    return {
        code: (c.online, c.counter_post, c.carried_over, c.early, c.on_time, c.late, c.in_time, c.overdue)
        for code, c in ((code, one.counts) for code, one in found.items())
    }


def late_dossier() -> Story:
    """Return a dossier that is due on Thu 12 March 17:00 and granted on Mon 16."""
    story = Story()
    story.begin()
    story.both("3 08:00", offered(1, OFFICE))
    story.both("16 09:00", completed(1), GRANTED)
    return story


async def lived(service: Service) -> Story:
    """Let a service live through the late dossier, day by day."""
    story = late_dossier()
    stand(service, "3 08:01")
    await tell(service, story.events[:-2])
    stand(service, "12 17:01")
    await fire(service, "12 17:01")
    stand(service, "16 09:01")
    await tell(service, story.events[-2:])
    return story


async def test_a_history_counts_for_its_days(empty: Service) -> None:
    story = await lived(empty)
    assert await counted(empty, story.dossier_id) == [
        (march(2), "received", "", "", "", "online", 1),
        (march(12), "overdue", "", "", "", "online", 1),
        (march(16), "overdue", "", "", "", "online", -1),
        (march(16), "resolved", "late", "granted", "", "online", 1),
    ]


async def test_filed_online_by_an_officer_is_counted_apart(sla: Service) -> None:
    story = Story()
    story.begin(channel="assisted")
    await tell(sla, story.events)
    assert await counted(sla, story.dossier_id) == [(march(2), "received", "", "", "", "assisted", 1)]


async def test_a_result_reopened_takes_its_entries_back(sla: Service) -> None:
    story = Story()
    story.begin()
    story.both("9 10:00", GRANTED)
    story.both("10 10:00", DossierReopened(reason_code="wrong-name"))
    await tell(sla, story.events)
    assert await counted(sla, story.dossier_id) == [(march(2), "received", "", "", "", "online", 1)]
    assert (await stored(sla, story.dossier_id))["holding"] == []


async def test_what_is_folded_and_what_is_not_add_up_at_once(empty: Service) -> None:
    period = Asked(march(1), march(12))
    for story in (late_dossier(), late_dossier()):
        await tell(empty, story.events)
    before = await summed(empty, period)
    assert before == {"H99.01": (2, 0, 0, 0, 0, 0, 0, 2)}
    assert await fold_all(empty) == 8
    assert await summed(empty, period) == before
    third = late_dossier()
    await tell(empty, third.events)
    assert await summed(empty, period) == {"H99.01": (3, 0, 0, 0, 0, 0, 0, 3)}
    assert await summed(empty, Asked(march(13), date(2026, 4, 30))) == {"H99.01": (0, 0, 3, 0, 0, 3, 0, 0)}


async def test_several_workers_fold_each_entry_once(empty: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.sla.repository.entries.FOLD_SIZE", 7)
    await fill(empty, random.Random(1), 300)
    before = await summed(empty, Asked(date(2026, 2, 10), date(2026, 4, 20)))
    assert sum(await asyncio.gather(*(fold_all(empty) for _ in range(4)))) == 300
    assert await summed(empty, Asked(date(2026, 2, 10), date(2026, 4, 20))) == before


async def test_a_rebuild_takes_a_dossier_out_exactly_and_puts_it_in_again(empty: Service) -> None:
    story = await lived(empty)
    await fold_all(empty)
    rows, entries = await stored(empty, story.dossier_id), await counted(empty, story.dossier_id)
    as_of = [Asked(march(1), march(31), march(day)) for day in range(1, 20)]
    before = [await summed(empty, asked) for asked in as_of]
    states = [found.get("H99.01", (0,) * 8)[5:] for found in before]  # late, in time, overdue
    assert states == [*[(0, 0, 0)] * 2, *[(0, 1, 0)] * 9, *[(0, 0, 1)] * 4, *[(1, 0, 0)] * 4]
    facts = {(event.source, event.seq): event for event in story.events}
    async with empty.sessions.begin() as session:
        await handlers.forget(session, story.dossier_id)
        assert {one.n for one in await repository.sums(session, Asked(march(1), march(31)))} == {0}
    async with empty.sessions.begin() as session:
        await _derive_in(session, empty, story.dossier_id, facts)
    again = await stored(empty, story.dossier_id)
    rows["timer"] = again["timer"]  # a warning that came too late to be said is no event
    assert (again, await counted(empty, story.dossier_id)) == (rows, entries)
    assert [await summed(empty, asked) for asked in as_of] == before
    await fold_all(empty)
    assert [await summed(empty, asked) for asked in as_of] == before


# What is read of the sums and of the journal, piece by piece, is what all entries add up to

DAYS = [date(2026, 1, 1) + timedelta(days=n) for n in range(150)]


def made_up(chance: random.Random) -> dict[str, Any]:
    """Return an entry that somebody could have written."""
    counts_on = chance.choice(DAYS[:120])
    known_on = counts_on if chance.random() < 0.8 else counts_on + timedelta(days=chance.randrange(60))
    measure = chance.choice(["received", "received", "resolved", "overdue", "paid"])
    verdicts = {"resolved": ["early", "on_time", "late"], "paid": ["portal", "bank portal"]}
    return {
        "dossier_id": uuid4(),
        "counts_on": counts_on,
        "known_on": known_on,
        "measure": measure,
        "verdict": chance.choice(verdicts.get(measure, [""])),
        "ending": chance.choice(["granted", "withdrawn"]) if measure == "resolved" else "",
        "judged_by": chance.choice(["", "", "", "renewed"]) if measure in {"resolved", "overdue"} else "",
        "unit_code": chance.choice(["A", "B", "C"]),
        "field_code": chance.choice(["x", "y"]),
        "procedure_code": "P",
        "channel": chance.choice(["online", "assisted", "counter", "post"]),
        "n": chance.choice([1, 1, 1, -1]),
    }


async def fill(service: Service, chance: random.Random, n: int) -> list[dict[str, Any]]:
    rows = [made_up(chance) for _ in range(n)]
    async with service.sessions.begin() as session:
        for row in rows:
            session.insert(JournalEntry, row)
    return rows


def added_up(rows: list[dict[str, Any]], asked: Asked) -> Counter[tuple[Any, ...]]:
    """Return what a report has to read, from every row one by one."""
    found: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        is_known = asked.known_until is None or row["known_on"] <= asked.known_until
        is_asked = asked.unit_codes is None or row["unit_code"] in asked.unit_codes
        if row["counts_on"] > asked.to_on or not is_known or not is_asked:
            continue
        code = row["field_code"] if asked.by_field else row["unit_code"]
        measure, n, is_saturday = row["measure"], row["n"], row["counts_on"].isoweekday() == 6
        if row["counts_on"] < asked.from_on:
            if measure == "overdue":
                found[code, True, "overdue", "", "", row["judged_by"], "", False] += n
            elif row["judged_by"] == "" and measure != "paid":
                found[code, True, "pending", "", "", "", "", False] += n if measure == "received" else -n
        else:
            channel = row["channel"] if measure == "received" else ""
            key = (code, False, measure, row["verdict"], row["ending"], row["judged_by"], channel)
            found[*key, is_saturday and measure in {"received", "resolved"}] += n
    return Counter({key: n for key, n in found.items() if n})


def drawn(chance: random.Random) -> Asked:
    """Return a period, often of whole months, often as known at a day before, in or after it."""
    days = sorted((chance.choice(DAYS), chance.choice(DAYS)))
    from_on = days[0].replace(day=1) if chance.random() < 0.4 else days[0]
    to_on = days[1].replace(day=1) - timedelta(days=1) if chance.random() < 0.4 else days[1]
    known_until = None
    if chance.random() < 0.7:
        known_until = chance.choice(DAYS)
        known_until = known_until.replace(day=1) - timedelta(days=1) if chance.random() < 0.3 else known_until
    unit_codes = chance.choice([None, None, ["A"], ["A", "B"]])
    return Asked(from_on, max(to_on, from_on), known_until, unit_codes, chance.random() < 0.5)


@pytest.mark.parametrize("seed", range(3))
async def test_any_period_as_known_at_any_day_reads_each_entry_once(empty: Service, seed: int) -> None:
    chance = random.Random(seed)
    rows = await fill(empty, chance, 1_500)
    await fold_all(empty)
    rows += await fill(empty, chance, 300)
    for _ in range(200):
        asked = drawn(chance)
        async with empty.sessions() as session:
            read: Counter[tuple[Any, ...]] = Counter()
            for one in await repository.sums(session, asked):
                if not (one.measure == "pending" and one.judged_by):
                    read[one[:-1]] += one.n
        assert {key: n for key, n in read.items() if n} == added_up(rows, asked), asked


async def test_pending_is_what_the_clocks_say(empty: Service) -> None:
    """The journal and the clocks are two ways to the same figure."""
    chance = random.Random(7)
    for n in range(60):
        story = Story()
        story.begin(f"{chance.choice([2, 3, 4, 5])} 09:00", channel=chance.choice(["counter", "post", "assisted"]))
        story.both("6 10:00", offered(1, chance.choice([OFFICE, TAX])))
        if n % 3:
            story.both(
                f"{chance.choice([9, 10, 12, 16])} 10:00", chance.choice([GRANTED, DossierWithdrawn(reason_code="x")])
            )
        await tell(empty, story.events)
    await fire(empty, "20 08:00")
    async with empty.sessions() as session:
        open_now = await session.scalar(text("SELECT count(*) FROM clock WHERE finished_at IS NULL"))
        missed = text("SELECT count(*) FROM clock WHERE finished_at IS NULL AND missed_deadlines <> '{}'")
        overdue_now = await session.scalar(missed)
    (row,) = (await summed(empty, Asked(march(1), march(31)))).values()
    assert (row[6] + row[7], row[7]) == (open_now, overdue_now)
    assert open_now == 20
