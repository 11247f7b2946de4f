"""The pure core: the verdict on every kind of arrival, chains that notice changes, an order that respects causes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import DossierUnknown
from shared.timeline import (
    SOURCES,
    Draft,
    Event,
    Verdict,
    advance,
    chain_over,
    decide,
    format_after,
    format_chain,
    parse_after,
    parse_chain,
    record,
)
from tests.simulation.memory import MemoryHead

DOSSIER = UUID("018f0000-0000-7000-8000-000000000001")
NOW = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)


def says(service: str, head: MemoryHead, now: datetime = NOW) -> Event:
    return record(service, head, Draft(uuid4(), "test.Said.v1", b"{}"), now)


def history() -> tuple[Event, Event, Event]:
    """Intake speaks twice; workflow answers the first after it has seen it."""
    intake, workflow = MemoryHead(DOSSIER), MemoryHead(DOSSIER)
    first = says("intake", intake)
    advance(workflow, first)
    answer = says("workflow", workflow)
    return first, answer, says("intake", intake)


FIRST, ANSWER, SECOND = history()


def head_after(*events: Event) -> MemoryHead:
    head = MemoryHead(DOSSIER)
    for event in events:
        advance(head, event)
    return head


OTHER = FIRST._replace(data=b'{"other": 1}')
OTHER = OTHER._replace(chain=chain_over(0, OTHER))
CASES = {
    "the next event": (head_after(), FIRST, False, Verdict.APPLY, ()),
    "an event seen before": (head_after(FIRST, SECOND), FIRST, False, Verdict.DROP, ()),
    "the last event again": (head_after(FIRST), FIRST, False, Verdict.DROP, ()),
    "another history of the same length": (head_after(FIRST), OTHER, True, Verdict.FORK, ()),
    "a repeat with a spoilt chain": (head_after(FIRST), OTHER, False, Verdict.DROP, ()),
    "a gap": (head_after(), SECOND, False, Verdict.HOLD, (("intake", 2),)),
    "a spoilt copy": (head_after(), FIRST._replace(data=b"x"), False, Verdict.HOLD, (("intake", 1),)),
    "a ledger that says otherwise": (head_after(), FIRST._replace(data=b"x"), True, Verdict.FORK, ()),
    "an effect before its cause": (head_after(), ANSWER, False, Verdict.HOLD, (("intake", 1), ("workflow", 1))),
    "an effect after its cause": (head_after(FIRST), ANSWER, False, Verdict.APPLY, ()),
}


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_on(name: str) -> None:
    head, event, trusted, verdict, wanted = CASES[name]
    decision = decide("sla", head, event, trusted=trusted)
    assert (decision.verdict, decision.wanted) == (verdict, wanted)


def test_causes_of_our_own_that_we_do_not_have_mean_that_we_were_restored() -> None:
    assert decide("intake", head_after(), ANSWER).verdict is Verdict.AHEAD


def test_an_own_event_that_comes_back_is_dropped_if_the_ledger_has_it_and_an_alarm_if_not() -> None:
    assert decide("intake", head_after(FIRST), FIRST).verdict is Verdict.DROP
    assert decide("intake", head_after(FIRST), SECOND).verdict is Verdict.AHEAD


def test_only_intake_gives_birth() -> None:
    for service in SOURCES[1:]:
        with pytest.raises(DossierUnknown):
            says(service, MemoryHead(DOSSIER))


def test_time_grows_although_the_clock_was_set_back() -> None:
    head = MemoryHead(DOSSIER)
    first = says("intake", head)
    second = says("intake", head, NOW - timedelta(days=1))
    assert second.time == first.time + timedelta(microseconds=1)


CHANGES: dict[str, Any] = {
    "id": uuid4(),
    "type": "test.Said.v2",
    "time": NOW + timedelta(seconds=1),
    "after": "sla=1",
    "data": b"{ }",
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_chain_notices_a_change_of(name: str) -> None:
    assert chain_over(0, FIRST._replace(**{name: CHANGES[name]})) != FIRST.chain
    assert chain_over(1, FIRST) != FIRST.chain


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_chain_survives_its_text(chain: int) -> None:
    assert parse_chain(format_chain(chain)) == chain
    assert len(format_chain(chain)) == 16


@given(st.dictionaries(st.sampled_from(SOURCES), st.integers(1, 10**6)))
def test_causes_survive_their_text(causes: dict[str, int]) -> None:
    assert parse_after(format_after(causes.items())) == causes


@given(st.lists(st.tuples(st.sampled_from(SOURCES), st.sampled_from(SOURCES)), max_size=40))
def test_the_total_order_respects_causes(steps: list[tuple[str, str]]) -> None:
    """Whoever speaks, and whoever has listened to whom before: an effect is never ordered before its cause."""
    heads = {source: MemoryHead(DOSSIER) for source in SOURCES}
    said = [says("intake", heads["intake"])]
    for source in SOURCES[1:]:
        advance(heads[source], said[0])
    for speaker, listener in steps:
        event = says(speaker, heads[speaker])
        said.append(event)
        if decide(listener, heads[listener], event).verdict is Verdict.APPLY:
            advance(heads[listener], event)
    ordered = sorted(said, key=lambda event: event.order)
    place = {(event.source, event.seq): at for at, event in enumerate(ordered)}
    for event in said:
        for source, seq in parse_after(event.after).items():
            assert place[source, seq] < place[event.source, event.seq]
