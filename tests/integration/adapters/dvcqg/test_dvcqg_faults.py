"""Whatever goes wrong at the portal, header and progress end as they should, each step once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from services.workflow.adapters.dvcqg.portal import SessionPortal
from services.workflow.adapters.port import Answer
from tests.integration.adapters.dvcqg.steps import (
    ACKNOWLEDGED,
    HEADER,
    PROGRESS,
    READ,
    fault,
    insist,
    n_effects,
    n_tried,
    reach,
    texts,
)
from tests.integration.sandbox.partners import Partner
from tests.support import eventually
from tests.unit.adapters.tale import ASKED, BROUGHT, SAMPLES, Tale, accepted, land_transfer
from tests.unit.adapters.tale import submitted as born

BOTH = pytest.mark.parametrize("call", [HEADER, PROGRESS])


@pytest.mark.parametrize("n_before", range(4))
@BOTH
async def test_a_call_that_timed_out_after_it_took_effect_is_unknown_and_not_sent_again(
    dvcqg: Partner, portal: SessionPortal, tale: Tale, call: str, n_before: int
) -> None:
    facts = [born(), accepted(), ACKNOWLEDGED, ASKED]
    await reach(portal, tale, *facts[:n_before])
    await dvcqg.faults(fault("timeout_after_effect", call))
    told = tale.last(facts[n_before])
    assert (await portal.deliver(told)).answer is Answer.UNKNOWN
    seen = await portal.observe(told)
    assert seen is not None
    is_whole = call == PROGRESS or n_before > 0
    assert seen.answer is (Answer.TAKEN if is_whole else Answer.NO_EFFECT)
    assert (await portal.deliver(told)).answer is Answer.TAKEN
    assert [await n_effects(dvcqg, one) for one in (HEADER, PROGRESS)] == [n_before + 1] * 2
    assert len(await texts(dvcqg, tale)) == n_before + 1


@BOTH
@pytest.mark.parametrize("kind", ["bad_gateway", "error_inside", "silent_loss", "timeout_after_effect"])
async def test_after_any_failure_the_repeat_sends_only_what_is_missing(
    dvcqg: Partner, portal: SessionPortal, tale: Tale, call: str, kind: str
) -> None:
    await reach(portal, tale, born(), accepted())
    await dvcqg.faults(fault(kind, call))
    told = tale.last(ACKNOWLEDGED)
    said = await portal.deliver(told)
    assert said.answer is Answer.UNKNOWN
    seen = await portal.observe(told)
    is_lost = kind != "timeout_after_effect"
    assert seen is not None
    assert (seen.answer, call in seen.message) == (Answer.NO_EFFECT if is_lost else Answer.TAKEN, is_lost)
    assert (await portal.deliver(told)).answer is Answer.TAKEN
    assert [await n_effects(dvcqg, one) for one in (HEADER, PROGRESS)] == [3, 3]
    found = await dvcqg.dossier(str(tale.dossier_id))
    assert (found["state"], found["log_state"], found["received_at"]) == ("4", "4", "2026-10-05T01:02:00.000Z")


@pytest.mark.parametrize("call", ["login", READ])
@pytest.mark.parametrize("kind", ["bad_gateway", "error_inside", "timeout_after_effect"])
async def test_what_fails_before_anything_was_sent_has_no_effect(
    dvcqg: Partner, portal: SessionPortal, tale: Tale, call: str, kind: str
) -> None:
    await dvcqg.faults(fault(kind, call))
    told = tale.last(born())
    assert (await portal.deliver(told)).answer is Answer.NO_EFFECT
    assert await dvcqg.codes() == []
    assert (await portal.deliver(told)).answer is Answer.TAKEN


@pytest.mark.parametrize("how", ["503", "close"])
async def test_a_portal_that_is_down_gets_nothing_and_everything_later(
    dvcqg: Partner, portal: SessionPortal, tale: Tale, how: str
) -> None:
    await dvcqg.faults({"kind": "down", "seconds": 60, "answer": how})
    told = tale.last(born())
    assert (await portal.deliver(told)).answer is Answer.NO_EFFECT
    seen = await portal.observe(told)
    assert seen is not None
    assert seen.answer is Answer.UNKNOWN
    await dvcqg.faults()
    assert (await portal.deliver(told)).answer is Answer.TAKEN


async def test_a_yes_to_what_was_lost_is_not_believed(dvcqg: Partner, portal: SessionPortal, tale: Tale) -> None:
    """Chaos, seed 20261127: the line of a header that was lost is refused, which is no person's matter."""
    await dvcqg.faults(fault("silent_loss", HEADER))
    told = tale.last(born())
    said = await portal.deliver(told)
    assert (said.answer, said.reason_code) == (Answer.UNKNOWN, "not_there_after_yes")
    assert await dvcqg.codes() == []
    assert (await portal.deliver(told)).answer is Answer.TAKEN


