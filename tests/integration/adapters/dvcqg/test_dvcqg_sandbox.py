"""The national portal, told over real HTTP: what it shows in the end."""

from dataclasses import replace
from typing import Any

import pytest

from services.workflow.adapters.dvcqg.portal import SessionPortal
from services.workflow.adapters.dvcqg.session import SessionAccess
from services.workflow.adapters.port import Answer, Translator, Unreadable
from shared.events import intake, workflow
from tests.integration.adapters.dvcqg.steps import (
    ACKNOWLEDGED,
    CATALOGUE,
    n_tried,
    reach,
    texts,
)
from tests.integration.sandbox.partners import Partner
from tests.unit.adapters.tale import ASKED, BROUGHT, CODE, PEOPLE, SAMPLES, Tale, accepted, land_transfer
from tests.unit.adapters.tale import submitted as born


def test_the_portal_is_a_translator(portal: SessionPortal) -> None:
    translator: Translator = portal
    assert translator.system == "dvcqg"
    with pytest.raises(Unreadable):
        translator.hear("x", {})
    assert (translator.reply(is_taken=True), translator.reply(is_taken=False)) == (
        {"error_code": "0", "message": "", "result": []},
        {"error_code": "-1", "message": "", "result": []},
    )


async def test_a_whole_life_is_told_in_order_every_step_once(dvcqg: Partner, portal: SessionPortal, tale: Tale) -> None:
    deliveries = tale.all(*land_transfer())
    for told in deliveries:
        assert (await portal.deliver(told)).answer is Answer.TAKEN, told.fact
        assert (await portal.observe(told) or told).answer is Answer.TAKEN  # type: ignore[union-attr]
    found = await dvcqg.dossier(str(tale.dossier_id))
    assert (found["state"], found["log_state"]) == ("10", "10")
    assert found["received_at"] == "2026-10-05T01:02:00.000Z"
    assert found["due_at"] == "2026-10-22T01:00:00.000Z"
    numbers = [one["text"].partition(":")[0] for one in found["progress"]]
    assert numbers == [f"Bước {no}" for no in range(1, len(deliveries) + 1)]
    steps = [one["step"] for one in found["progress"]]
    assert [step for n, step in enumerate(steps) if step not in steps[n - 1 : n]] == [
        "1", "2", "4", "5", "4", "6", "4", "9", "10",
    ]  # fmt: skip
    fields = found["fields"]
    assert (fields["GhiChu"].split()[0], fields["TenLinhVuc"], fields["ChuHoSo"]) == (
        CODE, "Đất đai", PEOPLE["full_name"],
    )  # fmt: skip
    assert len(fields["DanhSachHoSoBoSung"]) == 2
    assert (await dvcqg.codes()) == [str(tale.dossier_id)]


async def test_people_are_looked_up_for_headers_only(portal: SessionPortal, tale: Tale) -> None:
    await reach(portal, tale, born(), accepted(), ACKNOWLEDGED)
    assert tale.n_looks == 3
    await reach(portal, tale, SAMPLES["LegOffered"], SAMPLES["LegAcknowledged"], SAMPLES["LegCompleted"])
    assert tale.n_looks == 3
    await reach(portal, tale, SAMPLES["ApplicantChanged"])
    assert tale.n_looks == 4


async def test_a_session_is_renewed_before_it_is_too_old(dvcqg: Partner, access: SessionAccess, tale: Tale) -> None:
    portal = SessionPortal(replace(access, session_seconds=0), CATALOGUE)
    await reach(portal, tale, born())
    await portal.close()
    assert await n_tried(dvcqg, "login") == 4


async def test_a_wrong_account_tells_nothing_and_waits(dvcqg: Partner, access: SessionAccess, tale: Tale) -> None:
    portal = SessionPortal(replace(access, username="sai"), CATALOGUE)
    said = await portal.deliver(tale.last(born()))
    await portal.close()
    assert (said.answer, said.reason_code) == (Answer.NO_EFFECT, "no_session")


