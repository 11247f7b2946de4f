"""Modes of the queue: what is kept of a change, in which order it goes, what a crash or an outage leaves behind."""

import asyncio

from tests.desync.naive import Flagged, Naive, Portal, Registry, Row, Tax, node
from tests.desync.table import Table
from tests.desync.town import PAPERS, SUPPLEMENT, Town, steps
from tests.integration.sandbox.partners import CODE
from tests.support import eventually

OTHER = "H99.01-261119-0002"
DOWN = {"kind": "down", "seconds": 600}
CRASH = {"kind": "timeout_after_effect", "next_calls": 1, "calls": ["tiepnhan"], "seconds": 3}


async def test_01_states_in_between_reach_the_portal(town: Town, table: Table) -> None:
    portal = town.partner("dvcqg")
    naive = Naive(Portal(portal).tell, most_tries=10)
    await portal.faults(DOWN)
    for status in ("2", "5", "4"):
        naive.change(CODE, status)
        await naive.run()
    await portal.faults()
    await naive.run()
    assert steps(await portal.dossier(CODE)) == ["4"]
    assert naive.queue == [Row(CODE, "done", 4)]

    await portal.faults(DOWN)
    dossier_id, _ = await town.accept()
    async with town.adapter("dvcqg"):
        await town.tried("dvcqg", dossier_id, 1)
        await town.command(dossier_id, "request-supplement", SUPPLEMENT)
        await town.command(dossier_id, "supplement", PAPERS)
        await portal.faults()
        lane = await town.told("dvcqg", dossier_id)
    assert steps(await town.at_portal(dossier_id)) == ["1", "2", "2", "2", "5", "2"]
    assert len(lane) == 6
    table.add(
        1,
        naive="of accepted, supplement asked and processing, the portal has only the last; the queue says done",
        ours="in step: after the outage all 6 changes are there in their order, the supplement among them",
    )


async def test_02_a_change_while_another_is_on_its_way_is_told(town: Town, table: Table) -> None:
    portal = town.partner("dvcqg")
    naive = Naive(Portal(portal).tell)
    slow = {"kind": "delay", "next_calls": 1, "calls": ["DongBoHoSoMC"], "seconds": 0.4}
    await portal.faults(slow)
    naive.change(CODE, "2")
    sending = asyncio.create_task(naive.run())

    async def is_sending() -> bool:
        return naive.queue[0].state == "sending"

    await eventually(is_sending)
    naive.change(CODE, "5")
    await sending
    await naive.run()
    assert (await portal.dossier(CODE))["state"] == "2"
    assert not naive.is_waiting(CODE)

    dossier_id, _ = await town.accept()
    await portal.faults(slow)
    async with town.adapter("dvcqg"):
        await town.leased("dvcqg", dossier_id)
        await town.command(dossier_id, "request-supplement", SUPPLEMENT)
        await town.told("dvcqg", dossier_id)
    seen = await town.at_portal(dossier_id)
    assert (seen["state"], seen["log_state"]) == ("5", "5")
    table.add(
        2,
        naive="the supplement asked during the call is never sent: the portal says accepted, nothing waits",
        ours="in step: the change made during the call is a delivery of its own and follows it",
    )


async def test_04_a_crash_holds_up_nobody_else(town: Town, table: Table) -> None:
    await _crash_naively(town)
    registry = town.partner("vbdlis")
    await registry.reset()
    await registry.faults(CRASH)
    first, first_code = await town.accept()
    async with town.process("vbdlis") as killed:
        await eventually(lambda: _has(town, first_code))
        killed.kill()
        assert await killed.wait() == -9
    second, second_code = await town.accept()
    async with town.adapter("vbdlis"):
        await town.told("vbdlis", second)
        [before] = await town.lane("vbdlis", first)
        assert (before["state"], before["n_tries"]) == ("waiting", 1)
        await town.time_passes()
        [after] = await town.told("vbdlis", first)
    assert (after["n_tries"], "đã tồn tại" in after["message"]) == (2, True)
    assert sorted(await registry.codes()) == sorted([first_code, second_code])
    table.add(
        4,
        naive="one row says *sending* for ever; in 20 runs the dossier behind it is not sent",
        ours="in step: killed with -9 after the effect, it holds up no other dossier; when its lease is over it comes"
        " again as *unknown*, and is proved without a second dossier",
    )


async def _crash_naively(town: Town) -> None:
    """Let the sender die while it sends the first of two dossiers, and start it again twenty times."""
    registry = town.partner("vbdlis")
    naive = Naive(Registry(registry).tell)
    await registry.faults(CRASH)
    for code in (CODE, OTHER):
        naive.change(code)
    process = asyncio.create_task(naive.run())
    await eventually(lambda: _has(town, CODE))
    process.cancel()
    await asyncio.wait([process])
    for _ in range(20):
        await naive.run()
    assert await registry.codes() == [CODE]
    assert [row.state for row in naive.queue] == ["sending", "waiting"]


async def _has(town: Town, code: str) -> bool:
    return code in await town.partner("vbdlis").codes()


