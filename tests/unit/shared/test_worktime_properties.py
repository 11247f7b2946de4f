"""What must hold of every deadline, whatever the dates."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import hypothesis.strategies as st
from hypothesis import assume, example, given, settings

from deploy.province.make_calendars import calendars
from shared.worktime import (
    Calendar,
    Limit,
    Span,
    Unit,
    add_working_minutes,
    day_end,
    due_at,
    explain,
    working_minutes,
)
from shared.worktime.calendar import LOCAL

VN = Calendar(calendars()["VN"])
FIRST = datetime(2018, 1, 1, tzinfo=UTC)
MINUTES = 8 * 365 * 1440

instants = st.integers(0, MINUTES * 60).map(lambda seconds: FIRST + timedelta(seconds=seconds))
days = st.sampled_from(["0.25", "0.5", "1", "1.5", "2", "5", "8", "10", "30"]).map(
    lambda text: Limit(amount=Decimal(text), unit=Unit.WORKING_DAYS)
)
whole_days = st.integers(1, 60).map(lambda n: Limit(amount=Decimal(n), unit=Unit.WORKING_DAYS))
limits = st.one_of(
    days,
    st.builds(Limit, amount=st.integers(1, 60).map(Decimal), unit=st.sampled_from(list(Unit))),
    st.just(Limit(amount=Decimal(0), unit=Unit.WORKING_DAYS)),
)


@st.composite
def spans_after(draw: st.DrawFn, received_at: datetime, n: int = 3) -> list[Span]:
    spans = []
    for _ in range(draw(st.integers(0, n))):
        begins = received_at + timedelta(minutes=draw(st.integers(-3_000, 30_000)))
        spans.append(Span(begins, begins + timedelta(minutes=draw(st.integers(0, 20_000)))))
    return spans


@given(instants, st.integers(1, 100_000))
def test_adding_minutes_and_measuring_them_back_agree(start: datetime, minutes: int) -> None:
    end = add_working_minutes(start, minutes, VN)
    assert working_minutes(start, end, VN) == minutes
    assert working_minutes(start, end - timedelta(minutes=1), VN) == minutes - 1  # and no earlier


@given(instants, whole_days)
def test_adding_a_limit_and_measuring_it_back_agree(received_at: datetime, limit: Limit) -> None:
    found = due_at(received_at, limit, VN)
    assert working_minutes(day_end(received_at), found.due_at, VN) == limit.amount * 450
    assert found.due_at == found.unrounded_at


@given(instants, st.sampled_from(["0.25", "0.5", "1", "1.5", "3"]), st.booleans())
def test_parts_of_a_day_measure_back_to_the_minute(received_at: datetime, amount: str, step: bool) -> None:
    limit = Limit(amount=Decimal(amount), unit=Unit.WORKING_DAYS)
    starts = received_at if step else day_end(received_at)
    found = due_at(received_at, limit, VN, from_moment=step)
    assert 0 <= working_minutes(starts, found.due_at, VN) - Decimal(amount) * 450 < 1


@given(instants, whole_days, st.integers(0, 20_000), st.integers(1, 20_000))
def test_an_excluded_span_moves_the_unrounded_deadline_by_exactly_its_minutes(
    received_at: datetime, limit: Limit, after: int, length: int
) -> None:
    plain = due_at(received_at, limit, VN)
    begins = received_at + timedelta(minutes=after)
    ends = begins + timedelta(minutes=length)
    moved = due_at(received_at, limit, VN, [Span(begins, ends)])

    counts_from = max(begins, day_end(received_at))  # the first days do not count, on either side
    minutes = working_minutes(counts_from, day_end(ends), VN) if begins < plain.due_at else 0
    assert working_minutes(plain.unrounded_at, moved.unrounded_at, VN) == max(0, minutes)
    assert moved.due_at == VN.close_at(VN.position(moved.unrounded_at))


@given(instants, st.integers(1, 40), st.integers(0, 2_000), st.integers(1, 2_000))
def test_a_span_moves_a_limit_of_hours_by_exactly_its_minutes(
    received_at: datetime, amount: int, after: int, length: int
) -> None:
    limit = Limit(amount=Decimal(amount), unit=Unit.WORKING_HOURS)
    plain = due_at(received_at, limit, VN).due_at
    begins = received_at + timedelta(minutes=after)
    span = Span(begins, begins + timedelta(minutes=length))
    minutes = working_minutes(span.start_at, span.end_at, VN) if begins < plain else 0
    assert working_minutes(plain, due_at(received_at, limit, VN, [span]).due_at, VN) in (minutes, 0)
    if working_minutes(begins, plain, VN) > 0:
        assert working_minutes(plain, due_at(received_at, limit, VN, [span]).due_at, VN) == minutes


@given(st.data(), instants, limits, st.booleans())
def test_splitting_and_shuffling_spans_changes_nothing(
    data: st.DataObject, received_at: datetime, limit: Limit, step: bool
) -> None:
    spans = data.draw(spans_after(received_at))
    pieces = []
    for span in spans:
        cut = span.start_at + (span.end_at - span.start_at) * data.draw(st.sampled_from([0.25, 0.5, 0.75]))
        pieces += [Span(cut, span.end_at), Span(span.start_at, cut)]
    whole = due_at(received_at, limit, VN, spans, from_moment=step)
    assert due_at(received_at, limit, VN, data.draw(st.permutations(pieces)), from_moment=step) == whole


@settings(max_examples=500)
@given(st.data(), instants, st.integers(0, 20_000), limits, st.booleans())
def test_a_later_reception_never_has_an_earlier_deadline(
    data: st.DataObject, received_at: datetime, later: int, limit: Limit, step: bool
) -> None:
    spans = data.draw(spans_after(received_at))
    first = due_at(received_at, limit, VN, spans, from_moment=step)
    second = due_at(received_at + timedelta(minutes=later), limit, VN, spans, from_moment=step)
    assert first.due_at <= second.due_at


@given(st.data(), instants, limits)
def test_more_spans_never_make_a_deadline_earlier(data: st.DataObject, received_at: datetime, limit: Limit) -> None:
    spans = data.draw(spans_after(received_at))
    assert due_at(received_at, limit, VN, spans[1:]).due_at <= due_at(received_at, limit, VN, spans).due_at


@given(st.data(), instants, limits)
def test_a_deadline_never_falls_on_a_day_off(data: st.DataObject, received_at: datetime, limit: Limit) -> None:
    due = due_at(received_at, limit, VN, data.draw(spans_after(received_at))).due_at
    assume(limit.unit is not Unit.HOURS)  # they run round the clock
    assert VN.is_working_day((due - timedelta(minutes=1)).astimezone(LOCAL).date())


@given(instants, st.sampled_from([*Unit]), st.integers(1, 400), st.integers(0, 400))
def test_a_longer_limit_never_has_an_earlier_deadline(
    received_at: datetime, unit: Unit, quarters: int, more: int
) -> None:
    short, long = (Limit(amount=Decimal(n) / 4, unit=unit) for n in (quarters, quarters + more))
    assert due_at(received_at, short, VN).due_at <= due_at(received_at, long, VN).due_at


@given(st.data(), instants, days, st.booleans())
def test_an_explanation_adds_up_to_the_time_counted(
    data: st.DataObject, received_at: datetime, limit: Limit, step: bool
) -> None:
    spans = data.draw(spans_after(received_at))
    rows = explain(received_at, limit, VN, spans, from_moment=step)
    found = due_at(received_at, limit, VN, spans, from_moment=step)

    assert 0 <= sum(row.minutes for row in rows) - limit.amount * 450 < 1
    assert rows[0].date == received_at.astimezone(LOCAL).date()
    assert rows[-1].date == (found.due_at - timedelta(minutes=1)).astimezone(LOCAL).date()
    assert all(row.counted == (row.minutes > 0) for row in rows)


@given(instants, whole_days)
@example(datetime(2026, 2, 18, 3, tzinfo=UTC), Limit(amount=Decimal(1), unit=Unit.WORKING_DAYS))
def test_the_quick_way_and_the_long_way_agree(received_at: datetime, limit: Limit) -> None:
    elsewhere = Span(received_at - timedelta(days=2), received_at - timedelta(days=1))
    assert due_at(received_at, limit, VN) == due_at(received_at, limit, VN, [elsewhere])