async def test_what_the_portal_refuses_stops_for_a_person_and_names_nobody(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    tale.people = PEOPLE | {"identity_number": None}
    said = await portal.deliver(tale.last(born()))
    assert (said.answer, said.reason_code) == (Answer.REFUSED, "-1")
    assert "MaDoiTuong" in said.message
    assert not any(str(value) in said.message for value in PEOPLE.values())


async def test_a_state_that_the_citizen_changed_at_the_portal_is_never_written_over(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    await reach(portal, tale, born(), accepted())
    await dvcqg.act("withdraw", str(tale.dossier_id))
    said = await portal.deliver(tale.last(ACKNOWLEDGED))
    assert (said.answer, said.reason_code, said.message) == (Answer.REFUSED, "changed_at_portal", "7")
    await reach(portal, tale, SAMPLES["LegOffered"], SAMPLES["DossierWithdrawn"])
    assert (await dvcqg.dossier(str(tale.dossier_id)))["state"] == "7"
    assert len(await texts(dvcqg, tale)) == 6


async def test_a_supplement_at_reception_is_in_the_log_and_the_header_waits(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    await reach(portal, tale, born(), ASKED)
    found = await dvcqg.dossier(str(tale.dossier_id))
    assert (found["state"], found["log_state"]) == ("1", "5")
    await reach(portal, tale, BROUGHT, accepted())
    found = await dvcqg.dossier(str(tale.dossier_id))
    assert (found["state"], found["log_state"], len(found["progress"])) == ("2", "2", 4)


@pytest.mark.parametrize(("end", "code"), [("DossierWithdrawn", "7"), ("DossierStopped", "8")])
async def test_an_end_before_reception_is_in_the_log_and_the_header_says_when(
    dvcqg: Partner, portal: SessionPortal, tale: Tale, end: str, code: str
) -> None:
    """Chaos, seed 20261127: every such withdrawal was refused for want of dates, and was an incident."""
    await reach(portal, tale, born(), ASKED, SAMPLES[end])
    found = await dvcqg.dossier(str(tale.dossier_id))
    assert (found["state"], found["log_state"], len(found["progress"])) == ("1", code, 3)
    assert found["fields"]["NgayKetThucXuLy"] == "20261005080300"


async def test_a_withdrawal_before_reception_that_began_at_the_portal_stays_there_as_it_is(
    dvcqg: Partner, portal: SessionPortal, tale: Tale
) -> None:
    await reach(portal, tale, born())
    await dvcqg.act("withdraw", str(tale.dossier_id))
    await reach(portal, tale, SAMPLES["DossierWithdrawn"])
    found = await dvcqg.dossier(str(tale.dossier_id))
    assert (found["state"], found["log_state"], len(found["progress"])) == ("7", "7", 3)


@pytest.mark.parametrize(("more", "reason"), [({"procedure": "XX.99@1"}, "unmapped_procedure"), ({}, "no_number")])
async def test_what_can_not_be_mapped_is_refused_before_any_call(
    dvcqg: Partner, access: SessionAccess, tale: Tale, more: dict[str, Any], reason: str
) -> None:
    portal = SessionPortal(access, CATALOGUE, numbering="code")
    told = tale.last(born(**more))
    said, seen = await portal.deliver(told), await portal.observe(told)
    assert seen is not None
    assert (said.answer, said.reason_code) == (Answer.REFUSED, reason)
    assert (seen.answer, seen.reason_code) == (Answer.NO_EFFECT, reason)
    await portal.close()
    assert await dvcqg.log() == []


async def test_the_official_code_can_be_the_number(dvcqg: Partner, access: SessionAccess, tale: Tale) -> None:
    portal = SessionPortal(access, CATALOGUE, numbering="code")
    tale.tell(born())
    told = replace(tale.last(accepted()), is_first=True)
    assert (await portal.deliver(told)).answer is Answer.TAKEN
    await reach(portal, tale, ACKNOWLEDGED)
    await portal.close()
    assert await dvcqg.codes() == [CODE]


async def test_a_fact_without_a_translation_is_refused(portal: SessionPortal, tale: Tale) -> None:
    told = tale.last(born(), accepted())
    unknown = replace(told, fact="LegRefused", data={"leg_no": 1, "reason_code": "x"})
    assert (await portal.deliver(unknown)).reason_code == "no_call"


@pytest.mark.parametrize("fact", ["ResultReturned", "DossierReopened"])
async def test_a_result_found_wrong_is_four_again_with_a_line_that_says_why(
    dvcqg: Partner, portal: SessionPortal, tale: Tale, fact: str
) -> None:
    last = [SAMPLES["ResultReturned"]] if fact == "ResultReturned" else []
    await reach(portal, tale, born(), accepted(), ACKNOWLEDGED, workflow.RouteCompleted(outcome="granted"), *last)
    await reach(portal, tale, intake.DossierReopened(reason_code="WRONG_NAME"))
    found = await dvcqg.dossier(str(tale.dossier_id))
    assert (found["state"], found["log_state"]) == ("4", "4")
    assert "WRONG_NAME" in found["progress"][-1]["text"]
    assert not {"NgayKetThucXuLy", "NgayTra"} & set(found["fields"])