async def test_05_an_outage_longer_than_any_number_of_retries_is_lag(town: Town, table: Table) -> None:
    registry = town.partner("vbdlis")
    naive = Naive(Registry(registry).tell, most_tries=10)
    await registry.faults(DOWN)
    naive.change(CODE)
    for _ in range(12):
        await naive.run()
    await registry.faults()
    for _ in range(12):
        await naive.run()
    assert naive.queue == [Row(CODE, "error", 10)]
    assert await registry.codes() == []

    await registry.faults(DOWN)
    dossier_id, code = await town.accept()
    async with town.adapter("vbdlis", failures_until_pause=1000):
        waiting = await town.tried("vbdlis", dossier_id, 15)
        assert waiting["state"] in {"waiting", "unknown"}
        assert "vbdlis" in await town.behind()
        alarm = "an incident is open" if await town.incidents(dossier_id) else "no incident is opened"
        await registry.faults()
        await town.told("vbdlis", dossier_id)
    assert await registry.codes() == [code]
    assert (await town.calls("vbdlis", code, "tiepnhan")).count(True) == 1
    table.add(
        5,
        naive="given up after 10 tries: the partner is back, the dossier never comes, nobody is told",
        ours=f"in step: after 15 tries it still waits, shown as lag in `GET /v1/systems` ({alarm}), and arrives once"
        " when the partner is back",
    )


async def test_07_every_step_is_told_with_the_status_it_had(town: Town, table: Table) -> None:
    portal = town.partner("dvcqg")
    naive = Naive(Portal(portal).tell)
    for status in ("2", "4", "9"):
        naive.change(CODE, status)
    await naive.run()
    assert steps(await portal.dossier(CODE)) == ["9"]

    dossier_id, _ = await town.accept()
    await town.work(dossier_id, "appraisal", "tax_exempt")
    await town.work(dossier_id, "registration", "signed")
    async with town.adapter("dvcqg"):
        lane = await town.told("dvcqg", dossier_id)
    seen = await town.at_portal(dossier_id)
    assert steps(seen) == ["1", "2", "2", "2", *["4"] * 5, "9"]
    assert [one["text"].split(":")[0] for one in seen["progress"]] == [f"Bước {no}" for no in range(1, 11)]
    assert len(lane) == 10
    table.add(
        7,
        naive="three steps happened, the portal's history has one",
        ours="in step: 10 steps happened, 10 lines are there in order, each with the status of its own time",
    )


async def test_15_a_later_change_is_told_and_a_stop_is_a_stop(town: Town, table: Table) -> None:
    portal = town.partner("dvcqg")
    naive = Naive(Flagged(Portal(portal)).tell)
    for one, status in ((CODE, "2"), (CODE, "5"), (OTHER, "8")):
        naive.change(one, status)
        await naive.run()
    assert [(await portal.dossier(one))["state"] for one in (CODE, OTHER)] == ["2", "9"]
    assert {row.state for row in naive.queue} == {"done"}

    asked, _ = await town.accept()
    stopped, code = await town.accept()
    async with town.adapter("dvcqg"), town.adapter("vbdlis"):
        for dossier_id in (asked, stopped):
            await town.told("dvcqg", dossier_id)
            await town.told("vbdlis", dossier_id)
        await town.command(asked, "request-supplement", SUPPLEMENT)
        await town.command(stopped, "stop", {"reason_code": "no_supplement"})
        for dossier_id in (asked, stopped):
            await town.told("dvcqg", dossier_id)
        await town.settled("vbdlis", stopped, no=2, state="refused")
    seen = [await town.at_portal(dossier_id) for dossier_id in (asked, stopped)]
    assert [(one["state"], one["log_state"]) for one in seen] == [("5", "5"), ("8", "8")]
    assert [one["call"] for one in await town.partner("vbdlis").log(dossier=code)] == ["tiepnhan"]
    [incident] = await town.incidents(stopped)
    assert (incident["system"], incident["theirs"]["reason_code"]) == ("vbdlis", "no_call")
    table.add(
        15,
        naive="a supplement after the first sending is never sent; a stopped dossier stands there as done",
        ours="in step at the portal: supplement is 5, stop is 8; VBDLIS has no word for a stop: a visible incident"
        " `no_call`, nothing sent in its place",
    )


async def test_16_two_nodes_send_a_row_once(town: Town, table: Table) -> None:
    tax = town.partner("tax")
    queue = [Row(CODE)]
    await asyncio.gather(*(node(queue, Tax(tax).tell) for _ in range(2)))
    assert len((await tax.dossier(CODE))["fields"]["slips"]) == 2

    await tax.reset()
    dossiers = [await town.accept() for _ in range(4)]
    for dossier_id, _ in dossiers:
        await town.work(dossier_id, "appraisal", "slip_sent")
    async with town.adapter("tax"), town.adapter("tax"):
        for dossier_id, _ in dossiers:
            await town.told("tax", dossier_id, "acknowledged")
    assert [await town.calls("tax", code, "TCT_GPC") for _, code in dossiers] == [[True]] * 4

    late, code = await town.accept()
    await town.work(late, "appraisal", "slip_sent")
    await tax.faults({"kind": "delay", "next_calls": 1, "calls": ["TCT_GPC"], "seconds": 0.8})
    async with town.adapter("tax", at_once=1, call_seconds=5):
        await town.leased("tax", late)
        async with town.adapter("tax", call_seconds=5):
            await town.time_passes()
            await town.told("tax", late, "acknowledged")
            await eventually(lambda: _twice(town, code))
    [delivery] = await town.lane("tax", late)
    assert (delivery["state"], delivery["n_tries"], delivery["fence"]) == ("acknowledged", 2, 2)
    assert len((await tax.dossier(code))["fields"]["slips"]) == 1
    table.add(
        16,
        naive="both nodes send the slip: two slips, two debts",
        ours="once: two adapters, 4 slips, one call each; where a slow node's lease runs out while it sends, the other"
        " sends the same SEQ_ID under a newer fence, and there is one slip",
    )


async def _twice(town: Town, code: str) -> bool:
    return sorted(await town.calls("tax", code, "TCT_GPC")) == [False, True]