@pytest.mark.parametrize("seed", range(3))
async def test_births_that_are_lost_again_and_again_are_never_refusals(
    dvcqg: Partner, portal: SessionPortal, seed: int
) -> None:
    lost = {"kind": "silent_loss", "probability": 0.5, "calls": [HEADER]}
    unread = {"kind": "bad_gateway", "probability": 0.4, "calls": [READ]}
    await dvcqg.faults(lost, unread, seed=seed)
    for _ in range(8):
        await insist(portal, Tale("dvcqg").last(born()))


async def test_what_the_portal_forgets_later_is_found_by_observing(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    told = tale.last(born())
    await portal.deliver(told)
    await dvcqg.client.delete(f"/sandbox/dvcqg/dossiers/{tale.dossier_id}")
    seen = await portal.observe(told)
    assert seen is not None
    assert (seen.answer, seen.reason_code) == (Answer.NO_EFFECT, "not_there")


async def test_a_change_is_never_the_first_of_a_dossier_that_is_gone(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    await reach(portal, tale, born())
    await dvcqg.client.delete(f"/sandbox/dvcqg/dossiers/{tale.dossier_id}")
    said = await portal.deliver(tale.last(accepted()))
    assert (said.answer, said.reason_code, await dvcqg.codes()) == (Answer.GONE, "not_there", [])


async def test_a_line_that_stands_there_under_another_number_is_not_added_again_with_its_header(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    """Workflow, restored from a backup, numbered two facts that cross in the other order."""
    await reach(portal, tale, born(), accepted())
    before = replace(tale)
    moved = tale.last(SAMPLES["DeadlineMoved"])
    assert (await portal.deliver(moved)).answer is Answer.TAKEN
    crossed = before.last(SAMPLES["ApplicantChanged"])
    assert (await portal.deliver(replace(crossed, at=crossed.at + timedelta(seconds=30)))).answer is Answer.TAKEN
    again = replace(moved, no=4, is_repeat=True)
    seen = await portal.observe(again)
    assert seen is not None
    assert seen.answer is Answer.NO_EFFECT
    assert (await portal.deliver(again)).answer is Answer.TAKEN
    assert len((await dvcqg.dossier(str(tale.dossier_id)))["progress"]) == 4


async def test_a_dossier_that_goes_while_a_change_is_on_its_way_is_gone(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    await reach(portal, tale, born())
    await dvcqg.faults({"kind": "delay", "next_calls": 1, "calls": [HEADER], "seconds": 0.8})
    n_before = await n_tried(dvcqg, READ)
    telling = asyncio.create_task(portal.deliver(tale.last(accepted())))

    async def was_read() -> bool:
        return await n_tried(dvcqg, READ) > n_before

    await eventually(was_read)
    await dvcqg.client.delete(f"/sandbox/dvcqg/dossiers/{tale.dossier_id}")
    said = await telling
    assert (said.answer, said.reason_code, await dvcqg.codes()) == (Answer.GONE, "not_there", [])


async def test_dates_that_the_portal_did_reset_are_noticed_and_put_right(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    await reach(portal, tale, born(), accepted())
    await dvcqg.faults(fault("reset_dates", HEADER))
    told = tale.last(ACKNOWLEDGED)
    said = await portal.deliver(told)
    assert (said.answer, said.reason_code) == (Answer.UNKNOWN, "not_there_after_yes")
    assert (await portal.deliver(told)).answer is Answer.TAKEN
    found = await dvcqg.dossier(str(tale.dossier_id))
    assert (found["received_at"], found["due_at"]) == ("2026-10-05T01:02:00.000Z", "2026-10-17T01:00:00.000Z")
    assert len(found["progress"]) == 3


async def test_every_header_after_the_first_is_an_update(dvcqg: Partner, portal: SessionPortal, tale: Tale) -> None:
    await dvcqg.faults(fault("timeout_after_effect", HEADER))
    told = tale.last(born())
    for _ in range(3):
        await portal.deliver(told)
    await reach(portal, tale, accepted(), ACKNOWLEDGED, ASKED, BROUGHT)
    found = await dvcqg.dossier(str(tale.dossier_id))
    assert (found["received_at"], found["due_at"]) == ("2026-10-05T01:02:00.000Z", "2026-10-17T01:00:00.000Z")
    assert len(found["progress"]) == 5


async def test_a_session_that_the_portal_forgot_is_renewed_and_the_call_made_once(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    await reach(portal, tale, born())
    portal._client._session = "het-han"
    await reach(portal, tale, accepted())
    assert await n_tried(dvcqg, "login") == 2
    assert len(await texts(dvcqg, tale)) == 2


async def test_dates_are_not_reset_by_a_repeat_even_at_a_portal_that_would(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    await reach(portal, tale, born(), accepted())
    told = tale.last(ACKNOWLEDGED)
    await dvcqg.faults(fault("timeout_after_effect", HEADER))
    assert (await portal.deliver(told)).answer is Answer.UNKNOWN
    await dvcqg.faults(fault("reset_dates", HEADER, n=50))
    for _ in range(3):
        assert (await portal.deliver(told)).answer is Answer.TAKEN
    found = await dvcqg.dossier(str(tale.dossier_id))
    assert (found["received_at"], found["due_at"]) == ("2026-10-05T01:02:00.000Z", "2026-10-17T01:00:00.000Z")
    assert await n_effects(dvcqg, HEADER) == 3


@pytest.mark.parametrize("seed", range(4))
async def test_a_whole_life_at_a_portal_that_fails_all_the_time_ends_with_every_step_once(
    dvcqg: Partner, portal: SessionPortal, tale: Tale, seed: int
) -> None:
    kinds = ("timeout_after_effect", "bad_gateway", "error_inside", "silent_loss")
    extra = {"timeout_after_effect": {"seconds": 0.01}}
    switches = [{"kind": kind, "probability": 0.12, **extra.get(kind, {})} for kind in kinds]
    await dvcqg.faults(*switches, seed=seed)
    deliveries = tale.all(*land_transfer())
    for told in deliveries:
        await insist(portal, told)
    found = await dvcqg.dossier(str(tale.dossier_id))
    numbers = [one["text"].partition(":")[0] for one in found["progress"]]
    assert numbers == [f"Bước {no}" for no in range(1, len(deliveries) + 1)]
    assert (found["state"], found["log_state"]) == ("10", "10")
    assert (found["received_at"], found["due_at"]) == ("2026-10-05T01:02:00.000Z", "2026-10-22T01:00:00.000Z")


async def test_an_answer_that_does_not_come_in_time_is_unknown(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    await dvcqg.faults(fault("timeout_after_effect", HEADER) | {"seconds": 3})
    said = await portal.deliver(tale.last(born()))
    assert (said.answer, said.message) == (Answer.UNKNOWN, "ReadTimeout")


async def test_without_the_particulars_nothing_is_sent(dvcqg: Partner, portal: SessionPortal, tale: Tale) -> None:
    async def no_people() -> dict[str, str]:
        raise httpx.ConnectError("intake is away")

    told = tale.last(born())
    with pytest.raises(httpx.ConnectError):
        await portal.deliver(replace(told, people=no_people))
    assert await dvcqg.codes() == []
    assert (await portal.deliver(told)).answer is Answer.TAKEN
