"""The clock as a function of its facts: hand-worked states, any order of facts, sums that add up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from deploy.province.make_calendars import calendars
from services.sla.domain import (
    CalendarAdopted,
    ClockRule,
    ClockState,
    Fact,
    Finished,
    Ground,
    Held,
    LegClosed,
    LegOpened,
    MootReason,
    NearBreach,
    Reappointed,
    Reopened,
    Started,
    Status,
    SuspensionBegan,
    SuspensionEnded,
    Verdict,
    apology_day,
    evaluate,
    held_minutes,
    is_apology_in_time,
    is_missed,
    near_breach_at,
    verdict,
    warn_at,
)
from shared.worktime import Calendar, CalendarGap, DayOverride, Limit, Unit, due_at, working_minutes
from shared.worktime.calendar import LOCAL

VN = Calendar(calendars()["VN"])
LIMIT = Limit(amount=Decimal(2), unit=Unit.WORKING_DAYS)
TAX = Ground(code="tax", valid_from=date(2024, 8, 1), citation="126/2020/NĐ-CP")
OLD_TAX = Ground(code="tax", valid_from=date(2020, 1, 1), valid_to=date(2020, 12, 31), citation="x")
SUPPLEMENT = Ground(code="supplement", valid_from=date(2018, 6, 21), citation="61/2018/NĐ-CP", restarts=True)
RULE = ClockRule(limit=LIMIT, grounds=(OLD_TAX, TAX, SUPPLEMENT))


def at(text: str) -> datetime:
    """Return an instant of March 2026, "2 09:00"; the 2nd is a Monday."""
    day, clock = text.split()
    return datetime.fromisoformat(f"2026-03-{int(day):02} {clock}").replace(tzinfo=LOCAL)


def clock(now: str, *facts: Fact, rule: ClockRule = RULE) -> ClockState:
    state = evaluate(facts, rule, VN, at(now))
    assert state is not None
    return state


STARTED = Started(at("2 09:00"))  # 2 working days: Wed 4 17:00
SPAN = (SuspensionBegan(at("4 10:00"), 1, "tax"), SuspensionEnded(at("5 14:00"), 1))  # due Fri 6 17:00


def test_a_clock_without_a_start_is_none() -> None:
    assert evaluate([Held(at("2 09:00"), "A"), *SPAN], RULE, VN, at("6 09:00")) is None


def test_a_running_clock() -> None:
    state = clock("3 10:00", STARTED, Held(at("2 09:00"), "ONE-STOP"), Held(at("2 14:00"), "LAND"))

    assert state.status is Status.RUNNING
    assert state.deadline_at == state.first_deadline_at == at("4 17:00")
    assert state.holder_agency_code == "LAND"
    # Mon 9:00–11:30 150 + 13:30–14:00 30; Mon 14:00–17:00 180 + Tue 7:30–10:00 150
    assert state.minutes_by_holder == {"ONE-STOP": 180, "LAND": 330}
    assert state.elapsed_minutes == 510
    assert state.remaining_minutes == 300 + 450  # Tue 10:00–17:00 is 90 + 210, Wed 450


def test_a_suspended_clock_has_no_deadline_and_keeps_what_was_left() -> None:
    state = clock("5 09:00", STARTED, Held(at("2 09:00"), "LAND"), SPAN[0])

    assert (state.status, state.deadline_at) == (Status.SUSPENDED, None)
    assert state.remaining_minutes == 300  # Wed 10:00–17:00
    assert state.elapsed_minutes == 360 + 450 + 150  # Mon from 9:00, Tue, Wed until 10:00
    assert state.holdings[0].suspended_minutes == 300 + 90  # Wed from 10:00, Thu until 9:00
    assert state.moves == ()


def test_an_excluded_span_makes_one_lawful_move() -> None:
    state = clock("6 10:00", STARTED, *SPAN)

    assert (state.status, state.deadline_at) == (Status.RUNNING, at("6 17:00"))
    (move,) = state.moves
    assert (move.at, move.from_at, move.to_at) == (at("5 14:00"), at("4 17:00"), at("6 17:00"))
    assert (move.ground_code, move.citation) == ("tax", "126/2020/NĐ-CP")


def test_a_supplement_restarts_the_limit() -> None:
    facts = (STARTED, SuspensionBegan(at("3 09:00"), 1, "supplement"), SuspensionEnded(at("5 09:00"), 1))

    waiting = clock("4 09:00", *facts[:2])
    assert (waiting.deadline_at, waiting.remaining_minutes) == (None, 360 + 900)  # rest of Tue, then 2 days
    assert clock("6 09:00", *facts).deadline_at == at("9 17:00")  # Thu 5 does not count: Fri 6, Mon 9


def test_a_supplement_on_the_last_day_gives_a_whole_limit_again() -> None:
    facts = (STARTED, SuspensionBegan(at("4 16:59"), 1, "supplement"), SuspensionEnded(at("9 08:00"), 1))
    assert clock("9 09:00", *facts).deadline_at == at("11 17:00")  # Tue 10, Wed 11


def test_overlapping_suspensions_merge_and_move_once() -> None:
    facts = (
        STARTED,
        SuspensionBegan(at("3 10:00"), 1, "tax"),
        SuspensionBegan(at("4 09:00"), 2, "tax"),
        SuspensionEnded(at("4 12:00"), 1),
        SuspensionEnded(at("5 08:00"), 2),
    )
    assert clock("4 14:00", *facts[:4]).status is Status.SUSPENDED
    state = clock("6 09:00", *facts)
    assert state.deadline_at == at("9 17:00")  # Tue from 10:00 300 + Wed 450 + Thu 450: Wed 4 + 2 days and 300
    assert [(move.suspension_no, move.to_at) for move in state.moves] == [(2, at("9 17:00"))]


def test_a_finished_clock_stands_and_says_by_how_much() -> None:
    early = clock("9 09:00", STARTED, Finished(at("4 16:00")))
    late = clock("9 09:00", STARTED, Finished(at("5 08:00")))

    assert (early.status, early.remaining_minutes) == (Status.FINISHED, 60)
    assert (late.status, late.remaining_minutes, late.deadline_at) == (Status.FINISHED, -30, at("4 17:00"))


def test_finishing_ends_an_open_suspension() -> None:
    state = clock("9 09:00", STARTED, SPAN[0], Finished(at("5 14:00")))
    assert (state.status, state.deadline_at) == (Status.FINISHED, at("6 17:00"))


def test_a_leg_is_counted_from_the_moment() -> None:
    rule = ClockRule(limit=Limit(amount=Decimal("0.5"), unit=Unit.WORKING_DAYS), from_moment=True)
    assert clock("2 10:00", STARTED, rule=rule).deadline_at == at("2 14:45")


def test_parallel_legs_are_held_by_the_first_offered_that_counts() -> None:
    legs = (
        LegOpened(at("2 10:00"), 1, "TAX", is_excluded=True),
        LegOpened(at("2 11:00"), 2, "POLICE"),
        LegOpened(at("2 11:15"), 3, "BHXH"),
        LegClosed(at("2 14:00"), 2),
        LegClosed(at("2 15:00"), 3),
    )
    state = clock("2 16:00", STARTED, Held(at("2 09:00"), "ONE-STOP"), *legs)
    assert [(h.agency_code, h.minutes) for h in state.holdings] == [
        ("ONE-STOP", 60),
        ("TAX", 60),
        ("POLICE", 30 + 30),  # 11:00–11:30, 13:30–14:00
        ("BHXH", 60),
        ("TAX", 60),
    ]
    assert state.elapsed_minutes == 300


def test_with_no_leg_open_the_last_holder_keeps_it() -> None:
    state = clock("2 11:00", STARTED, LegOpened(at("2 09:30"), 1, "A"), LegClosed(at("2 10:00"), 1))
    assert (state.holder_agency_code, state.minutes_by_holder) == ("A", {None: 30, "A": 90})


def test_the_applicant_holds_as_nobody() -> None:
    state = clock("2 11:00", STARTED, Held(at("2 09:00"), "A"), LegOpened(at("2 10:00"), 1, None))
    assert state.minutes_by_holder == {"A": 60, None: 60}


def test_reopened_a_clock_runs_on_as_if_it_had_not_ended() -> None:
    ended = (STARTED, Held(at("2 09:00"), "A"), Finished(at("3 09:00")))
    state = clock("4 09:00", *ended, Reopened(at("4 08:00")))
    assert (state.status, state.finished_at, state.deadline_at) == (Status.RUNNING, None, at("4 17:00"))
    assert state.minutes_by_holder == {"A": 360 + 450 + 90}
    again = clock("9 09:00", *ended, Reopened(at("4 08:00")), Finished(at("5 09:00")))
    assert (again.finished_at, again.remaining_minutes) == (at("5 09:00"), -90)


def test_what_was_open_when_processing_ended_is_not_open_when_it_goes_on() -> None:
    facts = (STARTED, SPAN[0], Finished(at("4 11:00")), Reopened(at("4 14:00")))
    state = clock("4 15:00", *facts)
    assert (state.status, state.suspensions[0].to_at) == (Status.RUNNING, at("4 11:00"))


def test_a_span_of_less_than_a_minute_is_none() -> None:
    for long, due in ((timedelta(seconds=59), "4 17:00"), (timedelta(minutes=1), "5 17:00")):
        ended = SuspensionEnded(SPAN[0].at + long, 1)
        assert clock("6 10:00", STARTED, SPAN[0], ended).deadline_at == at(due)


def test_short_spans_that_adjoin_a_long_one_belong_to_it() -> None:
    parts: list[Fact] = [SPAN[0], SuspensionEnded(at("5 13:59"), 1)]
    for no in (2, 3):
        began = at("5 13:59") + timedelta(seconds=30 * (no - 2))
        parts += [SuspensionBegan(began, no, "tax"), SuspensionEnded(began + timedelta(seconds=30), no)]
    assert clock("6 10:00", STARTED, *parts).deadline_at == at("6 17:00")


MISSED = [
    ((), True),
    ((Finished(at("4 17:00")),), False),
    ((Finished(at("4 17:01")),), True),
    ((SPAN[0],), False),
    ((SuspensionBegan(at("5 10:00"), 1, "tax"),), True),  # begun after the deadline
    ((SuspensionBegan(at("5 10:00"), 1, "supplement"), SuspensionEnded(at("6 10:00"), 1)), True),
]


@pytest.mark.parametrize(("facts", "missed"), MISSED)
def test_a_deadline_is_missed_by_what_had_happened_until_then(facts: tuple[Fact, ...], missed: bool) -> None:
    assert is_missed([STARTED, *facts], RULE, VN, at("4 17:00")) is missed


VERDICTS = [
    ("3 23:59", Verdict.EARLY),
    ("4 00:00", Verdict.ON_TIME),
    ("4 17:00", Verdict.ON_TIME),
    ("4 17:01", Verdict.LATE),
]


@pytest.mark.parametrize(("finished", "judged"), VERDICTS)
def test_the_verdict_compares_dates_and_then_instants(finished: str, judged: Verdict) -> None:
    assert verdict(at(finished), at("4 17:00")) is judged


MOOT = [
    ((Started(at("3 09:00")),), MootReason.ALREADY_STARTED),
    ((Finished(at("4 09:00")), Held(at("5 09:00"), "B")), MootReason.AFTER_FINISH),
    ((Finished(at("4 09:00")), Finished(at("5 09:00"))), MootReason.AFTER_FINISH),
    ((Finished(at("1 09:00")),), MootReason.BEFORE_START),
    ((*SPAN, SuspensionEnded(at("6 09:00"), 1)), MootReason.ALREADY_ENDED),
    ((*SPAN, SuspensionBegan(at("6 09:00"), 1, "tax")), MootReason.ALREADY_BEGUN),
    ((SPAN[0], SuspensionEnded(at("3 09:00"), 1)), MootReason.ENDED_BEFORE_BEGINNING),
    ((SuspensionEnded(at("3 09:00"), 7),), MootReason.NO_SUCH_SUSPENSION),
    ((SuspensionBegan(at("3 09:00"), 1, "holiday"),), MootReason.NO_GROUND_IN_FORCE),
    ((Reopened(at("3 09:00")),), MootReason.NOT_FINISHED),
    ((LegClosed(at("3 09:00"), 1),), MootReason.NO_SUCH_LEG),
    ((Finished(at("4 09:00")), LegOpened(at("5 09:00"), 1, "B")), MootReason.AFTER_FINISH),
]


@pytest.mark.parametrize(("facts", "reason"), MOOT)
def test_an_overtaken_fact_is_moot_and_harmless(facts: tuple[Fact, ...], reason: MootReason) -> None:
    state = clock("6 10:00", STARTED, *facts)

    (moot,) = state.moot
    assert moot.reason is reason
    others = [fact for fact in facts if fact != moot.fact]
    if reason is not MootReason.ENDED_BEFORE_BEGINNING:
        without = clock("6 10:00", STARTED, *others)
        assert (state.status, state.deadline_at, state.moves) == (
            without.status,
            without.deadline_at,
            without.moves,
        )


def test_a_suspension_that_ended_before_it_began_never_stands_open() -> None:
    state = clock("6 10:00", STARTED, SPAN[0], SuspensionEnded(at("3 09:00"), 1))
    assert (state.status, state.deadline_at, state.suspensions) == (Status.RUNNING, at("4 17:00"), ())


def test_a_ground_no_longer_in_force_stops_nothing() -> None:
    rule = ClockRule(limit=LIMIT, grounds=(OLD_TAX,))
    assert clock("5 09:00", STARTED, SPAN[0], rule=rule).status is Status.RUNNING


def test_a_clock_set_back_changes_nothing() -> None:
    facts = (STARTED, *SPAN)
    assert clock("1 09:00", *facts) == clock("5 14:00", *facts)


def test_outside_the_calendar_there_is_no_answer() -> None:
    with pytest.raises(CalendarGap):
        evaluate([Started(datetime(2030, 1, 1, tzinfo=UTC))], RULE, VN, at("2 09:00"))


# Properties

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
instants = st.integers(0, 400 * 86_400).map(lambda seconds: FIRST + timedelta(seconds=seconds))
numbers = st.integers(1, 3)
facts_of_a_clock = st.one_of(
    st.builds(Started, instants),
    st.builds(Held, instants, st.sampled_from(["A", "B", "C"])),
    st.builds(SuspensionBegan, instants, numbers, st.sampled_from(["tax", "supplement", "none"])),
    st.builds(SuspensionEnded, instants, numbers),
    st.builds(Finished, instants),
    st.builds(Reopened, instants),
    st.builds(Reappointed, instants, instants),
    st.builds(CalendarAdopted, instants, numbers),
    st.builds(LegOpened, instants, numbers, st.sampled_from(["A", "B", None]), st.booleans()),
    st.builds(LegClosed, instants, numbers),
)
histories = st.lists(facts_of_a_clock, max_size=12).map(lambda facts: [Started(FIRST), *facts])


@settings(max_examples=300)
@given(st.data(), histories, instants)
def test_any_order_and_any_repetition_of_facts_gives_one_state(
    data: st.DataObject, history: list[Fact], now: datetime
) -> None:
    shuffled = data.draw(st.permutations(history + history[:3]))
    assert evaluate(shuffled, RULE, VN, now) == evaluate(history, RULE, VN, now)


@settings(max_examples=300)
@given(histories, instants)
def test_the_minutes_of_the_holders_add_up_to_the_dossiers(history: list[Fact], now: datetime) -> None:
    state = evaluate(history, RULE, VN, now)

    assert state is not None
    end = state.finished_at or max([now, *(fact.at for fact in history)])
    total = working_minutes(state.started_at, end, VN)
    assert sum(h.minutes + h.suspended_minutes for h in state.holdings) == total
    assert sum(state.minutes_by_holder.values()) == state.elapsed_minutes
    assert all(h.minutes >= 0 and h.suspended_minutes >= 0 for h in state.holdings)
    assert all(a.to_at == b.from_at for a, b in zip(state.holdings, state.holdings[1:], strict=False))


@settings(max_examples=300)
@given(histories, instants)
def test_the_moves_lead_from_the_first_deadline_to_the_present_one(history: list[Fact], now: datetime) -> None:
    state = evaluate(history, RULE, VN, now)

    assert state is not None
    stops = [state.first_deadline_at, *(move.to_at for move in state.moves)]
    assert [move.from_at for move in state.moves] == stops[:-1]
    assert (state.deadline_at is None) == (state.status is Status.SUSPENDED)
    if state.status is not Status.SUSPENDED:
        assert state.deadline_at == stops[-1] == state.standing_deadline_at


# Near breach

NEAR = [
    ("8", Unit.WORKING_DAYS, "12 17:00", Fraction(1, 4), "10 17:00"),  # 2 of 8 days left: Wed, Thu
    (
        "8",
        Unit.WORKING_DAYS,
        "12 17:00",
        Fraction(1, 10),
        "12 09:00",
    ),  # 360 of 3,600: 450 - 360 = 90 into Thu
    ("0.5", Unit.WORKING_DAYS, "2 14:45", Fraction(1, 5), "2 14:00"),  # 45 of 225
    ("4", Unit.WORKING_HOURS, "3 08:00", Fraction(1, 4), "2 16:30"),  # 60: 30 on Tue, 30 on Mon
    ("24", Unit.HOURS, "3 10:00", Fraction(1, 4), "3 04:00"),  # 6 hours
    ("15", Unit.CALENDAR_DAYS, "17 17:00", Fraction(1, 5), "14 17:00"),  # 3 days
]


@pytest.mark.parametrize(("amount", "unit", "deadline", "share", "near"), NEAR)
def test_near_breach_is_when_the_share_is_left(
    amount: str, unit: Unit, deadline: str, share: Fraction, near: str
) -> None:
    limit = Limit(amount=Decimal(amount), unit=unit)
    assert near_breach_at(at(deadline), limit, VN, share) == at(near)


def test_a_warning_comes_by_share_or_by_days_the_earlier() -> None:
    limit, due = Limit(amount=Decimal(8), unit=Unit.WORKING_DAYS), at("12 17:00")
    since = at("2 09:00")
    assert warn_at(due, limit, VN, NearBreach(), since) == at("10 17:00")
    assert warn_at(due, limit, VN, NearBreach(Fraction(1, 4), 1), since) == at("10 17:00")
    assert warn_at(due, limit, VN, NearBreach(Fraction(1, 4), 3), since) == at("9 17:00")


def test_a_warning_comes_while_an_apology_can_still_be_in_time() -> None:
    two, due = Limit(amount=Decimal(2), unit=Unit.WORKING_DAYS), at("4 17:00")
    assert warn_at(due, two, VN, NearBreach(), at("2 09:00")) == at("3 07:30")  # a quarter is left on the last day only
    one, due = Limit(amount=Decimal(1), unit=Unit.WORKING_DAYS), at("3 17:00")
    assert warn_at(due, one, VN, NearBreach(), at("2 09:00")) == at("3 15:07")  # that morning was before the reception


@pytest.mark.parametrize(
    ("issued", "in_time"),
    [("3 17:00", True), ("3 23:59:59", True), ("4 00:00:00", False), ("4 07:30", False), ("9 10:00", False)],
)
def test_an_apology_is_in_time_until_the_last_working_day_before(issued: str, in_time: bool) -> None:
    assert is_apology_in_time(at(issued), at("4 17:00"), VN) is in_time


def test_before_a_monday_that_last_day_is_friday() -> None:
    assert apology_day(at("9 17:00"), VN) == date(2026, 3, 6)
    assert not is_apology_in_time(at("7 09:00"), at("9 17:00"), VN)


def test_an_apology_promises_another_instant_once_and_the_law_does_not_move() -> None:
    renewed = Reappointed(at("3 10:00"), at("9 17:00"))
    state = clock("3 11:00", STARTED, renewed, Reappointed(at("4 10:00"), at("20 17:00")))
    assert (state.standing_deadline_at, state.promised_deadline_at) == (at("4 17:00"), at("9 17:00"))
    assert [moot.reason for moot in state.moot] == [MootReason.RE_APPOINTMENT_USED]
    late = clock("5 08:00", STARTED, renewed, Finished(at("5 08:00")))
    assert verdict(at("5 08:00"), late.standing_deadline_at) is Verdict.LATE


def test_a_lawful_move_beyond_the_promise_takes_its_place() -> None:
    supplement = (SuspensionBegan(at("4 10:00"), 2, "supplement"), SuspensionEnded(at("10 10:00"), 2))
    state = clock("11 08:00", STARTED, Reappointed(at("3 10:00"), at("9 17:00")), *supplement)
    assert state.promised_deadline_at == state.standing_deadline_at == at("12 17:00")


@pytest.mark.parametrize(
    ("begins", "ends", "promised"),
    [
        ("4 10:00", "5 10:00", "9 17:00"),  # began before the deadline by law, Wed 4, and moved that one
        ("5 10:00", "5 10:00", "9 17:00"),  # no time at all
        ("6 10:00", "6 11:00", "10 17:00"),  # Fri from 10:00 to its end: 300 minutes after Mon 9
        ("6 10:00", "9 10:00", "11 17:00"),  # Fri from 10:00 and all of Mon: 750 minutes
        ("10 10:00", "12 10:00", "9 17:00"),  # began when the promise was broken
    ],
)
def test_a_promise_moves_as_a_deadline_does_by_spans_that_the_law_alone_does_not_answer(
    begins: str, ends: str, promised: str
) -> None:
    span = (SuspensionBegan(at(begins), 2, "tax"), SuspensionEnded(at(ends), 2))
    state = clock("20 08:00", STARTED, Reappointed(at("3 10:00"), at("9 17:00")), *span)
    assert state.promised_deadline_at == at(promised)
    assert is_missed((STARTED, Reappointed(at("3 10:00"), at("9 17:00")), *span), RULE, VN, at(promised))


def test_a_promised_day_that_a_decision_takes_off_becomes_the_next_working_day() -> None:
    off = DayOverride(date=date(2026, 3, 9), kind="off", document="QD 1", name="Nghỉ")
    newer = Calendar(VN.data.model_copy(update={"version": 2, "overrides": (*VN.data.overrides, off)}))
    state = evaluate((STARTED, Reappointed(at("3 10:00"), at("9 17:00"))), RULE, newer, at("5 08:00"))
    assert state is not None
    assert state.promised_deadline_at == at("10 17:00")


def test_while_the_result_is_out_nobody_is_late() -> None:
    again = (Finished(at("3 10:00")), Reopened(at("6 10:00")), Finished(at("6 11:00")))
    state = clock("6 11:00", STARTED, Held(at("2 09:00"), "OFFICE"), *again)
    held = held_minutes(state, VN)["OFFICE"]
    assert (held.late_minutes, held.minutes) == (60, state.elapsed_minutes)


def test_a_miss_may_be_of_the_law_or_of_the_promise() -> None:
    facts = (STARTED, Reappointed(at("3 10:00"), at("9 17:00")))
    assert is_missed(facts, RULE, VN, at("4 17:00"))
    assert is_missed(facts, RULE, VN, at("9 17:00"))
    assert not is_missed((*facts, Finished(at("6 10:00"))), RULE, VN, at("9 17:00"))


@given(instants, st.integers(1, 30))
def test_near_breach_comes_before_the_deadline(received_at: datetime, amount: int) -> None:
    limit = Limit(amount=Decimal(amount), unit=Unit.WORKING_DAYS)
    deadline = due_at(received_at, limit, VN).due_at
    assert received_at < near_breach_at(deadline, limit, VN, Fraction(1, 5)) < deadline
