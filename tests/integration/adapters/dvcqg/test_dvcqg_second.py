"""Dialect B over real HTTP: one dossier, no line twice, and what can not be known is for a person."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.workflow.adapters.dvcqg.bearer import BearerAccess, meaning
from services.workflow.adapters.dvcqg.choose import PortalSettings, make_portal
from services.workflow.adapters.dvcqg.kept import Folder, Kept
from services.workflow.adapters.dvcqg.portal import SessionPortal
from services.workflow.adapters.dvcqg.second import BearerPortal
from services.workflow.adapters.port import Answer, Unreadable
from services.workflow.adapters.posting import Answered
from tests.integration.adapters.dvcqg.steps import ACKNOWLEDGED, fault, n_effects, n_tried, reach
from tests.integration.sandbox.partners import Partner
from tests.unit.adapters.tale import PEOPLE, SAMPLES, Tale, accepted, land_transfer
from tests.unit.adapters.tale import submitted as born

CREATE, STATUS, LINE = "CreateDossier", "CapNhatTrangThai", "CapNhatTienTrinh"
KINDS = pytest.mark.parametrize("kind", ["timeout_after_effect", "bad_gateway", "error_inside"])


@pytest.fixture
def keeper(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "kept")


@pytest.fixture
async def access(dvcqg: Partner) -> BearerAccess:
    url = f"{dvcqg.client.base_url}/dvcqg/b"
    return BearerAccess(url, "lienthong", "chi-de-thu", "H99.01", timeout_seconds=1)


@pytest.fixture
async def portal(access: BearerAccess, keeper: Folder) -> AsyncIterator[BearerPortal]:
    started = BearerPortal(access, keeper)
    yield started
    await started.close()


async def only_one(dvcqg: Partner) -> dict[str, Any]:
    (code,) = await dvcqg.codes()
    found: dict[str, Any] = await dvcqg.dossier(code)
    return found


async def test_a_whole_life_is_told_in_order_every_step_once(dvcqg: Partner, portal: BearerPortal, tale: Tale) -> None:
    deliveries = [one for one in tale.all(*land_transfer()) if one.fact != "ApplicantChanged"]
    for told in deliveries:
        said = await portal.deliver(told)
        assert said.answer is Answer.TAKEN, (told.fact, said)
    found = await only_one(dvcqg)
    assert (found["state"], found["log_state"]) == ("10", "10")
    numbers = [one["text"].partition(":")[0] for one in found["progress"]]
    assert numbers == [f"Bước {told.no}" for told in deliveries]
    assert found["fields"]["NgayNop"] == "2026-10-05T08:01:00+07:00"
    assert await n_tried(dvcqg, "GetNextValue") == await n_tried(dvcqg, CREATE) == tale.n_looks == 1


@KINDS
@pytest.mark.parametrize("call", ["GetToken", "GetNextValue", CREATE, STATUS])
async def test_whatever_fails_at_the_creation_the_repeat_makes_no_second_dossier(
    dvcqg: Partner, portal: BearerPortal, tale: Tale, call: str, kind: str
) -> None:
    await dvcqg.faults(fault(kind, call))
    told = tale.last(born())
    said = await portal.deliver(told)
    is_sure = call in {"GetToken", "GetNextValue"} or (kind == "bad_gateway" and call == CREATE)
    assert said.answer is (Answer.NO_EFFECT if is_sure else Answer.UNKNOWN)
    assert await portal.observe(told) is None
    assert (await portal.deliver(told)).answer is Answer.TAKEN
    found = await only_one(dvcqg)
    assert (found["state"], len(found["progress"])) == ("1", 1)


@pytest.mark.parametrize("kind", ["timeout_after_effect", "error_inside"])
async def test_a_line_that_may_be_there_is_not_sent_again_but_shown_to_a_person(
    dvcqg: Partner, portal: BearerPortal, tale: Tale, kind: str
) -> None:
    await reach(portal, tale, born(), accepted())
    await dvcqg.faults(fault(kind, LINE))
    told = tale.last(ACKNOWLEDGED)
    assert (await portal.deliver(told)).answer is Answer.UNKNOWN
    for _ in range(2):
        said = await portal.deliver(told)
        assert (said.answer, said.reason_code) == (Answer.REFUSED, "progress_doubtful")
    assert await n_tried(dvcqg, LINE) == 3


async def test_a_line_that_certainly_was_not_taken_is_sent_again(
    dvcqg: Partner, portal: BearerPortal, tale: Tale
) -> None:
    await reach(portal, tale, born())
    await dvcqg.faults(fault("bad_gateway", LINE))
    told = tale.last(accepted())
    assert (await portal.deliver(told)).answer is Answer.UNKNOWN
    assert (await portal.deliver(told)).answer is Answer.TAKEN
    assert await n_effects(dvcqg, LINE) == 2


async def test_an_adapter_that_died_after_it_sent_does_not_send_again(
    dvcqg: Partner, access: BearerAccess, portal: BearerPortal, keeper: Folder, tale: Tale
) -> None:
    await reach(portal, tale, born())
    kept = keeper.get(str(tale.dossier_id))
    assert kept is not None
    keeper.put(str(tale.dossier_id), replace(kept, tried_no=2))
    reborn = BearerPortal(access, keeper)
    assert (await reborn.deliver(tale.last(accepted()))).reason_code == "progress_doubtful"
    await reborn.close()


async def test_a_token_that_is_not_known_any_more_is_renewed(dvcqg: Partner, portal: BearerPortal, tale: Tale) -> None:
    await reach(portal, tale, born())
    portal._client._token = str(tale.dossier_id)
    await reach(portal, tale, accepted())
    assert await n_tried(dvcqg, "GetToken") == 2


async def test_a_wrong_account_tells_nothing_and_waits(access: BearerAccess, keeper: Folder, tale: Tale) -> None:
    portal = BearerPortal(replace(access, client_id="sai"), keeper)
    said = await portal.deliver(tale.last(born()))
    await portal.close()
    assert (said.answer, said.reason_code) == (Answer.NO_EFFECT, "no_token")


async def test_what_dialect_b_can_not_say_is_refused_before_any_call(
    dvcqg: Partner, portal: BearerPortal, tale: Tale
) -> None:
    told = tale.last(born(applicant_kind="agency"))
    assert (await portal.deliver(told)).reason_code == "unmapped_applicant_kind"
    assert (await portal.deliver(tale.last(SAMPLES["ApplicantChanged"]))).reason_code == "no_call"
    assert await dvcqg.log() == []
    with pytest.raises(Unreadable):
        portal.hear("x", {})


async def test_a_refused_creation_names_nobody(dvcqg: Partner, portal: BearerPortal, tale: Tale) -> None:
    tale.people = PEOPLE | {"full_name": None}
    said = await portal.deliver(tale.last(born()))
    assert (said.answer, said.reason_code) == (Answer.REFUSED, "400")
    assert not any(value in said.message for value in PEOPLE.values() if value != "citizen")


def test_what_is_kept_is_there_for_the_next_process(tmp_path: Path) -> None:
    dossier_id = str(Tale("dvcqg").dossier_id)
    kept = Kept("H99.01-261005-0001", "QG1", 3, 2)
    assert Folder(tmp_path).get(dossier_id) is None
    Folder(tmp_path).put(dossier_id, kept)
    assert Folder(tmp_path).get(dossier_id) == kept


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, {"code": 200, "data": {"maHoSo": "x"}}, Answer.TAKEN),
        (200, {"code": 200, "message": "Thành công: lỗi", "data": None}, Answer.UNKNOWN),
        (200, {"code": 400, "data": {"maHoSo": "x"}}, Answer.UNKNOWN),
        (201, {"code": 201, "data": {"maHoSo": "x"}}, Answer.UNKNOWN),
        (400, {"code": 400}, Answer.REFUSED),
        (401, {"code": 401}, Answer.NO_EFFECT),
        (403, {"code": 403}, Answer.REFUSED),
        (404, {"code": 404}, Answer.REFUSED),
        (404, {"detail": "Not Found"}, Answer.UNKNOWN),
        (500, {"code": 500}, Answer.UNKNOWN),
    ],
)
def test_only_a_listed_status_decides(status: int, body: dict[str, Any], answer: Answer) -> None:
    assert meaning(Answered(status, body), "maHoSo").answer is answer


async def test_a_setting_chooses_the_dialect(tmp_path: Path) -> None:
    given = PortalSettings("A", "http://127.0.0.1:9", "a", "b", "H99", dstcode="VN", kept=tmp_path / "kept")
    first, second = make_portal(given), make_portal(replace(given, dialect="B"))
    assert isinstance(first, SessionPortal)
    assert isinstance(second, BearerPortal)
    assert first.system == second.system == "dvcqg"
    for one in (first, second):
        await one.close()
