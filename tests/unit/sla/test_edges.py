"""The pure clock at the edges: midnight of a ground and of a verdict, and ends that come again, in any order."""

from datetime import date, datetime
from decimal import Decimal
from itertools import permutations

import pytest

from deploy.province.make_calendars import calendars
from services.sla.domain import (
    ClockRule,
    Fact,
    Finished,
    Ground,
    MootReason,
    Started,
    Status,
    SuspensionBegan,
    SuspensionEnded,
    Verdict,
    evaluate,
    verdict,
)
from shared.worktime import Calendar, Limit, Unit
from shared.worktime.calendar import LOCAL

VN = Calendar(calendars()["VN"])
IN_MARCH = Ground(code="x", valid_from=date(2026, 3, 4), valid_to=date(2026, 3, 5), citation="1/2026/NĐ-CP (giả định)")
RULE = ClockRule(limit=Limit(amount=Decimal(8), unit=Unit.WORKING_DAYS), grounds=(IN_MARCH,))


def at(text: str) -> datetime:
    """Return an instant of March 2026, "2 09:00"; the 2nd is a Monday."""
    day, clock = text.split()
    return datetime.fromisoformat(f"2026-03-{int(day):02} {clock}").replace(tzinfo=LOCAL)


STARTED = Started(at("2 09:00"))

MIDNIGHTS = [
    ("3 23:59:59", Status.RUNNING),
    ("4 00:00:00", Status.SUSPENDED),
    ("5 23:59:59", Status.SUSPENDED),
    ("6 00:00:00", Status.RUNNING),
]


@pytest.mark.parametrize(("begins", "status"), MIDNIGHTS)
def test_a_ground_is_in_force_from_midnight_to_midnight(begins: str, status: Status) -> None:
    state = evaluate([STARTED, SuspensionBegan(at(begins), 1, "x")], RULE, VN, at("9 09:00"))
    assert state is not None
    assert state.status is status


VERDICTS = [
    ("3 23:59:59", Verdict.EARLY),
    ("4 00:00:00", Verdict.ON_TIME),
    ("4 17:00:00", Verdict.ON_TIME),
    ("4 17:00:01", Verdict.LATE),
]


@pytest.mark.parametrize(("finished", "judged"), VERDICTS)
def test_a_verdict_turns_at_midnight_and_at_the_second_of_the_deadline(finished: str, judged: Verdict) -> None:
    assert verdict(at(finished), at("4 17:00")) is judged


def test_of_two_ends_of_a_suspension_the_earlier_counts_in_whatever_order_they_come() -> None:
    facts: tuple[Fact, ...] = (
        STARTED,
        SuspensionBegan(at("4 10:00"), 1, "x"),
        SuspensionEnded(at("5 14:00"), 1),
        SuspensionEnded(at("6 14:00"), 1),
        Finished(at("9 09:00")),
    )
    states = [evaluate(order, RULE, VN, at("9 10:00")) for order in permutations(facts)]
    assert all(state == states[0] for state in states)
    assert states[0] is not None
    assert [span.to_at for span in states[0].suspensions] == [at("5 14:00")]
    assert [(moot.fact, moot.reason) for moot in states[0].moot] == [(facts[3], MootReason.ALREADY_ENDED)]
