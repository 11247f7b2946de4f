"""Reception over REST: submit, accept, and everything that must be refused without a trace."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from tests.support import Databases, Holds, Issuer, World, world

UNIT = "H99.01"
COMPONENTS = [{"code": code, "n_copies": 1} for code in ("DON-11", "HOP-DONG", "GCN")]
SUBMISSION: dict[str, Any] = {
    "procedure_code": "DD.01",
    "channel": "online",
    "receiving_unit_code": UNIT,
    "applicant": {"kind": "citizen", "full_name": "Nguyễn Văn Thử", "phone": "0900000001"},
    "result_delivery": "electronic",
    "attributes": {"transfer_kind": "gift", "parcel_no": "1", "map_sheet_no": "2", "area_m2": 100.5},
    "components": COMPONENTS,
}


@contextlib.asynccontextmanager
async def intake_alone(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    """Intake alone; what the others own is put in as replicas."""
    async with world(databases, issuer, services=("intake",), role="api", holds=Holds.ALL) as running:
        yield running


async def submit(intake: World, body: dict[str, Any] | None = None, key: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": key or str(uuid4())}
    token = intake.issuer.token("portal")
    return await intake.call("intake", "POST", "/v1/dossiers", token=token, json=body or SUBMISSION, headers=headers)


async def command(intake: World, dossier_id: str, verb: str, version: int | str | None, **given: Any) -> httpx.Response:
    token = given.pop("token", None) or intake.issuer.token("officer", agency=UNIT)
    headers = {} if version is None else {"If-Match": version if isinstance(version, str) else f'"{version}"'}
    path = f"/v1/dossiers/{dossier_id}/{verb}"
    return await intake.call("intake", "POST", path, token=token, headers=headers, **given)


async def everything(intake: World) -> list[Any]:
    """Return what the database holds, so that a refusal can be seen to leave no trace."""
    tables = ("dossier", "applicant", "event", "head", "idempotency_key", "code_counter", "payment_notice")
    async with intake.service("intake").sessions() as session:
        return [list(await session.execute(text(f"SELECT * FROM {table} ORDER BY 1"))) for table in tables]


async def test_a_submitted_dossier_is_accepted_with_a_code_and_an_appointment(intake: World) -> None:
    made = await submit(intake)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/v1/dossiers/{made.json()['id']}"
    done = await command(intake, made.json()["id"], "accept", made.headers["ETag"])
    assert done.status_code == 200, done.text
    assert done.json()["status"] == "accepted"
    assert done.json()["code"].startswith("H99.01-")
    assert done.json()["appointment_at"].endswith("17:00:00+07:00")
    officer = intake.issuer.token("officer", agency=UNIT)
    seen = await intake.call("intake", "GET", f"/v1/dossiers/{made.json()['id']}", token=officer)
    assert seen.json() == done.json()


async def test_the_same_key_answers_the_first_response_again_byte_for_byte(intake: World) -> None:
    key = str(uuid4())
    first = await submit(intake, key=key)
    second = await submit(intake, key=key)
    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["ETag"] == first.headers["ETag"]
    other = await submit(intake, {**SUBMISSION, "result_delivery": "post"}, key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_one_key_sent_many_times_at_once_makes_one_dossier(intake: World) -> None:
    key = str(uuid4())
    answers = await asyncio.gather(*(submit(intake, key=key) for _ in range(8)))
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    refused = [answer for answer in answers if answer.status_code != 201]
    assert all(answer.status_code == 409 and answer.headers["Retry-After"] for answer in refused)


async def test_two_officers_accepting_at_once_get_one_200_and_one_409(intake: World) -> None:
    made = (await submit(intake)).json()
    answers = await asyncio.gather(*(command(intake, made["id"], "accept", 1) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_codes_of_many_acceptances_at_once_are_unique_and_without_gaps(intake: World) -> None:
    made = [(await submit(intake)).json()["id"] for _ in range(20)]
    answers = await asyncio.gather(*(command(intake, dossier_id, "accept", 1) for dossier_id in made))
    numbers = sorted(int(answer.json()["code"][-4:]) for answer in answers)
    assert numbers == list(range(numbers[0], numbers[0] + 20))


WRONG_BODIES: dict[str, tuple[Any, int, str]] = {
    "malformed JSON": (b"{not json", 422, "malformed"),
    "an array": (b"[]", 422, "malformed"),
    "an unknown field": ({**SUBMISSION, "extra": 1}, 422, "/extra"),
    "a wrong type": ({**SUBMISSION, "channel": 7}, 422, "/channel"),
    "a channel that is none": ({**SUBMISSION, "channel": "fax"}, 422, "/channel"),
    "an unknown procedure": ({**SUBMISSION, "procedure_code": "NO"}, 422, "/procedure_code"),
    "an unknown unit": ({**SUBMISSION, "receiving_unit_code": "NO"}, 422, "/receiving_unit_code"),
    "a unit that receives nothing": ({**SUBMISSION, "receiving_unit_code": "H99.VPDK"}, 422, "/receiving_unit_code"),
    "a unit of the past": ({**SUBMISSION, "receiving_unit_code": "H99.71"}, 422, "/receiving_unit_code"),
    "a missing component": ({**SUBMISSION, "components": COMPONENTS[:2]}, 422, "/components"),
    "a component of another procedure": (
        {**SUBMISSION, "components": [*COMPONENTS, {"code": "NO", "n_copies": 1}]}, 422, "/components/3/code",
    ),
    "an attribute that is none": ({**SUBMISSION, "attributes": {"colour": "red"}}, 422, "/attributes"),
    "an attribute of the wrong type": (
        {**SUBMISSION, "attributes": {**SUBMISSION["attributes"], "area_m2": "x"}}, 422, "/attributes/area_m2",
    ),
    "a NUL": (json.dumps({**SUBMISSION, "attributes": {"parcel_no": "a\u0000b"}}).encode(), 422, "malformed"),
    "five megabytes": (b'{"x": "' + b"y" * 5_000_000 + b'"}', 413, "body_too_large"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_BODIES)
async def test_a_wrong_body_gets_a_clear_problem_and_changes_nothing(intake: World, name: str) -> None:
    body, status, expected = WRONG_BODIES[name]
    before = await everything(intake)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
    token = intake.issuer.token("portal")
    answer = await intake.call("intake", "POST", "/v1/dossiers", token=token, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:lienthong:problem:{problem['code']}"
    pointers = [error["pointer"] for error in problem.get("errors", [])]
    assert expected == problem["code"] or expected in pointers, problem
    assert await everything(intake) == before


async def test_all_wrong_fields_are_listed_at_once_in_the_callers_language(intake: World) -> None:
    body = {**SUBMISSION, "channel": "fax", "extra": 1, "applicant": {"kind": "citizen"}}
    token = intake.issuer.token("portal")
    for language, word in (("vi", "Thiếu trường bắt buộc"), ("en", "Field required")):
        headers = {"Idempotency-Key": str(uuid4()), "Accept-Language": language}
        answer = await intake.call("intake", "POST", "/v1/dossiers", token=token, json=body, headers=headers)
        found = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
        assert set(found) == {"/channel", "/extra", "/applicant/full_name"}
        assert found["/applicant/full_name"] == word


WRONG_CALLS: dict[str, tuple[dict[str, Any], int, str]] = {
    "no token": ({"token": "", "version": 1}, 401, "unauthenticated"),
    "a forged token": ({"token": "a.b.c", "version": 1}, 401, "unauthenticated"),
    "no If-Match": ({"version": None}, 428, "version_required"),
    "a stale If-Match": ({"version": 9}, 412, "stale_version"),
    "an If-Match that is none": ({"version": "W/x"}, 412, "stale_version"),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
async def test_a_wrong_call_is_refused(intake: World, name: str) -> None:
    given, status, code = WRONG_CALLS[name]
    made = (await submit(intake)).json()
    if given.get("token") == "":
        path = f"/v1/dossiers/{made['id']}/accept"
        answer = await intake.call("intake", "POST", path, headers={"If-Match": '"1"'})
    else:
        answer = await command(intake, made["id"], "accept", given["version"], token=given.get("token"))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_state_is_checked_before_the_version(intake: World) -> None:
    made = (await submit(intake)).json()
    await command(intake, made["id"], "accept", 1)
    again = await command(intake, made["id"], "accept", 1)
    assert (again.status_code, again.json()["code"]) == (409, "already_done")
    assert "withdraw" in again.json()["allowed"]
    stale = await command(intake, made["id"], "withdraw", 1, json={"reason_code": "own-wish"})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")


async def test_an_officer_of_another_unit_and_another_applicant_see_nothing(intake: World) -> None:
    made = (await submit(intake)).json()
    others = (intake.issuer.token("officer", agency="H99.02"), intake.issuer.token("applicant", subject="other"))
    for token in others:
        seen = await intake.call("intake", "GET", f"/v1/dossiers/{made['id']}", token=token)
        assert seen.status_code == 404
        listed = await intake.call("intake", "GET", "/v1/dossiers?limit=200", token=token)
        assert made["id"] not in {item["id"] for item in listed.json()["items"]}


async def test_text_is_kept_as_it_was_written_in_composed_form(intake: World) -> None:
    name = "Nguye\u0302\u0303n '; DROP TABLE dossier; -- \U0001f600"
    body = {**SUBMISSION, "applicant": {"kind": "citizen", "full_name": name}}
    made = (await submit(intake, body)).json()
    path = f"/v1/dossiers/{made['id']}/applicant?purpose=test"
    seen = await intake.call("intake", "GET", path, token=intake.issuer.token("officer", agency=UNIT))
    assert seen.json()["applicant"]["full_name"] == "Nguyễn '; DROP TABLE dossier; -- \U0001f600"


async def test_every_look_at_an_applicant_is_recorded(intake: World) -> None:
    made = (await submit(intake)).json()
    path = f"/v1/dossiers/{made['id']}/applicant?purpose=verify-identity"
    seen = await intake.call("intake", "GET", path, token=intake.issuer.token("officer", agency=UNIT))
    assert seen.json()["applicant"]["full_name"] == "Nguyễn Văn Thử"
    query = text("SELECT purpose, subject FROM applicant_look WHERE dossier_id = :id")
    async with intake.service("intake").sessions() as session:
        looks = await session.execute(query, {"id": made["id"]})
    assert looks == [("verify-identity", "officer-H99.01")]


async def test_nothing_personal_is_in_the_ledger(intake: World) -> None:
    await submit(intake)
    async with intake.service("intake").sessions() as session:
        data = b"".join(await session.scalars(text("SELECT data FROM event"))).decode()
    assert "Thử" not in data
    assert "0900000001" not in data
    assert "parcel_no" not in data


async def test_the_public_sees_code_and_completion_and_nothing_else(intake: World) -> None:
    made = (await submit(intake)).json()
    code = (await command(intake, made["id"], "accept", 1)).json()["code"]
    answer = await intake.call("intake", "GET", f"/v1/track/{code}")
    assert answer.json() == {"code": code, "completion_percent": 10}
    assert (await intake.call("intake", "GET", "/v1/track/H99.01-000000-0001")).status_code == 404


async def test_supplement_withdraw_and_stop_follow_the_state_table(intake: World) -> None:
    made = (await submit(intake)).json()
    ask = {"ground": "incomplete", "component_codes": ["GCN"], "note": "Bổ sung bản gốc"}
    asked = await command(intake, made["id"], "request-supplement", 1, json=ask)
    assert (asked.status_code, asked.json()["status"], asked.json()["portal_code"]) == (200, "supplement_requested", 5)
    given = await command(intake, made["id"], "supplement", 2, json={"components": [{"code": "GCN", "n_originals": 1}]})
    assert given.json()["status"] == "submitted"
    gone = await command(intake, made["id"], "withdraw", 3, json={"reason_code": "own-wish"})
    assert (gone.json()["status"], gone.json()["allowed"]) == ("withdrawn", [])
    refused = await command(intake, made["id"], "stop", 4, json={"reason_code": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")


async def test_a_list_is_read_page_by_page(intake: World) -> None:
    made = [(await submit(intake)).json()["id"] for _ in range(5)]
    officer = intake.issuer.token("officer", agency=UNIT)
    seen: list[str] = []
    after = ""
    while True:
        page = (await intake.call("intake", "GET", f"/v1/dossiers?limit=2{after}", token=officer)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(seen) == len(set(seen))
    assert set(made) <= set(seen)


async def test_a_request_that_fails_at_commit_is_not_answered_with_success(intake: World) -> None:
    """Commit comes before the answer: the constraint trigger fires at commit, and the caller must hear of it."""
    sql = (
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
        "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON dossier DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    undo = "DROP TRIGGER at_commit ON dossier", "DROP FUNCTION fail"
    sessions = intake.service("intake").sessions
    async with sessions.begin() as session:
        for statement in sql:
            await session.execute(text(statement))
    try:
        answer = await submit(intake)
    finally:
        async with sessions.begin() as session:
            for statement in undo:
                await session.execute(text(statement))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
