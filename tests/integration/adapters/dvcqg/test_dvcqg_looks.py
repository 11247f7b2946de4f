"""Looks at the portal: after every fact of a life it is seen to be in step, and whatever else stands there is not."""

from dataclasses import replace
from typing import Any

import pytest

from services.workflow.adapters.dvcqg.portal import SessionPortal
from services.workflow.adapters.port import Answer, Said, Seen, Told
from services.workflow.domain import observing
from services.workflow.domain.incidents import Find
from tests.integration.adapters.dvcqg.steps import reach
from tests.integration.sandbox.partners import Partner
from tests.unit.adapters.tale import ASKED, BROUGHT, SAMPLES, Tale, accepted, land_transfer, submitted, system

OWNED = frozenset(system("dvcqg").owned)


def judged(seen: Seen | Said, told: list[Told]) -> list[Find]:
    """Judge a look as workflow does."""
    assert isinstance(seen, Seen), seen
    at = told[seen.stands_at - 1].dossier if seen.stands_at else None
    state = seen.state if at is None else {"status": at["status"], **seen.state}
    pictures: dict[str, Any] = {"told": told[-1].dossier, "ours": told[-1].dossier, "at": at}
    known = observing.Known(len(told), len(told), **pictures, log=range(1, len(told) + 1), was_seen=True, owned=OWNED)
    return observing.judge(observing.Seen(seen.exists, state, seen.stands_at, seen.has_last, seen.log), known)


async def taken(portal: SessionPortal, told: Told) -> Told:
    assert (await portal.deliver(told)).answer is Answer.TAKEN, told.fact
    return told


@pytest.mark.parametrize(
    "life",
    [
        land_transfer(),
        [submitted(), SAMPLES["DossierRefused"]],
        [submitted(), SAMPLES["DossierWithdrawn"]],
        [submitted(), ASKED, SAMPLES["DossierStopped"]],
        [submitted(), ASKED, BROUGHT, accepted(), SAMPLES["DossierWithdrawn"]],
        [submitted(channel="counter"), accepted(channel="counter"), ASKED, SAMPLES["DossierStopped"]],
    ],
)
async def test_after_every_fact_of_a_life_the_portal_is_seen_to_be_in_step(
    portal: SessionPortal, tale: Tale, life: list[Any]
) -> None:
    told: list[Told] = []
    for one in tale.all(*life):
        told.append(await taken(portal, one))
        assert judged(await portal.look(one), told) == [], one.fact
    assert tale.n_looks <= len(told)


async def test_what_clerks_do_there_is_seen_field_by_field(portal: SessionPortal, dvcqg: Partner, tale: Tale) -> None:
    told = tale.all(submitted(), accepted())
    for one in told:
        assert (await portal.deliver(one)).answer is Answer.TAKEN
    code = str(tale.dossier_id)
    for fields, name in (
        ({"NgayHenTra": "20300101080000"}, "appointment_at"),
        ({"NgayTiepNhan": "20200101080000"}, "accepted_at"),
        ({"MaTTHC": "XX.01"}, "procedure_code"),
        ({"DonViXuLy": "H99.02"}, "receiving_unit_code"),
    ):
        before = {theirs: (await dvcqg.dossier(code))["fields"][theirs] for theirs in fields}
        assert (await dvcqg.act("change", code, fields=fields)).status_code == 200
        [find] = judged(await portal.look(told[-1]), told)
        assert (set(find.theirs or {}), find.first) == ({name}, 2)
        assert (await dvcqg.act("change", code, fields=before)).status_code == 200
    assert (await dvcqg.act("withdraw", code)).status_code == 200
    [find] = judged(await portal.look(told[-1]), told)
    assert (find.theirs, find.first) == ({"status": "withdrawn"}, None)
    await dvcqg.client.delete(f"/sandbox/dvcqg/dossiers/{code}")
    assert await portal.look(told[-1]) == Seen(exists=False)


async def test_a_withdrawal_at_the_portal_before_reception_is_in_step_once_it_is_ours_too(
    portal: SessionPortal, dvcqg: Partner, tale: Tale
) -> None:
    told = [await taken(portal, tale.last(submitted()))]
    assert (await dvcqg.act("withdraw", str(tale.dossier_id))).status_code == 200
    [find] = judged(await portal.look(told[-1]), told)
    assert (find.theirs, find.first) == ({"status": "withdrawn"}, None)
    told.append(await taken(portal, tale.last(SAMPLES["DossierWithdrawn"])))
    assert judged(await portal.look(told[-1]), told) == []


@pytest.mark.parametrize(
    "fields", [{"NgayHenTra": "soon"}, {"MaTTHC": "a name with blanks"}, {"GhiChu": "ai đó viết LT:2:2"}]
)
async def test_what_is_in_no_table_is_not_understood(
    portal: SessionPortal, dvcqg: Partner, tale: Tale, fields: dict[str, str]
) -> None:
    await reach(portal, tale, submitted(), accepted())
    last = tale.last(SAMPLES["ApplicantChanged"])
    assert (await dvcqg.act("change", str(tale.dossier_id), fields=fields)).status_code == 200
    seen = await portal.look(last)
    assert isinstance(seen, Said)
    assert seen.answer is Answer.UNKNOWN


async def test_a_portal_that_is_down_or_a_procedure_without_a_name_says_nothing(
    portal: SessionPortal, dvcqg: Partner, tale: Tale
) -> None:
    last = tale.last(submitted())
    await dvcqg.faults({"kind": "down", "seconds": 60})
    for told in (last, replace(last, dossier={**last.dossier, "procedure_code": "XX.99"})):
        seen = await portal.look(told)
        assert isinstance(seen, Said)
        assert seen.answer is Answer.UNKNOWN
