"""The people of a dossier: versions that never change, and every look at any of them recorded."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from shared.events.intake import ApplicantChanged
from tests.integration.intake.support import accepted, published, read
from tests.integration.intake.test_reception import UNIT, command, everything, submit
from tests.support import World

NEW_NAME = "Trần Thị Mới"
PEOPLE: dict[str, Any] = {
    "applicant": {"kind": "citizen", "full_name": NEW_NAME, "email": "moi@example.invalid"},
    "parties": [{"full_name": "Lê Văn Bên", "role": "bên nhận"}],
}


async def change(intake: World, dossier_id: Any, seen: str | int | None, **given: Any) -> httpx.Response:
    token = given.pop("token", None) or intake.issuer.token("officer", agency=UNIT)
    headers = given.pop("headers", {}) | ({} if seen is None else {"If-Match": f'"{seen}"'})
    path = f"/v1/dossiers/{dossier_id}/applicant"
    body = given.pop("json", PEOPLE)
    return await intake.call("intake", "PUT", path, token=token, headers=headers, json=body, **given)


async def look(intake: World, dossier_id: Any, version: int | None = None) -> dict[str, Any]:
    which = "" if version is None else f"&version={version}"
    found: dict[str, Any] = (await read(intake, dossier_id, f"/applicant?purpose=check{which}")).json()
    return found


async def test_a_change_is_a_new_version_and_the_one_before_stays(intake: World) -> None:
    made = (await submit(intake)).json()
    done = await change(intake, made["id"], 1)
    assert (done.status_code, done.json()["applicant_version"], done.headers["ETag"]) == (200, 2, '"2"')
    assert done.json()["status"] == "submitted"
    before, now = await look(intake, made["id"], 1), await look(intake, made["id"])
    assert before["applicant"]["full_name"] == "Nguyễn Văn Thử"
    assert (now["version"], now["applicant"]["full_name"], now["parties"][0]["role"]) == (2, NEW_NAME, "bên nhận")
    assert now["private_attributes"] == before["private_attributes"] != {}


async def test_only_the_number_of_the_version_is_published(intake: World) -> None:
    made = (await submit(intake)).json()
    answer = await change(intake, made["id"], 1)
    assert NEW_NAME not in answer.text
    assert await published(intake, UUID(made["id"]), ApplicantChanged) == [ApplicantChanged(applicant_version=2)]
    async with intake.service("intake").sessions() as session:
        kept = await session.scalars(text("SELECT data FROM event UNION ALL SELECT body FROM idempotency_key"))
        assert NEW_NAME not in b"".join(kept).decode()


async def test_looks_at_old_and_new_versions_are_recorded(intake: World) -> None:
    made = (await submit(intake)).json()
    await change(intake, made["id"], 1)
    for version in (1, 2, None, 1):
        await look(intake, made["id"], version)
    query = text("SELECT version FROM applicant_look WHERE dossier_id = :id ORDER BY looked_at")
    async with intake.service("intake").sessions() as session:
        assert list(await session.scalars(query, {"id": made["id"]})) == [1, 2, 2, 1]


async def test_of_two_changes_at_once_one_has_to_read_again(intake: World) -> None:
    made = (await submit(intake)).json()
    answers = await asyncio.gather(*(change(intake, made["id"], 1) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_a_decision_on_particulars_that_changed_meanwhile_has_to_be_made_again(intake: World) -> None:
    made = (await submit(intake)).json()
    await change(intake, made["id"], 1)
    assert (await command(intake, made["id"], "accept", 1)).status_code == 412
    assert (await command(intake, made["id"], "accept", 2)).status_code == 200


async def test_the_same_key_changes_once(intake: World) -> None:
    made = (await submit(intake)).json()
    headers = {"Idempotency-Key": str(uuid4())}
    first, second = [await change(intake, made["id"], 1, headers=headers) for _ in range(2)]
    assert (second.status_code, second.content) == (200, first.content)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (await look(intake, made["id"]))["version"] == 2


async def lose(intake: World, dossier_id: str) -> None:
    """Leave what a restore leaves of a dossier that was submitted after the backup."""
    async with intake.service("intake").sessions.begin() as session:
        await session.execute(text("DELETE FROM applicant WHERE dossier_id = :id"), {"id": dossier_id})


async def test_particulars_that_a_backup_lacks_are_asked_for_again_and_stand_for_those_that_are_lost(
    intake: World,
) -> None:
    """Chaos, seed 503: they could not be given again, and what was told with them was never sent."""
    made = (await submit(intake)).json()
    await lose(intake, made["id"])
    gone = await read(intake, made["id"], "/applicant?purpose=check&version=1")
    assert (gone.status_code, gone.json()["code"]) == (404, "applicant_lost")
    done = await change(intake, made["id"], 1)
    assert (done.status_code, done.json()["applicant_version"]) == (200, 2)
    found = await look(intake, made["id"], 1)
    assert (found["version"], found["applicant"]["full_name"], found["private_attributes"]) == (2, NEW_NAME, {})
    assert (await read(intake, made["id"], "/applicant?purpose=check&version=3")).status_code == 404


WHO: dict[str, tuple[dict[str, str], int]] = {
    "the portal that submitted it": ({"role": "portal"}, 200),
    "the unit that received it": ({"role": "officer", "agency": UNIT}, 200),
    "another unit": ({"role": "officer", "agency": "H99.02"}, 404),
    "another applicant": ({"role": "applicant", "subject": "other"}, 404),
    "ops": ({"role": "ops"}, 403),
    "a system": ({"role": "system", "subject": "notify"}, 403),
}


@pytest.mark.parametrize("who", WHO)
async def test_only_those_concerned_may_change_the_people(intake: World, who: str) -> None:
    given, status = WHO[who]
    made = (await submit(intake)).json()
    answer = await change(intake, made["id"], 1, token=intake.issuer.token(**given))
    assert answer.status_code == status, answer.text


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no applicant": ({"parties": []}, "/applicant"),
    "another kind": ({"applicant": {"kind": "business", "full_name": "Công ty Thử"}}, "/applicant/kind"),
    "an unknown field": ({**PEOPLE, "version": 7}, "/version"),
    "no e-mail address": ({"applicant": {**PEOPLE["applicant"], "email": "x"}}, "/applicant/email"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_change_gets_a_clear_problem_and_changes_nothing(intake: World, name: str) -> None:
    body, pointer = WRONG[name]
    made = (await submit(intake)).json()
    before = await everything(intake)
    answer = await change(intake, made["id"], 1, json=body)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])
    assert await everything(intake) == before


async def test_a_change_needs_the_version_and_an_open_dossier(intake: World) -> None:
    dossier_id = await accepted(intake)
    assert (await change(intake, dossier_id, None)).status_code == 428
    assert (await change(intake, dossier_id, 1)).status_code == 412
    await command(intake, str(dossier_id), "withdraw", 2, json={"reason_code": "own-wish"})
    ended = await change(intake, dossier_id, 3)
    assert (ended.status_code, ended.json()["code"]) == (409, "illegal_transition")
    assert (ended.json()["status_now"], ended.json()["allowed"]) == ("withdrawn", [])
    english = await change(intake, dossier_id, 3, headers={"Accept-Language": "en"})
    assert "withdrawn" in english.json()["detail"] != ended.json()["detail"]
