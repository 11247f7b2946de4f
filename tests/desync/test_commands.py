"""Modes of the command: what the partner hears before the commit, and what the officer may do while it is away."""

import sqlite3

import pytest

from tests.desync.naive import Naive, Registry, accept_and_tell
from tests.desync.table import Table
from tests.desync.town import Town
from tests.integration.sandbox.partners import CODE, Partner


async def test_10_nothing_is_said_before_the_commit(town: Town, table: Table) -> None:
    await _tell_too_early(town.partner("vbdlis"))
    tax = town.partner("tax")
    dossier_id, code = await town.accept()
    other, other_code = await town.accept()
    async with town.adapter("tax"):
        async with town.no_commit("INSERT", "NEW.system = 'tax'"):
            with pytest.raises(AssertionError, match="internal"):
                await town.work(dossier_id, "appraisal", "slip_sent")
        assert (await town.legs(dossier_id))["appraisal"] == "in_progress"
        await town.work(other, "appraisal", "slip_sent")
        await town.told("tax", other, "acknowledged")
        assert await tax.codes() == [other_code]
        await town.work(dossier_id, "appraisal", "slip_sent")
        await town.told("tax", dossier_id, "acknowledged")
    assert await town.calls("tax", code, "TCT_GPC") == [True]
    table.add(
        10,
        naive="the commit fails after the call: VBDLIS has a dossier that the one-stop has not",
        ours="in step: a commit that PostgreSQL refused leaves the leg as it was and tax hears nothing; done again, one"
        " slip",
    )


async def _tell_too_early(registry: Partner) -> None:
    """Tell VBDLIS in a transaction whose commit can not be."""
    database = sqlite3.connect(":memory:")
    database.executescript("CREATE TABLE dossier (code); CREATE TABLE receipt (code UNIQUE)")
    database.execute("INSERT INTO receipt VALUES (?)", (CODE,))
    database.commit()
    with pytest.raises(sqlite3.IntegrityError):
        await accept_and_tell(database, CODE, Registry(registry).tell)
    assert database.execute("SELECT code FROM dossier").fetchall() == []
    assert await registry.codes() == [CODE]
    database.close()


async def test_11_an_outage_of_partners_stops_no_officer(town: Town, table: Table) -> None:
    partners = {system: town.partner(system) for system in ("vbdlis", "dvcqg", "tax")}
    for partner in partners.values():
        await partner.faults({"kind": "down", "seconds": 600})
    naive = Naive(Registry(partners["vbdlis"]).tell, most_tries=10)
    naive.change(CODE)
    for _ in range(5):
        await naive.run()
    assert naive.is_waiting(CODE)

    dossier_id, code = await town.accept()
    async with town.adapter("vbdlis"), town.adapter("dvcqg"):
        for system in ("vbdlis", "dvcqg"):
            await town.tried(system, dossier_id, 1)
        for leg, outcome in (("appraisal", "slip_sent"), ("tax", "no_tax_due"), ("registration", "signed")):
            await town.work(dossier_id, leg, outcome)
        for system in ("vbdlis", "dvcqg"):
            assert (await town.lane(system, dossier_id))[0]["acknowledged_at"] is None
        for partner in partners.values():
            await partner.faults()
        for system in ("vbdlis", "dvcqg"):
            await town.told(system, dossier_id)
        async with town.adapter("tax"):
            await town.told("tax", dossier_id, "acknowledged")
    seen = await town.at_portal(dossier_id)
    assert (seen["state"], seen["log_state"]) == ("9", "9")
    assert [await partners[system].codes() for system in ("vbdlis", "tax")] == [[code]] * 2
    table.add(
        11,
        naive="while VBDLIS is down the buttons of its dossier stay disabled",
        ours="in step: with three partners down all three agencies finish their legs; when they are back, each is told"
        " everything",
    )
