"""Modes of the answer: what counts as sent, what is sent again, what two calls of one change come to."""

from tests.desync.naive import Naive, Portal, Registry
from tests.desync.table import Table
from tests.desync.town import SUPPLEMENT, Town
from tests.integration.notify.town import PRIVATE
from tests.integration.sandbox.partners import CODE, reception

OTHER = "H99.01-261119-0002"


async def test_03_what_failed_is_not_taken(town: Town, table: Table) -> None:
    registry = town.partner("vbdlis")
    naive = Naive(Registry(registry).tell)
    await registry.faults({"kind": "bad_gateway", "next_calls": 1})
    naive.change(CODE)
    for _ in range(3):
        await naive.run()
    assert [row.state for row in naive.queue] == ["done"]
    assert await registry.codes() == []

    dossier_id, code = await town.accept()
    await registry.faults({"kind": "bad_gateway", "next_calls": 2})
    async with town.adapter("vbdlis"):
        failed = await town.settled("vbdlis", dossier_id, state="waiting")
        assert failed["acknowledged_at"] is None
        [done] = await town.told("vbdlis", dossier_id)
    assert (done["n_tries"], await registry.codes()) == (3, [code])
    table.add(
        3,
        naive="the queue says done, VBDLIS has nothing",
        ours="in step: two 502 are no answer, nothing is acknowledged; the third try is taken, once",
    )


async def test_06_header_and_progress_have_an_outcome_each(town: Town, table: Table) -> None:
    portal = town.partner("dvcqg")
    broken = {"kind": "bad_gateway", "next_calls": 1, "calls": ["CapNhatTienDoHoSoMC"]}
    naive = Naive(Portal(portal).tell)
    naive.change(CODE, "4")
    await naive.run()
    await portal.faults(broken)
    naive.change(CODE, "10")
    for _ in range(2):
        await naive.run()
    seen = await portal.dossier(CODE)
    assert (seen["state"], seen["log_state"]) == ("10", "4")
    assert not naive.is_waiting(CODE)

    dossier_id, _ = await town.accept()
    async with town.adapter("dvcqg"):
        before, number = await town.told("dvcqg", dossier_id), str(dossier_id)
        headers = await town.calls("dvcqg", number, "DongBoHoSoMC")
        await portal.faults(broken)
        await town.command(dossier_id, "request-supplement", SUPPLEMENT)
        half = await town.settled("dvcqg", dossier_id, no=len(before) + 1, state="unknown")
        assert half["acknowledged_at"] is None
        lane = await town.told("dvcqg", dossier_id)
    assert await town.calls("dvcqg", number, "DongBoHoSoMC") == [*headers, True]
    seen = await town.at_portal(dossier_id)
    assert (seen["state"], seen["log_state"], len(seen["progress"])) == ("5", "5", len(lane))
    table.add(
        6,
        naive="the header says returned, the log says processing; the queue says done",
        ours="in step: with one of its two calls failed a delivery is *unknown*; only the missing line is sent, then"
        " header and log agree",
    )


async def test_14_words_alone_decide_nothing(town: Town, table: Table) -> None:
    registry = town.partner("vbdlis")
    naive = Registry(registry)
    await registry.call("tiepnhan", reception(OTHER, ThongTinNguoiNopDon={"HoTen": "Trần Thị Khác"}))
    await registry.faults({"kind": "error_inside", "next_calls": 1})
    assert await naive.is_told(CODE)
    assert await naive.is_told(OTHER)
    assert await registry.codes() == [OTHER]
    assert (await registry.dossier(OTHER))["fields"]["ThongTinNguoiNopDon"]["HoTen"] == "Trần Thị Khác"

    await registry.reset()
    foreign, foreign_code = await town.accept()
    await registry.call("tiepnhan", reception(foreign_code, ThongTinNguoiNopDon={"HoTen": "Trần Thị Khác"}))
    async with town.adapter("vbdlis"):
        refused = await town.settled("vbdlis", foreign, state="refused")
        await registry.faults({"kind": "error_inside", "next_calls": 1})
        dossier_id, code = await town.accept()
        doubtful = await town.settled("vbdlis", dossier_id, state="unknown")
        assert doubtful["acknowledged_at"] is None
        await town.told("vbdlis", dossier_id)
    [incident] = await town.incidents(foreign)
    assert (incident["kind"], incident["theirs"]["message"]) == ("refused", refused["message"])
    assert (await registry.dossier(code))["fields"]["ThongTinNguoiNopDon"]["HoTen"] == PRIVATE[0]
    table.add(
        14,
        naive="*thành công* with an error inside and *đã tồn tại* of somebody else's dossier both count as sent",
        ours="the error inside is *unknown* and sent again: in step; *đã tồn tại* on a first try is a visible incident"
        " with the words",
    )
